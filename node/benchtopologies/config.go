package benchtopologies

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"ganglion/inference/dataset"
	"ganglion/inference/train"
)

// Config says what is compared. All fields without a word about zero must be given.
type Config struct {
	Program string // path of the program whose verb `node` is started

	Set    *dataset.Set
	Source string              // how nodes name the set; empty: they are given a copy
	Test   dataset.FrameRanges // frames that training never sees; empty: a fifth, in blocks
	Train  train.Config        // the budget of each network

	Only   []string        // of Names; empty: all, but for f where there is one view
	Delays []time.Duration // added round trips to the last tier, one live run each; empty: no live runs
	Rate   float64         // samples a second of a live run
	Folder string          // where networks are kept; it is made
	LogDir string          // where the nodes' logs stay; empty: they are removed
}

// The limits of the configuration.
const (
	maxDelay = 10 * time.Second
	maxRate  = 10_000
)

// Validate returns every fault of the configuration, joined, or nil.
func (c *Config) Validate() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Program == "" || c.Set == nil || c.Folder == "" {
		add("bench: the program, a data set and a folder must be given")
	}
	if err := c.Train.Validate(); err != nil {
		faults = append(faults, err)
	}
	for _, name := range c.Only {
		if !slices.Contains(Names(), name) {
			add("there is no network %q to compare: name some of %q", name, Names())
		}
	}
	if c.oneView() && slices.Contains(c.Only, halves) {
		add("%s splits the views into two groups, and %s has one view: compare others", halves, c.Set.Name)
	}
	for i, d := range c.Delays {
		if d < 0 || d > maxDelay || slices.Contains(c.Delays[:i], d) {
			add("cloud delay %v: use 0 to %v, each once", d, maxDelay)
		}
	}
	if len(c.Delays) > 0 && (math.IsNaN(c.Rate) || c.Rate < 0.1 || c.Rate > maxRate) {
		add("rate %v: use 0.1 to %d samples a second", c.Rate, maxRate)
	}
	return errors.Join(faults...)
}

// halves is the deployment that splits the views into two groups.
const halves = "f"

func (c *Config) oneView() bool { return c.Set != nil && len(c.Set.Views) < 2 }

// wants tells whether a network is asked for.
func (c *Config) wants(name string) bool {
	if len(c.Only) == 0 {
		return name != halves || !c.oneView()
	}
	return slices.Contains(c.Only, name)
}
