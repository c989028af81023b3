package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/durable"
	"ganglion/inference/evaluation"
	"ganglion/inference/report"
)

// standardOutput is the name of a file that stands for standard output.
const standardOutput = "-"

// evalFlags are the flags of `ganglion eval`.
type evalFlags struct {
	data     dataFlags
	model    string
	all      bool
	frames   string
	json     bool
	verdicts string
	together []string // views on one node, by commas
	plots    string
	compared []string // files of comparisons
}

func newEvalCommand() *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Measure a bundle on labelled data",
		Long: `Measures a bundle with the network as it is deployed: the accuracy of each
device alone, of every exit and by the exit rule, the sweep over T, what is left
with views missing and as views are added, how far each exit's confidence is to
be trusted, and two baselines that look at no picture.

--plots writes all of it as figures (SVG and PNG) and as one HTML file into a folder;
--comparison adds what 'ganglion train --compare-aggregators' or '--compare-filters'
found.

On the data that the bundle was trained on it takes the test frames that the
bundle remembers (--all: every sample); of any other data every sample. --frames names
others, where the data are the same moments seen by other cameras.`,
		Example: `  ganglion eval --data six-cameras.npz --model six.ganglion
  ganglion eval --model six.ganglion --data six-cameras.npz --json --verdicts verdicts.jsonl
  ganglion eval --plots figures/
  ganglion eval --together 0,1 --together 2,3`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), commandLine(cmd))
		},
	}
	f.data.add(cmd)
	cmd.Flags().StringVar(&f.model, "model", "", "bundle to measure (default: the embedded model of the street scene)")
	cmd.Flags().BoolVar(&f.all, "all", false, "take every sample, also of the data that the bundle was trained on")
	cmd.Flags().StringVar(&f.frames, "frames", "", "take the samples of these frames, as 1-65,190-204")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	cmd.Flags().StringVar(&f.verdicts, "verdicts", "", `also write each sample's verdict to this file, as lines of JSON ("-": to standard output, instead of the report)`)
	cmd.Flags().StringArrayVar(&f.together, "together", nil, "views that live on one node, as 0,1: what is left if it is lost (repeatable)")
	cmd.Flags().StringVar(&f.plots, "plots", "", "also write figures and "+report.PageName+" into this folder")
	cmd.Flags().StringArrayVar(&f.compared, "comparison", nil, "show this comparison of 'ganglion train' in the figures as well (repeatable)")
	return cmd
}

func (f *evalFlags) run(ctx context.Context, out, remarks io.Writer, command string) error {
	if f.json && f.verdicts == standardOutput {
		return usagef("--json and --verdicts - both want standard output: give --verdicts a file")
	}
	if f.verdicts == standardOutput && f.plots != "" {
		return usagef("--verdicts - is instead of the report that --plots shows: give --verdicts a file")
	}
	if f.verdicts == standardOutput && len(f.together) > 0 {
		return usagef("--verdicts - is instead of the report that --together is for: give --verdicts a file")
	}
	if len(f.compared) > 0 && f.plots == "" {
		return usagef("--comparison is for the figures: name a folder for them with --plots")
	}
	comparisons, err := readComparisons(f.compared)
	if err != nil {
		return err
	}
	b, err := openBundle(f.model)
	if err != nil {
		return err
	}
	set, err := f.data.openFor(b.Topology())
	if err != nil {
		return err
	}
	samples, split, err := f.part(b, set, remarks)
	if err != nil {
		return err
	}
	if f.verdicts == standardOutput {
		return evaluation.WriteVerdicts(ctx, out, b, set, samples)
	}
	together, err := f.nodes(set)
	if err != nil {
		return err
	}
	found, err := evaluation.RunWith(ctx, b, set, evaluation.Options{Samples: samples, Split: split, Together: together})
	if err != nil {
		return err
	}
	if f.verdicts != "" {
		if err := writeVerdicts(ctx, f.verdicts, b, set, samples); err != nil {
			return err
		}
	}
	if f.plots != "" {
		if err := writePlots(f.plots, report.NewDocument(command, found, comparisons...), remarks); err != nil {
			return err
		}
	}
	if f.json {
		return json.NewEncoder(out).Encode(found)
	}
	_, err = io.WriteString(out, reportText(found))
	return err
}

// part is the samples that are measured, and what the report calls them.
func (f *evalFlags) part(b *inference.Bundle, set *dataset.Set, remarks io.Writer) ([]int, string, error) {
	if f.frames == "" {
		return partOf(evaluation.Test, b, set, f.all, remarks)
	}
	if f.all {
		return nil, "", usagef("--all takes every sample, --frames some: give one of the two")
	}
	frames, err := dataset.ParseFrames(f.frames)
	if err != nil {
		return nil, "", &usageError{fmt.Errorf("--frames: %w", err)}
	}
	samples, err := set.SamplesIn(frames)
	return samples, evaluation.SplitFrames, err
}

// nodes is the views of each --together.
func (f *evalFlags) nodes(set *dataset.Set) ([][]int, error) {
	var nodes [][]int
	for _, text := range f.together {
		var views []int
		for name := range strings.SplitSeq(text, ",") {
			v, err := set.ViewIndex(strings.TrimSpace(name))
			if err != nil {
				return nil, fmt.Errorf("--together %s: %w", text, err)
			}
			views = append(views, v)
		}
		nodes = append(nodes, views)
	}
	return nodes, nil
}

// writeVerdicts writes the verdicts to a file, whole or not at all; to a pipe or a
// device as they come.
func writeVerdicts(ctx context.Context, path string, b *inference.Bundle, set *dataset.Set, samples []int) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("write verdicts: %w", err)
		}
		if err := evaluation.WriteVerdicts(ctx, f, b, set, samples); err != nil {
			_ = f.Close() // the first error says what went wrong
			return err
		}
		return f.Close()
	}
	var lines bytes.Buffer
	if err := evaluation.WriteVerdicts(ctx, &lines, b, set, samples); err != nil {
		return err
	}
	if err := durable.WriteFile(path, lines.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write verdicts: %w", err)
	}
	return nil
}
