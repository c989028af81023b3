package evaluation

import (
	"cmp"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// fate is what becomes of one sample with some views missing.
type fate uint8

const (
	fateNoView     fate = iota // no view left that sees something
	fateUnlabelled             // answered, but there is nothing to compare with
	fateWrong
	fateRight
)

// fateOf is the fate of an answer by the exit rule with thresholds.
func fateOf(a *answer, thresholds inference.Thresholds) fate {
	chosen := inference.Choose(a.proposals, thresholds)
	switch {
	case chosen < 0:
		return fateNoView
	case a.label == dataset.NotPresent:
		return fateUnlabelled
	case a.proposals[chosen].Class == a.label:
		return fateRight
	default:
		return fateWrong
	}
}

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

// missingOf sums up the fates [sample] of one set of missing views.
func missingOf(set uint64, fates []fate) Missing {
	var counts [fateRight + 1]int
	for _, f := range fates {
		counts[f]++
	}
	return Missing{
		Views: members(set), Samples: len(fates), NoView: counts[fateNoView],
		Overall: share(counts[fateRight], counts[fateRight]+counts[fateWrong]),
	}
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
	out := MissingByCount{
		Missing: size, Sets: len(sets), Sampled: !all,
		Worst: Number(math.NaN()), WorstViews: []int{},
	}
	total, scored, noView := 0.0, 0, 0.0
	for _, m := range sets {
		noView += float64(m.NoView) / float64(m.Samples)
		if math.IsNaN(float64(m.Overall)) {
			continue
		}
		total += float64(m.Overall)
		if scored == 0 || m.Overall < out.Worst {
			out.Worst, out.WorstViews = m.Overall, m.Views
		}
		scored++
	}
	out.Mean, out.NoView = share(total, float64(scored)), share(noView, float64(len(sets)))
	return out
}
