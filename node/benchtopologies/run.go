package benchtopologies

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"ganglion/inference/dataset"
	"ganglion/node/benchmesh"
)

// Progress is told how far a comparison is; of is 0 where that is not known.
type Progress func(what string, done, of int)

// running is a comparison under way.
type running struct {
	config   *Config
	split    dataset.Split
	progress Progress
	hurry    <-chan struct{}
}

// Run trains what is not there yet, and measures. It returns when no process of it is left.
// hurry, where it can be received from, has processes ended at once that take their time; it
// may be nil. A result beside an error is whole, but for what the error says of it.
func Run(ctx context.Context, c Config, progress Progress, hurry <-chan struct{}) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	split, err := c.Set.Split(dataset.SplitOptions{Test: c.Test, Seed: c.Train.Seed})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Folder, 0o755); err != nil {
		return nil, fmt.Errorf("make a folder for the networks: %w; name another", err)
	}
	r := &running{config: &c, split: split, progress: progress, hurry: hurry}
	begun := time.Now()
	out := &Result{
		Machine: benchmesh.ThisMachine(),
		Data:    c.Set.Name, DataHash: fmt.Sprintf("%x", c.Set.Hash), Synthetic: c.Set.Synthetic,
		Frames: c.Set.FramesOf(split.Test).String(), Samples: len(split.Test), Seed: c.Train.Seed, Epochs: c.Train.Epochs, Rate: c.Rate,
	}
	all, err := r.contenders(ctx)
	if err != nil {
		return nil, err
	}
	out.Load[0] = benchmesh.LoadAverage() // training is not what is timed
	for _, one := range all {
		out.Networks = append(out.Networks, r.networkOf(one))
	}
	fault := r.measure(ctx, all, out.Networks)
	if ctx.Err() != nil {
		return nil, fault
	}
	out.Claim = claim(all, out.Networks)
	out.After(begun)
	return out, fault
}

// measure runs every network live, at every delay. One that is in two rows is run once.
func (r *running) measure(ctx context.Context, all []*contender, rows []Network) error {
	var faults []error
	measured := map[string][]Live{} // by bundle
	for i, c := range all {
		id := rows[i].Bundle
		if lives, done := measured[id]; done {
			rows[i].Live = lives
			continue
		}
		for _, delay := range r.config.Delays {
			l, err := r.live(ctx, c, delay)
			if err != nil {
				faults = append(faults, err)
				if ctx.Err() != nil {
					return errors.Join(faults...)
				}
				continue
			}
			if err := l.fault(len(c.split.Test)); err != nil {
				faults = append(faults, fmt.Errorf("run %s live, cloud %v away: %w", c.file, delay, err))
			}
			rows[i].Live = append(rows[i].Live, *l)
		}
		measured[id] = rows[i].Live
	}
	return errors.Join(faults...)
}
