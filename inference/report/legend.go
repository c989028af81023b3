package report

import (
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// legendStrip is a legend in rows above a chart.
type legendStrip struct {
	entries []entry
	style   text.Style
}

// The measures of an entry.
const (
	sampleWidth = vg.Length(18)
	sampleGap   = vg.Length(3)
	entryGap    = vg.Length(10)
	rowHeight   = vg.Length(10)
)

// height is what the strip takes of a canvas of a width.
func (l legendStrip) height(width vg.Length) vg.Length {
	rows := l.rows(width)
	if len(rows) == 0 {
		return 0
	}
	return vg.Length(len(rows))*rowHeight + 3
}

// rows shares the entries out.
func (l legendStrip) rows(width vg.Length) [][]entry {
	var rows [][]entry
	used := width
	for _, e := range l.entries {
		need := sampleWidth + sampleGap + l.style.Width(e.name) + entryGap
		if used+need-entryGap > width {
			rows, used = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		used += need
	}
	return rows
}

// draw draws the strip along the top of the canvas, its rows in the middle.
func (l legendStrip) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	y := c.Max.Y - rowHeight/2
	for _, row := range l.rows(width) {
		total := -entryGap
		for _, e := range row {
			total += sampleWidth + sampleGap + l.style.Width(e.name) + entryGap
		}
		x := c.Min.X + (width-total)/2
		for _, e := range row {
			e.sample(c, x, y)
			c.FillText(l.style, vg.Point{X: x + sampleWidth + sampleGap, Y: y}, e.name)
			x += sampleWidth + sampleGap + l.style.Width(e.name) + entryGap
		}
		y -= rowHeight
	}
}

// sample draws how the entry looks.
func (e entry) sample(c draw.Canvas, x, y vg.Length) {
	if e.area {
		c.FillPolygon(e.look.color, []vg.Point{{X: x, Y: y - 3}, {X: x + sampleWidth, Y: y - 3}, {X: x + sampleWidth, Y: y + 3}, {X: x, Y: y + 3}})
		return
	}
	if !e.look.bare {
		c.StrokeLine2(e.look.line(), x, y, x+sampleWidth, y)
	}
	if e.look.glyph != nil {
		c.DrawGlyphNoClip(e.look.marker(), vg.Point{X: x + sampleWidth/2, Y: y})
	}
}
