package evaluation

import (
	"cmp"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"ganglion/inference/topology"
)

// missingSets lists the sets of missing views that a report has, by their size
// from 1 to all views but one.
func missingSets(t *topology.Topology) [][]uint64 {
	views := len(t.Views)
	var bySize [][]uint64
	r := rand.NewPCG(subsetSeed, 0)
	for size := 1; size < views; size++ {
		limit := 0
		if views > ExhaustiveViews && size > 2 {
			limit = sampledSets
		}
		sets := subsets(t.AllViews(), size, limit, r)
		slices.SortFunc(sets, func(a, b uint64) int { // by their first view, then their second
			return cmp.Compare(bits.Reverse64(b), bits.Reverse64(a))
		})
		bySize = append(bySize, sets)
	}
	return bySize
}

// members lists the members of a set of views, ascending; empty, not nil.
func members(set uint64) []int {
	out := make([]int, 0, bits.OnesCount64(set))
	for ; set != 0; set &= set - 1 {
		out = append(out, bits.TrailingZeros64(set))
	}
	return out
}

// sumUp sums up sets of as many missing views; all says that there are no others.
// Sets that leave nothing to score count in NoView alone.
func sumUp(size int, sets []Missing, all bool) MissingByCount {
	nan := Number(math.NaN())
	out := MissingByCount{
		Missing: size, Sets: len(sets), Sampled: !all,
		Best: nan, Worst: nan, WorstInterval: Interval{nan, nan}, WorstViews: []int{},
	}
	total, scored, noView := 0.0, 0, 0.0
	for _, m := range sets {
		noView += float64(m.NoView) / float64(m.Samples)
		if math.IsNaN(float64(m.Overall)) {
			continue
		}
		total += float64(m.Overall)
		if scored == 0 || m.Overall < out.Worst {
			out.Worst, out.WorstInterval, out.WorstViews = m.Overall, m.Interval, m.Views
		}
		if scored == 0 || m.Overall > out.Best {
			out.Best = m.Overall
		}
		scored++
	}
	out.Mean, out.NoView = share(total, float64(scored)), share(noView, float64(len(sets)))
	return out
}
