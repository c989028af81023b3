package evaluation

import (
	"math"
	"strconv"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// sweepSteps is the number of steps of T from 0 to 1 in the sweep, as in table II
// of the paper.
const sweepSteps = 10

// ThresholdsByName is T of every exit but the last, by the name of the exit and the number of views seen.
func ThresholdsByName(t *topology.Topology, thresholds inference.Thresholds) map[string]map[string]float64 {
	out := map[string]map[string]float64{}
	exits := t.Exits()
	for _, exit := range exits[:len(exits)-1] {
		bySeen := map[string]float64{}
		for n := 1; n <= len(t.Views); n++ {
			bySeen[strconv.Itoa(n)] = thresholds.At(exit, n)
		}
		out[exit.String()] = bySeen
	}
	return out
}

// exitRule fills in what the exit rule makes of the samples with all their views:
// accuracies, exits, payload, classes.
func (e *evaluation) exitRule(r *Report) {
	classes := len(e.topology.Classes)
	r.Confusion = make([][]int, classes)
	for label := range r.Confusion {
		r.Confusion[label] = make([]int, classes)
	}
	var c tally
	for i := range e.answers {
		a := &e.answers[i]
		class := c.add(e.topology, a, e.thresholds)
		if a.scored() {
			r.Confusion[a.label][class]++
		}
	}
	r.NoView = c.exits[topology.ExitNone]
	r.Unlabelled = c.samples - r.NoView - c.scored
	at := c.point(e.topology)
	r.Calibrated = at
	r.PayloadPerSeenView, r.PayloadPerDevice = at.PayloadPerSeenView, at.PayloadPerDevice
	r.RawBytesPerView = e.topology.RawBytes()

	none := topology.ExitNone.String()
	r.Exits = map[string]Number{none: share(r.NoView, c.samples), topology.ExitLocal.String(): at.LocalExit}
	r.ExitAccuracy = map[string]ExitAccuracy{}
	for _, exit := range e.topology.Exits() {
		r.Exits[exit.String()] = share(c.exits[exit], c.samples)
		scored, right := c.atExit[exit][0], c.atExit[exit][1]
		r.ExitAccuracy[exit.String()] = ExitAccuracy{scored, share(right, scored), Wilson(right, scored)}
	}
	r.PerClass = classFigures(e.topology.Classes, r.Confusion)
	e.accuracy(r, &c)
}

// accuracy fills in the accuracy by the exit rule and of every tier alone.
func (e *evaluation) accuracy(r *Report, c *tally) {
	nan := Number(math.NaN())
	r.Accuracy = Accuracy{Overall: share(c.right, c.scored), Local: nan, Balanced: balanced(r.PerClass)}
	r.Intervals = map[string]Interval{"overall": Wilson(c.right, c.scored)}
	for _, exit := range e.topology.Exits() {
		right, scored := e.tierAlone(exit)
		of := share(right, scored)
		switch exit {
		case topology.ExitLocal:
			r.Accuracy.Local = of
		case topology.ExitEdge:
			r.Accuracy.Edge = &of
		default:
			r.Accuracy.Cloud = of
		}
		r.Intervals[exit.String()] = Wilson(right, scored)
	}
}

// tierAlone counts the right answers if every sample exited at one tier. With a
// view left, every tier has a proposal: that of the group of the view.
func (e *evaluation) tierAlone(exit topology.Exit) (right, scored int) {
	for i := range e.answers {
		a := &e.answers[i]
		if class, ok := a.tierOnly(exit); ok && a.scored() {
			scored++
			if class == a.label {
				right++
			}
		}
	}
	return right, scored
}

// classFigures is the figures of every class from a confusion matrix
// [label][class].
func classFigures(classes []string, confusion [][]int) []ClassFigures {
	out := make([]ClassFigures, len(classes))
	for c, name := range classes {
		labelled, answered := 0, 0
		for other := range classes {
			labelled += confusion[c][other]
			answered += confusion[other][c]
		}
		right := confusion[c][c]
		out[c] = ClassFigures{
			Class: name, Samples: labelled,
			Recall: share(right, labelled), Interval: Wilson(right, labelled), Precision: share(right, answered),
		}
	}
	return out
}

// balanced is the mean recall of the classes that occur.
func balanced(classes []ClassFigures) Number {
	total, occur := 0.0, 0
	for _, c := range classes {
		if c.Samples > 0 {
			total += float64(c.Recall)
			occur++
		}
	}
	return share(total, float64(occur))
}

// devices measures every view alone, against the label of the view: the sample's
// other views may show another object.
func (e *evaluation) devices() []DeviceAccuracy {
	out := make([]DeviceAccuracy, len(e.topology.Views))
	for v, name := range e.topology.Views {
		seen, right := 0, 0
		for i, sample := range e.samples {
			label := e.set.ViewLabel(sample, v)
			if e.answers[i].seen&(1<<v) == 0 || label == dataset.NotPresent {
				continue
			}
			seen++
			if e.alone[i][v] == label {
				right++
			}
		}
		out[v] = DeviceAccuracy{v, name, seen, share(right, seen), Wilson(right, seen), share(right, e.labelled), Wilson(right, e.labelled)}
		if e.topology.Local == nil {
			nan := Number(math.NaN())
			out[v].Accuracy, out[v].Interval = nan, Interval{nan, nan}
			out[v].OfAllAccuracy, out[v].OfAllInterval = nan, Interval{nan, nan}
		}
	}
	return out
}

// sweep is the exit rule at T from 0 to 1, table II of the paper.
func (e *evaluation) sweep() []SweepRow {
	rows := make([]SweepRow, 0, sweepSteps+1)
	for i := range sweepSteps + 1 {
		t := float64(i) / sweepSteps
		rows = append(rows, SweepRow{t, pointOf(e.topology, e.answers, e.thresholds.WithAll(t))})
	}
	return rows
}

// missing fills in what is left without some views, and without each node.
func (e *evaluation) missing(r *Report) {
	r.Missing, r.MissingByCount = []Missing{}, []MissingByCount{}
	for i, sets := range e.sets {
		first := len(r.Missing)
		for j, set := range sets {
			r.Missing = append(r.Missing, Missing{members(set), leftOf(e.topology, e.fates[i][j], e.labelled)})
		}
		size := i + 1
		all := !exceeds(len(e.topology.Views), size, len(sets))
		r.MissingByCount = append(r.MissingByCount, sumUp(size, r.Missing[first:], all))
	}
}
