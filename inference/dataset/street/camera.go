package street

// The cameras' own pictures, in pixels. Screen positions are in 1/256 of them.
const (
	frameCols  = 360
	frameRows  = 288
	nearPlane  = 400 // millimetres before a camera where polygons are cut
	screenBits = 8
)

// camera is a fixed camera without roll.
type camera struct {
	eye                vec
	forward, right, up vec   // orthogonal, unit length
	focal              int64 // in pixels
	tint               rgb   // gain of each channel in 1/256
	grain              int64 // noise by day, in grey levels
	soft               bool  // out of focus
}

func newCamera(eye, target vec, focal int64, tint rgb, grain int64, soft bool) camera {
	forward := target.minus(eye).direction()
	right := vec{forward.y, -forward.x, 0}.direction()
	up := right.cross(forward)
	up = vec{up.x >> unitBits, up.y >> unitBits, up.z >> unitBits}
	return camera{eye, forward, right, up, focal, tint, grain, soft}
}

// see is a point in the camera's own axes: right, up and ahead, in millimetres.
func (c *camera) see(p vec) vec {
	d := p.minus(c.eye)
	return vec{d.dot(c.right) >> unitBits, d.dot(c.up) >> unitBits, d.dot(c.forward) >> unitBits}
}

// project is the screen position of a point in the camera's axes that is not
// nearer than the near plane.
func (c *camera) project(p vec) (col, row int64) {
	return frameCols<<screenBits/2 + p.x*c.focal<<screenBits/p.z,
		frameRows<<screenBits/2 - p.y*c.focal<<screenBits/p.z
}

// rect is a part of the screen.
type rect struct{ left, top, right, bottom int64 }

func (r rect) width() int64 { return r.right - r.left }

func (r rect) height() int64 { return r.bottom - r.top }

func (r rect) area() int64 { return max(r.width(), 0) * max(r.height(), 0) >> screenBits }

func (r rect) within(o rect) rect {
	return rect{max(r.left, o.left), max(r.top, o.top), min(r.right, o.right), min(r.bottom, o.bottom)}
}

var wholeFrame = rect{0, 0, frameCols << screenBits, frameRows << screenBits}

// bounds is the smallest rect around a placed object; false where some of it is
// behind the near plane.
func (c *camera) bounds(faces []face) (rect, bool) {
	box := rect{1 << 40, 1 << 40, -1 << 40, -1 << 40}
	for _, f := range faces {
		for _, p := range f.corners {
			seen := c.see(p)
			if seen.z < nearPlane {
				return rect{}, false
			}
			col, row := c.project(seen)
			box.left, box.right = min(box.left, col), max(box.right, col)
			box.top, box.bottom = min(box.top, row), max(box.bottom, row)
		}
	}
	return box, true
}
