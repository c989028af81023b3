package street

import "slices"

// What is annotated of an object: as much as a person who labels crops would
// take. Shares are in percent.
const (
	finer        = 2                // canvas pixels a pixel of the camera, each way
	leastSide    = 11 << screenBits // shorter objects are not annotated
	leastInFrame = 45               // share of the object's box that is in the camera's frame
	leastVisible = 38               // share of the object that nothing hides
	passing      = 12               // share of views that somebody passes through, close to the camera
)

// viewer renders the views of one moment. It is reused, by one goroutine.
type viewer struct {
	world  *world
	canvas canvas
	sensor sensor
}

// object is what a moment shows, placed in the world.
type object struct {
	moment
	model model
	parts []part
	faces []face
	light light
}

func (w *world) object(m moment) *object {
	light := lightAt(w.seed, m.frame)
	r := newRandom(w.seed, m.seed, forModel)
	o := &object{moment: m, light: light}
	switch m.class {
	case car:
		o.model = newCar(r, light.lit)
	case bus:
		o.model = newBus(r, light.lit)
	default:
		o.model = newPerson(r, m.phase)
	}
	o.parts, o.faces = o.model.placed(m.where, m.heading)
	return o
}

// view renders what one camera sees of an object into dst, planar 8-bit
// [channel, row, col]; false where there is nothing in view, and dst is left as
// it was.
func (v *viewer) view(dst []byte, o *object, camera int, r *random) bool {
	c := &v.world.cameras[camera]
	box, ok := c.bounds(o.faces)
	if !ok || box.height() < leastSide || v.world.hidden(c.eye, o.where) {
		return false
	}
	inFrame := box.within(wholeFrame)
	if inFrame.area()*100 < box.area()*leastInFrame {
		return false
	}
	crop := cropAround(inFrame, r)
	cols, rows := clamp(crop.width()>>screenBits, 8, Side), clamp(crop.height()>>screenBits, 8, Side)
	v.canvas.reset(crop, cols*finer, rows*finer)
	v.draw(o, c)
	if r.chance(passing) {
		v.drawPasser(o.light, r)
	}
	if v.canvas.whole == 0 || v.canvas.visible()*100 < v.canvas.whole*leastVisible {
		return false
	}
	v.sensor.expose(&v.canvas, c, o.light, r)
	v.sensor.write(dst)
	return true
}

// cropAround is the annotated box with margins of its own on each side, widened
// a little where it is much longer than wide. What it is stretched by makes
// proportions an unreliable cue, as in real crops.
func cropAround(box rect, r *random) rect {
	margin := func(length int64) int64 { return length * r.between(-8, 22) / 100 }
	crop := rect{
		box.left - margin(box.width()), box.top - margin(box.height()),
		box.right + margin(box.width()), box.bottom + margin(box.height()),
	}
	least := max(crop.width(), crop.height()) * r.between(42, 66) / 100
	if lack := least - crop.width(); lack > 0 {
		crop.left, crop.right = crop.left-lack/2, crop.right+lack/2
	}
	if lack := least - crop.height(); lack > 0 {
		crop.top, crop.bottom = crop.top-lack/2, crop.bottom+lack/2
	}
	return crop.within(wholeFrame)
}

// draw paints the canvas from far to near.
func (v *viewer) draw(o *object, c *camera) {
	w, k := v.world, &v.canvas
	v.drawGround(c, o.light)
	corners := []vec{o.where}
	for _, f := range o.faces {
		corners = append(corners, f.corners...)
	}
	var before []*building // stand in front of some of the object
	for _, b := range w.fromFar(c.eye) {
		if slices.ContainsFunc(corners, func(p vec) bool { return b.hides(c.eye, p) }) {
			before = append(before, b)
			continue
		}
		v.drawFaces(c, b.walls, o.light, false)
	}
	near := distance(c.eye, o.where)
	things := slices.Clone(w.things)
	slices.SortStableFunc(things, func(a, b thing) int {
		return int(clamp(distance(c.eye, b.middle)-distance(c.eye, a.middle), -1, 1))
	})
	at := 0
	for ; at < len(things) && distance(c.eye, things[at].middle) > near; at++ {
		v.drawParts(c, things[at].parts, o.light, false)
	}
	v.drawShadow(o, c)
	parts := o.parts
	if !o.model.ordered {
		parts = slices.Clone(parts)
		slices.SortStableFunc(parts, func(a, b part) int {
			return int(clamp(c.see(b.middle()).z-c.see(a.middle()).z, -1, 1))
		})
	}
	v.drawParts(c, parts, o.light, true)
	k.whole = k.visible()
	for ; at < len(things); at++ {
		if things[at].clearOf(o) {
			v.drawParts(c, things[at].parts, o.light, false)
		}
	}
	for _, b := range before {
		v.drawFaces(c, b.walls, o.light, false)
	}
}

// drawPasser covers one side of the crop with something that passes close to the
// camera.
func (v *viewer) drawPasser(l light, r *random) {
	k := &v.canvas
	color := l.on(oneOf(r, coats), vec{0, 0, unit})
	wide := k.cols * r.between(12, 42) / 100
	from := oneOf(r, []int64{0, k.cols - wide})
	lean := r.between(-40, 40) // in 1/256 of the rows
	for row := k.rows * r.between(-30, 30) / 100; row < k.rows; row++ {
		shift := (row - k.rows/2) * lean / 256
		for col := max(0, from+shift); col < min(k.cols, from+wide+shift) && row >= 0; col++ {
			k.pixels[row*k.cols+col] = color
			k.object[row*k.cols+col] = false
		}
	}
}

func (v *viewer) drawParts(c *camera, parts []part, l light, object bool) {
	for _, p := range parts {
		v.drawFaces(c, p.faces, l, object)
	}
}

func (v *viewer) drawFaces(c *camera, faces []face, l light, object bool) {
	for _, f := range faces {
		if !f.isTowards(c.eye) {
			continue
		}
		color := f.color
		if !f.glows {
			color = l.on(color, f.normal)
		}
		v.canvas.fill(c, f.corners, color, 256, object)
	}
}

// drawShadow darkens the ground under the object and away from the sun.
func (v *viewer) drawShadow(o *object, c *camera) {
	s := o.model.shadow
	sin, cos := sine(o.heading), cosine(o.heading)
	away := vec{-o.light.sun.x * 700 / unit, -o.light.sun.y * 700 / unit, 0}
	corners := make([]vec, 0, 8)
	for i := range int64(8) {
		angle := i * fullTurn / 8
		p := vec{s.length * 9 * cosine(angle) / (8 * unit), s.width * 5 * sine(angle) / (4 * unit), 0}
		corners = append(corners, p.turned(sin, cos).plus(o.where).plus(lerp(vec{}, away, o.light.direct)))
	}
	v.canvas.fill(c, corners, rgb{}, 200-o.light.direct*100/256, false)
}

// drawGround fills the whole canvas: the ground below the horizon, and above it
// the sky.
func (v *viewer) drawGround(c *camera, l light) {
	k := &v.canvas
	sky := rgb{190, 200, 214}.scaled(l.ambient + l.direct/4)
	up := vec{0, 0, unit}
	for row := range k.rows {
		// The ray through a pixel is ahead*focal + right*col - up*row, in 1/256 of a
		// pixel. Without roll, its slope is the same in all of a row.
		y := k.crop.top + (2*row+1)*k.crop.height()/(2*k.rows) - frameRows<<screenBits/2
		focal := c.focal << screenBits
		down := -(c.forward.z*focal - c.up.z*y) >> unitBits
		line := k.pixels[row*k.cols : (row+1)*k.cols]
		if down <= 0 {
			for i := range line {
				line[i] = sky
			}
			continue
		}
		for i := range line {
			x := k.crop.left + (2*int64(i)+1)*k.crop.width()/(2*k.cols) - frameCols<<screenBits/2
			east := (c.forward.x*focal + c.right.x*x - c.up.x*y) >> unitBits
			north := (c.forward.y*focal + c.right.y*x - c.up.y*y) >> unitBits
			line[i] = l.on(v.world.ground(c.eye.x+east*c.eye.z/down, c.eye.y+north*c.eye.z/down), up)
		}
	}
}
