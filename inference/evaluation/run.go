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

	SplitFrames = "frames" // frames that somebody named
)

// Run evaluates a bundle on samples of a data set, of which there must be one;
// split is what the report calls them. It uses every processor, and ends early
// with ctx.
func Run(ctx context.Context, b *inference.Bundle, set *dataset.Set, samples []int, split string) (*Report, error) {
	return RunWith(ctx, b, set, Options{Samples: samples, Split: split})
}

// RunWith is Run with all that may be asked for.
func RunWith(ctx context.Context, b *inference.Bundle, set *dataset.Set, opts Options) (*Report, error) {
	r, err := run(ctx, b, set, opts)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return r, nil
}

func run(ctx context.Context, b *inference.Bundle, set *dataset.Set, opts Options) (*Report, error) {
	t := b.Topology()
	if err := CheckFit(t, set); err != nil {
		return nil, err
	}
	if len(opts.Samples) == 0 {
		return nil, fmt.Errorf("data set %s has no samples in these frames; take every sample", set.Name)
	}
	nodes, err := nodesOf(t, opts.Together)
	if err != nil {
		return nil, err
	}
	e := newEvaluation(t, b.Thresholds(), set, opts.Samples)
	if err := eachTrial(ctx, b.Model(), set, e.samples, e.visit); err != nil {
		return nil, err
	}
	r := &Report{
		Samples: len(e.samples),
		Bundle:  b.ID().String(), CalibratedFor: b.CalibratedFor(), SyntheticModel: b.Provenance().GetSynthetic(),
		Data: set.Name, DataHash: hex.EncodeToString(set.Hash[:]), Synthetic: set.Synthetic,
		Split: opts.Split, Frames: set.FramesOf(e.samples).String(),
		Classes: t.Classes, Views: t.Views,
		Thresholds: ThresholdsByName(t, b.Thresholds()),
		Baselines:  baselines(t, set, e.samples),
		Devices:    e.devices(),
		Sweep:      e.sweep(),
	}
	e.exitRule(r)
	e.missing(r)
	if r.Growth, err = e.grow(ctx, b.Model(), r.Devices); err != nil {
		return nil, err
	}
	if r.Nodes, err = e.losses(ctx, b.Model(), nodes); err != nil {
		return nil, err
	}
	r.ExitQuality = e.confidence()
	return r, nil
}

// evaluation is what the network made of some samples. What is by sample is written
// by that sample's visit alone, so that visits need no lock.
type evaluation struct {
	topology   *topology.Topology
	thresholds inference.Thresholds
	set        *dataset.Set
	samples    []int
	labelled   int         // samples that have a label
	answers    []answer    // [sample] with all views
	cases      [][]weighed // [sample] that has a label, with subsets of the views seen
	alone      [][]int     // [sample][view]: the class of the device's own exit, -1 without
	sets       [][]uint64  // [missing views - 1][set]
	fates      [][][]fate  // [missing views - 1][set][sample]
}

func newEvaluation(t *topology.Topology, thresholds inference.Thresholds, set *dataset.Set, samples []int) *evaluation {
	e := &evaluation{
		topology: t, thresholds: thresholds, set: set, samples: samples,
		answers: make([]answer, len(samples)), cases: make([][]weighed, len(samples)), alone: make([][]int, len(samples)),
		sets: missingSets(t),
	}
	for _, sample := range samples {
		if set.Labels[sample] != dataset.NotPresent {
			e.labelled++
		}
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
	if label != dataset.NotPresent {
		e.cases[place] = casesOf(t, label, place, caseLimit(e.topology, len(e.samples)))
	}
	e.alone[place] = make([]int, len(e.topology.Views))
	for v := range e.alone[place] {
		e.alone[place][v] = -1
		if scores := t.devices.View(v).Scores; scores != nil && t.devices.Seen&(1<<v) != 0 {
			e.alone[place][v] = inference.ArgMax(scores)
		}
	}
	for i, sets := range e.sets {
		for j, missing := range sets {
			e.fates[i][j][place] = e.fateWith(place, t, all&^missing)
		}
	}
}

// fateWith is the fate of a sample of which some views are left.
func (e *evaluation) fateWith(place int, t *trial, left uint64) fate {
	a := answer{e.set.Labels[e.samples[place]], t.devices.Seen & left, t.proposals(left)}
	return fateOf(&a, e.thresholds)
}
