package street

// sensor turns a canvas into what a camera delivers: it resolves no more pixels
// than the crop had in the camera's frame, exposes for the light, adds noise and
// is enlarged to the size of a view.
type sensor struct {
	cols, rows int64
	pixels     []rgb // [row, col]
	soft       []rgb // [row, col]
}

// expose resolves the canvas.
func (s *sensor) expose(k *canvas, c *camera, l light, r *random) {
	s.cols, s.rows = k.cols/finer, k.rows/finer
	s.pixels = resized(s.pixels, s.cols*s.rows)
	gain := clamp(280*256/(l.ambient+l.direct/2), 300, 800) * r.between(80, 120) / 100
	grain := c.grain * min(gain, 480) / 256
	noise := newRandom(r.next(), forNoise)
	for row := range s.rows {
		for col := range s.cols {
			sum := rgb{}
			for dy := range int64(finer) {
				for dx := range int64(finer) {
					p := k.pixels[(row*finer+dy)*k.cols+col*finer+dx]
					sum = rgb{sum.r + p.r, sum.g + p.g, sum.b + p.b}
				}
			}
			const area = finer * finer
			n := noise.next()
			s.pixels[row*s.cols+col] = rgb{
				sum.r*c.tint.r*gain/(area<<16) + speck(n, grain),
				sum.g*c.tint.g*gain/(area<<16) + speck(n>>16, grain),
				sum.b*c.tint.b*gain/(area<<16) + speck(n>>32, grain),
			}
		}
	}
	if c.soft {
		s.blur()
	}
}

// speck is noise of a triangular distribution, from -grain to grain, made of the
// lowest 16 bits.
func speck(n uint64, grain int64) int64 {
	return (int64(n&255) - int64(n>>8&255)) * grain / 255
}

// blur is a filter of 1-2-1 each way.
func (s *sensor) blur() {
	s.soft = resized(s.soft, s.cols*s.rows)
	for row := range s.rows {
		for col := range s.cols {
			sum := rgb{}
			for dy := int64(-1); dy <= 1; dy++ {
				for dx := int64(-1); dx <= 1; dx++ {
					p := s.pixels[clamp(row+dy, 0, s.rows-1)*s.cols+clamp(col+dx, 0, s.cols-1)]
					weight := (2 - dy*dy) * (2 - dx*dx)
					sum = rgb{sum.r + p.r*weight, sum.g + p.g*weight, sum.b + p.b*weight}
				}
			}
			s.soft[row*s.cols+col] = rgb{sum.r / 16, sum.g / 16, sum.b / 16}
		}
	}
	s.pixels, s.soft = s.soft, s.pixels
}

// write enlarges the picture to a view, bilinearly.
func (s *sensor) write(dst []byte) {
	for row := range int64(Side) {
		y0, y1, fy := between(row, s.rows)
		for col := range int64(Side) {
			x0, x1, fx := between(col, s.cols)
			a, b := s.pixels[y0*s.cols+x0], s.pixels[y0*s.cols+x1]
			c, d := s.pixels[y1*s.cols+x0], s.pixels[y1*s.cols+x1]
			mix := func(a, b, c, d int64) byte {
				above, below := a*(256-fx)+b*fx, c*(256-fx)+d*fx
				// One is the least: all zeros would say that nothing is in view.
				return byte(clamp((above*(256-fy)+below*fy)>>16, 1, 255))
			}
			at := row*Side + col
			dst[at] = mix(a.r, b.r, c.r, d.r)
			dst[Side*Side+at] = mix(a.g, b.g, c.g, d.g)
			dst[2*Side*Side+at] = mix(a.b, b.b, c.b, d.b)
		}
	}
}

// between is the two neighbours of a view's row or column among n, and how far
// it is from the first, in 1/256.
func between(at, n int64) (low, high, part int64) {
	middle := clamp((2*at+1)*n*128/Side-128, 0, (n-1)*256)
	low = middle >> 8
	return low, min(low+1, n-1), middle & 255
}

// resized is a slice of n elements, in the memory of s where that is enough.
func resized[T any](s []T, n int64) []T {
	if int64(cap(s)) < n {
		return make([]T, n)
	}
	return s[:n]
}
