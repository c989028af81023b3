package evaluation

import "ganglion/inference"

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

// careful is the thresholds of [Careful]: exit by exit, from the lowest, the smaller of two
// curves over what the lower ones send up.
func (c *calibration) careful() (inference.Thresholds, error) {
	share, err := c.enough()
	if err != nil {
		return inference.Thresholds{}, err
	}
	return c.curves(func(bySeen []observations) []float64 {
		enough := isotonic(bySeen, func(o observations) float64 { return o.quantile(share) })
		lossless := isotonic(bySeen, observations.lossless)
		for n := range enough {
			enough[n] = min(enough[n], lossless[n])
		}
		return enough
	})
}

// enough is the largest share of the evidence for each exit with which at most carefulShare of
// the validation samples that a view sees exit early.
func (c *calibration) enough() (share float64, err error) {
	for i := range policySteps + 1 {
		next, err := c.step(i)
		if err != nil {
			return 0, err
		}
		if i > 0 && c.early(next.thresholds) > carefulShare {
			break
		}
		share = float64(i) / policySteps
	}
	return share, nil
}

// early is the share of samples that exit before the last exit, with all their views, of those
// that a view sees: of others there is nothing to send up.
func (c *calibration) early(thresholds inference.Thresholds) float64 {
	var all, early int
	last := c.topology.Exits()[len(c.topology.Exits())-1]
	for i := range c.answers {
		if a := &c.answers[i]; len(a.proposals) > 0 {
			all++
			if a.proposals[inference.Choose(a.proposals, thresholds)].Exit != last {
				early++
			}
		}
	}
	return float64(share(early, all))
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
