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
	"strings"

	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/durable"
	"ganglion/inference/report"
	"ganglion/inference/topology"
	"ganglion/inference/train"
)

// trainFlags are the flags of `ganglion train`.
type trainFlags struct {
	data       dataFlags
	testFrames string
	topology   string
	out        string
	checkpoint string
	json       bool
	config     train.Config

	compareAggregators bool
	compareFilters     []int
	plots              string
	outGiven           bool   // --out was given
	command            string // the command line, for the figures
}

func newTrainCommand() *cobra.Command {
	f := trainFlags{config: train.Defaults()}
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network jointly on labelled views and write its bundle",
		Long: `Trains every section of a network together: one loss over all exits, views dropped
at random so that the network expects it. Test frames are never looked at; 15 % of
the others are set aside to choose the best epoch and the thresholds of the exits.

The same seed makes the same bundle, whatever the number of cores. Ctrl-C saves a
checkpoint, from which --resume goes on to the very same result.

--compare-aggregators trains all nine pairs of schemes that aggregate at the local
exit and at the cloud, --compare-filters devices of several numbers of filters: with
the same split, seed and settings, each measured on the test frames. Their bundles go
into a folder; --resume keeps those that are done.`,
		Example: `  ganglion train --data six-cameras.npz --test-frames 1-65,190-204 --out six.ganglion
  ganglion train --data photos/ --topology corner.yaml --out corner.ganglion
  ganglion train --data six-cameras.npz --views 4 --topology b --out one.ganglion
  ganglion train --data six-cameras.npz --compare-aggregators --plots figures/
  ganglion train --compare-filters 1,2,4,8 --out filters/`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.outGiven, f.command = cmd.Flags().Changed("out"), commandLine(cmd)
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.data.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.topology, "topology", topology.DefaultPreset, "a preset (a to f of the paper, elastic) or a YAML file")
	flags.StringVar(&f.testFrames, "test-frames", "", "frames that training never sees, as 1-65,190-204 (default: a fifth of them, in blocks)")
	flags.StringVar(&f.out, "out", "model.ganglion", "bundle to write")
	flags.StringVar(&f.checkpoint, "checkpoint", "", "file that progress is saved in (default: that of --out with .checkpoint)")
	flags.BoolVar(&f.config.Resume, "resume", false, "go on from the checkpoint")
	flags.BoolVar(&f.json, "json", false, "print what was made as JSON")
	flags.BoolVar(&f.compareAggregators, "compare-aggregators", false, "train and measure all nine pairs of aggregation schemes; --out names a folder (default: aggregators)")
	flags.IntSliceVar(&f.compareFilters, "compare-filters", nil, "train and measure devices of these numbers of filters, as 1,2,4,8; --out names a folder (default: filters)")
	flags.StringVar(&f.plots, "plots", "", "also write figures of the comparison and "+report.PageName+" into this folder")
	f.addSettings(cmd)
	return cmd
}

// addSettings gives the verb the hyper-parameters that people change.
func (f *trainFlags) addSettings(cmd *cobra.Command) {
	flags, c := cmd.Flags(), &f.config
	flags.Uint64Var(&c.Seed, "seed", 1, "seed of everything random")
	flags.IntVar(&c.Epochs, "epochs", c.Epochs, "passes over the training samples, at most")
	flags.IntVar(&c.Patience, "patience", c.Patience, "epochs without a better validation before training ends (0: never)")
	flags.IntVar(&c.Batch, "batch", c.Batch, "samples a step")
	flags.Float64Var(&c.LearningRate, "learning-rate", c.LearningRate, "peak learning rate of Adam")
	flags.Float64Var(&c.ViewDropout, "view-dropout", c.ViewDropout, "probability that a seen view is hidden from a training sample")
	flags.IntVar(&c.Augment.Shift, "shift", c.Augment.Shift, "largest shift of a training view, in pixels each way")
	flags.Float64Var(&c.Augment.Flip, "flip", c.Augment.Flip, "probability of mirroring a training view left to right (0 where that makes it another thing, as with digits)")
	flags.Float64Var(&c.Augment.Exchange, "exchange", c.Augment.Exchange, "probability that a training view is taken from another sample of its class (0 where views are parts of one picture)")
	flags.Float64Var(&c.DeviceWeight, "device-weight", c.DeviceWeight, "weight of each device's own exit in the joint loss")
	flags.Float64Var(&c.LocalWeight, "local-weight", c.LocalWeight, "weight of the local exit in the joint loss")
	flags.Float64Var(&c.EdgeWeight, "edge-weight", c.EdgeWeight, "weight of the edge exit in the joint loss")
	flags.Float64Var(&c.CloudWeight, "cloud-weight", c.CloudWeight, "weight of the cloud exit in the joint loss")
}

func (f *trainFlags) run(ctx context.Context, out, errs io.Writer) error {
	frames, err := f.check()
	if err != nil {
		return err
	}
	set, err := f.data.open(topology.Shape{})
	if err != nil {
		return err
	}
	t, err := topology.Open(f.topology, topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		return err
	}
	if set, err = f.fit(set, t); err != nil {
		return err
	}
	split, err := set.Split(dataset.SplitOptions{Test: frames, Seed: f.config.Seed})
	if err != nil {
		return err
	}
	fmt.Fprintf(errs, "%s on %s: %d samples, %d to validate, %d set aside for test\n",
		t.Name, set.Name, len(split.Train), len(split.Validation), len(split.Test))
	if f.compares() {
		return f.compare(ctx, set, split, t, out, errs)
	}
	display := newTrainDisplay(errs)
	content, err := train.Run(ctx, f.config, set, split, t, display.show)
	display.end()
	if err != nil {
		return err
	}
	b, err := inference.NewBundle(content)
	if err != nil {
		return fmt.Errorf("seal bundle: %w", err)
	}
	if err := b.Write(f.out); err != nil {
		return fmt.Errorf("%w; the checkpoint %s holds the training: free what is in the way and run again with --resume", err, f.config.Checkpoint)
	}
	if err := os.Remove(f.config.Checkpoint); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove checkpoint: %w", err)
	}
	return f.tell(out, b)
}

// check finds what is wrong with the flags before any work is done.
func (f *trainFlags) check() (dataset.FrameRanges, error) {
	if err := f.checkComparison(); err != nil {
		return nil, err
	}
	if f.checkpoint == "" {
		f.checkpoint = f.out + ".checkpoint"
	}
	f.config.Checkpoint = f.checkpoint
	if err := f.config.Validate(); err != nil {
		return nil, &usageError{err}
	}
	var frames dataset.FrameRanges
	if f.testFrames != "" {
		var err error
		if frames, err = dataset.ParseFrames(f.testFrames); err != nil {
			return nil, &usageError{fmt.Errorf("--test-frames: %w", err)}
		}
	}
	if f.compares() {
		return frames, nil // the folder is made before anything is trained
	}
	if err := f.checkCheckpoint(); err != nil {
		return nil, err
	}
	return frames, durable.CheckWritable(f.out)
}

// checkCheckpoint finds what would lose a training: a checkpoint that cannot be written, that is
// removed as the bundle in the end, or that another training has left.
func (f *trainFlags) checkCheckpoint() error {
	same, err := sameFile(f.checkpoint, f.out)
	if err != nil {
		return err
	}
	if same {
		return usagef("--checkpoint and --out are the same file: the checkpoint is removed when the bundle is written")
	}
	if _, err := os.Lstat(f.checkpoint); err == nil && !f.config.Resume {
		return fmt.Errorf("%s is there already, of a training that was interrupted: go on with --resume, or remove it to begin anew", f.checkpoint)
	}
	return durable.CheckWritable(f.checkpoint)
}

// sameFile reports whether two names are those of one file, which need not be there yet.
func sameFile(a, b string) (bool, error) {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(x, y), nil
	}
	a, errA = filepath.Abs(a)
	b, errB = filepath.Abs(b)
	return a == b, errors.Join(errA, errB)
}

// fit reads a folder of pictures again where the topology says more of it than the folder does,
// another size of view or another order of views or classes, and makes sure that data and
// topology agree, in their names too: what is trained on the pictures of one view must not be
// called another.
func (f *trainFlags) fit(set *dataset.Set, t *topology.Topology) (*dataset.Set, error) {
	if err := t.Fits(len(set.Views), len(set.Classes), t.Input); err != nil {
		return nil, err
	}
	if set.Shape() != t.Input || !slices.Equal(set.Views, t.Views) || !slices.Equal(set.Classes, t.Classes) {
		var err error
		if set, err = f.data.openFor(t); err != nil {
			return nil, err
		}
	}
	for v, name := range t.Views {
		if at := slices.Index(set.Views, name); at >= 0 && at != v {
			return nil, fmt.Errorf("the topology %s has view %s in place %d and the data in place %d: give the data's in the topology's order, --views %s",
				t.Name, name, v, at, strings.Join(t.Views, ","))
		}
	}
	return set, nil
}

// trained is what `train --json` tells.
type trained struct {
	Model      string               `json:"model"`
	ID         string               `json:"id"`
	Bytes      int                  `json:"bytes"`
	Thresholds map[string][]float64 `json:"thresholds"`
	BestEpoch  uint32               `json:"best_epoch"`
	Figures    map[string]float64   `json:"validation"`
}

func (f *trainFlags) tell(out io.Writer, b *inference.Bundle) error {
	if f.json {
		return json.NewEncoder(out).Encode(trained{
			Model: f.out, ID: b.ID().String(), Bytes: len(b.File()), Thresholds: thresholdTable(b),
			BestEpoch: b.Provenance().GetBestEpoch(), Figures: b.Provenance().GetFigures(),
		})
	}
	_, err := fmt.Fprintf(out, "wrote %s (%d bytes, %s)\nnext: ganglion eval %s --model %s\n",
		f.out, len(b.File()), b.ID().Short(), f.data.words(), quoted(f.out))
	return err
}

// thresholdTable is a bundle's thresholds by exit name, [views seen - 1].
func thresholdTable(b *inference.Bundle) map[string][]float64 {
	table := map[string][]float64{}
	for _, exit := range b.Topology().Exits() {
		if values := b.Thresholds().BySeen(exit); values != nil {
			table[exit.String()] = values
		}
	}
	return table
}
