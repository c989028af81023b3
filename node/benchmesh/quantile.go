package benchmesh

import (
	"math"
	"slices"
	"time"
)

// Quantile is the smallest of sorted durations that a share q of them does not exceed (the
// nearest-rank method); 0 of none.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Spread is how durations are spread.
type Spread struct {
	Samples int           `json:"samples"`
	P50     time.Duration `json:"p50_ns"`
	P99     time.Duration `json:"p99_ns"`
	P999    time.Duration `json:"p999_ns"`
}

// spreadOf is the quantiles of durations, which it sorts.
func spreadOf(of []time.Duration) Spread {
	slices.Sort(of)
	const p50, p99, p999 = 0.5, 0.99, 0.999
	return Spread{len(of), Quantile(of, p50), Quantile(of, p99), Quantile(of, p999)}
}

// ofRounds is the medians over rounds of the quantiles in a round; p99.9 is of all rounds
// together. Rounds without a sample do not count.
func ofRounds(rounds [][]time.Duration) Spread {
	var p50s, p99s, all []time.Duration
	for _, r := range rounds {
		if len(r) > 0 {
			s := spreadOf(r)
			p50s, p99s, all = append(p50s, s.P50), append(p99s, s.P99), append(all, r...)
		}
	}
	out := spreadOf(all)
	out.P50, out.P99 = spreadOf(p50s).P50, spreadOf(p99s).P50
	return out
}
