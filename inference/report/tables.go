package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
)

// shownSets is the largest number of views of which a table shows every pair; JSON has
// every set that was tried.
const shownSets = 8

// Fact is a line of a report's head.
type Fact struct{ Name, Text string }

// Head says what was evaluated on what.
func Head(r *evaluation.Report) []Fact {
	samples := fmt.Sprintf("%d, %d without a view", r.Samples, r.NoView)
	if r.Unlabelled > 0 {
		samples += fmt.Sprintf(", %d without a label", r.Unlabelled)
	}
	facts := []Fact{
		{"bundle", r.Bundle + Synthetic(r.SyntheticModel)},
		{"data", fmt.Sprintf("%s%s, %s: frames %s", r.Data, Synthetic(r.Synthetic), Split(r.Split), r.Frames)},
		{"samples", samples},
		{"payload", fmt.Sprintf("%s bytes per seen view, %s per device and sample; a raw view has %d",
			Bytes(r.PayloadPerSeenView), Bytes(r.PayloadPerDevice), r.RawBytesPerView)},
	}
	for _, exit := range slices.Sorted(maps.Keys(r.Thresholds)) {
		var values []string
		for n := 1; n <= len(r.Views); n++ {
			values = append(values, fmt.Sprintf("%.3f", r.Thresholds[exit][strconv.Itoa(n)]))
		}
		facts = append(facts, Fact{"T", fmt.Sprintf("%s exit, by views seen: %s", exit, strings.Join(values, " "))})
	}
	if len(r.Thresholds) > 0 {
		facts = append(facts, Fact{"T is for", r.CalibratedFor})
	}
	return facts
}

// Synthetic is a remark on what was rendered, empty for what was not.
func Synthetic(synthetic bool) string {
	if synthetic {
		return " (synthetic: rendered, not photographed)"
	}
	return ""
}

// Split says which samples were taken.
func Split(split string) string {
	switch split {
	case evaluation.SplitAll:
		return "all samples"
	case evaluation.SplitFrames:
		return "samples of the frames that were named"
	}
	return split + " samples"
}

// Tables is everything that a report says, as tables; those that would be empty are
// left out.
func Tables(r *evaluation.Report) []Table {
	all := []Table{
		accuracyTable(r), exitTable(r), deviceTable(r), growthTable(r), sweepTable(r),
		missingTable(r), missingSetTable(r), nodeTable(r),
	}
	for _, exit := range exitsOf(r) {
		all = append(all, qualityTable(r, exit))
	}
	all = append(all, confusionTable(r))
	return slices.DeleteFunc(all, func(t Table) bool { return len(t.Rows) == 0 })
}

// exitsOf is the exits that a report is about, in the order in which a sample meets
// them.
func exitsOf(r *evaluation.Report) []string {
	var names []string
	for _, exit := range []topology.Exit{topology.ExitLocal, topology.ExitEdge, topology.ExitCloud} {
		if _, there := r.ExitAccuracy[exit.String()]; there {
			names = append(names, exit.String())
		}
	}
	return names
}

func accuracyTable(r *evaluation.Report) Table {
	t := Table{Title: "Accuracy over the samples with a view left", Names: []string{"", "accuracy", "95 % interval"}}
	t.add("by the exit rule", Percent(r.Accuracy.Overall), Interval(r.Intervals["overall"]))
	for _, exit := range exitsOf(r) {
		t.add("every sample at exit "+exit, Percent(accuracyAt(r.Accuracy, exit)), Interval(r.Intervals[exit]))
	}
	t.add("balanced over classes", Percent(r.Accuracy.Balanced), "")
	in := "learned on the other samples of the file"
	if r.Baselines.InSample {
		in = "learned on these samples"
	}
	t.add("baseline: always "+r.Baselines.MajorityClass, Percent(r.Baselines.Majority), "")
	t.add("baseline: presence bits", Percent(r.Baselines.Presence), "")
	t.Title += "; baselines " + in
	return t
}

// accuracyAt is the accuracy if every sample were answered at one exit.
func accuracyAt(a evaluation.Accuracy, exit string) evaluation.Number {
	switch {
	case exit == topology.ExitCloud.String():
		return a.Cloud
	case exit == topology.ExitEdge.String() && a.Edge != nil:
		return *a.Edge
	}
	return a.Local
}

func exitTable(r *evaluation.Report) Table {
	t := Table{Title: "Exits", Names: []string{"exit", "share", "labelled", "accuracy there", "95 % interval"}}
	for _, exit := range exitsOf(r) {
		at := r.ExitAccuracy[exit]
		t.add(exit, Percent(r.Exits[exit]), strconv.Itoa(at.Samples), Percent(at.Accuracy), Interval(at.Interval))
	}
	if r.NoView > 0 {
		exit := topology.ExitNone.String()
		t.add(exit, Percent(r.Exits[exit]), "", "", "")
	}
	return t
}

func deviceTable(r *evaluation.Report) Table {
	t := Table{
		Title: "Each view alone, against its own label",
		Names: []string{"view", "name", "samples seen", "accuracy", "95 % interval", "of all samples"},
	}
	for _, d := range r.Devices {
		t.add(strconv.Itoa(d.View), d.Name, strconv.Itoa(d.Samples), Percent(d.Accuracy), Interval(d.Interval), Percent(d.OfAllAccuracy))
	}
	return t
}

func growthTable(r *evaluation.Report) Table {
	t := Table{
		Title: "Views added, from the worst to the best: right of all samples",
		Names: []string{"views", "added", "alone", "with a view left", "by the exit rule", "95 % interval", "of those with a view left"},
	}
	for i, g := range r.Growth {
		t.add(strconv.Itoa(i+1), g.Name, Percent(g.Alone), Percent(g.Answered), Percent(g.OfAll), Interval(g.OfAllInterval), Percent(g.Overall))
	}
	return t
}

func sweepTable(r *evaluation.Report) Table {
	t := Table{
		Title: "Sweep: one T at every exit",
		Names: []string{"T", "local", "overall", "95 % interval", "bytes per seen view", "bytes per device"},
	}
	edge := r.Accuracy.Edge != nil
	if edge {
		t.Names = slices.Insert(t.Names, 2, "edge")
	}
	add := func(name string, p evaluation.Point) {
		cells := []string{
			name, Percent(p.LocalExit), Percent(p.Overall), Interval(p.Interval),
			Bytes(p.PayloadPerSeenView), Bytes(p.PayloadPerDevice),
		}
		if edge {
			cells = slices.Insert(cells, 2, optional(p.EdgeExit))
		}
		t.add(cells...)
	}
	if len(r.Thresholds) == 0 {
		return t // without an early exit there is nothing to sweep
	}
	for _, row := range r.Sweep {
		add(fmt.Sprintf("%.1f", row.T), row.Point)
	}
	add("calibrated", r.Calibrated)
	return t
}

func missingTable(r *evaluation.Report) Table {
	t := Table{
		Title: "Views missing: accuracy over the samples with a view left",
		Names: []string{"missing", "sets", "mean", "worst", "95 % interval", "without", "no view left"},
	}
	for _, m := range r.MissingByCount {
		sets := strconv.Itoa(m.Sets)
		if m.Sampled {
			sets += " drawn"
		}
		t.add(strconv.Itoa(m.Missing), sets, Percent(m.Mean), Percent(m.Worst), Interval(m.WorstInterval), setText(m.WorstViews), Percent(m.NoView))
	}
	return t
}

// missingSetTable shows the sets of one view and, of few views, of two.
func missingSetTable(r *evaluation.Report) Table {
	t := Table{Title: "Without these views", Names: []string{"views", "overall", "95 % interval", "no view left"}}
	for _, m := range r.Missing {
		if len(m.Views) == 1 || len(m.Views) == 2 && len(r.Views) <= shownSets {
			t.add(setText(m.Views), Percent(m.Overall), Interval(m.Interval), strconv.Itoa(m.NoView))
		}
	}
	return t
}

// lostTable shows every single view lost, exit by exit.
func lostTable(r *evaluation.Report) Table {
	return lossTable("Any one view lost", "view", singles(r), exitsOf(r))
}

func nodeTable(r *evaluation.Report) Table {
	return lossTable("Any one node lost", "views on it", r.Nodes, exitsOf(r))
}

func lossTable(title, first string, lost []evaluation.Missing, exits []string) Table {
	t := Table{Title: title + ": accuracy by the exit rule, and with every sample at one exit", Names: []string{first, "overall", "95 % interval"}}
	for _, exit := range exits {
		t.Names = append(t.Names, "all "+exit)
	}
	t.Names = append(t.Names, "local exits", "no view left")
	for _, m := range lost {
		cells := []string{setText(m.Views), Percent(m.Overall), Interval(m.Interval)}
		for _, exit := range exits {
			cells = append(cells, Percent(accuracyAt(evaluation.Accuracy{Local: m.Local, Edge: m.Edge, Cloud: m.Cloud}, exit)))
		}
		t.add(append(cells, Percent(m.LocalExit), strconv.Itoa(m.NoView))...)
	}
	return t
}

// singles is the sets of one missing view.
func singles(r *evaluation.Report) []evaluation.Missing {
	return slices.DeleteFunc(slices.Clone(r.Missing), func(m evaluation.Missing) bool { return len(m.Views) != 1 })
}

func setText(views []int) string {
	switch {
	case len(views) == 0:
		return none
	case len(views) > shownSets:
		return strconv.Itoa(len(views)) + " views"
	}
	var names []string
	for _, v := range views {
		names = append(names, strconv.Itoa(v))
	}
	return strings.Join(names, " ")
}

// qualitiesOf is the rows of one exit.
func qualitiesOf(r *evaluation.Report, exit string) []evaluation.ExitQuality {
	return slices.DeleteFunc(slices.Clone(r.ExitQuality), func(q evaluation.ExitQuality) bool { return q.Exit != exit })
}

func qualityTable(r *evaluation.Report, exit string) Table {
	t := Table{
		Title: fmt.Sprintf("The %s exit, by the number of views that it rests on", exit),
		Names: []string{"views", "samples", "T", "exit", "right", "95 % interval", "sent up", "right", "if kept", "calibration error"},
	}
	last := exit == topology.ExitCloud.String()
	if last {
		t.Names = slices.Delete(t.Names, 6, 9)
		t.Names = slices.Delete(t.Names, 2, 4)
	}
	for _, q := range qualitiesOf(r, exit) {
		views, threshold := "as seen", ""
		if q.Seen > 0 {
			views = strconv.Itoa(q.Seen)
		}
		if q.T != nil {
			threshold = fmt.Sprintf("%.3f", *q.T)
		}
		cells := []string{views, weight(q.Samples), threshold, Percent(q.ExitShare), Percent(q.Exited.Accuracy), Interval(q.Exited.Interval)}
		if last {
			cells = slices.Delete(cells, 2, 4)
		} else {
			cells = append(cells, weight(q.SentUp.Samples), Percent(q.SentUp.Accuracy), Percent(q.Withheld))
		}
		t.add(append(cells, Percent(q.CalibrationError))...)
	}
	return t
}

func confusionTable(r *evaluation.Report) Table {
	t := Table{
		Title: "Confusion by the exit rule: labels down, answers across",
		Names: append([]string{"label"}, r.Classes...),
	}
	t.Names = append(t.Names, "recall", "95 % interval", "precision")
	for label, row := range r.Confusion {
		cells := []string{r.Classes[label]}
		for _, n := range row {
			cells = append(cells, strconv.Itoa(n))
		}
		of := r.PerClass[label]
		t.add(append(cells, Percent(of.Recall), Interval(of.Interval), Percent(of.Precision))...)
	}
	return t
}
