package benchmesh

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Config says what is measured, and for how long. All fields without a word about zero
// must be given.
type Config struct {
	Program string // path of the program, whose verbs are started

	// FloorArguments are the arguments with which Program runs [ServeFloor] for the view
	// that follows them.
	FloorArguments []string

	Latency    bool // measure it
	Throughput bool // measure it
	Idle       bool // measure it

	Rounds  int           // of latency
	Samples int           // of each contender in a round
	Rate    float64       // beats a second of the run
	For     time.Duration // that the run lasts
	Quiet   time.Duration // that nodes are left alone before they are measured idle; then half as long
}

// The limits of the configuration.
const (
	MostRounds  = 1000
	MostSamples = 100_000
	MostBeats   = 100_000 // of a run: what a verdict log keeps
	MostRate    = 10_000
	mostTime    = time.Hour
)

// Validate returns every fault of the configuration, joined, or nil.
func (c *Config) Validate() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Program == "" || len(c.FloorArguments) == 0 {
		add("bench: the program and how it serves the floor must be given")
	}
	if !c.Latency && !c.Throughput && !c.Idle {
		add("nothing is to be measured: choose latency, throughput or idle")
	}
	if c.Rounds < 1 || c.Rounds > MostRounds {
		add("rounds %d: use 1 to %d", c.Rounds, MostRounds)
	}
	if c.Samples < 1 || c.Samples > MostSamples {
		add("samples %d: use 1 to %d", c.Samples, MostSamples)
	}
	if math.IsNaN(c.Rate) || c.Rate < 1 || c.Rate > MostRate {
		add("rate %v: use 1 to %d samples a second", c.Rate, MostRate)
	}
	if c.For < time.Second || c.For > mostTime {
		add("a run of %v: use %v to %v", c.For, time.Second, mostTime)
	} else if n := c.beats(); n > MostBeats {
		add("%d samples: a verdict log keeps %d, use a lower rate or less time", n, MostBeats)
	}
	if c.Quiet < time.Second || c.Quiet > mostTime {
		add("idle for %v: use %v to %v", c.Quiet, time.Second, mostTime)
	}
	return errors.Join(faults...)
}

// period is the time from beat to beat.
func (c *Config) period() time.Duration {
	return time.Duration(float64(time.Second) / c.Rate).Round(time.Microsecond)
}

// beats of the run.
func (c *Config) beats() int { return int(c.For / c.period()) }
