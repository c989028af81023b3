package evaluation

import (
	"context"
	"fmt"
	"slices"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

const (
	// carefulShare is the largest share of early exits on validation data that
	// [Careful] chooses. It aims at somewhat over nine in ten on unseen data.
	carefulShare = 0.95
	// casesPerSize bounds the work: of large validation sets not every subset of
	// every sample is looked at, but about so many subsets of each size.
	casesPerSize = 20_000
)

// Outcome is what calibrated thresholds do on the validation samples with all
// their views.
type Outcome struct {
	Policy  Policy
	Samples int   // validation samples with a label and something in view
	At      Point // with the thresholds
	AllUp   Point // with no early exit but at certainty: thresholds of 0
}

// Calibrate chooses the thresholds of every exit but the last: per exit and number
// of views seen, not decreasing with it, so that fewer views never exit more
// easily than more (which is also what makes the threshold of a smaller number a
// safe substitute). samples are the validation samples, none of which may have
// trained the weights. A network without an early exit has nothing to choose.
//
// Evidence is what the exits propose for each sample with each subset of the views
// that it sees. Within each number of views every sample weighs the same, however
// many subsets it has; the subsets of one sample are not independent evidence, but
// they are what the exit will meet once cameras are gone.
//
// [Careful] takes the smaller of two curves:
//
//   - lossless: the largest T with which exiting gets no less right than sending up.
//     Where a local exit makes no error on validation this alone is T = 1, which a
//     few dozen samples cannot justify: no error in n of them still allows an error
//     rate of about 3/n.
//   - enough: the T with which a share of the evidence exits, the largest share with
//     which at most carefulShare of the validation samples that a view sees, with all
//     their views, exit early. The least sure, which are those that an exit gets wrong, are sent up
//     whatever validation shows.
//
// The other goals choose among such curves, from T = 0 for all to
// T = 1 for all, the one that serves the goal. Of two that serve it equally well
// the one that sends more up is taken: within what was asked for, the last exit is
// the safer choice. Where the goal cannot be reached the error is an
// *[OutOfReachError].
//
// With several early exits the lower one is calibrated first, and the next on what
// the lower one then sends up.
func Calibrate(m *inference.Model, set *dataset.Set, samples []int, policy Policy) (inference.Thresholds, Outcome, error) {
	fail := func(err error) (inference.Thresholds, Outcome, error) {
		return inference.Thresholds{}, Outcome{}, fmt.Errorf("calibrate thresholds: %w", err)
	}
	t := m.Topology()
	if err := policy.Validate(); err != nil {
		return fail(err)
	}
	if err := CheckFit(t, set); err != nil {
		return fail(err)
	}
	c := calibration{topology: t, policy: policy}
	if err := c.observe(m, set, samples); err != nil {
		return fail(err)
	}
	if c.scored == 0 {
		return fail(fmt.Errorf("none of the %d validation samples of data set %s has a label and something in view; give it frames that have", len(samples), set.Name))
	}
	thresholds, err := c.choose()
	if err != nil {
		return fail(err)
	}
	return thresholds, Outcome{
		Policy: policy, Samples: c.scored,
		At: pointOf(t, c.answers, thresholds), AllUp: pointOf(t, c.answers, thresholds.WithAll(0)),
	}, nil
}

// calibration is the evidence for one choice of thresholds.
type calibration struct {
	topology *topology.Topology
	policy   Policy
	answers  []answer    // validation samples with all their views
	cases    [][]weighed // [validation sample]: with each subset of the views seen
	scored   int         // answers with a view and a label
}

// observe runs the network on the validation samples and their subsets of views.
func (c *calibration) observe(m *inference.Model, set *dataset.Set, samples []int) error {
	c.answers = make([]answer, len(samples))
	c.cases = make([][]weighed, len(samples))
	limit := caseLimit(c.topology, len(samples))
	err := eachTrial(context.Background(), m, set, samples, func(place int, t *trial) {
		label, seen := set.Labels[samples[place]], t.devices.Seen
		c.answers[place] = answer{label, seen, t.proposals(seen)}
		if c.answers[place].scored() {
			c.cases[place] = casesOf(t, label, place, limit)
		}
	})
	for i := range c.answers {
		if c.answers[i].scored() {
			c.scored++
		}
	}
	return err
}

// curves is the thresholds of every early exit by a rule for one exit's
// thresholds.
func (c *calibration) curves(rule func([]observations) []float64) (inference.Thresholds, error) {
	chosen := map[topology.Exit][]float64{}
	exits := c.topology.Exits()
	for i, exit := range exits[:len(exits)-1] {
		chosen[exit] = rule(c.observations(exit, chosen, exits[:i]))
	}
	return inference.NewThresholds(c.topology, chosen)
}

// observations is the evidence for the thresholds of an exit, by number of views
// seen, [views seen - 1]: of what the lower exits send up with the thresholds
// chosen for them.
func (c *calibration) observations(exit topology.Exit, chosen map[topology.Exit][]float64, lower []topology.Exit) []observations {
	out := make([]observations, len(c.topology.Views))
	for _, cases := range c.cases {
		for i := range cases {
			w := &cases[i]
			if w.exitsBelow(chosen, lower) {
				continue
			}
			last := w.proposals[len(w.proposals)-1].Class
			for _, p := range w.proposals {
				if p.Exit == exit {
					out[p.Seen-1] = append(out[p.Seen-1], observation{
						entropy: p.Entropy, weight: w.weight,
						here: p.Class == w.label, above: last == w.label,
					})
				}
			}
		}
	}
	for _, o := range out {
		slices.SortStableFunc(o, byEntropy)
	}
	return out
}

// exitsBelow reports whether an answer exits at one of the lower exits.
func (w *weighed) exitsBelow(chosen map[topology.Exit][]float64, lower []topology.Exit) bool {
	for _, p := range w.proposals {
		if slices.Contains(lower, p.Exit) && p.Entropy <= chosen[p.Exit][p.Seen-1] {
			return true
		}
	}
	return false
}
