package demo

import (
	"errors"
	"fmt"
	"math"
	"time"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
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

	Devices    int           // processes over which the views are spread
	Rate       float64       // samples a second
	CloudDelay time.Duration // added round trip to the cloud
	Keep       bool          // without end, until the context is done
	LogDir     string        // where the nodes' logs stay; empty: they are removed

	deaf bool // nodes do not look for each other: as on a machine that passes no broadcast
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
	} else if _, err := Spread(len(c.Bundle.Topology().Views), c.Devices); err != nil {
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
