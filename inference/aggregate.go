package inference

import (
	"math/bits"

	"ganglion/inference/layer"
	"ganglion/inference/topology"
)

// scoreAggregator merges the scores of a group's seen views (section III-B of
// the paper).
type scoreAggregator struct {
	scheme  topology.Aggregator
	views   []int     // of the group, ascending
	classes int       //
	weights []float32 // CC: [class, view of the group, class]
	bias    []float32 // CC: [class]
}

// apply writes the aggregate of scores [view][class] over the seen views to dst
// [class]. At least one view of the group must be seen; views outside the group
// are not looked at. concatenated is scratch for CC, [view of the group, class].
func (a *scoreAggregator) apply(dst []float32, scores [][]float32, seen uint64, concatenated []float32) {
	switch a.scheme {
	case topology.MP:
		a.maximum(dst, scores, seen)
	case topology.AP:
		a.mean(dst, scores, seen)
	case topology.CC:
		a.concatenate(concatenated, scores, seen)
		layer.Dense(dst, a.weights, a.bias, concatenated)
	}
}

func (a *scoreAggregator) maximum(dst []float32, scores [][]float32, seen uint64) {
	first := true
	for _, v := range a.views {
		if seen>>v&1 == 0 {
			continue
		}
		for c, s := range scores[v] {
			if first || s > dst[c] {
				dst[c] = s
			}
		}
		first = false
	}
}

func (a *scoreAggregator) mean(dst []float32, scores [][]float32, seen uint64) {
	clear(dst)
	n := 0
	for _, v := range a.views {
		if seen>>v&1 == 0 {
			continue
		}
		n++
		for c, s := range scores[v] {
			dst[c] += s
		}
	}
	for c := range dst {
		dst[c] /= float32(n)
	}
}

func (a *scoreAggregator) concatenate(dst []float32, scores [][]float32, seen uint64) {
	clear(dst)
	for i, v := range a.views {
		if seen>>v&1 == 1 {
			copy(dst[i*a.classes:(i+1)*a.classes], scores[v])
		}
	}
}

// compress is the set of positions in list whose views are in the set seen, as
// bits in the order of list.
func compress(list []int, seen uint64) uint64 {
	var out uint64
	for i, v := range list {
		out |= seen >> v & 1 << i
	}
	return out
}

// each calls f for every member of a set, ascending.
func each(set uint64, f func(member int)) {
	for ; set != 0; set &= set - 1 {
		f(bits.TrailingZeros64(set))
	}
}
