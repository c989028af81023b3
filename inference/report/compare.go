package report

import (
	"fmt"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"ganglion/inference/evaluation"
)

// ComparisonTable is the networks of a comparison: table I of the paper for schemes of
// aggregation.
func ComparisonTable(c *evaluation.Comparison) Table {
	filters := c.By == evaluation.ByFilters
	t := Table{
		Title: "Schemes of aggregation of the scores at the local exit and of the features at the cloud: accuracy",
		Names: []string{"local-cloud", "local", "95 % interval", "cloud", "95 % interval", "overall", "95 % interval", "exits", "one lost"},
	}
	if filters {
		t.Title = "Filters of the device: accuracy, and payload per seen view, measured and by the paper's formula"
		t.Names = []string{"filters", "local", "95 % interval", "cloud", "95 % interval", "overall", "95 % interval", "exits", "bytes", "formula"}
	}
	for i := range c.Networks {
		n := &c.Networks[i]
		cells := []string{
			nameOf(c, n), Percent(n.Accuracy.Local), intervalOf(n, "local"), Percent(n.Accuracy.Cloud), intervalOf(n, "cloud"),
			Percent(n.Accuracy.Overall), intervalOf(n, "overall"), Percent(n.LocalExit),
		}
		if filters {
			cells = append(cells, Bytes(n.PayloadPerSeenView), Bytes(n.PayloadFormula))
		} else {
			cells = append(cells, Percent(n.MissingOne.Worst))
		}
		t.add(cells...)
	}
	return t
}

// intervalOf is an interval that may not be there.
func intervalOf(n *evaluation.Compared, key string) string {
	if i, there := n.Intervals[key]; there {
		return Interval(i)
	}
	return none
}

// nameOf is what tells a network of a comparison from the others.
func nameOf(c *evaluation.Comparison, n *evaluation.Compared) string {
	switch {
	case c.By == evaluation.ByFilters:
		return strconv.Itoa(n.Filters)
	case n.Local == "":
		return n.Cloud
	}
	return n.Local + "-" + n.Cloud
}

// ComparisonFigure draws a comparison.
func ComparisonFigure(c *evaluation.Comparison) Figure {
	if c.By == evaluation.ByFilters {
		return filtersFigure(c)
	}
	return aggregatorsFigure(c)
}

// alike says how far the networks of a comparison are comparable.
func alike(c *evaluation.Comparison) string {
	return fmt.Sprintf("Trained alike: the same split, seed %d, at most %d epochs; %d test samples. Bars: 95 %% interval; differences within them are none.", c.Seed, c.Epochs, c.Samples)
}

func aggregatorsFigure(c *evaluation.Comparison) Figure {
	chart := newChart("scheme at the local exit (above), at the cloud (below)", "accuracy (%)")
	var names []string
	var local, cloud, overall []point
	for i := range c.Networks {
		n, x := &c.Networks[i], float64(i)
		names = append(names, n.Local+"\n"+n.Cloud)
		local = append(local, at(x-0.2, n.Accuracy.Local, intervalAt(n, "local")))
		cloud = append(cloud, at(x, n.Accuracy.Cloud, intervalAt(n, "cloud")))
		overall = append(overall, at(x+0.2, n.Accuracy.Overall, intervalAt(n, "overall")))
	}
	chart.threeTiers(local, cloud, overall, true)
	chart.names(names...)
	chart.percentages()
	return figure("aggregators", "Schemes of aggregation",
		"The nine pairs of the paper: MP takes the largest, AP the mean, CC all of them. "+alike(c), ComparisonTable(c), chart)
}

// filtersFigure is figure 9 of the paper: accuracy over what goes up.
func filtersFigure(c *evaluation.Comparison) Figure {
	chart := newChart("payload where every sample goes up (bytes per seen view)", "accuracy (%)")
	var local, cloud, overall, exits []point
	for i := range c.Networks {
		n := &c.Networks[i]
		x := float64(n.PayloadAllUp)
		local = append(local, at(x, n.Accuracy.Local, intervalAt(n, "local")))
		cloud = append(cloud, at(x, n.Accuracy.Cloud, intervalAt(n, "cloud")))
		overall = append(overall, at(float64(n.PayloadPerSeenView), n.Accuracy.Overall, intervalAt(n, "overall")))
		exits = append(exits, bareAt(float64(n.PayloadFormula), n.Accuracy.Overall))
	}
	chart.threeTiers(local, cloud, nil, false)
	l := overallLook()
	l.bare = true // what is sent need not grow with the filters
	chart.series("by the exit rule", l, overall...)
	chart.plain("the same, by the formula", look{color: ink, glyph: draw.PlusGlyph{}, bare: true}, exits...)
	chart.plot.X.Label.Text = "payload (bytes per seen view and sample)"
	chart.percentages()
	chart.plot.X.Min = 0
	chart.plot.X.Max *= 1.05
	for i, p := range overall {
		if p.there() {
			chart.plot.Add(label{p, strconv.Itoa(c.Networks[i].Filters)})
		}
	}
	var filters []string
	for i := range c.Networks {
		filters = append(filters, strconv.Itoa(c.Networks[i].Filters))
	}
	return figure("filters", "Accuracy over payload, by filters of the device",
		"Devices of "+strings.Join(filters, ", ")+" filters; the number is beside the circle. The local and the cloud exit at what is sent where every sample goes up; the exit rule at what was measured with its thresholds, and at what the formula of section III-E says. "+alike(c), ComparisonTable(c), chart)
}

// label is text beside a point.
type label struct {
	at   point
	text string
}

// Plot writes the text to the right of the point.
func (l label) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := lettering(p.TextHandler, smallText, draw.XLeft, draw.YCenter)
	style.Color = overallLook().color
	c.FillText(style, vg.Point{X: x(l.at.x) + 2*glyphRadius, Y: y(l.at.y)}, l.text)
}

// threeTiers draws the accuracy of both exits and of the exit rule.
func (c *chart) threeTiers(local, cloud, overall []point, bare bool) {
	for _, s := range []struct {
		name   string
		look   look
		points []point
	}{{"all at the local exit", localLook(), local}, {"all at the cloud exit", cloudLook(), cloud}, {"by the exit rule", overallLook(), overall}} {
		s.look.bare = bare
		c.series(s.name, s.look, s.points...)
	}
}

func intervalAt(n *evaluation.Compared, key string) evaluation.Interval {
	i, there := n.Intervals[key]
	if !there {
		i = evaluation.Wilson(0, 0)
	}
	return i
}
