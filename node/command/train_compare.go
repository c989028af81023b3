package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"ganglion/inference/dataset"
	"ganglion/inference/durable"
	"ganglion/inference/evaluation"
	"ganglion/inference/report"
	"ganglion/inference/topology"
	"ganglion/inference/train"
)

// comparisonName is the file of a comparison in its folder.
const comparisonName = "comparison.json"

// candidate is one network of a comparison, before it is trained.
type candidate struct {
	name     string
	topology *topology.Topology
}

// candidatesOf is the networks that are compared: a topology with one choice changed.
func (f *trainFlags) candidatesOf(t *topology.Topology) (by string, all []candidate, err error) {
	if f.compareAggregators {
		all, err = aggregatorPairs(t)
		return evaluation.ByAggregators, all, err
	}
	all, err = filterNumbers(t, f.compareFilters)
	return evaluation.ByFilters, all, err
}

// aggregatorPairs is every local scheme with every scheme at the cloud, in the order of
// table I of the paper.
func aggregatorPairs(t *topology.Topology) ([]candidate, error) {
	if t.Local == nil {
		return nil, fmt.Errorf("topology %s has no local exit: choose one that has, as %s", t.Name, topology.DefaultPreset)
	}
	var all []candidate
	schemes := []topology.Aggregator{topology.MP, topology.AP, topology.CC}
	for _, local := range schemes {
		for _, cloud := range schemes {
			changed := *t
			changed.Local = &topology.Local{Scores: local}
			changed.Cloud.Features = cloud
			c := candidate{local.String() + "-" + cloud.String(), &changed}
			if err := changed.Validate(); err != nil {
				return nil, fmt.Errorf("aggregate by %s: %w", c.name, err)
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// filterNumbers is a topology with each number of filters in the device's last block.
func filterNumbers(t *topology.Topology, numbers []int) ([]candidate, error) {
	var all []candidate
	for _, n := range numbers {
		changed := *t
		changed.Device.Blocks = slices.Clone(t.Device.Blocks)
		changed.Device.Blocks[len(changed.Device.Blocks)-1].Filters = n
		if err := changed.Validate(); err != nil {
			return nil, fmt.Errorf("devices of %d filters: %w", n, err)
		}
		all = append(all, candidate{strconv.Itoa(n) + "-filters", &changed})
	}
	return all, nil
}

// compares tells whether several networks are to be trained.
func (f *trainFlags) compares() bool { return f.compareAggregators || len(f.compareFilters) > 0 }

// checkComparison finds what is wrong with the flags of a comparison.
func (f *trainFlags) checkComparison() error {
	switch {
	case f.compareAggregators && len(f.compareFilters) > 0:
		return usagef("--compare-aggregators and --compare-filters are two comparisons: run them one after the other")
	case f.plots != "" && !f.compares():
		return usagef("--plots is for comparisons: figures of one network are made by 'ganglion eval --plots'")
	case f.checkpoint != "" && f.compares():
		return usagef("--checkpoint is for one network: those of a comparison are in the folder that --out names")
	}
	for i, n := range f.compareFilters {
		if n < 1 || n > topology.MaxFilters || slices.Contains(f.compareFilters[:i], n) {
			return usagef("--compare-filters: %d is none of 1 to %d, or is there twice", n, topology.MaxFilters)
		}
	}
	return nil
}

// folder is where the networks of a comparison go.
func (f *trainFlags) folder() string {
	switch {
	case f.outGiven:
		return f.out
	case f.compareAggregators:
		return evaluation.ByAggregators
	}
	return evaluation.ByFilters
}

// compare trains every network of a comparison with the same split, seed and settings,
// and measures each on the test part.
func (f *trainFlags) compare(ctx context.Context, set *dataset.Set, split dataset.Split, t *topology.Topology, out, errs io.Writer) error {
	by, candidates, err := f.candidatesOf(t)
	if err != nil {
		return err
	}
	folder := f.folder()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make a folder for the networks: %w; name another with --out", err)
	}
	c := &evaluation.Comparison{
		By: by, Data: set.Name, DataHash: fmt.Sprintf("%x", set.Hash), Synthetic: set.Synthetic,
		Frames: set.FramesOf(split.Test).String(), Samples: len(split.Test), Seed: f.config.Seed, Epochs: f.config.Epochs,
	}
	for i, candidate := range candidates {
		path := filepath.Join(folder, candidate.name+".ganglion")
		fmt.Fprintf(errs, "%s (%d of %d)\n", candidate.name, i+1, len(candidates))
		display := newTrainDisplay(errs)
		b, err := train.Keep(ctx, f.config, set, split, candidate.topology, path, display.show)
		display.end()
		switch {
		case errors.Is(err, train.ErrInterrupted):
			return fmt.Errorf("%s: %w: run again with --resume, which keeps what is done (%d of %d)", candidate.name, err, i, len(candidates))
		case errors.Is(err, train.ErrOther):
			return fmt.Errorf("%w: name another folder with --out, or leave --resume out to train it anew", err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", candidate.name, err)
		}
		found, err := evaluation.Run(ctx, b, set, split.Test, evaluation.SplitTest)
		if err != nil {
			return err
		}
		c.Networks = append(c.Networks, evaluation.ComparedOf(found, b, path))
	}
	return f.tellComparison(c, t, folder, out, errs)
}

// tellComparison writes a comparison into its folder, and says what it found.
func (f *trainFlags) tellComparison(c *evaluation.Comparison, t *topology.Topology, folder string, out, errs io.Writer) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	path := filepath.Join(folder, comparisonName)
	if err := durable.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	if f.plots != "" {
		if err := writePlots(f.plots, report.NewDocument(f.command, nil, c), errs); err != nil {
			return err
		}
	}
	if f.json {
		_, err := out.Write(append(text, '\n'))
		return err
	}
	// Not the best of them: that would be a choice by the test samples.
	shown := max(0, slices.IndexFunc(c.Networks, func(n evaluation.Compared) bool { return n.Alike(t) }))
	_, err = fmt.Fprintf(out, "data      %s%s, %d test samples: frames %s\ntrained   seed %d, at most %d epochs each\n%s\nwrote %d bundles and %s\nnext: ganglion eval %s --model %s --plots figures --comparison %s\n",
		c.Data, syntheticText(c.Synthetic), c.Samples, c.Frames, c.Seed, c.Epochs, tableText(report.ComparisonTable(c)),
		len(c.Networks), path, f.data.words(), quoted(c.Networks[shown].Model), quoted(path))
	return err
}
