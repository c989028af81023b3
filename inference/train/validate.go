package train

import (
	"context"
	"math/bits"
)

// subsetsPerSample is how many sets of views with some hidden a validation
// sample is looked at with, at most.
const subsetsPerSample = 12

// mostHidden is the largest number of views that such a set hides.
const mostHidden = 3

// drawSubsets draws the sets of views of the validation samples, once for the
// whole run: all the seen views, then sets with one to mostHidden of them hidden.
func (t *trainer) drawSubsets() {
	t.subsets = make([][]uint64, len(t.validation))
	for i, sample := range t.validation {
		seen := t.seen[sample]
		t.subsets[i] = append(t.subsets[i], seen)
		count := bits.OnesCount64(seen)
		if count < 2 {
			continue
		}
		seedStream(t.source, t.cfg.Seed, purposeSubsets, 0, sample)
		for range subsetsPerSample {
			hidden := 1 + t.draw.IntN(min(mostHidden, count-1))
			left := seen
			for range hidden {
				left &^= 1 << nth(left, t.draw.IntN(bits.OnesCount64(left)))
			}
			t.subsets[i] = append(t.subsets[i], left)
		}
	}
}

// nth is the position of the nth set bit, from 0.
func nth(set uint64, n int) int {
	for range n {
		set &= set - 1
	}
	return bits.TrailingZeros64(set)
}

// estimate sets the population statistics of every batch normalization to those
// of the training samples under the network as it is now: binary weights flip
// until the end, so a moving average over past steps describes networks that are
// gone. Each level is measured with the final statistics of those before it,
// over the configured passes of view dropout, without variations.
func (t *trainer) estimate(ctx context.Context) error {
	for level := range t.net.levels {
		for _, norm := range t.net.norms {
			norm.forget()
		}
		t.net.normalize(level, normCollect)
		for pass := range t.cfg.Passes {
			if err := t.measure(ctx, level, pass); err != nil {
				return err
			}
		}
		for _, norm := range t.net.norms {
			if norm.level == level {
				norm.settle()
			}
		}
	}
	return nil
}

func (t *trainer) measure(ctx context.Context, level, pass int) error {
	for at := 0; at < len(t.samples); {
		if err := ctx.Err(); err != nil {
			return err
		}
		t.batch.reset()
		for ; at < len(t.samples); at++ {
			sample := t.samples[at]
			seedStream(t.source, t.cfg.Seed, purposeEstimate, pass, sample)
			if !t.batch.add(sample, dropViews(t.seen[sample], t.cfg.ViewDropout, len(t.topo.Views), t.draw)) {
				break
			}
		}
		t.loader.plain(t.net, t.batch)
		t.net.forward(t.batch, level+1)
	}
	return nil
}

// validate measures the network on the validation samples. The statistics must
// have been estimated.
func (t *trainer) validate(ctx context.Context) (Validation, error) {
	t.net.normalize(t.net.levels, normFixed)
	var v Validation
	full := func(sets []uint64) []uint64 { return sets[:1] }
	hidden := func(sets []uint64) []uint64 { return sets[1:] }
	if err := t.look(ctx, &v.Full, full); err != nil {
		return v, err
	}
	if err := t.look(ctx, &v.Missing, hidden); err != nil {
		return v, err
	}
	v.Score = score(v.Full, v.Missing)
	return v, nil
}

// look adds up the figures of the validation samples with the chosen sets of
// views.
func (t *trainer) look(ctx context.Context, figures *Figures, choose func([]uint64) []uint64) error {
	for at := 0; at < len(t.validation); {
		if err := ctx.Err(); err != nil {
			return err
		}
		t.batch.reset()
		for ; at < len(t.validation); at++ {
			sets := choose(t.subsets[at])
			if len(sets) > 0 && !t.batch.add(t.validation[at], sets...) {
				break
			}
		}
		if len(t.batch.examples) == 0 {
			break
		}
		t.loader.plain(t.net, t.batch)
		t.net.forward(t.batch, t.net.levels)
		figures.add(t.objective.evaluate(t.net, false))
	}
	return nil
}

// score is the mean, over the exits and over all views and hidden ones, of the
// cross-entropy plus the share of errors. The errors are what counts, but a few
// dozen samples have few of them; the cross-entropy tells equals apart.
func score(all ...Figures) float64 {
	var sum, count float64
	for _, figures := range all {
		for _, tally := range figures[HeadLocal:] {
			if tally.Count > 0 {
				sum += tally.MeanLoss() + 1 - tally.Accuracy()
				count++
			}
		}
	}
	return sum / count
}
