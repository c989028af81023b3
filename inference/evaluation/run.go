package evaluation

import (
	"context"
	"encoding/hex"
	"fmt"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// The parts of a data set that a report is about.
const (
	SplitTest = "test" // the test frames that the bundle remembers
	SplitAll  = "all"  // every sample
)

// Run evaluates a bundle on samples of a data set, of which there must be one;
// split is what the report calls them. It uses every processor, and ends early
// with ctx.
func Run(ctx context.Context, b *inference.Bundle, set *dataset.Set, samples []int, split string) (*Report, error) {
	t := b.Topology()
	if err := CheckFit(t, set); err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("evaluate: data set %s has no samples in these frames; take every sample", set.Name)
	}
	e := newEvaluation(t, b.Thresholds(), set, samples)
	if err := eachTrial(ctx, b.Model(), set, samples, e.visit); err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	r := &Report{
		Samples: len(samples),
		Bundle:  b.ID().String(), CalibratedFor: b.CalibratedFor(), SyntheticModel: b.Provenance().GetSynthetic(),
		Data: set.Name, DataHash: hex.EncodeToString(set.Hash[:]), Synthetic: set.Synthetic,
		Split: split, Frames: set.FramesOf(samples).String(),
		Classes: t.Classes, Views: t.Views,
		Thresholds: ThresholdsByName(t, b.Thresholds()),
		Baselines:  baselines(t, set, samples),
		Devices:    e.devices(),
		Sweep:      e.sweep(),
	}
	e.exitRule(r)
	e.missing(r)
	return r, nil
}

// evaluation is what the network made of some samples. What is by sample is written
// by that sample's visit alone, so that visits need no lock.
type evaluation struct {
	topology   *topology.Topology
	thresholds inference.Thresholds
	set        *dataset.Set
	samples    []int
	answers    []answer   // [sample] with all views
	alone      [][]int    // [sample][view]: the class of the device's own exit, -1 without
	sets       [][]uint64 // [missing views - 1][set]
	fates      [][][]fate // [missing views - 1][set][sample]
}

func newEvaluation(t *topology.Topology, thresholds inference.Thresholds, set *dataset.Set, samples []int) *evaluation {
	e := &evaluation{
		topology: t, thresholds: thresholds, set: set, samples: samples,
		answers: make([]answer, len(samples)), alone: make([][]int, len(samples)),
		sets: missingSets(t),
	}
	for _, sets := range e.sets {
		fates := make([][]fate, len(sets))
		for i := range fates {
			fates[i] = make([]fate, len(samples))
		}
		e.fates = append(e.fates, fates)
	}
	return e
}

// visit notes everything that the network makes of one sample.
func (e *evaluation) visit(place int, t *trial) {
	label, all := e.set.Labels[e.samples[place]], e.topology.AllViews()
	e.answers[place] = answer{label, t.devices.Seen, t.proposals(all)}
	e.alone[place] = make([]int, len(e.topology.Views))
	for v := range e.alone[place] {
		e.alone[place][v] = -1
		if scores := t.devices.View(v).Scores; scores != nil && t.devices.Seen&(1<<v) != 0 {
			e.alone[place][v] = inference.ArgMax(scores)
		}
	}
	for i, sets := range e.sets {
		for j, missing := range sets {
			left := all &^ missing
			a := answer{label, t.devices.Seen & left, t.proposals(left)}
			e.fates[i][j][place] = fateOf(&a, e.thresholds)
		}
	}
}
