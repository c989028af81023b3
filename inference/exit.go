package inference

import (
	"fmt"
	"math/bits"

	"ganglion/inference/topology"
)

// Softmax writes the softmax of scores [class] to dst [class]: positive or zero,
// summing to 1 within rounding. The scores must be finite.
func Softmax(dst []float64, scores []float32) {
	largest := largestScore(scores)
	var total float64
	for c, s := range scores {
		dst[c] = exp(float64(s) - largest)
		total += dst[c]
	}
	for c := range dst {
		dst[c] /= total
	}
}

// NormalizedEntropy is eta = -sum p log p / log |C| of the softmax p of the
// scores (section III-D of the paper): 0 where one class has all the
// probability, 1 where all classes have the same. The scores must be finite and
// at least two.
func NormalizedEntropy(scores []float32) float64 {
	// With d = score - largest and Z = sum exp d, log p = d - log Z, so that
	// -sum p log p = log Z - sum d exp(d) / Z: no logarithm of a small p.
	largest := largestScore(scores)
	var z, weighted float64
	for _, s := range scores {
		d := float64(s) - largest
		e := exp(d)
		z += e
		weighted += float64(d * e)
	}
	entropy := log(z) - float64(weighted/z)
	return min(1, max(0, float64(entropy/log(float64(len(scores))))))
}

func largestScore(scores []float32) float64 {
	largest := scores[0]
	for _, s := range scores[1:] {
		largest = max(largest, s)
	}
	return float64(largest)
}

// ArgMax is the class of the largest score, the lowest of equals.
func ArgMax(scores []float32) int {
	best := 0
	for c, s := range scores {
		if s > scores[best] {
			best = c
		}
	}
	return best
}

// Thresholds holds the threshold T of every exit but the last, by number of views
// seen: a sample exits where its normalized entropy is at most T. T = 1 always
// exits, T = 0 only at certainty. The value is immutable; make others with
// WithAll or NewThresholds.
type Thresholds struct {
	bySeen map[topology.Exit][]float64 // [views seen - 1], not decreasing
}

// NewThresholds takes T by exit and number of views seen (index 0 is one view).
// Every exit of the topology but the last needs at least one value; values are
// in [0, 1] and must not decrease with the number of views.
func NewThresholds(t *topology.Topology, bySeen map[topology.Exit][]float64) (Thresholds, error) {
	out := Thresholds{bySeen: map[topology.Exit][]float64{}}
	exits := t.Exits()
	for _, exit := range exits[:len(exits)-1] {
		values := bySeen[exit]
		if len(values) == 0 || len(values) > len(t.Views) {
			return Thresholds{}, fmt.Errorf("thresholds: exit %s has %d values for 1 to %d views seen", exit, len(values), len(t.Views))
		}
		if err := checkValues(exit, values); err != nil {
			return Thresholds{}, err
		}
		out.bySeen[exit] = append([]float64(nil), values...)
	}
	if len(bySeen) != len(out.bySeen) {
		return Thresholds{}, fmt.Errorf("thresholds: %d exits for the %d of the topology that have one", len(bySeen), len(out.bySeen))
	}
	return out, nil
}

// WithAll is the thresholds with one value for every exit and number of views,
// as in the paper's sweep over T (table II).
func (t Thresholds) WithAll(value float64) Thresholds {
	out := Thresholds{bySeen: map[topology.Exit][]float64{}}
	for exit := range t.bySeen {
		out.bySeen[exit] = []float64{value}
	}
	return out
}

// At is the threshold of an exit when seen views were seen: that of the nearest
// smaller number where the table is shorter. The last exit has 1.
func (t Thresholds) At(exit topology.Exit, seen int) float64 {
	values := t.bySeen[exit]
	if len(values) == 0 {
		return 1
	}
	return values[min(max(seen, 1), len(values))-1]
}

// BySeen is a copy of the thresholds of an exit by number of views seen; nil
// where the exit has none.
func (t Thresholds) BySeen(exit topology.Exit) []float64 {
	return append([]float64(nil), t.bySeen[exit]...)
}

// seenViews is the number of views in a set.
func seenViews(set uint64) int { return bits.OnesCount64(set) }
