package evaluation

import (
	"ganglion/inference"
	"ganglion/inference/topology"
)

// policySteps is how many shares of exits, from none to all, the goals that have a
// value choose from.
const policySteps = 200

// choose is the thresholds that the policy asks for.
func (c *calibration) choose() (inference.Thresholds, error) {
	if c.policy.Goal == Careful {
		return c.careful()
	}
	var best, nearest candidate
	for i := range policySteps + 1 {
		next, err := c.step(i)
		if err != nil {
			return inference.Thresholds{}, err
		}
		if !nearest.there || c.policy.nearer(next.Point, nearest.Point) {
			nearest = next
		}
		if c.policy.reached(next.Point) && (!best.there || c.policy.better(next.Point, best.Point)) {
			best = next
		}
	}
	if !best.there {
		return inference.Thresholds{}, &OutOfReachError{c.policy, nearest.Point}
	}
	return best.thresholds, nil
}

// step is the thresholds with which a share of the evidence exits, one of
// policySteps + 1 shares from none to all, and what they do.
func (c *calibration) step(i int) (candidate, error) {
	share := float64(i) / policySteps
	thresholds, err := c.curves(func(bySeen []observations) []float64 {
		return isotonic(bySeen, func(o observations) float64 { return o.quantile(share) })
	})
	return candidate{pointOf(c.topology, c.answers, thresholds), thresholds, true}, err
}

// careful is the thresholds of [Careful].
func (c *calibration) careful() (inference.Thresholds, error) {
	var enough candidate
	for i := range policySteps + 1 {
		next, err := c.step(i)
		if err != nil {
			return inference.Thresholds{}, err
		}
		if i > 0 && next.early() > carefulShare {
			break
		}
		enough = next
	}
	lossless, err := c.curves(func(bySeen []observations) []float64 {
		return isotonic(bySeen, observations.lossless)
	})
	if err != nil {
		return inference.Thresholds{}, err
	}
	lower := map[topology.Exit][]float64{}
	for _, exit := range c.topology.Exits() {
		thresholds := enough.thresholds.BySeen(exit)
		for n, most := range lossless.BySeen(exit) {
			thresholds[n] = min(thresholds[n], most)
		}
		if thresholds != nil {
			lower[exit] = thresholds
		}
	}
	return inference.NewThresholds(c.topology, lower)
}

// early is the share of samples that exit before the last exit.
func (p *Point) early() float64 {
	if p.EdgeExit != nil {
		return float64(p.LocalExit + *p.EdgeExit)
	}
	return float64(p.LocalExit)
}

// candidate is thresholds with what they do on the validation samples.
type candidate struct {
	Point
	thresholds inference.Thresholds
	there      bool // false of the zero value, which is none
}

// reached reports whether a point is within what the policy asks for.
func (p Policy) reached(at Point) bool {
	switch p.Goal {
	case MinAccuracy:
		return float64(at.Overall) >= p.Value
	case MaxBytes:
		return float64(at.PayloadPerSeenView) <= p.Value
	default:
		return float64(at.LocalExit) >= p.Value
	}
}

// better reports whether a point serves the goal better than one that exits less,
// where both reach it.
func (p Policy) better(at, than Point) bool {
	if p.Goal == MinAccuracy {
		return true
	}
	return at.Overall > than.Overall
}

// nearer reports whether a point is nearer to a goal than one that exits less,
// where neither need reach it.
func (p Policy) nearer(at, than Point) bool {
	switch p.Goal {
	case MinAccuracy:
		return at.Overall >= than.Overall
	case MaxBytes:
		return at.PayloadPerSeenView < than.PayloadPerSeenView
	default:
		return at.LocalExit > than.LocalExit
	}
}
