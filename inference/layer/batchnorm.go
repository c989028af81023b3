package layer

import (
	"errors"
	"fmt"
	"math"

	"ganglion/inference/bits"
)

// Epsilon is added to the variance in batch normalization.
const Epsilon = 1e-5

// BatchNorm is batch normalization with the statistics of training: one affine
// map per channel. Its values are immutable after NewBatchNorm.
type BatchNorm struct {
	mean, scale, beta []float32 // [channel]
}

// NewBatchNorm takes one gamma, beta, mean and variance per channel. It refuses
// slices of other lengths, values that are not finite, and negative variances.
func NewBatchNorm(channels int, gamma, beta, mean, variance []float32) (*BatchNorm, error) {
	for _, p := range []struct {
		name   string
		values []float32
	}{{"gamma", gamma}, {"beta", beta}, {"mean", mean}, {"variance", variance}} {
		if len(p.values) != channels {
			return nil, fmt.Errorf("batch norm: %d values of %s for %d channels", len(p.values), p.name, channels)
		}
		for c, v := range p.values {
			if !finite(v) {
				return nil, fmt.Errorf("batch norm: %s of channel %d is %v", p.name, c, v)
			}
			if p.name == "variance" && v < 0 {
				return nil, fmt.Errorf("batch norm: variance of channel %d is negative: %v", c, v)
			}
		}
	}
	b := &BatchNorm{
		mean:  append([]float32(nil), mean...),
		beta:  append([]float32(nil), beta...),
		scale: make([]float32, channels),
	}
	for c := range b.scale {
		deviation := float32(math.Sqrt(float64(variance[c]) + Epsilon))
		b.scale[c] = gamma[c] / deviation
		if !finite(b.scale[c]) {
			return nil, errors.New("batch norm: gamma over the deviation overflows")
		}
	}
	return b, nil
}

// Apply is the normalized value of x in a channel.
func (b *BatchNorm) Apply(channel int, x float32) float32 {
	centred := float32(x - b.mean[channel])
	scaled := float32(centred * b.scale[channel])
	return float32(scaled + b.beta[channel])
}

// Bound is the largest magnitude, in any channel, of the normalized value of an x
// in [-limit, limit]. It is computed in float64, where nothing that
// NewBatchNorm accepts overflows.
func (b *BatchNorm) Bound(limit float64) float64 {
	var bound float64
	for c, scale := range b.scale {
		centred := limit + math.Abs(float64(b.mean[c]))
		bound = max(bound, float64(centred*math.Abs(float64(scale)))+math.Abs(float64(b.beta[c])))
	}
	return bound
}

// Bytes is the memory that the parameters take.
func (b *BatchNorm) Bytes() int { return 4 * 3 * len(b.scale) }

// Fold is the threshold t of a channel for which, for every integer sum s in
// [-limit, limit], (s >= t.At) != t.Flip if and only if the normalized value of
// x(s) is at least zero. x must not decrease in s.
func (b *BatchNorm) Fold(channel int, limit int32, x func(s int32) float32) bits.Threshold {
	positive := func(s int32) bool { return b.Apply(channel, x(s)) >= 0 }
	if b.scale[channel] >= 0 {
		return bits.Threshold{At: firstSum(limit, positive)}
	}
	return bits.Threshold{At: firstSum(limit, func(s int32) bool { return !positive(s) }), Flip: true}
}

// firstSum is the smallest s in [-limit, limit] for which the monotone condition
// holds: the least int32 where it always holds, the greatest where it never does.
func firstSum(limit int32, holds func(int32) bool) int32 {
	if holds(-limit) {
		return math.MinInt32
	}
	if !holds(limit) {
		return math.MaxInt32
	}
	low, high := -limit, limit // holds(high), not holds(low)
	for low+1 < high {
		middle := low + (high-low)/2
		if holds(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

func finite(v float32) bool {
	return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
}
