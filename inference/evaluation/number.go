package evaluation

import (
	"encoding/json"
	"math"
)

// Number is a measured value. NaN says that there was nothing to measure; in JSON
// it is null.
type Number float64

// MarshalJSON writes the number, or null where it is not finite.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// share is part of whole; NaN of nothing.
func share[T ~int | ~int64 | ~float64](part, whole T) Number {
	if whole == 0 {
		return Number(math.NaN())
	}
	return Number(float64(part) / float64(whole))
}

// normal975 is the 97.5 % quantile of the standard normal distribution: both tails
// of 95 %.
const normal975 = 1.959963984540054

// Interval is a range that holds the true share in 95 % of repetitions.
type Interval [2]Number

// Wilson is Wilson's score interval at 95 % for right out of n trials. Unlike the
// normal approximation it stays in [0, 1] and does not shrink to a point where
// every trial, or none, is right. Of no trials it is NaN.
func Wilson(right, n int) Interval { return wilson(float64(right), float64(n)) }

// wilson is the interval of weighted trials: n is the number of samples, which is
// what is independent, however their weight is spread.
func wilson(right, n float64) Interval {
	if n == 0 {
		return Interval{Number(math.NaN()), Number(math.NaN())}
	}
	const z2 = normal975 * normal975
	p, size := right/n, n
	center := (p + z2/(2*size)) / (1 + z2/size)
	half := normal975 / (1 + z2/size) * math.Sqrt(p*(1-p)/size+z2/(4*size*size))
	low, high := max(0, center-half), min(1, center+half)
	if right == 0 {
		low = 0 // exact, where rounding leaves a trace
	}
	if right == n {
		high = 1
	}
	return Interval{Number(low), Number(high)}
}
