package report

import (
	"fmt"
	"slices"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
)

// Figures draws what a report found. A figure that would show nothing is left out.
func Figures(r *evaluation.Report) []Figure {
	var figures []Figure
	if len(r.Thresholds) > 0 {
		figures = append(figures, thresholdFigure(r), payloadFigure(r))
	}
	if len(r.Views) > 1 {
		figures = append(figures, growthFigure(r), lostFigure(r), subsetsFigure(r))
	}
	if len(r.Nodes) > 0 {
		figures = append(figures, nodesFigure(r))
	}
	exits := exitsOf(r)
	reached := slices.DeleteFunc(slices.Clone(exits), func(exit string) bool { return len(qualitiesOf(r, exit)) == 0 })
	for _, exit := range reached {
		if exit != exits[len(exits)-1] {
			figures = append(figures, exitedFigure(r, exit))
		}
	}
	for _, exit := range reached {
		figures = append(figures, reliabilityFigure(r, exit), entropyFigure(r, exit))
	}
	return append(figures, classesFigure(r))
}

// thresholdFigure is table II of the paper as a picture.
func thresholdFigure(r *evaluation.Report) Figure {
	c := newChart("threshold T, the same at every exit", "share (%)")
	var overall, local []point
	for _, row := range r.Sweep {
		overall = append(overall, at(row.T, row.Overall, row.Interval))
		local = append(local, bareAt(row.T, row.LocalExit))
	}
	c.band(overallLook(), overall...)
	c.plain("right, by the exit rule", overallLook(), overall...)
	c.plain("answered locally", localLook(), local...)
	c.plot.X.Min, c.plot.X.Max, c.plot.Y.Min, c.plot.Y.Max = 0, 1, 0, 100
	return figure("threshold", "Accuracy and local exits over T",
		fmt.Sprintf("What the exit rule gets right of the samples with a view left (band: 95 %% interval), and the share of all %d samples that it answers at the local exit, by the threshold on normalized entropy.", r.Samples),
		sweepTable(r), c)
}

// payloadFigure is accuracy over what it costs, along the sweep.
func payloadFigure(r *evaluation.Report) Figure {
	c := newChart("payload (bytes per seen view and sample)", "accuracy (%)")
	var sweep []point
	for _, row := range r.Sweep {
		sweep = append(sweep, at(float64(row.PayloadPerSeenView), row.Overall, row.Interval))
	}
	c.band(overallLook(), sweep...)
	c.plain("T from 1 (left) to 0 (right)", overallLook(), sweep...)
	calibrated := look{color: vermilion, glyph: diamond{}, bare: true}
	c.series("calibrated T", calibrated, at(float64(r.PayloadPerSeenView), r.Accuracy.Overall, r.Intervals["overall"]))
	c.percentages()
	c.plot.X.Min = 0
	c.plot.X.Max *= 1.05
	return figure("payload", "Accuracy over payload",
		fmt.Sprintf("What a seen view sends for a sample, and what the exit rule gets right for it (95 %% intervals). The view itself has %d bytes.", r.RawBytesPerView),
		sweepTable(r), c)
}

// growthFigure is figure 8 of the paper.
func growthFigure(r *evaluation.Report) Figure {
	c := newChart("views, added from the worst to the best", "right of all samples (%)")
	var names []string
	var alone, overall, answered []point
	tiers := map[string][]point{}
	for i, g := range r.Growth {
		x := float64(i)
		names = append(names, "+"+g.Name)
		alone = append(alone, bareAt(x, g.Alone))
		overall = append(overall, at(x, g.OfAll, g.OfAllInterval))
		answered = append(answered, bareAt(x, g.Answered))
		for _, exit := range exitsOf(r) {
			tier := accuracyAt(evaluation.Accuracy{Local: g.Local, Edge: g.Edge, Cloud: g.Cloud}, exit)
			tiers[exit] = append(tiers[exit], bareAt(x, tier*g.Answered))
		}
	}
	c.plain("some view sees something", look{color: muted, dashes: dots()}, answered...)
	c.plain("added view alone", aloneLook(), alone...)
	for _, exit := range exitsOf(r) {
		c.plain("all at the "+exit+" exit", tierLook(exit), tiers[exit]...)
	}
	c.series("by the exit rule", overallLook(), overall...)
	c.names(shortNames(names)...)
	c.percentages()
	return figure("growth", "Views added, from the worst to the best",
		"Share of all labelled samples that are answered rightly; a sample that no view sees is not answered, which the dotted line bounds. Bars: 95 % interval.",
		growthTable(r), c)
}

// lostFigure is figure 10 of the paper.
func lostFigure(r *evaluation.Report) Figure {
	lost := singles(r)
	c := lossChart(r, "view that is lost", lost)
	return figure("one-lost", "Any one view lost",
		"Accuracy over the samples with a view left, without the view named below. Bars: 95 % interval; the dotted line is the accuracy with all views.",
		lostTable(r), c)
}

func nodesFigure(r *evaluation.Report) Figure {
	c := lossChart(r, "views on the node that is lost", r.Nodes)
	return figure("node-lost", "Any one node lost",
		"Accuracy over the samples with a view left, without all the views of the node. Bars: 95 % interval; the dotted line is the accuracy with all views.",
		nodeTable(r), c)
}

func lossChart(r *evaluation.Report, axis string, lost []evaluation.Missing) *chart {
	c := newChart(axis, "accuracy (%)")
	var names []string
	var overall []point
	tiers := map[string][]point{}
	exits := exitsOf(r)
	const apart = 0.13
	for i, m := range lost {
		names = append(names, setText(m.Views))
		left := float64(i) - apart*float64(len(exits))/2
		overall = append(overall, at(left, m.Overall, m.Interval))
		for j, exit := range exits {
			tier := accuracyAt(evaluation.Accuracy{Local: m.Local, Edge: m.Edge, Cloud: m.Cloud}, exit)
			tiers[exit] = append(tiers[exit], bareAt(left+apart*float64(j+1), tier))
		}
	}
	all := look{color: muted, dashes: dots()}
	c.plain("none lost", all, bareAt(-0.4, r.Accuracy.Overall), bareAt(float64(len(lost))-0.6, r.Accuracy.Overall))
	for _, exit := range exits {
		l := tierLook(exit)
		l.bare = true
		c.plain("all at the "+exit+" exit", l, tiers[exit]...)
	}
	l := overallLook()
	l.bare = true
	c.series("by the exit rule", l, overall...)
	c.names(names...)
	c.percentages()
	return c
}

// subsetsFigure shows every set of missing views.
func subsetsFigure(r *evaluation.Report) Figure {
	c := newChart("views missing", "accuracy (%)")
	var each, mean, worst []point
	mean = append(mean, bareAt(0, r.Accuracy.Overall))
	worst = append(worst, at(0, r.Accuracy.Overall, r.Intervals["overall"]))
	spread := map[int]int{}
	for _, m := range r.Missing {
		n := len(m.Views)
		// Beside one another in the order of the sets, so that equal ones can be told apart.
		of := r.MissingByCount[n-1].Sets
		x := float64(n) + 0.5*((float64(spread[n])+0.5)/float64(of)-0.5)
		spread[n]++
		each = append(each, bareAt(x, m.Overall))
	}
	for _, m := range r.MissingByCount {
		mean = append(mean, bareAt(float64(m.Missing), m.Mean))
		worst = append(worst, at(float64(m.Missing), m.Worst, m.WorstInterval))
	}
	c.plain("each set of views", look{color: sky, glyph: small{}, bare: true}, each...)
	c.plain("their mean", overallLook(), mean...)
	c.series("the worst, with its interval", look{color: vermilion, glyph: diamond{}, dashes: []vg.Length{4, 1.5}}, worst...)
	c.counts(0, len(r.Views)-1)
	c.percentages()
	caption := "Accuracy by the exit rule over the samples with a view left, for every set of missing views."
	if len(r.MissingByCount) > 0 && slices.ContainsFunc(r.MissingByCount, func(m evaluation.MissingByCount) bool { return m.Sampled }) {
		caption = "Accuracy by the exit rule over the samples with a view left, for every single view, every pair, and a fixed random choice of the larger sets of missing views."
	}
	return figure("subsets", "Every set of views missing", caption+" Bars: 95 % interval of the worst.", missingTable(r), c)
}

// exitedFigure compares what an exit answers and what it sends up.
func exitedFigure(r *evaluation.Report, exit string) Figure {
	c := newChart("views that the exit rests on", "share (%)")
	var exited, sent, kept, part []point
	most := 1
	for _, q := range qualitiesOf(r, exit) {
		if q.Seen == 0 {
			continue
		}
		most = max(most, q.Seen)
		x := float64(q.Seen)
		part = append(part, bareAt(x, q.ExitShare))
		exited = append(exited, at(x-0.08, q.Exited.Accuracy, q.Exited.Interval))
		sent = append(sent, at(x+0.08, q.SentUp.Accuracy, q.SentUp.Interval))
		kept = append(kept, bareAt(x+0.08, q.Withheld))
	}
	c.plain("exits here", look{color: muted, dashes: dots()}, part...)
	c.series("right, of those that exit", localLook(), exited...)
	c.series("right, of those sent up", cloudLook(), sent...)
	c.plain("these, had they been kept", look{color: purple, glyph: draw.PlusGlyph{}, bare: true}, kept...)
	c.counts(1, most)
	c.plot.Y.Min, c.plot.Y.Max = 0, 100
	return figure("exited-"+exit, fmt.Sprintf("What the %s exit answers, and what it sends up", exit),
		"Samples count with every subset of their views. Bars: 95 % interval, wide where few are sent up.", qualityTable(r, exit), c)
}

// classesFigure is the recall of every class.
func classesFigure(r *evaluation.Report) Figure {
	c := newChart("class (labelled samples)", "share (%)")
	var names []string
	var recall, precision []point
	for i, of := range r.PerClass {
		name := of.Class
		if len(r.PerClass) <= 6 {
			name += " (" + strconv.Itoa(of.Samples) + ")"
		}
		names = append(names, name)
		recall = append(recall, at(float64(i), of.Recall, of.Interval))
		precision = append(precision, bareAt(float64(i)+0.12, of.Precision))
	}
	l, other := overallLook(), localLook()
	l.bare, other.bare = true, true
	c.series("recall", l, recall...)
	c.plain("precision", other, precision...)
	c.names(shortNames(names)...)
	c.percentages()
	return figure("classes", "Class by class", "Of the samples of a class, the share that is answered with it (recall; bars: 95 % interval); of the answers with a class, the share that is right (precision).", confusionTable(r), c)
}

// tierLook is the look of a tier's own accuracy.
func tierLook(exit string) look {
	switch exit {
	case topology.ExitLocal.String():
		return localLook()
	case topology.ExitEdge.String():
		return edgeLook()
	default:
		return cloudLook()
	}
}

// shortNames cuts names so that those of an axis do not run into one another.
func shortNames(names []string) []string {
	const room = 60 // characters along the axis
	longest := 0
	for _, n := range names {
		longest = max(longest, len([]rune(n)))
	}
	most := max(3, room/max(1, len(names)))
	if longest <= most {
		return names
	}
	short := make([]string, len(names))
	for i, n := range names {
		r := []rune(n)
		if len(r) > most {
			// The end tells names apart that begin alike.
			r = append([]rune{r[0], '…'}, r[len(r)-most+2:]...)
		}
		short[i] = string(r)
	}
	return short
}
