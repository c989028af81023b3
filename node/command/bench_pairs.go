package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ganglion/node/benchmesh"
)

func newBenchPairsCommand() *cobra.Command {
	var c benchmesh.PairsConfig
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "pairs",
		Short: "Measure two meshes on this machine in turn: one over the other",
		Long: `Starts two meshes of eight nodes on loopback, as bench mesh does, and has them answer
the same samples in turn, one run of each after the other, so that what else the machine
does meets both. Told is the ratio of the one over the other with its 95 % interval:
samples decided a second, processor time a sample over all nodes, median latency of what
is answered locally.

The one is this program with its page followed and its metrics read every second, the other
this program with both switched off. With --against the other is another program, such as
an earlier build, and nobody looks at either.

Where the machine is full, throughput is what it has over what a sample takes: a ratio of
processor time of 1.05 is 5 % less of it. A --rate above what the machine can do shows it
by the samples decided.`,
		Example: `  ganglion bench pairs
  ganglion bench pairs --pairs 30 --rate 1000
  ganglion bench pairs --against ./ganglion-before --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			c.Program = program
			if c.Against != "" {
				if _, err := os.Stat(c.Against); err != nil {
					return fmt.Errorf("program to compare with: %w", err)
				}
			}
			if err := c.Validate(); err != nil {
				return &usageError{err}
			}
			return benchPairs(cmd.Context(), c, asJSON, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&c.Against, "against", "", "path of another build of this program to compare with (default: this one without page and metrics)")
	flags.IntVar(&c.Pairs, "pairs", 15, "runs of each")
	flags.Float64Var(&c.Rate, "rate", 500, "samples a second of a run")
	flags.DurationVar(&c.For, "for", 4*time.Second, "how long a run lasts")
	addJSON(cmd, &asJSON)
	return cmd
}

func benchPairs(ctx context.Context, c benchmesh.PairsConfig, asJSON bool, out, errs io.Writer) error {
	ctx, hurry, stop := interruptible(ctx)
	defer stop()
	shown := benchProgress{text: newDemoText(errs)}
	result, err := benchmesh.RunPairs(ctx, c, shown.progress, hurry)
	shown.text.end()
	shown.text.failed(err, "")
	if err != nil {
		return interrupted(ctx, err)
	}
	if asJSON {
		return writeJSON(out, result)
	}
	_, err = io.WriteString(out, pairsText(&c, result))
	return err
}

// pairsText is the ratios as a table.
func pairsText(c *benchmesh.PairsConfig, r *benchmesh.Pairs) string {
	one, other := "page and metrics on", "both off"
	if c.Against != "" {
		one, other = "this program", c.Against
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s over %s: %d pairs of runs of %v at %g samples a second; %s\n",
		one, other, r.Pairs, c.For, r.Rate, machineText(r.Machine))
	t := section{title: "ratio, geometric mean", names: []string{"", "ratio", "95 % interval"}}
	row := func(name string, of benchmesh.Ratio) {
		t.add(name, fmt.Sprintf("%.3f", of.Mean), fmt.Sprintf("%.3f to %.3f", of.Low, of.High))
	}
	row("samples decided a second", r.PerSecond)
	if r.Processor != nil {
		row("processor time a sample, all nodes", *r.Processor)
	}
	row("latency of local exits, p50", r.Local)
	out.WriteString(t.String())
	var undecided [2]uint64
	for _, p := range r.Runs {
		undecided[0] += p.One.Undecided
		undecided[1] += p.Other.Undecided
	}
	fmt.Fprintf(&out, "  not decided: %d of the one, %d of the other\n", undecided[0], undecided[1])
	return out.String()
}
