package benchmesh

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/dataset"
	"ganglion/node/launch"
)

// Progress is told how far a measurement is; of is 0 where that is not known.
type Progress func(what string, done, of int)

// running is one measurement under way.
type running struct {
	config   *Config
	bundle   *inference.Bundle
	set      *dataset.Set
	launcher *launch.Launcher
	progress Progress
}

// Run measures. It returns when no process of it is left. hurry, where it can be received
// from, has processes ended at once that take their time; it may be nil.
func Run(ctx context.Context, c Config, progress Progress, hurry <-chan struct{}) (result *Result, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := &running{config: &c, progress: progress}
	if r.bundle, err = builtin.Bundle(); err != nil {
		return nil, err
	}
	if r.set, err = dataset.Open("street", dataset.Options{}); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ganglion-bench-") // of mode 0700
	if err != nil {
		return nil, fmt.Errorf("make room: %w: name another folder with TMPDIR", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r.launcher = launch.New(c.Program, dir)
	defer r.launcher.Close(hurry)
	return r.measure(ctx, dir)
}

// measure measures what is asked for: idle first, before there is anything to remember.
func (r *running) measure(ctx context.Context, dir string) (*Result, error) {
	begun := time.Now()
	out := &Result{Machine: ThisMachine()}
	r.progress("the nodes come together", 0, 0)
	m, err := raise(ctx, r.launcher, dir)
	if err != nil {
		return nil, err
	}
	if r.config.Idle {
		if out.Idle, err = r.idle(ctx, m); err != nil {
			return nil, err
		}
		out.Goals = append(out.Goals, out.Idle.goals()...)
	}
	if r.config.Latency {
		if out.Latency, err = r.latency(ctx, m); err != nil {
			return nil, err
		}
		out.Goals = append(out.Goals, out.Latency.goals()...)
	}
	if r.config.Throughput {
		if out.Throughput, err = r.throughput(ctx, m); err != nil {
			return nil, err
		}
		out.Goals = append(out.Goals, out.Throughput.goals()...)
	}
	out.After(begun)
	return out, nil
}

// wait lets time pass.
func (r *running) wait(ctx context.Context, m *liveMesh, what string, d time.Duration) error {
	until := time.Now().Add(d)
	for {
		left := time.Until(until)
		r.progress(what, int((d - max(left, 0)).Seconds()), int(d.Seconds()))
		if left <= 0 {
			return nil
		}
		if err := m.pause(ctx, min(left, time.Second)); err != nil {
			return err
		}
	}
}
