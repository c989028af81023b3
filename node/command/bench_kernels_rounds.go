package command

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// contender is one implementation of one section, to be timed against others.
type contender struct {
	name    string
	run     func() error // computes the section once
	foreign bool         // its memory is not Go's, so that its allocations are not seen

	iterations int       // of run in a round
	perRun     []float64 // nanoseconds a run, by round
	mallocs    []float64 // allocations a run, by round
}

// race times contenders in turns: every one runs for about turn in every round, each
// time after another one, so that what else the machine does meets them all. All runs
// are on one thread.
func race(ctx context.Context, contenders []*contender, rounds int, turn time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, c := range contenders {
		if err := c.calibrate(turn); err != nil {
			return err
		}
	}
	for round := range rounds {
		for i := range contenders {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := contenders[(i+round)%len(contenders)].turn(); err != nil {
				return err
			}
		}
	}
	return nil
}

// calibrate finds how many runs take about as long as a turn.
func (c *contender) calibrate(turn time.Duration) error {
	for n := 1; ; n *= 2 {
		took, err := c.repeat(n)
		if err != nil {
			return err
		}
		if took >= turn/4 {
			c.iterations = max(1, int(float64(n)*float64(turn)/float64(took)))
			return nil
		}
	}
}

// turn is one contender's part of a round. The others' garbage is collected before it,
// and its caches are warm.
func (c *contender) turn() error {
	runtime.GC()
	if _, err := c.repeat(1 + c.iterations/16); err != nil {
		return err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	took, err := c.repeat(c.iterations)
	runtime.ReadMemStats(&after)
	if err != nil {
		return err
	}
	n := float64(c.iterations)
	c.perRun = append(c.perRun, float64(took.Nanoseconds())/n)
	c.mallocs = append(c.mallocs, float64(after.Mallocs-before.Mallocs)/n)
	return nil
}

func (c *contender) repeat(n int) (time.Duration, error) {
	start := time.Now()
	for range n {
		if err := c.run(); err != nil {
			return 0, fmt.Errorf("run %s: %w", c.name, err)
		}
	}
	return time.Since(start), nil
}

// timing is what rounds say of one contender.
type timing struct {
	BestNS     float64  `json:"best_ns"`   // of the rounds
	MedianNS   float64  `json:"median_ns"` // of the rounds
	Iterations int      `json:"iterations"`
	Allocs     *float64 `json:"allocs_per_run"` // least of the rounds, which other goroutines can only add to; null: not Go's
}

func (c *contender) timing() *timing {
	sorted := slices.Sorted(slices.Values(c.perRun))
	t := &timing{BestNS: sorted[0], MedianNS: sorted[len(sorted)/2], Iterations: c.iterations}
	if len(sorted)%2 == 0 {
		t.MedianNS = (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
	}
	if !c.foreign {
		least := slices.Min(c.mallocs)
		t.Allocs = &least
	}
	return t
}
