package benchmesh

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// warmUp is how many samples each contender answers before it counts.
const warmUp = 50

// refs are the samples of the test split by the exit that answers them.
type refs struct {
	local, cloud []int
}

// refsOf runs every sample that the nodes replay through the network.
func refsOf(b *inference.Bundle, set *dataset.Set) (r refs, err error) {
	samples, found, err := evaluation.Remembered(b, set, evaluation.Test)
	if err != nil {
		return r, err
	}
	if !found {
		samples = evaluation.Every(set)
	}
	s := b.Model().NewScratch()
	pixels := make([][]byte, len(set.Views))
	for _, i := range samples {
		for v := range pixels {
			pixels[v] = set.View(i, v)
		}
		switch v := b.Model().Classify(pixels, b.Thresholds(), s); v.Exit {
		case topology.ExitLocal:
			r.local = append(r.local, i)
		case topology.ExitCloud:
			r.cloud = append(r.cloud, i)
		default: // without a view
		}
	}
	if len(r.local) == 0 || len(r.cloud) == 0 {
		return r, fmt.Errorf("of %d samples %d exit locally and %d at the cloud: some of both are needed", len(samples), len(r.local), len(r.cloud))
	}
	return r, nil
}

// contender answers samples and says how long each took.
type contender struct {
	name   string
	refs   []int
	next   int
	ask    func(ctx context.Context, ref int) (took time.Duration, counts bool, err error)
	rounds [][]time.Duration
	strays int
}

// turn asks for so many samples.
func (c *contender) turn(ctx context.Context, samples int) error {
	times := make([]time.Duration, 0, samples)
	for range samples {
		took, counts, err := c.ask(ctx, c.refs[c.next%len(c.refs)])
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if c.next++; counts {
			times = append(times, took)
		} else {
			c.strays++
		}
	}
	c.rounds = append(c.rounds, times)
	return nil
}

// latency has mesh and floor take turns.
func (r *running) latency(ctx context.Context, m *liveMesh) (*Latency, error) {
	refs, err := refsOf(r.bundle, r.set)
	if err != nil {
		return nil, err
	}
	floor, err := r.floor(ctx)
	if err != nil {
		return nil, err
	}
	defer floor.Close()
	onMesh := func(exit topology.Exit) func(context.Context, int) (time.Duration, bool, error) {
		return func(ctx context.Context, ref int) (time.Duration, bool, error) {
			n := int64(ref)
			answer, err := m.coordinator.Classify(ctx, &controlpb.ClassifyRequest{Ref: &n})
			if err != nil {
				return 0, false, m.coordinator.Explain(err)
			}
			v := answer.GetVerdict()
			return time.Duration(v.GetLatencyNs()), v.GetExit() == exit.String() && len(v.GetMissing()) == 0, nil
		}
	}
	local := &contender{name: "mesh, local exit", refs: refs.local, ask: onMesh(topology.ExitLocal)}
	cloud := &contender{name: "mesh, cloud exit", refs: refs.cloud, ask: onMesh(topology.ExitCloud)}
	plain := &contender{name: "floor", refs: refs.local, ask: func(ctx context.Context, ref int) (time.Duration, bool, error) {
		took, _, err := floor.Ask(ctx, ref)
		return took, err == nil, err
	}}
	all := []*contender{local, plain, cloud}
	for _, c := range all {
		if err := c.turn(ctx, warmUp); err != nil {
			return nil, err
		}
		c.rounds, c.strays = nil, 0
	}
	for round := range r.config.Rounds {
		r.progress("latency: rounds", round, r.config.Rounds)
		for i := range all {
			if err := all[(round+i)%len(all)].turn(ctx, r.config.Samples); err != nil {
				return nil, err
			}
		}
	}
	out := &Latency{
		Rounds: r.config.Rounds, Local: ofRounds(local.rounds), Cloud: ofRounds(cloud.rounds), Floor: ofRounds(plain.rounds),
		Strays: local.strays + cloud.strays, LocalRefs: len(refs.local), CloudRefs: len(refs.cloud),
	}
	if out.Floor.P50 > 0 {
		out.OverFloor = float64(out.Local.P50) / float64(out.Floor.P50)
	}
	return out, nil
}

// floor starts the devices of the floor and connects to them.
func (r *running) floor(ctx context.Context) (*Floor, error) {
	addresses := make([]string, 0, views)
	for v := range views {
		a, err := r.floorDevice(ctx, v)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, a)
	}
	return DialFloor(ctx, r.bundle, addresses)
}

// floorDevice starts one of them and returns where it listens.
func (r *running) floorDevice(ctx context.Context, view int) (string, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return "", fmt.Errorf("start floor device: %w", err)
	}
	defer out.Close()
	args := append(slices.Clone(r.config.FloorArguments), strconv.Itoa(view))
	p, err := r.launcher.Start(launch.Command{Name: fmt.Sprintf("floor-%d", view), Args: args, Stdout: in})
	_ = in.Close() // the process has its own
	if err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = out.SetReadDeadline(time.Now()) }) // nobody waits then
	defer stop()
	if err := out.SetReadDeadline(time.Now().Add(upWait)); err != nil {
		return "", fmt.Errorf("start floor device: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		if !p.Running() {
			return "", failure(p)
		}
		return "", fmt.Errorf("floor device does not say where it listens: %w", err)
	}
	return strings.TrimSpace(line), nil
}
