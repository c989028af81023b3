package report

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"ganglion/inference/evaluation"
)

// asSeen is the row of an exit that is of samples with all their views. There is none
// where no such sample comes to the exit, though some of their subsets may.
func asSeen(r *evaluation.Report, exit string) (evaluation.ExitQuality, bool) {
	i := slices.IndexFunc(r.ExitQuality, func(q evaluation.ExitQuality) bool { return q.Exit == exit && q.Seen == 0 })
	if i < 0 {
		return evaluation.ExitQuality{}, false
	}
	return r.ExitQuality[i], true
}

// panelled is the rows of an exit that have a panel of their own: by number of views,
// or, where there is a single number or more than fit a page, as the samples are. Where
// no sample comes to the exit as it is, those of the most views stand for it.
func panelled(r *evaluation.Report, exit string) []evaluation.ExitQuality {
	const most = 9
	all := slices.DeleteFunc(qualitiesOf(r, exit), func(q evaluation.ExitQuality) bool { return q.Seen == 0 })
	if len(all) > 1 && len(all) <= most {
		return all
	}
	if whole, there := asSeen(r, exit); there {
		return []evaluation.ExitQuality{whole}
	}
	return all[max(0, len(all)-most):]
}

// title says what a panel is about.
func panelTitle(q *evaluation.ExitQuality) string {
	views := "views as seen"
	switch {
	case q.Seen == 1:
		views = "1 view"
	case q.Seen > 1:
		views = fmt.Sprintf("%d views", q.Seen)
	}
	return fmt.Sprintf("%s, n = %.0f", views, float64(q.Samples))
}

// reliabilityFigure compares confidence and accuracy.
func reliabilityFigure(r *evaluation.Report, exit string) Figure {
	var charts []*chart
	table := Table{
		Title: fmt.Sprintf("Confidence and accuracy at the %s exit, views as seen", exit),
		Names: []string{"confidence", "samples", "mean", "accuracy", "95 % interval"},
	}
	whole, _ := asSeen(r, exit) // without it the table has no rows
	for _, b := range whole.Reliability {
		if b.Samples > 0 {
			table.add(fmt.Sprintf("%.1f to %.1f", float64(b.From), float64(b.To)), weight(b.Samples), Percent(b.Confidence), Percent(b.Accuracy), Interval(b.Interval))
		}
	}
	for _, q := range panelled(r, exit) {
		c := newChart("confidence (%)", "accuracy (%)")
		c.plot.Title.Text = fmt.Sprintf("%s, error %s", panelTitle(&q), Percent(q.CalibrationError))
		var bins []point
		for _, b := range q.Reliability {
			if b.Samples > 0 {
				bins = append(bins, at(100*float64(b.Confidence), b.Accuracy, b.Interval))
			}
		}
		c.plain("confidence is accuracy", look{color: muted, dashes: dots()}, point{0, 0, math.NaN(), math.NaN()}, point{100, 100, math.NaN(), math.NaN()})
		c.series("answers, by confidence", overallLook(), bins...)
		c.plot.X.Min, c.plot.X.Max, c.plot.Y.Min, c.plot.Y.Max = 0, 100, 0, 100
		charts = append(charts, c)
	}
	return panels("reliability-"+exit, fmt.Sprintf("How far the %s exit's confidence is to be trusted", exit),
		"Mean confidence (the largest probability) and accuracy in ten bins; above the diagonal an exit is better than it says. Error: the expected calibration error. Bars: 95 % interval.",
		table, charts)
}

// entropyFigure shows what the exit rule looks at.
func entropyFigure(r *evaluation.Report, exit string) Figure {
	var charts []*chart
	table := Table{
		Title: fmt.Sprintf("Normalized entropy at the %s exit, views as seen", exit),
		Names: []string{"entropy", "right", "wrong"},
	}
	whole, _ := asSeen(r, exit) // without it the table has no rows
	for _, b := range whole.Entropy {
		if b.Right+b.Wrong > 0 {
			table.add(fmt.Sprintf("%.2f to %.2f", float64(b.From), float64(b.To)), weight(b.Right), weight(b.Wrong))
		}
	}
	for _, q := range panelled(r, exit) {
		c := newChart("normalized entropy", "samples (%)")
		c.plot.Title.Text = panelTitle(&q)
		c.legend = []entry{
			{"answered rightly", look{color: sky}, true}, {"wrongly", look{color: vermilion}, true},
		}
		c.plot.Add(histogram{&q})
		if q.T != nil && *q.T < 1 {
			c.entry("T: exits to the left", look{color: ink, dashes: dots()})
			c.plot.Add(upright{*q.T})
		}
		c.plot.X.Min, c.plot.X.Max, c.plot.Y.Min = 0, 1, 0
		charts = append(charts, c)
	}
	highest := 0.0
	for _, c := range charts {
		highest = max(highest, c.plot.Y.Max)
	}
	for _, c := range charts {
		c.plot.Y.Max = highest
	}
	return panels("entropy-"+exit, fmt.Sprintf("Entropy at the %s exit", exit),
		"Share of the samples that come to the exit by the normalized entropy of its answer, those that it answers rightly below those that it does not.", table, charts)
}

// histogram stacks what is right below what is wrong, in percent of all.
type histogram struct{ q *evaluation.ExitQuality }

// Plot draws the bars.
func (h histogram) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, b := range h.q.Entropy {
		right := 100 * float64(b.Right/h.q.Samples)
		both := right + 100*float64(b.Wrong/h.q.Samples)
		left, end := x(float64(b.From)), x(float64(b.To))-0.5
		box := func(low, high float64) []vg.Point {
			return []vg.Point{{X: left, Y: y(low)}, {X: end, Y: y(low)}, {X: end, Y: y(high)}, {X: left, Y: y(high)}}
		}
		if right > 0 {
			c.FillPolygon(sky, box(0, right))
		}
		if both > right {
			c.FillPolygon(vermilion, box(right, both))
		}
	}
}

// DataRange is up to the highest bar.
func (h histogram) DataRange() (xmin, xmax, ymin, ymax float64) {
	for _, b := range h.q.Entropy {
		ymax = max(ymax, 100*float64((b.Right+b.Wrong)/h.q.Samples))
	}
	return 0, 1, 0, max(1, ymax*1.05)
}

// upright is a line across a chart.
type upright struct{ x float64 }

// Plot draws the line.
func (u upright) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	c.StrokeLine2(draw.LineStyle{Color: ink, Width: lineWidth, Dashes: dots()}, x(u.x), c.Min.Y, x(u.x), c.Max.Y)
}
