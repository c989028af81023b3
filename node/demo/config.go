package demo

import (
	"errors"
	"fmt"
	"math"
	"time"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/proto/controlpb"
)

// Config says what a demo shows. All fields without a word about zero must be given.
type Config struct {
	Program string // path of the program whose verb `node` is started

	Bundle  *inference.Bundle
	Publish bool // the nodes do not have the bundle: it is published through one of them

	Set     *dataset.Set // what is replayed
	Source  string       // how the nodes name it; empty: they are given a copy of Set
	Samples []int        // of Set that are replayed, ascending
	Split   string       // evaluation.SplitTest or SplitAll: how the nodes are told of Samples

	Missing    []int         // views without a device, from 0; the mesh answers from the others
	Devices    int           // processes over which the other views are spread
	Rate       float64       // samples a second
	CloudDelay time.Duration // added round trip to the cloud
	Keep       bool          // without end, until the context is done; there is no act
	Calm       bool          // there is no act
	LogDir     string        // where the nodes' logs stay; empty: they are removed

	deaf  bool                                   // nodes do not look for each other: as on a machine that passes no broadcast
	heard func(run string, v *controlpb.Verdict) // is told of every verdict; nil: nobody
}

// maxRate is the most samples a second: a period is whole microseconds and more.
const maxRate = 10_000

// Validate returns every fault of the configuration, joined, or nil.
func (c *Config) Validate() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Program == "" || c.Bundle == nil || c.Set == nil || len(c.Samples) == 0 {
		add("demo: the program, a bundle and samples to replay must be given")
	} else if err := evaluation.CheckFit(c.Bundle.Topology(), c.Set); err != nil {
		faults = append(faults, err)
	} else if err := c.checkViews(); err != nil {
		faults = append(faults, err)
	}
	if c.Split != evaluation.SplitTest && c.Split != evaluation.SplitAll {
		add("split %q: use %s or %s", c.Split, evaluation.SplitTest, evaluation.SplitAll)
	}
	if math.IsNaN(c.Rate) || c.Rate < 0.1 || c.Rate > maxRate {
		add("rate %v: use 0.1 to %d samples a second", c.Rate, maxRate)
	}
	if c.CloudDelay < 0 || c.CloudDelay > maxCloudDelay {
		add("cloud delay %v: use 0 to %v", c.CloudDelay, maxCloudDelay)
	}
	return errors.Join(faults...)
}

// checkViews tells whether there are views left, and a device for each.
func (c *Config) checkViews() error {
	t := c.Bundle.Topology()
	for _, v := range c.Missing {
		if v < 0 || v >= len(t.Views) {
			return fmt.Errorf("missing view %d: the model has views 0 to %d", v, len(t.Views)-1)
		}
	}
	if c.live() == 0 {
		return fmt.Errorf("all %d views are missing: leave the mesh one at least", len(t.Views))
	}
	_, err := Spread(c.live(), c.Devices, len(c.Missing) > 0)
	return err
}

// live is the views that have a device, bit v for view v.
func (c *Config) live() uint64 {
	live := c.Bundle.Topology().AllViews()
	for _, v := range c.Missing {
		live &^= 1 << v
	}
	return live
}

// missing is the names of the views without a device, in the order of the model.
func (c *Config) missing() []string {
	names := []string{}
	for v, name := range c.Bundle.Topology().Views {
		if c.live()>>v&1 == 0 {
			names = append(names, name)
		}
	}
	return names
}

// maxCloudDelay is the longest added round trip that a node takes.
const maxCloudDelay = 10 * time.Second

// due is how many samples there will be; 0: without end.
func (c *Config) due() int {
	if c.Keep {
		return 0
	}
	return len(c.Samples)
}

// period is the time from one sample to the next.
func (c *Config) period() time.Duration {
	return time.Duration(float64(time.Second) / c.Rate).Round(time.Microsecond)
}
