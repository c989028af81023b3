package report

import (
	"bytes"
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// pngDPI is the resolution of pictures, in dots per inch: that of print.
const pngDPI = 300

// Figure is a picture with what is to be said of it.
type Figure struct {
	Name    string // of its files, without an ending
	Title   string
	Caption string // sentences
	Table   Table  // what it shows

	width, height vg.Length
	charts        [][]*chart // [row][column]; nil: an empty place
}

// figure makes a figure of one chart, a column wide.
func figure(name, title, caption string, table Table, c *chart) Figure {
	const height = 62 * vg.Millimeter
	return Figure{name, title, caption, table, columnWidth, vg.Length(height), [][]*chart{{c}}}
}

// panels makes a figure of several charts with the same axes, a page wide.
func panels(name, title, caption string, table Table, charts []*chart) Figure {
	if len(charts) == 1 {
		return figure(name, title, caption, table, charts[0])
	}
	const columns, height = 3, 50 * vg.Millimeter
	var rows [][]*chart
	for i, c := range charts {
		if i%columns == 0 {
			rows = append(rows, make([]*chart, min(columns, len(charts))))
		}
		rows[len(rows)-1][i%columns] = c
	}
	width := pageWidth * vg.Length(min(columns, len(charts))) / columns
	return Figure{name, title, caption, table, width, vg.Length(height) * vg.Length(len(rows)), rows}
}

// draw draws the figure on a canvas of its size.
func (f *Figure) draw(c vg.CanvasSizer, ground color.Color) {
	canvas := draw.New(c)
	if ground != nil {
		canvas.SetColor(ground)
		canvas.Fill(canvas.Path())
	}
	canvas = draw.Crop(canvas, 2, -4, 2, -2)
	if len(f.charts) == 1 && len(f.charts[0]) == 1 {
		f.charts[0][0].draw(canvas)
		return
	}
	first := f.charts[0][0]
	strip := legendStrip{first.legend, lettering(first.plot.TextHandler, smallText, draw.XLeft, draw.YCenter)}
	strip.draw(canvas)
	body := draw.Crop(canvas, 0, 0, 0, -strip.height(canvas.Max.X-canvas.Min.X))
	plots := make([][]*plot.Plot, len(f.charts))
	for i, row := range f.charts {
		for _, chart := range row {
			if chart == nil {
				plots[i] = append(plots[i], nil)
				continue
			}
			plots[i] = append(plots[i], chart.plot)
		}
	}
	tiles := draw.Tiles{Rows: len(plots), Cols: len(plots[0]), PadX: 8, PadY: 8}
	for i, row := range plot.Align(plots, tiles, body) {
		for j, at := range row {
			if plots[i][j] != nil {
				plots[i][j].Draw(at)
			}
		}
	}
}

// WriteSVG writes the figure on a white ground.
func (f *Figure) WriteSVG(w io.Writer) error {
	_, err := w.Write(f.svg(color.White))
	return err
}

// WritePNG writes the figure on a white ground, in the resolution of print.
func (f *Figure) WritePNG(w io.Writer) error {
	c := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(pngDPI))
	f.draw(c, color.White)
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(w); err != nil {
		return fmt.Errorf("draw figure %s: %w", f.Name, err)
	}
	return nil
}

// svg is the figure as a file of its own.
func (f *Figure) svg(ground color.Color) []byte {
	c := vgsvg.NewWith(vgsvg.UseWH(f.width, f.height))
	f.draw(c, ground)
	var out bytes.Buffer
	_, _ = c.WriteTo(&out) // memory takes everything
	// The font that was measured first, then those that are as wide, and the one of bare
	// Linux machines that is nearly.
	return bytes.ReplaceAll(out.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arial,Helvetica,'DejaVu Sans Condensed',sans-serif;"))
}
