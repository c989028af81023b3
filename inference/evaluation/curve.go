package evaluation

import (
	"cmp"
	"slices"
)

// observation is one proposal of an exit on validation data, with what is known
// about the choice between exiting with it and sending up.
type observation struct {
	entropy float64
	weight  float64
	here    bool // the exit's class is the label
	above   bool // the last exit's class is the label
}

// lost is the weight of right answers that exiting costs: negative where the exit
// is right and the last exit wrong.
func (o observation) lost() float64 {
	switch {
	case o.above && !o.here:
		return o.weight
	case o.here && !o.above:
		return -o.weight
	default:
		return 0
	}
}

// observations are those of one exit, ascending by entropy.
type observations []observation

func byEntropy(a, b observation) int { return cmp.Compare(a.entropy, b.entropy) }

// weightSlack is how much sums of weights may be beside the exact ones, which must
// not decide: weights are fractions, and their sums differ in the last bits.
const weightSlack = 1e-9

// step is a threshold with what it makes of observations.
type step struct {
	threshold float64
	weight    float64 // of what exits
	lost      float64 // right answers that exiting costs, in weight
}

// steps is every threshold that tells observations apart, ascending. The first is
// 0, with which only what is certain exits, the last is 1, with which everything
// does. Between neighbouring entropies the threshold is half way, so that neither
// is decided by a hair.
func (o observations) steps() []step {
	var out []step
	var at step
	for i, x := range o {
		if i == 0 && x.entropy > 0 {
			out = append(out, at)
		}
		at.weight += x.weight
		at.lost += x.lost()
		if i+1 < len(o) && x.entropy < o[i+1].entropy {
			at.threshold = (x.entropy + o[i+1].entropy) / 2
			if at.threshold >= o[i+1].entropy { // neighbouring floats
				at.threshold = x.entropy
			}
			if x.entropy == 0 {
				at.threshold = 0
			}
			out = append(out, at)
		}
	}
	at.threshold = 1
	return append(out, at)
}

// quantile is the largest threshold with which at most a share of the weight
// exits. Of share 1 it is 1, of share 0 it is 0.
func (o observations) quantile(share float64) float64 {
	steps := o.steps()
	most := float64(share*steps[len(steps)-1].weight) + weightSlack
	best := 0.0
	for _, s := range steps {
		if share > 0 && s.weight <= most {
			best = s.threshold
		}
	}
	return best
}

// lossless is the largest threshold with which exiting gets no less right than
// sending up: what the exit gets wrong and the last exit right weighs no more than
// the reverse.
func (o observations) lossless() float64 {
	best := 0.0
	for _, s := range o.steps() {
		if s.lost <= weightSlack {
			best = s.threshold
		}
	}
	return best
}

// isotonic applies a rule for one threshold to observations by number of views
// seen, [views seen - 1], such that thresholds do not decrease with the number of
// views. Where the rule alone would decrease, neighbours share one threshold, that
// of their observations together (pool adjacent violators; Barlow, Bartholomew,
// Bremner, Brunk, Statistical inference under order restrictions, 1972). A number
// of views without observations takes the threshold of the nearest smaller one
// that has some, else of the nearest larger. Without any observation every
// threshold is 0.
func isotonic(bySeen []observations, rule func(observations) float64) []float64 {
	type block struct {
		first     int // index of the smallest number of views
		pooled    observations
		threshold float64
	}
	var blocks []block
	for n, o := range bySeen {
		if len(o) == 0 {
			continue
		}
		b := block{n, o, rule(o)}
		for len(blocks) > 0 && blocks[len(blocks)-1].threshold > b.threshold {
			before := blocks[len(blocks)-1]
			blocks = blocks[:len(blocks)-1]
			b.first, b.pooled = before.first, merge(before.pooled, b.pooled)
			b.threshold = rule(b.pooled)
		}
		blocks = append(blocks, b)
	}
	thresholds := make([]float64, len(bySeen))
	for i, b := range blocks {
		from := b.first
		if i == 0 {
			from = 0
		}
		for n := from; n < len(thresholds); n++ {
			thresholds[n] = b.threshold
		}
	}
	return thresholds
}

// merge is the observations of both, ascending.
func merge(a, b observations) observations {
	out := slices.Concat(a, b)
	slices.SortStableFunc(out, byEntropy)
	return out
}
