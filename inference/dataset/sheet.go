package dataset

import (
	"fmt"
	"image"
	"image/color"
)

// sheetGap is the pixels between the views of a contact sheet.
const sheetGap = 2

// Sheet draws a contact sheet: a row for each of the given samples, a column
// for each view, every pixel enlarged to scale x scale. A view with nothing in
// view is black.
func Sheet(s *Set, samples []int, scale int) (*image.RGBA, error) {
	if scale < 1 || scale > 16 {
		return nil, fmt.Errorf("draw contact sheet: the scale is %d, want 1 to 16", scale)
	}
	width, height := s.Cols*scale+sheetGap, s.Rows*scale+sheetGap
	sheet := image.NewRGBA(image.Rect(0, 0, len(s.Views)*width-sheetGap, max(len(samples)*height-sheetGap, 0)))
	for row, sample := range samples {
		if sample < 0 || sample >= s.Len() {
			return nil, fmt.Errorf("draw contact sheet: data set %s has no sample %d; number them from 0 to %d", s.Name, sample, s.Len()-1)
		}
		for v := range s.Views {
			pixels := s.View(sample, v)
			for y := range s.Rows * scale {
				for x := range s.Cols * scale {
					sheet.SetRGBA(v*width+x, row*height+y, s.colorAt(pixels, y/scale, x/scale))
				}
			}
		}
	}
	return sheet, nil
}

// colorAt is one pixel of a view; fewer than three channels are shown as grey,
// a fourth is not shown.
func (s *Set) colorAt(view []byte, row, col int) color.RGBA {
	plane, at := s.Rows*s.Cols, row*s.Cols+col
	if s.Channels < 3 {
		return color.RGBA{view[at], view[at], view[at], 255}
	}
	return color.RGBA{view[at], view[plane+at], view[2*plane+at], 255}
}
