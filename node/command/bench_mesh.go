package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ganglion/inference/builtin"
	"ganglion/inference/dataset"
	"ganglion/node/benchmesh"
)

// The parts of `bench mesh`, in the order in which they are measured.
const (
	idlePart       = "idle"
	latencyPart    = "latency"
	throughputPart = "throughput"
)

// floorDeviceVerb runs a device of the floor; it is for `bench mesh` alone.
const floorDeviceVerb = "mesh-floor-device"

func newBenchMeshCommand() *cobra.Command {
	parts := []string{idlePart, latencyPart, throughputPart}
	c := benchmesh.Config{FloorArguments: []string{"bench", floorDeviceVerb}}
	only, asJSON := parts, false
	cmd := &cobra.Command{
		Use:   "mesh",
		Short: "Measure a live mesh on this machine: idle, latency, throughput",
		Long: `Starts eight nodes of this program on loopback, six devices with a view each of the
built-in street scene, an aggregator and a cloud, and measures, in this order:

idle        what each node takes of memory and processor, and sends, without a run
latency     of samples on demand, from the request at the coordinator to its sealed
            verdict, for local and for cloud exits; and the floor of it: the same two
            rounds between as many processes over plain TCP, with nothing else. Mesh and
            floor take turns
throughput  a run on the beat: what is decided, lost, refused, and its latency; processor
            time for each sample

Every figure that the project has a goal for is held against it. Exit code 0 says that it
was measured, not that goals are met. Other work on the machine makes all of it slower:
the load is told.`,
		Example: `  ganglion bench mesh
  ganglion bench mesh --only latency --rounds 20
  ganglion bench mesh --only throughput --rate 2000 --for 10s --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, part := range only {
				if !slices.Contains(parts, part) {
					return usagef("--only %q: use %s", part, anyOf(parts))
				}
			}
			c.Idle, c.Latency, c.Throughput = slices.Contains(only, idlePart), slices.Contains(only, latencyPart), slices.Contains(only, throughputPart)
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			c.Program = program
			if err := c.Validate(); err != nil {
				return &usageError{err}
			}
			return benchMesh(cmd.Context(), c, asJSON, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&only, "only", parts, "measure these parts alone: "+anyOf(parts))
	flags.IntVar(&c.Rounds, "rounds", 10, "rounds of latency; mesh and floor have a turn in each")
	flags.IntVar(&c.Samples, "samples", 300, "samples in a turn")
	flags.Float64Var(&c.Rate, "rate", 1000, "samples a second of the run")
	flags.DurationVar(&c.For, "for", 30*time.Second, "how long the run lasts")
	flags.DurationVar(&c.Quiet, "idle", time.Minute, "how long nodes are left alone before they are measured idle, for half as long")
	addJSON(cmd, &asJSON)
	return cmd
}

func benchMesh(ctx context.Context, c benchmesh.Config, asJSON bool, out, errs io.Writer) error {
	ctx, hurry, stop := interruptible(ctx)
	defer stop()
	shown := benchProgress{text: newDemoText(errs)}
	result, err := benchmesh.Run(ctx, c, shown.progress, hurry)
	shown.text.end()
	shown.text.failed(err, "")
	if err != nil {
		return interrupted(ctx, err)
	}
	if asJSON {
		return writeJSON(out, result)
	}
	_, err = io.WriteString(out, meshText(result))
	return err
}

// benchProgress shows how far a measurement is: each step in a line, and on a terminal how
// far that is.
type benchProgress struct {
	text *demoText
	last string
}

func (b *benchProgress) progress(what string, done, of int) {
	if what != b.last {
		b.last = what
		if b.text.width == 0 {
			b.text.line("%s", what)
		}
	}
	if of > 0 {
		what = fmt.Sprintf("%s: %d of %d", what, done, of)
	}
	b.text.progress(what)
}

// newFloorDeviceCommand is what `bench mesh` starts to compare with.
func newFloorDeviceCommand() *cobra.Command {
	return &cobra.Command{
		Use: floorDeviceVerb + " VIEW", Hidden: true,
		Short: "Serve a view over plain TCP, for bench mesh",
		Args:  atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			view, err := strconv.Atoi(firstOf(args))
			if err != nil {
				return usagef("view %q is no number", firstOf(args))
			}
			b, err := builtin.Bundle()
			if err != nil {
				return err
			}
			set, err := dataset.Open("street", dataset.Options{})
			if err != nil {
				return err
			}
			return benchmesh.ServeFloor(cmd.Context(), b, set, view, cmd.OutOrStdout())
		},
	}
}

// meshText is the figures as tables.
func meshText(r *benchmesh.Result) string {
	var out strings.Builder
	fmt.Fprintf(&out, "8 nodes on loopback, %s\n", machineText(r.Machine))
	if r.Idle != nil {
		idleText(&out, r.Idle)
	}
	if r.Latency != nil {
		latencyText(&out, r.Latency)
	}
	if r.Throughput != nil {
		throughputText(&out, r.Throughput)
	}
	goals := section{title: "goals", names: []string{"", "goal", "measured", ""}}
	for _, g := range r.Goals {
		met := "missed"
		if g.Met {
			met = "met"
		}
		goals.add(g.Of, g.Want, g.Got, met)
	}
	out.WriteString(goals.String())
	return out.String()
}

func latencyText(out *strings.Builder, l *benchmesh.Latency) {
	t := section{
		title: fmt.Sprintf("latency on demand, ms; medians of %s, p99.9 of all samples", count(l.Rounds, "round", "rounds")),
		names: []string{"", "samples", "p50", "p99", "p99.9", "over floor"},
	}
	row := func(name string, s benchmesh.Spread, ratio string) {
		t.add(name, strconv.Itoa(s.Samples), millis(s.P50), millis(s.P99), millis(s.P999), ratio)
	}
	row("local exit", l.Local, fmt.Sprintf("%.2f", l.OverFloor))
	row("floor: plain TCP", l.Floor, "1")
	row("cloud exit", l.Cloud, "")
	out.WriteString(t.String())
	if l.Strays > 0 {
		fmt.Fprintf(out, "  not timed: %s with another exit than the network's, or a view missing\n", count(l.Strays, "verdict", "verdicts"))
	}
}

func throughputText(out *strings.Builder, t *benchmesh.Throughput) {
	s := section{
		title: fmt.Sprintf("throughput: %d samples at %g a second, %.1f decided a second", t.Due, t.Rate, t.PerSecond),
		names: []string{"", "samples", "p50", "p99", "p99.9"},
	}
	for _, one := range []struct {
		name string
		of   benchmesh.Spread
	}{{"latency from the first frame, ms", t.Latency}, {"from the beat, ms", t.SinceBeat}} {
		s.add(one.name, strconv.Itoa(one.of.Samples), millis(one.of.P50), millis(one.of.P99), millis(one.of.P999))
	}
	out.WriteString(s.String())
	exits := make([]string, len(t.Exits))
	for i, e := range t.Exits {
		exits[i] = fmt.Sprintf("%s %.1f %%", e.Exit, 100*e.Share)
	}
	fmt.Fprintf(out, "  exits: %s; stopped early: %.2f %%\n", strings.Join(exits, ", "), 100*t.StoppedEarly)
	w := section{title: "a run's work, for each decided sample", names: []string{"", "processor us", "of a core", "sent bytes"}}
	for _, n := range t.Work {
		processor, share := "-", "-"
		if n.Sample != nil {
			processor = fmt.Sprintf("%.1f", float64(*n.Sample)/float64(time.Microsecond))
			share = fmt.Sprintf("%.1f %%", 100*n.Sample.Seconds()*t.PerSecond)
		}
		w.add(n.Name, processor, share, fmt.Sprintf("%.0f", n.SentBytes))
	}
	out.WriteString(w.String())
}

func idleText(out *strings.Builder, i *benchmesh.Idle) {
	t := section{
		title: fmt.Sprintf("idle for %v, then measured for %v", i.Quiet, i.Window.Round(time.Second)),
		names: []string{"", "anonymous MB", "resident MB", "of a core", "TCP B/s", "UDP B/s", "may send B/s"},
	}
	known := true
	for _, n := range i.Nodes {
		anonymous, resident, processor := "-", "-", "-"
		if n.Memory != nil && n.Processor != nil {
			const mega = 1e6
			anonymous, resident = fmt.Sprintf("%.1f", float64(n.Memory.Anonymous)/mega), fmt.Sprintf("%.1f", float64(n.Memory.Resident)/mega)
			processor = fmt.Sprintf("%.2f %%", 100**n.Processor)
		} else {
			known = false
		}
		t.add(n.Name, anonymous, resident, processor, fmt.Sprintf("%.0f", n.TCP), fmt.Sprintf("%.0f", n.UDP), fmt.Sprintf("%.0f", n.Allowed))
	}
	out.WriteString(t.String())
	if !known {
		out.WriteString("  memory and processor time are read from /proc, which only Linux has\n")
	}
	protocols := section{title: "idle, sent by protocol, B/s on the streams", names: []string{"protocol"}}
	rows := map[string][]string{}
	var order []string
	for at, n := range i.Nodes {
		protocols.names = append(protocols.names, n.Name)
		for _, p := range n.Protocols {
			if rows[p.Protocol] == nil {
				order = append(order, p.Protocol)
				rows[p.Protocol] = slices.Repeat([]string{"-"}, len(i.Nodes))
			}
			rows[p.Protocol][at] = fmt.Sprintf("%.0f", p.Sent)
		}
	}
	for _, p := range order {
		protocols.add(append([]string{p}, rows[p]...)...)
	}
	out.WriteString(protocols.String())
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond))
}
