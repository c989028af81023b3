package evaluation

import (
	"cmp"
	"context"
	"math"
	"slices"

	"ganglion/inference"
)

// worstFirst is the views in the order in which figure 8 of the paper adds devices:
// from the worst alone to the best. A view is as good alone as the share of all
// samples that it answers rightly: one that sees little is of little help. Where
// devices have no exit, the network's answers from the view alone count.
func worstFirst(devices []DeviceAccuracy, alone []Left) []int {
	order := make([]int, len(devices))
	quality := make([]float64, len(devices))
	for v, d := range devices {
		order[v], quality[v] = v, float64(d.OfAllAccuracy)
		if math.IsNaN(quality[v]) {
			quality[v] = float64(alone[v].OfAll)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(quality[a], quality[b]) })
	return order
}

// grow adds views one by one, from the worst to the best, and measures what the
// network makes of those that are there.
func (e *evaluation) grow(ctx context.Context, m *inference.Model, devices []DeviceAccuracy) ([]Growth, error) {
	var alone []Left
	if e.topology.Local == nil {
		single := make([]uint64, len(devices))
		for v := range single {
			single[v] = 1 << v
		}
		var err error
		if alone, err = e.leftWith(ctx, m, single); err != nil {
			return nil, err
		}
	}
	order := worstFirst(devices, alone)
	prefixes := make([]uint64, len(order))
	for i := range order {
		prefixes[i] = setOf(order[:i+1])
	}
	left, err := e.leftWith(ctx, m, prefixes)
	if err != nil {
		return nil, err
	}
	growth := make([]Growth, len(order))
	for i, v := range order {
		growth[i] = Growth{
			Added: v, Name: e.topology.Views[v], Views: slices.Clone(order[:i+1]),
			Alone: devices[v].OfAllAccuracy, Left: left[i],
		}
	}
	return growth, nil
}

// leftWith measures what the network makes of each of some sets of views.
func (e *evaluation) leftWith(ctx context.Context, m *inference.Model, sets []uint64) ([]Left, error) {
	fates := make([][]fate, len(sets))
	for i := range fates {
		fates[i] = make([]fate, len(e.samples))
	}
	err := eachTrial(ctx, m, e.set, e.samples, func(place int, t *trial) {
		for i, views := range sets {
			fates[i][place] = e.fateWith(place, t, views)
		}
	})
	left := make([]Left, len(sets))
	for i := range left {
		left[i] = leftOf(e.topology, fates[i], e.labelled)
	}
	return left, err
}

// losses measures what is left without each node, whose views it is given.
func (e *evaluation) losses(ctx context.Context, m *inference.Model, nodes [][]int) ([]Missing, error) {
	if nodes == nil {
		return nil, nil
	}
	sets := make([]uint64, len(nodes))
	for i, views := range nodes {
		sets[i] = e.topology.AllViews() &^ setOf(views)
	}
	left, err := e.leftWith(ctx, m, sets)
	if err != nil {
		return nil, err
	}
	out := make([]Missing, len(nodes))
	for i, views := range nodes {
		out[i] = Missing{views, left[i]}
	}
	return out, nil
}
