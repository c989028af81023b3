package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ganglion/node/benchfailover"
	"ganglion/node/lab"
)

func newBenchFailoverCommand() *cobra.Command {
	c := benchfailover.Config{}
	asJSON := false
	cmd := &cobra.Command{
		Use:   "failover",
		Short: "Break a live mesh on this machine again and again, and measure what it takes",
		Long: `Starts eight nodes of this program, six devices with a view each of the built-in street
scene and two more, each on a machine of its own made of a network namespace, on a switch
that delays, loses and cuts as it is told. Then it has one fault after the other, as often
as is wanted: processes are killed, stopped and restarted, links are cut. Of each it
measures how long nobody answered, when somebody noticed, who took over and when no role
moved any more; and it reads the logs of all nodes: what was lost, what was decided twice.

It needs Linux, root and the commands ip and nsenter (iproute2, util-linux). With --loopback
it needs nothing, and leaves out the faults of the network.

Every figure is held against the project's goal. Exit code 0 says that it was measured,
nothing was lost or decided twice and verdicts came on after each fault, not that every time
is met: other work on the machine makes all of it slower. Of random faults the goals count
too.`,
		Example: `  sudo ganglion bench failover
  ganglion bench failover --loopback --only kill-aggregator --kills 10
  sudo ganglion bench failover --only partition --trials 1 --json
  sudo ganglion bench failover --only random --for 10m`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			c.Program = program
			if !cmd.Flags().Changed("seed") {
				c.Seed = uint64(rand.Uint32())
			}
			if err := c.Validate(); err != nil {
				return &usageError{err}
			}
			if cmd.Flags().Changed("for") && !slices.Contains(c.Only, benchfailover.Random) {
				return usagef("--for is how long random faults go on: give --only %s too", benchfailover.Random)
			}
			return benchFailover(cmd.Context(), c, asJSON, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&c.Only, "only", nil, "these faults alone: "+anyOf(benchfailover.Names())+" (default: all but random)")
	flags.IntVar(&c.Trials, "trials", 20, "trials of each fault")
	flags.IntVar(&c.Kills, "kills", 100, "trials of each fault that is a kill -9")
	flags.Float64Var(&c.Rate, "rate", 200, "samples a second")
	flags.Uint64Var(&c.Seed, "seed", 0, "seed of moments, victims and lost frames (default: another each time, which is told)")
	flags.DurationVar(&c.For, "for", 10*time.Minute, "how long random faults go on, with --only "+benchfailover.Random)
	flags.BoolVar(&c.Loopback, "loopback", false, "all nodes on this machine's loopback: without root, without faults of the network")
	flags.StringVar(&c.LogDir, "log-dir", "", "keep the nodes' logs in this folder")
	flags.BoolVar(&c.Short, "short", false, "hold long faults only for as long as shows them")
	addJSON(cmd, &asJSON)
	return cmd
}

func benchFailover(ctx context.Context, c benchfailover.Config, asJSON bool, out, errs io.Writer) error {
	ctx, hurry, stop := interruptible(ctx)
	defer stop()
	fmt.Fprintf(errs, "seed %d\n", c.Seed)
	shown := benchProgress{text: newDemoText(errs)}
	result, err := benchfailover.Run(ctx, c, shown.progress, hurry)
	shown.text.end()
	shown.text.failed(err, keepsLogs)
	if err != nil && errors.Is(err, lab.ErrUnsupported) {
		return err
	}
	if result != nil && len(result.Faults) > 0 {
		if asJSON {
			err = errors.Join(err, writeJSON(out, result))
		} else if _, fault := io.WriteString(out, failoverText(result)); fault != nil {
			err = errors.Join(err, fault)
		}
	}
	if err != nil {
		return interrupted(ctx, err)
	}
	for _, o := range result.Faults {
		if !o.Whole() || o.Name == benchfailover.Random && !o.Met {
			return fmt.Errorf("bench: %s: %s", o.Name, strings.Join(o.Missed, ", "))
		}
	}
	return nil
}

// failoverText is the figures as tables.
func failoverText(r *benchfailover.Result) string {
	var out strings.Builder
	where := "each in a network of its own"
	if r.Loopback {
		where = "on loopback"
	}
	fmt.Fprintf(&out, "8 nodes %s, %g samples a second, seed %d; %s\n", where, r.Rate, r.Seed, machineText(r.Machine))
	times := section{
		title: "ms after the fault: median / 90 % / worst",
		names: []string{"", "trials", "noticed", "claimed", "moved", "next verdict", "settled", "longest gap", "roles moved"},
	}
	ends := section{title: "ms after the end of a fault that ends: median / 90 % / worst", names: []string{"", "final", "reconciled"}}
	samples := section{
		title: "samples",
		names: []string{"", "due", "in flight", "of those early", "stopped early", "view unseen", "superseded", "contradicted", "open", "lost"},
	}
	goals := section{title: "goals", names: []string{"", "goal", ""}}
	for _, o := range r.Faults {
		times.add(o.Title, strconv.Itoa(len(o.Trials)), spreadText(o.Noticed), spreadText(o.Claimed), spreadText(o.Moved), spreadText(o.Next),
			spreadText(o.Settled), spreadText(o.Gap), strconv.Itoa(o.Moves))
		if o.Ends {
			ends.add(o.Title, spreadText(o.Final), spreadText(o.Reconciled))
		}
		samples.add(o.Title, strconv.Itoa(o.Due), strconv.Itoa(o.InFlight), strconv.Itoa(o.InFlightEarly), strconv.Itoa(o.StoppedEarly),
			strconv.Itoa(o.Unseen), strconv.Itoa(o.Superseded), strconv.Itoa(o.Contradicted), strconv.Itoa(o.Open), strconv.Itoa(o.Lost))
		met := "met"
		if !o.Met {
			met = "MISSED: " + strings.Join(o.Missed, ", ")
		}
		goals.add(o.Title, o.Want, met)
	}
	out.WriteString(times.String())
	out.WriteString("  settled counts from the end of a fault that ends\n")
	if slices.ContainsFunc(r.Faults, func(o *benchfailover.Outcome) bool { return o.Ends }) {
		out.WriteString(ends.String())
	}
	out.WriteString(samples.String() + growthText(r.Growth) + goals.String())
	return out.String()
}

// growthText is what nodes grew by, of random faults.
func growthText(of []benchfailover.Growth) string {
	if len(of) == 0 {
		return ""
	}
	s := section{title: "nodes that lived all along, after warming up and at the end", names: []string{"", "memory MiB", "goroutines", "descriptors", "verdicts"}}
	for _, g := range of {
		goroutines := "not told"
		if g.Goroutines != nil {
			goroutines = fmt.Sprintf("%d, %d", g.Goroutines[0], g.Goroutines[1])
		}
		const mega = 1 << 20
		s.add(g.Node, fmt.Sprintf("%.1f, %.1f", float64(g.Memory[0])/mega, float64(g.Memory[1])/mega), goroutines,
			fmt.Sprintf("%d, %d", g.Descriptors[0], g.Descriptors[1]), strconv.FormatUint(g.Verdicts, 10))
	}
	return s.String()
}

// spreadText is median, 90 % and worst in milliseconds; a dash where there is none.
func spreadText(s benchfailover.Spread) string {
	if s.Trials == 0 {
		return "-"
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.0f", float64(d)/float64(time.Millisecond)) }
	return ms(s.P50) + " / " + ms(s.P90) + " / " + ms(s.Worst)
}
