package benchfailover

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Config says what is measured. All fields without a word about zero must be given.
type Config struct {
	Program string // path of the program, whose verb node is started

	Only   []string      // names of faults; empty: every one but [Random]
	Trials int           // of each fault
	Kills  int           // trials of each fault that kills; they are short
	Rate   float64       // samples a second
	Seed   uint64        // of what is drawn: moments, victims, lost frames
	For    time.Duration // that [Random] goes on

	// Loopback has all nodes on the loopback of this machine: no root is needed, and no
	// fault of the network can be had.
	Loopback bool

	// LogDir is a folder in which the nodes' logs are kept; empty: they are not.
	LogDir string

	// Short holds faults that a goal wants to last a minute for as long as shows them.
	Short bool
}

// The limits of the configuration.
const (
	MostTrials = 10_000
	MostRate   = 1000
	leastFor   = 30 * time.Second
	mostFor    = 24 * time.Hour
)

// Validate returns every fault of the configuration, joined, or nil.
func (c *Config) Validate() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Program == "" {
		add("bench: the program must be given")
	}
	for _, name := range c.Only {
		i := slices.IndexFunc(table(), func(f fault) bool { return f.name == name })
		switch {
		case i < 0:
			add("no fault is %q: use %s", name, strings.Join(Names(), ", "))
		case table()[i].wires && c.Loopback:
			add("%s is a fault of the network, which loopback cannot have: run it as root, without --loopback", name)
		}
	}
	for _, n := range []int{c.Trials, c.Kills} {
		if n < 1 || n > MostTrials {
			add("%d trials: use 1 to %d", n, MostTrials)
		}
	}
	if math.IsNaN(c.Rate) || c.Rate < 1 || c.Rate > MostRate {
		add("rate %v: use 1 to %d samples a second", c.Rate, MostRate)
	}
	if slices.Contains(c.Only, Random) && (c.For < leastFor || c.For > mostFor) {
		add("random faults for %v: use %v to %v", c.For, leastFor, mostFor)
	}
	return errors.Join(faults...)
}

// chosen are the faults that are measured, in the order of the table.
func (c *Config) chosen() []fault {
	return slices.DeleteFunc(table(), func(f fault) bool {
		if len(c.Only) > 0 {
			return !slices.Contains(c.Only, f.name)
		}
		return f.name == Random || f.wires && c.Loopback
	})
}

// periodOf is the time from beat to beat.
func periodOf(rate float64) time.Duration {
	return time.Duration(float64(time.Second) / rate).Round(time.Microsecond)
}
