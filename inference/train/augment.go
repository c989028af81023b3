package train

import (
	"math/rand/v2"

	"ganglion/inference/topology"
)

// Augment says how training views are varied, each view by itself. The zero value
// varies nothing. What is moved out of the view is lost and what is
// moved in is black. It never decides whether a view is seen.
type Augment struct {
	// Exchange is the probability, 0 to 1, that a view is that of another training
	// sample, one that has the same label in the same view. So a network meets more
	// combinations of views than were captured, and cannot know samples by heart.
	Exchange float64

	Shift  int     // largest shift in pixels, each way on each axis; 0: none
	Flip   float64 // probability of mirroring left to right, 0 to 1
	Gain   float64 // pixels are multiplied by 1-Gain to 1+Gain; 0: none
	Offset float64 // and moved by -Offset to +Offset, of a range of 1, where not black; 0: none
	Cutout int     // side of a square that is blacked out, in pixels; 0: none
}

// pixelScale is the largest 8-bit pixel: views enter the first layer as 0 to 1.
const pixelScale = 255

// loadView writes the pixels [channel, row, col] of a view to dst, in 0 to 1.
func loadView(dst []float32, pixels []byte) {
	for i, b := range pixels {
		dst[i] = float32(b) / pixelScale
	}
}

// loadVaried is loadView with one random variation.
func (a *Augment) loadVaried(dst []float32, pixels []byte, shape topology.Shape, r *rand.Rand) {
	down, right := r.IntN(2*a.Shift+1)-a.Shift, r.IntN(2*a.Shift+1)-a.Shift
	flip := r.Float64() < a.Flip
	gain := float32(1+a.Gain*(2*r.Float64()-1)) / pixelScale
	offset := float32(a.Offset * (2*r.Float64() - 1))
	cutRow, cutCol := r.IntN(shape.Rows), r.IntN(shape.Cols)
	clear(dst)
	for ch := range shape.Channels {
		for row := range shape.Rows {
			from := row - down
			if from < 0 || from >= shape.Rows {
				continue
			}
			src := pixels[(ch*shape.Rows+from)*shape.Cols:][:shape.Cols]
			out := dst[(ch*shape.Rows+row)*shape.Cols:][:shape.Cols]
			for col := range out {
				at := col - right
				if at < 0 || at >= shape.Cols {
					continue
				}
				if flip {
					at = shape.Cols - 1 - at
				}
				if src[at] != 0 {
					out[col] = max(min(gain*float32(src[at])+offset, 1), 0)
				}
			}
			if top := cutRow - a.Cutout/2; row >= top && row < top+a.Cutout {
				left := cutCol - a.Cutout/2
				clear(out[max(left, 0):min(max(left+a.Cutout, 0), shape.Cols)])
			}
		}
	}
}
