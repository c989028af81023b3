package street

// canvas is the picture of a crop in work, finer than what the camera resolves.
type canvas struct {
	cols, rows int64
	crop       rect
	pixels     []rgb  // [row, col]
	object     []bool // [row, col]: the object is what is seen there
	whole      int64  // how many pixels the object has where nothing hides it
	points     []vec  // scratch of fill
	clipped    []vec  // scratch of fill
}

// reset makes the canvas that of another crop.
func (k *canvas) reset(crop rect, cols, rows int64) {
	k.crop, k.cols, k.rows, k.whole = crop, cols, rows, 0
	k.pixels, k.object = resized(k.pixels, cols*rows), resized(k.object, cols*rows)
	clear(k.object)
}

// visible is the number of pixels that show the object.
func (k *canvas) visible() int64 {
	n := int64(0)
	for _, o := range k.object {
		if o {
			n++
		}
	}
	return n
}

// project takes corners to the canvas, in 1/256 of its pixels, cut at the near
// plane. The slice is the canvas's until the next call.
func (k *canvas) project(c *camera, corners []vec) []vec {
	k.clipped = k.clipped[:0]
	last := c.see(corners[len(corners)-1])
	for _, p := range corners {
		now := c.see(p)
		if (now.z >= nearPlane) != (last.z >= nearPlane) {
			t := nearPlane - last.z
			span := now.z - last.z
			k.clipped = append(k.clipped, vec{last.x + (now.x-last.x)*t/span, last.y + (now.y-last.y)*t/span, nearPlane})
		}
		if now.z >= nearPlane {
			k.clipped = append(k.clipped, now)
		}
		last = now
	}
	k.points = k.points[:0]
	for _, p := range k.clipped {
		col, row := c.project(p)
		k.points = append(k.points, vec{
			x: (col - k.crop.left) * k.cols << screenBits / k.crop.width(),
			y: (row - k.crop.top) * k.rows << screenBits / k.crop.height(),
		})
	}
	return k.points
}

// fill draws a convex polygon. A dim below 256 darkens what is there, to dim/256, instead of covering it.
func (k *canvas) fill(c *camera, corners []vec, color rgb, dim int64, object bool) {
	points := k.project(c, corners)
	if len(points) < 3 {
		return
	}
	low, high := points[0].y, points[0].y
	for _, p := range points {
		low, high = min(low, p.y), max(high, p.y)
	}
	for row := max(0, (low+127)>>8); row < min(k.rows, (high+128)>>8); row++ {
		y := row<<8 + 128
		from, to := int64(1<<40), int64(-1<<40)
		last := points[len(points)-1]
		for _, p := range points {
			if (p.y <= y) != (last.y <= y) {
				x := last.x + (p.x-last.x)*(y-last.y)/(p.y-last.y)
				from, to = min(from, x), max(to, x)
			}
			last = p
		}
		at := row * k.cols
		for col := max(0, (from+127)>>8); col < min(k.cols, (to+128)>>8); col++ {
			if dim < 256 {
				k.pixels[at+col] = k.pixels[at+col].scaled(dim)
				continue
			}
			k.pixels[at+col] = color
			k.object[at+col] = object
		}
	}
}
