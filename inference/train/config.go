package train

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Config says how to train. Take Defaults and change what differs.
type Config struct {
	// Seed fixes every random choice. The same seed, data, split, topology and
	// settings make the same bytes on one architecture.
	Seed uint64

	Epochs       int     // passes over the training samples, at most; at least 1
	Batch        int     // samples per step, at least 2: statistics need company
	LearningRate float64 // Adam's peak rate, over 0
	WarmUp       int     // epochs over which the rate rises to its peak; 0: none
	Spread       float64 // binary weights start in [-Spread, Spread], over 0, at most 1
	Smoothing    float64 // share of a label spread over all classes, 0 to under 1

	// ViewDropout is the probability that a seen view is hidden from a training
	// sample, 0 to under 1; one seen view always stays.
	ViewDropout float64
	Augment     Augment

	// Weights of the joint loss, each at least 0, the cloud's over 0.
	DeviceWeight float64 // of each device's own exit
	LocalWeight  float64
	EdgeWeight   float64
	CloudWeight  float64

	ValidateEvery int // epochs from one validation to the next, at least 1
	Patience      int // epochs without a better validation before training ends; 0: never
	Passes        int // over the training samples, to estimate statistics before a validation; at least 1

	Workers int // goroutines that compute; 0: GOMAXPROCS. The result does not depend on it.

	Checkpoint      string // file to save progress in; empty: none
	CheckpointEvery int    // epochs from one save to the next, at least 1
	Resume          bool   // go on from Checkpoint, which must exist
}

// Defaults are the settings that docs/decisions compares with others.
func Defaults() Config {
	return Config{
		Epochs:          200,
		Batch:           32,
		LearningRate:    0.01,
		WarmUp:          2,
		Spread:          0.1,
		Smoothing:       0.1,
		ViewDropout:     0.3,
		Augment:         Augment{Shift: 2, Flip: 0.5, Exchange: 0.5},
		DeviceWeight:    1,
		LocalWeight:     1,
		EdgeWeight:      1,
		CloudWeight:     1,
		ValidateEvery:   10,
		Patience:        100,
		Passes:          2,
		CheckpointEvery: 10,
	}
}

// Validate reports every fault of the configuration, or nil.
func (c *Config) Validate() error {
	var faults []error
	integer := func(name string, v, least, most int) {
		if v < least || v > most {
			faults = append(faults, fmt.Errorf("%s is %d, must be %d to %d", name, v, least, most))
		}
	}
	// real checks low <= v <= high; open excludes the ends that it names.
	real := func(name string, v, low, high float64, open string) {
		inside := low <= v && v <= high && (open != "low" || v > low) && (open != "high" || v < high)
		if !inside {
			faults = append(faults, fmt.Errorf("%s is %v, must be %v to %v%s", name, v, low, high, openEnd[open]))
		}
	}
	integer("epochs", c.Epochs, 1, 1e6)
	integer("batch", c.Batch, 2, 4096)
	real("learning rate", c.LearningRate, 0, 10, "low")
	integer("warm-up", c.WarmUp, 0, 1e6)
	real("spread", c.Spread, 0, 1, "low")
	real("smoothing", c.Smoothing, 0, 1, "high")
	real("view dropout", c.ViewDropout, 0, 1, "high")
	integer("shift", c.Augment.Shift, 0, 256)
	real("flip", c.Augment.Flip, 0, 1, "")
	real("gain", c.Augment.Gain, 0, 1, "")
	real("offset", c.Augment.Offset, 0, 1, "")
	real("exchange", c.Augment.Exchange, 0, 1, "")
	integer("cutout", c.Augment.Cutout, 0, 256)
	real("device weight", c.DeviceWeight, 0, 1e6, "")
	real("local weight", c.LocalWeight, 0, 1e6, "")
	real("edge weight", c.EdgeWeight, 0, 1e6, "")
	real("cloud weight", c.CloudWeight, 0, 1e6, "low")
	integer("validate every", c.ValidateEvery, 1, 1e6)
	integer("patience", c.Patience, 0, 1e6)
	integer("passes", c.Passes, 1, 1000)
	integer("workers", c.Workers, 0, 1024)
	integer("checkpoint every", c.CheckpointEvery, 1, 1e6)
	if c.Resume && c.Checkpoint == "" {
		faults = append(faults, errors.New("resume needs the path of a checkpoint"))
	}
	return errors.Join(faults...)
}

var openEnd = map[string]string{"": "", "low": ", the first excluded", "high": ", the last excluded"}

// setting is one fact that a run's result depends on.
type setting struct {
	name, value string
}

// settings lists what the result depends on, in a fixed order. They go into
// checkpoints, and into the bundle for people.
func (c *Config) settings() []setting {
	integer := func(v int) string { return strconv.Itoa(v) }
	real := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	return []setting{
		{"seed", strconv.FormatUint(c.Seed, 10)},
		{"epochs", integer(c.Epochs)},
		{"batch", integer(c.Batch)},
		{"learning rate", real(c.LearningRate)},
		{"warm-up", integer(c.WarmUp)},
		{"spread", real(c.Spread)},
		{"smoothing", real(c.Smoothing)},
		{"view dropout", real(c.ViewDropout)},
		{"shift", integer(c.Augment.Shift)},
		{"flip", real(c.Augment.Flip)},
		{"gain", real(c.Augment.Gain)},
		{"offset", real(c.Augment.Offset)},
		{"exchange", real(c.Augment.Exchange)},
		{"cutout", integer(c.Augment.Cutout)},
		{"device weight", real(c.DeviceWeight)},
		{"local weight", real(c.LocalWeight)},
		{"edge weight", real(c.EdgeWeight)},
		{"cloud weight", real(c.CloudWeight)},
		{"validate every", integer(c.ValidateEvery)},
		{"patience", integer(c.Patience)},
		{"passes", integer(c.Passes)},
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
