package street

// rgb is a colour, 0 to 255 a channel.
type rgb struct{ r, g, b int64 }

// scaled is the colour times t/256.
func (c rgb) scaled(t int64) rgb { return rgb{c.r * t / 256, c.g * t / 256, c.b * t / 256} }

// face is a flat convex polygon, its corners counterclockwise as seen from
// outside.
type face struct {
	corners []vec
	normal  vec // where it faces, unit length; set by oriented
	color   rgb
	glows   bool // shows its colour whatever the light
}

// oriented is the face with its normal.
func (f face) oriented() face {
	a, b, c := f.corners[0], f.corners[1], f.corners[2]
	f.normal = b.minus(a).cross(c.minus(a)).direction()
	return f
}

// isTowards reports whether the face is seen from outside from a point.
func (f face) isTowards(p vec) bool { return f.normal.dot(p.minus(f.corners[0])) > 0 }

// part is a convex solid: the faces that are turned away are not drawn, the
// others are drawn in order, so that what is painted on a face follows it.
type part struct{ faces []face }

// The sides of a solid, as indices of its faces.
const (
	top = iota
	front
	back
	right
	left
)

// slab is a level rectangle: half its length along x, half its width along y.
type slab struct{ x, y, z, length, width int64 }

// frustum is the solid between two slabs. Its lower side is never seen.
func frustum(low, high slab, color rgb) part {
	corner := func(s slab, dx, dy int64) vec { return vec{s.x + dx*s.length, s.y + dy*s.width, s.z} }
	a, b, c, d := corner(low, -1, -1), corner(low, 1, -1), corner(low, 1, 1), corner(low, -1, 1)
	e, f, g, h := corner(high, -1, -1), corner(high, 1, -1), corner(high, 1, 1), corner(high, -1, 1)
	return part{[]face{
		top:   {corners: []vec{e, f, g, h}, color: color},
		front: {corners: []vec{b, c, g, f}, color: color},
		back:  {corners: []vec{d, a, e, h}, color: color},
		right: {corners: []vec{a, b, f, e}, color: color},
		left:  {corners: []vec{c, d, h, g}, color: color},
	}}
}

// box is a solid with upright sides.
func box(s slab, height int64, color rgb) part {
	high := s
	high.z += height
	return frustum(s, high, color)
}

// at is a point of a side: u from its first corner to its second, v up, both in
// 1/256 of the side.
func (f face) at(u, v int64) vec {
	return lerp(lerp(f.corners[0], f.corners[1], u), lerp(f.corners[3], f.corners[2], u), v)
}

// paint puts a rectangle on a side.
func (p *part) paint(side int, u0, v0, u1, v1 int64, color rgb) {
	f := p.faces[side]
	p.faces = append(p.faces, face{corners: []vec{f.at(u0, v0), f.at(u1, v0), f.at(u1, v1), f.at(u0, v1)}, color: color})
}

// lamp puts a rectangle on a side that glows where it is lit.
func (p *part) lamp(side int, u0, v0, u1, v1 int64, color rgb, lit bool) {
	p.paint(side, u0, v0, u1, v1, color)
	p.faces[len(p.faces)-1].glows = lit
}

// wheel puts an octagon of the given radius in the upright plane of a right or
// left side, its centre at the height z.
func (p *part) wheel(side int, x, z, radius int64, color rgb) {
	y := p.faces[side].corners[0].y
	outline := [8][2]int64{{237, 98}, {98, 237}, {-98, 237}, {-237, 98}, {-237, -98}, {-98, -237}, {98, -237}, {237, -98}}
	corners := make([]vec, 8)
	for i, o := range outline {
		dx := o[0]
		if side == left {
			dx = -dx
		}
		corners[i] = vec{x + dx*radius/256, y, z + o[1]*radius/256}
	}
	p.faces = append(p.faces, face{corners: corners, color: color})
}
