package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/inference/train"
	"ganglion/node/benchtopologies"
)

// topologiesFlags are the flags of `ganglion bench topologies`.
type topologiesFlags struct {
	training trainFlags // its data and settings
	config   benchtopologies.Config
	json     bool
}

func newBenchTopologiesCommand() *cobra.Command {
	f := topologiesFlags{training: trainFlags{config: train.Defaults()}}
	cmd := &cobra.Command{
		Use:   "topologies",
		Short: "Train every deployment of the paper on one split, and run each live",
		Long: `Trains on one split, with one budget: every preset (b and d, which have one device, for
the view whose network does best on validation), each view alone, and a float network of the
same size to which all pictures are sent. All answer the same test samples, and each is run
live, on real processes on loopback, with the last tier so and so far away. One table has
accuracy, bytes and latency of all; below it stands what becomes of the claim that views are
better together than any alone, and as good as the cloud alone, at a fraction of the traffic.

Networks are kept in the folder that --out names: a second run measures only, and one that
was stopped by Ctrl-C goes on where it was.

Exit code 0 says that it was measured, that no sample was lost, and that every verdict was
what one process answers, not that the claim holds.`,
		Example: `  ganglion bench topologies
  ganglion bench topologies --data six-cameras.npz --test-frames 1-65,190-204
  ganglion bench topologies --only a,float,c --cloud-delay 0s,100ms --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.training.data.add(cmd)
	f.training.addSettings(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.training.testFrames, "test-frames", "", "frames that training never sees, as 1-65,190-204 (default: a fifth of them, in blocks)")
	flags.StringVar(&f.config.Folder, "out", "topologies", "folder that the networks are kept in")
	flags.StringSliceVar(&f.config.Only, "only", nil, "these networks alone: "+anyOf(benchtopologies.Names())+" (default: all)")
	flags.DurationSliceVar(&f.config.Delays, "cloud-delay", []time.Duration{0, 20 * time.Millisecond, 40 * time.Millisecond}, "added round trips to the last tier, with a live run at each")
	flags.Float64Var(&f.config.Rate, "rate", 50, "samples a second of a live run")
	flags.StringVar(&f.config.LogDir, "log-dir", "", "keep the nodes' logs in this folder")
	addJSON(cmd, &f.json)
	return cmd
}

func (f *topologiesFlags) run(ctx context.Context, out, errs io.Writer) error {
	ctx, hurry, stop := interruptible(ctx)
	defer stop()
	if err := f.prepare(); err != nil {
		return err
	}
	shown := benchProgress{text: newDemoText(errs)}
	result, err := benchtopologies.Run(ctx, f.config, shown.progress, hurry)
	shown.text.end()
	shown.text.failed(err, keepsLogs)
	if result == nil {
		if errors.Is(err, train.ErrOther) {
			err = fmt.Errorf("%w: name another folder with --out, or remove that file", err)
		}
		return interrupted(ctx, err)
	}
	if f.json {
		return errors.Join(err, writeJSON(out, result))
	}
	_, fault := io.WriteString(out, topologiesText(result))
	return errors.Join(err, fault)
}

// prepare reads the data and finds what is wrong with the flags.
func (f *topologiesFlags) prepare() error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	c := &f.config
	c.Program, c.Train = program, f.training.config
	if f.training.testFrames != "" {
		if c.Test, err = dataset.ParseFrames(f.training.testFrames); err != nil {
			return &usageError{fmt.Errorf("--test-frames: %w", err)}
		}
	}
	if c.Set, err = f.training.data.open(topology.Shape{}); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return &usageError{err}
	}
	// What was chosen of the data, or rendered, the nodes get as a copy.
	data := &f.training.data
	if _, missing := os.Stat(data.ref); missing == nil && len(data.views) == 0 && len(data.classes) == 0 {
		if c.Source, err = filepath.Abs(data.ref); err != nil {
			return fmt.Errorf("find the data: %w", err)
		}
	}
	return nil
}

// topologiesText is the comparison as tables.
func topologiesText(r *benchtopologies.Result) string {
	var out strings.Builder
	fmt.Fprintf(&out, "data      %s%s, %d test samples: frames %s\ntrained   seed %d, at most %d epochs each\n",
		r.Data, syntheticText(r.Synthetic), r.Samples, r.Frames, r.Seed, r.Epochs)
	fmt.Fprintf(&out, "machine   %s\n", machineText(r.Machine))
	out.WriteString(accuracySection(r))
	out.WriteString(bytesSection(r))
	for _, line := range latencySections(r) {
		out.WriteString(line)
	}
	if r.Claim != nil {
		out.WriteString(claimText(r.Claim))
	}
	return out.String()
}

// rowName is what a network is called in a table.
func rowName(n *benchtopologies.Network) string {
	if n.View != "" {
		return n.Name + ": " + n.View
	}
	return n.Name
}

func accuracySection(r *benchtopologies.Result) string {
	t := section{
		title: "accuracy over all labelled test samples; a sample that no view of the network sees is not answered",
		names: []string{"", "network", "accuracy", "95 %", "answered", "of these", "at local", "edge", "cloud"},
	}
	for i := range r.Networks {
		n := &r.Networks[i]
		cells := []string{rowName(n), n.Topology, percent(n.Accuracy), interval(n.Interval), percent(n.Answered), percent(n.AnsweredAccuracy)}
		for _, e := range []topology.Exit{topology.ExitLocal, topology.ExitEdge, topology.ExitCloud} {
			cell := "-"
			if at, there := n.Exits[e.String()]; there {
				cell = percent(at)
			}
			cells = append(cells, cell)
		}
		t.add(cells...)
	}
	return t.String()
}

func bytesSection(r *benchtopologies.Result) string {
	t := section{
		title: "bytes for each sample",
		names: []string{"", "weights, all", "devices send", "for a seen view", "to the last tier", "devices' sockets"},
	}
	for i := range r.Networks {
		n := &r.Networks[i]
		cells := []string{rowName(n), strconv.FormatInt(n.Weights, 10), "-", "-", byteCount(n.UplinkPerSample), "-"}
		if len(n.Live) > 0 {
			l := &n.Live[0]
			cells[2], cells[3], cells[5] = byteCount(l.PayloadPerSample), byteCount(l.PayloadPerView), byteCount(l.SocketPerSample)
		}
		t.add(cells...)
	}
	return t.String()
}

// latencySections is the live runs: a table, and what went wrong in any of them.
func latencySections(r *benchtopologies.Result) (texts []string) {
	t := section{title: fmt.Sprintf("live at %g samples a second: ms from the first frame to the sealed verdict, p50 / p99", r.Rate), names: []string{""}}
	seen := map[float64]bool{}
	for _, n := range r.Networks {
		for _, l := range n.Live {
			if !seen[l.DelayMS] {
				seen[l.DelayMS] = true
				t.names = append(t.names, fmt.Sprintf("cloud %g ms away", l.DelayMS))
			}
		}
	}
	if len(t.names) == 1 {
		return nil
	}
	var remarks []string
	for i := range r.Networks {
		n := &r.Networks[i]
		cells := make([]string, len(t.names))
		cells[0] = rowName(n)
		for c := range cells[1:] {
			cells[c+1] = "-"
		}
		for _, l := range n.Live {
			for c, name := range t.names {
				if name == fmt.Sprintf("cloud %g ms away", l.DelayMS) {
					cells[c] = fmt.Sprintf("%.1f / %.1f", float64(l.LatencyMS.P50), float64(l.LatencyMS.P99))
				}
			}
			if l.Short > 0 || l.Wrong > 0 || l.Lost > 0 || l.Open > 0 || l.Refused > 0 {
				remarks = append(remarks, fmt.Sprintf("  %s, cloud %g ms away: of %d samples %d rest on fewer views than there were, %d differ from one process, %d refused, %d lost, %d open\n",
					rowName(n), l.DelayMS, l.Due, l.Short, l.Wrong, l.Refused, l.Lost, l.Open))
			}
		}
		t.add(cells...)
	}
	return append([]string{t.String()}, remarks...)
}

// claimText is what became of the claim.
func claimText(c *benchtopologies.Claim) string {
	var out strings.Builder
	fmt.Fprintf(&out, "\nthe claim: %s answers %s rightly (%s)\n", benchtopologies.Distributed, percent(c.Accuracy), interval(c.Interval))
	for _, v := range []struct {
		what string
		of   *benchtopologies.Versus
	}{{"the best view alone, " + c.Alone.Other, &c.Alone}, {"one float network that gets all pictures", &c.Float}} {
		fmt.Fprintf(&out, "  than %s, %s (%s): %s; %d samples right here alone, %d there alone, p %.2g",
			v.what, percent(v.of.Accuracy), interval(v.of.Interval), v.of.Verdict, v.of.OnlyFirst, v.of.OnlyOther, v.of.P)
		if times := float64(v.of.TimesBytes); !math.IsNaN(times) && !math.IsInf(times, 0) {
			fmt.Fprintf(&out, "; that sends %.3g times the bytes", times)
		}
		out.WriteString("\n")
	}
	return out.String()
}
