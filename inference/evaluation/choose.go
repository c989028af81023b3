package evaluation

import "ganglion/inference"

// policySteps is how many shares of exits, from none to all, the goals that have a
// value choose from.
const policySteps = 200

// choose is the thresholds that the policy asks for.
func (c *calibration) choose() (inference.Thresholds, error) {
	if c.policy.Goal == Careful {
		return c.curves(careful)
	}
	var best, nearest candidate
	for i := range policySteps + 1 {
		share := float64(i) / policySteps
		thresholds, err := c.curves(func(bySeen []observations) []float64 {
			return isotonic(bySeen, func(o observations) float64 { return o.quantile(share) })
		})
		if err != nil {
			return inference.Thresholds{}, err
		}
		next := candidate{pointOf(c.topology, c.answers, thresholds), thresholds, true}
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

// candidate is thresholds with what they do on the validation samples.
type candidate struct {
	Point
	thresholds inference.Thresholds
	there      bool // false of the zero value, which is none
}

// careful is the thresholds of one exit for [Careful], by number of views seen.
func careful(bySeen []observations) []float64 {
	enough := isotonic(bySeen, func(o observations) float64 { return o.quantile(carefulShare) })
	thresholds := isotonic(bySeen, observations.lossless)
	for n, most := range thresholds {
		thresholds[n] = (min(enough[n], most) + most) / 2
	}
	return thresholds
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
