package benchfailover

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/node/benchmesh"
	"ganglion/node/lab"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// Progress is told how far a measurement is; of is 0 where that is not known.
type Progress func(what string, done, of int)

// bench is one measurement under way.
type bench struct {
	config   *Config
	mesh     *liveMesh
	dice     *rand.Rand
	progress Progress
	shows    [][]string // by place in the replay: the views with something in view
	run      string     // under way; empty: none
	rate     float64    // of it
	places   places     // as they were at the end of the last trial; nil: not known
}

// Run measures. It returns when no process of it is left. Where ctx ends it returns what it
// has so far with the context's cause. hurry, where it can be received from, has processes
// ended at once that take their time; it may be nil.
func Run(ctx context.Context, c Config, progress Progress, hurry <-chan struct{}) (result *Result, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	b := &bench{config: &c, progress: progress, dice: rand.New(rand.NewPCG(c.Seed, 1))}
	if b.shows, err = replayed(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ganglion-bench-") // of mode 0700
	if err != nil {
		return nil, fmt.Errorf("make room: %w: name another folder with TMPDIR", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b.mesh = &liveMesh{dir: dir}
	if !c.Loopback {
		if b.mesh.network, err = lab.New(nodes, c.Seed); err != nil {
			return nil, fmt.Errorf("%w: or measure with --loopback, without the faults of the network", err)
		}
		defer func() { err = errors.Join(err, b.mesh.network.Close()) }()
	}
	logs := dir
	if c.LogDir != "" {
		logs = c.LogDir
		if err := os.MkdirAll(logs, 0o755); err != nil {
			return nil, fmt.Errorf("make folder of logs: %w", err)
		}
	}
	b.mesh.launcher = launch.New(c.Program, logs)
	defer b.mesh.close(hurry)
	return b.measure(ctx)
}

// replayed is what the devices replay: the views with something in view, sample by sample.
func replayed() ([][]string, error) {
	bundle, err := builtin.Bundle()
	if err != nil {
		return nil, err
	}
	set, err := dataset.Open("street", dataset.Options{})
	if err != nil {
		return nil, err
	}
	samples, _, err := evaluation.Remembered(bundle, set, evaluation.Test)
	if err != nil {
		return nil, err
	}
	return visibleIn(bundle, set, samples), nil
}

func visibleIn(bundle *inference.Bundle, set *dataset.Set, samples []int) (shows [][]string) {
	t := bundle.Topology()
	for _, ref := range samples {
		var views []string
		for v, name := range t.Views {
			if t.Presence.Present(set.View(ref, v)) {
				views = append(views, name)
			}
		}
		shows = append(shows, views)
	}
	return shows
}

// visible is the views with something in view at a beat.
func (b *bench) visible(beat uint64) []string { return b.shows[beat%uint64(len(b.shows))] }

// measure has all faults, one after the other, on one mesh.
func (b *bench) measure(ctx context.Context) (*Result, error) {
	begun := time.Now()
	out := &Result{
		Machine: benchmesh.ThisMachine(),
		Seed:    b.config.Seed, Loopback: b.config.Loopback, Rate: b.config.Rate, Faults: []*Outcome{},
	}
	b.progress("the nodes come together", 0, 0)
	err := b.mesh.raise(ctx)
	for _, f := range b.config.chosen() {
		if err != nil {
			break
		}
		if f.name == Random {
			err = b.randomly(ctx, out)
		} else {
			err = b.repeat(ctx, &f, out)
		}
	}
	out.After(begun)
	return out, err
}

// repeat has one fault as often as is wanted.
func (b *bench) repeat(ctx context.Context, f *fault, out *Result) error {
	trials := b.config.Trials
	if f.kills {
		trials = b.config.Kills
	}
	o := newOutcome(f.name, f.title)
	for i := range trials {
		b.progress(f.name, i, trials)
		t, err := b.try(ctx, f)
		if err != nil {
			return fmt.Errorf("%s, trial %d: %w", f.name, i+1, err)
		}
		out.take(o, t, f.want)
	}
	b.progress(f.name, trials, trials)
	return nil
}

// try has a fault once, on a mesh in which everything is in its place.
func (b *bench) try(ctx context.Context, f *fault) (*Trial, error) {
	begun := time.Now()
	rate := f.rate
	if rate == 0 {
		rate = b.config.Rate
	}
	places := b.places
	if b.places = nil; places == nil {
		var err error
		if places, err = b.mesh.settle(ctx, b.mesh.members); err != nil {
			return nil, err
		}
	}
	if err := b.begin(ctx, rate, places); err != nil {
		return nil, err
	}
	t := &trial{bench: b, run: b.run, rate: rate, places: places}
	defer func() {
		if t.watcher != nil {
			t.watcher.end()
		}
	}()
	if err := f.run(ctx, t); err != nil {
		return nil, err
	}
	result, err := t.finish(ctx)
	if err == nil {
		result.Seconds = time.Since(begun).Seconds()
	}
	return result, err
}

// begin begins a run at a rate, unless it is under way.
func (b *bench) begin(ctx context.Context, rate float64, p places) error {
	states, err := each(ctx, b.mesh.members, func(ctx context.Context, one *member) (*controlpb.StatusResponse, error) { return one.status(ctx) })
	if err != nil {
		return err
	}
	same := b.run != "" && rate == b.rate
	for _, s := range states {
		same = same && s.GetRun().GetRun() == b.run
	}
	if same {
		return nil
	}
	coordinator := b.mesh.members[0]
	for i, one := range b.mesh.members {
		if names := p.holders(coordinatorRole); len(names) == 1 && names[0] == one.name {
			coordinator = b.mesh.members[i]
		}
	}
	source := states[0].GetSources()[0]
	asked, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	answer, err := coordinator.asked.StartRun(asked, &controlpb.StartRunRequest{
		PeriodNs: int64(periodOf(rate)), Data: source.GetData(), Split: source.GetSplit(),
	})
	if err != nil {
		return fmt.Errorf("start a run: %w", err)
	}
	b.run, b.rate = answer.GetRun(), rate
	return nil
}
