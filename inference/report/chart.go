package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"ganglion/inference/evaluation"
)

// chart is one pair of axes with a legend above it, outside the data.
type chart struct {
	plot   *plot.Plot
	legend []entry
}

// entry is one line of a legend.
type entry struct {
	name string
	look look
	area bool // a filled box instead of a line
}

// point is a value with its interval; NaN where there is none. Shares are in percent.
type point struct {
	x, y, low, high float64
}

// at is a share with its interval at a place. Of an interval both ends are there, or none.
func at(x float64, y evaluation.Number, i evaluation.Interval) point {
	if !finite(float64(i[0])) || !finite(float64(i[1])) {
		return bareAt(x, y)
	}
	return point{x, 100 * float64(y), 100 * float64(i[0]), 100 * float64(i[1])}
}

// bareAt is a share without an interval at a place.
func bareAt(x float64, y evaluation.Number) point {
	return point{x, 100 * float64(y), math.NaN(), math.NaN()}
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// there tells whether the point has a place.
func (p point) there() bool { return finite(p.x) && finite(p.y) }

// placed is the points that have a place: of the others there was nothing to measure.
func placed(points []point) []point {
	return slices.DeleteFunc(slices.Clone(points), func(p point) bool { return !p.there() })
}

// newChart makes a pair of axes. An axis shows the unit in its name.
func newChart(x, y string) *chart {
	p := plot.New()
	p.BackgroundColor = nil // the canvas has one, or none
	h := p.TextHandler
	p.Title.TextStyle = lettering(h, textSize, draw.XCenter, draw.YTop)
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.X.Label.TextStyle = lettering(h, textSize, draw.XCenter, draw.YBottom)
	p.Y.Label.TextStyle = lettering(h, textSize, draw.XCenter, draw.YBottom)
	p.X.Tick.Label = lettering(h, smallText, draw.XCenter, draw.YTop)
	p.Y.Tick.Label = lettering(h, smallText, draw.XRight, draw.YCenter)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle = draw.LineStyle{Color: ink, Width: thinLine}
		a.Tick.LineStyle = a.LineStyle
		a.Tick.Length = 3
		a.Label.Padding = 2
		a.Padding = 4
		a.Tick.Marker = evenTicks{6}
	}
	c := &chart{plot: p}
	p.Add(rules{})
	return c
}

// series draws points with a line and markers; intervals are bars.
func (c *chart) series(name string, l look, points ...point) {
	points = placed(points)
	if len(points) == 0 {
		return
	}
	c.entry(name, l)
	c.plot.Add(curve{l, points, true})
}

// band draws the interval of points as a shaded area, and nothing else.
func (c *chart) band(l look, points ...point) {
	points = slices.DeleteFunc(placed(points), func(p point) bool { return math.IsNaN(p.low) })
	if len(points) > 1 {
		c.plot.Add(ribbon{l, points})
	}
}

// plain draws points with a line and markers, without intervals.
func (c *chart) plain(name string, l look, points ...point) {
	points = placed(points)
	if len(points) == 0 {
		return
	}
	c.entry(name, l)
	c.plot.Add(curve{l, points, false})
}

// entry adds a line to the legend, once for each name; an empty one is not shown.
func (c *chart) entry(name string, l look) {
	known := slices.ContainsFunc(c.legend, func(e entry) bool { return e.name == name })
	if name != "" && !known {
		c.legend = append(c.legend, entry{name: name, look: l})
	}
}

// percentages sets a vertical axis of shares: up to 100 %, down to what is drawn.
func (c *chart) percentages() {
	low := c.plot.Y.Min
	if math.IsInf(low, 0) || low >= 100 {
		low = 90
	}
	step := 5.0
	if low < 60 {
		step = 20
	}
	c.plot.Y.Min, c.plot.Y.Max = max(0, math.Floor((low-1)/step)*step), 100
}

// names sets a horizontal axis of names at 0, 1, and so on.
func (c *chart) names(names ...string) {
	var ticks plot.ConstantTicks
	for i, name := range names {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: name})
	}
	c.plot.X.Tick.Marker = ticks
	c.plot.X.Min, c.plot.X.Max = -0.4, float64(len(names))-0.6
}

// counts sets a horizontal axis of whole numbers.
func (c *chart) counts(from, to int) {
	var ticks plot.ConstantTicks
	for n := from; n <= to; n++ {
		ticks = append(ticks, plot.Tick{Value: float64(n), Label: fmt.Sprint(n)})
	}
	c.plot.X.Tick.Marker = ticks
	c.plot.X.Min, c.plot.X.Max = float64(from)-0.3, float64(to)+0.3
}

// draw draws the chart below its legend.
func (c *chart) draw(canvas draw.Canvas) {
	strip := legendStrip{c.legend, lettering(c.plot.TextHandler, smallText, draw.XLeft, draw.YCenter)}
	body := draw.Crop(canvas, 0, 0, 0, -strip.height(canvas.Max.X-canvas.Min.X))
	strip.draw(canvas)
	c.plot.Draw(body)
}

// evenTicks marks an axis at multiples of 1, 2, 2.5 or 5 times a power of ten.
type evenTicks struct{ most int }

// Ticks are at most as many as asked for.
func (t evenTicks) Ticks(low, high float64) []plot.Tick {
	step := stepFor(high-low, t.most)
	var ticks []plot.Tick
	for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9 && len(ticks) <= t.most; i++ {
		value := math.Round(i*step*1e6)/1e6 + 0 // without the sign of a zero
		ticks = append(ticks, plot.Tick{Value: value, Label: fmt.Sprint(value)})
	}
	return ticks
}

func stepFor(span float64, most int) float64 {
	size := 1e-6
	for {
		for _, factor := range []float64{1, 2, 2.5, 5} {
			if step := size * factor; span/step <= float64(most)-0.999 || size > 1e9 {
				return cmp.Or(step, 1)
			}
		}
		size *= 10
	}
}

// rules draws a faint line at every mark of the vertical axis.
type rules struct{}

// Plot draws the lines.
func (rules) Plot(c draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	for _, tick := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if tick.Value >= p.Y.Min && tick.Value <= p.Y.Max {
			c.StrokeLine2(draw.LineStyle{Color: faint, Width: 0.5}, c.Min.X, y(tick.Value), c.Max.X, y(tick.Value))
		}
	}
}

// curve is points, a line through them and their intervals.
type curve struct {
	look   look
	points []point
	bars   bool
}

// Plot draws intervals below the line below the markers.
func (c curve) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	line := make([]vg.Point, len(c.points))
	for i, pt := range c.points {
		line[i] = vg.Point{X: x(pt.x), Y: y(pt.y)}
		if c.bars && !math.IsNaN(pt.low) {
			bar := draw.LineStyle{Color: c.look.color, Width: thinLine}
			low, high, at := y(pt.low), y(pt.high), x(pt.x)
			canvas.StrokeLines(bar, []vg.Point{{X: at, Y: low}, {X: at, Y: high}},
				[]vg.Point{{X: at - 2, Y: low}, {X: at + 2, Y: low}}, []vg.Point{{X: at - 2, Y: high}, {X: at + 2, Y: high}})
		}
	}
	if !c.look.bare {
		canvas.StrokeLines(c.look.line(), canvas.ClipLinesXY(line)...)
	}
	if c.look.glyph != nil {
		for _, at := range line {
			canvas.DrawGlyph(c.look.marker(), at)
		}
	}
}

// DataRange is of everything that is drawn.
func (c curve) DataRange() (xmin, xmax, ymin, ymax float64) { return extent(c.points, c.bars) }

// GlyphBoxes keeps markers whole at the edges.
func (c curve) GlyphBoxes(p *plot.Plot) []plot.GlyphBox {
	var boxes []plot.GlyphBox
	for _, pt := range c.points {
		boxes = append(boxes, plot.GlyphBox{X: p.X.Norm(pt.x), Y: p.Y.Norm(pt.y), Rectangle: draw.GlyphStyle{Radius: glyphRadius}.Rectangle()})
	}
	return boxes
}

// ribbon is the area between the ends of intervals.
type ribbon struct {
	look   look
	points []point
}

// Plot fills the area.
func (r ribbon) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	var outline []vg.Point
	for _, pt := range r.points {
		outline = append(outline, vg.Point{X: x(pt.x), Y: y(pt.high)})
	}
	for _, pt := range slices.Backward(r.points) {
		outline = append(outline, vg.Point{X: x(pt.x), Y: y(pt.low)})
	}
	canvas.FillPolygon(shade(r.look.color), canvas.ClipPolygonXY(outline))
}

// DataRange is of the intervals.
func (r ribbon) DataRange() (xmin, xmax, ymin, ymax float64) { return extent(r.points, true) }

// extent is the range of points, with their intervals if those are drawn.
func extent(points []point, intervals bool) (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, p := range points {
		xmin, xmax = min(xmin, p.x), max(xmax, p.x)
		ymin, ymax = min(ymin, p.y), max(ymax, p.y)
		if intervals && !math.IsNaN(p.low) {
			ymin, ymax = min(ymin, p.low), max(ymax, p.high)
		}
	}
	return xmin, xmax, ymin, ymax
}
