package dataset

import (
	"errors"
	"fmt"
	"image"

	"ganglion/inference/topology"
)

// Resize makes a view of a picture of any size: planar 8-bit pixels
// [channel, row, col], each the mean of the area of the picture that it covers,
// rounded to nearest (a box filter; of a smaller picture, pixels are repeated
// and blended). The whole picture is used, so that its proportions change where
// the shape's differ. Three channels are red, green, blue; one is grey, by the
// weights of ITU-R BT.601. What is transparent is black. It calculates with
// integers alone: the same picture gives the same bytes on every architecture.
//
// A picture that is black throughout, or dark enough to round to it, comes out
// as all zeros, which the presence rule "nonzero" reads as nothing in view.
func Resize(img image.Image, shape topology.Shape) ([]byte, error) {
	if err := checkResize(shape); err != nil {
		return nil, err
	}
	bounds := img.Bounds()
	width, height := bounds.Dx(), bounds.Dy()
	if width < 1 || height < 1 {
		return nil, errors.New("resize picture: it has no pixels; replace it")
	}
	if int64(width)*int64(height) > maxPicturePixels {
		return nil, fmt.Errorf("resize picture: it has %d x %d pixels, want at most %d million; shrink it", width, height, maxPicturePixels>>20)
	}
	// A picture's pixel is 1/height by 1/width of the whole, a view's 1/rows by
	// 1/cols. In units of 1/(height rows) and 1/(width cols) all edges are
	// integers, and a view's pixel covers height x width units. Sums stay below
	// 2^16 times 2^26.
	out := make([]byte, shape.Size())
	sums := make([]uint64, shape.Cols*shape.Channels)  // [col, channel] of the row in work
	lines := make([]uint64, shape.Cols*shape.Channels) // [col, channel] of one picture row
	area := uint64(width) * uint64(height)
	at := -1 // the picture row that lines holds
	for row := range shape.Rows {
		clear(sums)
		top, bottom := row*height, (row+1)*height
		for y := top / shape.Rows; y*shape.Rows < bottom; y++ {
			if y != at {
				sumLine(lines, img, bounds.Min.Y+y, shape)
				at = y
			}
			weight := uint64(min(bottom, (y+1)*shape.Rows) - max(top, y*shape.Rows))
			for i, v := range lines {
				sums[i] += weight * v
			}
		}
		for col := range shape.Cols {
			for ch := range shape.Channels {
				// 16 bits to 8 is a division by 257.
				whole := area * 257
				out[(ch*shape.Rows+row)*shape.Cols+col] = byte((2*sums[col*shape.Channels+ch] + whole) / (2 * whole))
			}
		}
	}
	return out, nil
}

// sumLine sums one row of a picture, 16 bits a channel, over the columns that
// each pixel of a view covers, in units of 1/(width cols).
func sumLine(dst []uint64, img image.Image, y int, shape topology.Shape) {
	clear(dst)
	bounds := img.Bounds()
	width := bounds.Dx()
	col, right := 0, width // the view's column in work, and its right edge
	for x := range width {
		pixel := channelsOf(img, bounds.Min.X+x, y, shape.Channels)
		for from, to := x*shape.Cols, (x+1)*shape.Cols; from < to; {
			if from >= right {
				col, right = col+1, right+width
			}
			end := min(to, right)
			for ch := range shape.Channels {
				dst[col*shape.Channels+ch] += uint64(end-from) * pixel[ch]
			}
			from = end
		}
	}
}

// channelsOf is one pixel, 16 bits a channel, over black.
func channelsOf(img image.Image, x, y, channels int) (out [3]uint64) {
	var r, g, b uint32
	if fast, ok := img.(image.RGBA64Image); ok {
		c := fast.RGBA64At(x, y)
		r, g, b = uint32(c.R), uint32(c.G), uint32(c.B)
	} else {
		r, g, b, _ = img.At(x, y).RGBA()
	}
	if channels == 1 {
		return [3]uint64{(19595*uint64(r) + 38470*uint64(g) + 7471*uint64(b) + 1<<15) >> 16}
	}
	return [3]uint64{uint64(r), uint64(g), uint64(b)}
}

func checkResize(shape topology.Shape) error {
	if shape.Channels != 1 && shape.Channels != 3 {
		return fmt.Errorf("pictures have 1 channel (grey) or 3 (red, green, blue), not %d; ask for one of these", shape.Channels)
	}
	return checkShape(1, 1, shape)
}
