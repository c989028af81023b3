package command

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
)

// shownSets is the largest number of views of which the text report shows every
// pair; JSON has every set that was tried.
const shownSets = 8

// reportText is a report for people.
func reportText(r *evaluation.Report) string {
	var out strings.Builder
	writeHeading(&out, r)
	for _, s := range []section{
		accuracySection(r), exitSection(r), deviceSection(r), sweepSection(r),
		missingSection(r), missingSetSection(r), confusionSection(r),
	} {
		if len(s.rows) > 0 {
			out.WriteString(s.String())
		}
	}
	return out.String()
}

func writeHeading(out *strings.Builder, r *evaluation.Report) {
	fmt.Fprintf(out, "bundle    %s%s\n", r.Bundle, syntheticText(r.SyntheticModel))
	fmt.Fprintf(out, "data      %s%s, %s: frames %s\n", r.Data, syntheticText(r.Synthetic), splitText(r.Split), r.Frames)
	fmt.Fprintf(out, "samples   %d, %d without a view", r.Samples, r.NoView)
	if r.Unlabelled > 0 {
		fmt.Fprintf(out, ", %d without a label", r.Unlabelled)
	}
	fmt.Fprintf(out, "\npayload   %s bytes per seen view, %s per device and sample; a raw view has %d\n",
		byteCount(r.PayloadPerSeenView), byteCount(r.PayloadPerDevice), r.RawBytesPerView)
	for _, exit := range slices.Sorted(maps.Keys(r.Thresholds)) {
		var values []string
		for n := 1; n <= len(r.Views); n++ {
			values = append(values, fmt.Sprintf("%.3f", r.Thresholds[exit][strconv.Itoa(n)]))
		}
		fmt.Fprintf(out, "T         %s exit, by views seen: %s\n", exit, strings.Join(values, " "))
	}
	if len(r.Thresholds) > 0 {
		fmt.Fprintf(out, "T is for  %s\n", r.CalibratedFor)
	}
}

func syntheticText(synthetic bool) string {
	if synthetic {
		return " (synthetic: rendered, not photographed)"
	}
	return ""
}

func splitText(split string) string {
	if split == evaluation.SplitAll {
		return "all samples"
	}
	return split + " samples"
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

func accuracySection(r *evaluation.Report) section {
	s := section{title: "Accuracy over the samples with a view left", names: []string{"", "accuracy", "95 % interval"}}
	s.add("by the exit rule", percent(r.Accuracy.Overall), interval(r.Intervals["overall"]))
	for _, exit := range exitsOf(r) {
		of := r.Accuracy.Local
		switch {
		case exit == topology.ExitCloud.String():
			of = r.Accuracy.Cloud
		case exit == topology.ExitEdge.String() && r.Accuracy.Edge != nil:
			of = *r.Accuracy.Edge
		}
		s.add("every sample at exit "+exit, percent(of), interval(r.Intervals[exit]))
	}
	s.add("balanced over classes", percent(r.Accuracy.Balanced), "")
	in := "learned on the other samples of the file"
	if r.Baselines.InSample {
		in = "learned on these samples"
	}
	s.add("baseline: always "+r.Baselines.MajorityClass, percent(r.Baselines.Majority), "")
	s.add("baseline: presence bits", percent(r.Baselines.Presence), "")
	s.title += "; baselines " + in
	return s
}

func exitSection(r *evaluation.Report) section {
	s := section{title: "Exits", names: []string{"exit", "share", "labelled", "accuracy there"}}
	for _, exit := range exitsOf(r) {
		at := r.ExitAccuracy[exit]
		s.add(exit, percent(r.Exits[exit]), strconv.Itoa(at.Samples), percent(at.Accuracy))
	}
	if r.NoView > 0 {
		none := topology.ExitNone.String()
		s.add(none, percent(r.Exits[none]), "", "")
	}
	return s
}

func deviceSection(r *evaluation.Report) section {
	s := section{
		title: "Each view alone, against its own label",
		names: []string{"view", "name", "samples seen", "accuracy", "of all samples"},
	}
	for _, d := range r.Devices {
		s.add(strconv.Itoa(d.View), d.Name, strconv.Itoa(d.Samples), percent(d.Accuracy), percent(d.OfAllAccuracy))
	}
	return s
}

func sweepSection(r *evaluation.Report) section {
	s := section{
		title: "Sweep: one T at every exit",
		names: []string{"T", "local", "overall", "bytes per seen view", "bytes per device"},
	}
	edge := r.Accuracy.Edge != nil
	if edge {
		s.names = slices.Insert(s.names, 2, "edge")
	}
	add := func(t string, p evaluation.Point) {
		cells := []string{t, percent(p.LocalExit), percent(p.Overall), byteCount(p.PayloadPerSeenView), byteCount(p.PayloadPerDevice)}
		if edge {
			cells = slices.Insert(cells, 2, percent(*p.EdgeExit))
		}
		s.add(cells...)
	}
	if len(r.Thresholds) == 0 {
		return s // without an early exit there is nothing to sweep
	}
	for _, row := range r.Sweep {
		add(fmt.Sprintf("%.1f", row.T), row.Point)
	}
	add("calibrated", r.Calibrated)
	return s
}

func missingSection(r *evaluation.Report) section {
	s := section{
		title: "Views missing: accuracy over the samples with a view left",
		names: []string{"missing", "sets", "mean", "worst", "without", "no view left"},
	}
	for _, m := range r.MissingByCount {
		sets := strconv.Itoa(m.Sets)
		if m.Sampled {
			sets += " drawn"
		}
		s.add(strconv.Itoa(m.Missing), sets, percent(m.Mean), percent(m.Worst), setText(m.WorstViews), percent(m.NoView))
	}
	return s
}

// missingSetSection shows the sets of one view and, of few views, of two.
func missingSetSection(r *evaluation.Report) section {
	s := section{title: "Without these views", names: []string{"views", "overall", "no view left"}}
	for _, m := range r.Missing {
		if len(m.Views) == 1 || len(m.Views) == 2 && len(r.Views) <= shownSets {
			s.add(setText(m.Views), percent(m.Overall), strconv.Itoa(m.NoView))
		}
	}
	return s
}

func setText(views []int) string {
	switch {
	case len(views) == 0:
		return "-"
	case len(views) > shownSets:
		return strconv.Itoa(len(views)) + " views"
	}
	var names []string
	for _, v := range views {
		names = append(names, strconv.Itoa(v))
	}
	return strings.Join(names, " ")
}

func confusionSection(r *evaluation.Report) section {
	s := section{
		title: "Confusion by the exit rule: labels down, answers across",
		names: append([]string{"label"}, r.Classes...),
	}
	s.names = append(s.names, "recall", "95 % interval", "precision")
	for label, row := range r.Confusion {
		cells := []string{r.Classes[label]}
		for _, n := range row {
			cells = append(cells, strconv.Itoa(n))
		}
		of := r.PerClass[label]
		s.add(append(cells, percent(of.Recall), interval(of.Interval), percent(of.Precision))...)
	}
	return s
}
