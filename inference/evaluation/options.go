package evaluation

import (
	"fmt"
	"slices"

	"ganglion/inference/topology"
)

// Options says what is evaluated.
type Options struct {
	Samples []int  // of the data set; at least one
	Split   string // what the report calls them

	// Together lists the views of each node that has several, so that the report says
	// what is left when a node is lost. A view that is in no list has a node of its
	// own. Empty: the report has no nodes.
	Together [][]int
}

// nodesOf is the views of every node, by their first view: those that are together,
// and each other view alone. Nil where none are together.
func nodesOf(t *topology.Topology, together [][]int) ([][]int, error) {
	if len(together) == 0 {
		return nil, nil
	}
	taken := make(map[int]bool)
	var nodes [][]int
	for _, views := range together {
		if len(views) == 0 {
			return nil, fmt.Errorf("a node has no views: name those that live on it")
		}
		for _, v := range views {
			switch {
			case v < 0 || v >= len(t.Views):
				return nil, fmt.Errorf("there is no view %d: number them from 0 to %d", v, len(t.Views)-1)
			case taken[v]:
				return nil, fmt.Errorf("view %d is named twice: it lives on one node", v)
			}
			taken[v] = true
		}
		nodes = append(nodes, slices.Sorted(slices.Values(views)))
	}
	for v := range t.Views {
		if !taken[v] {
			nodes = append(nodes, []int{v})
		}
	}
	slices.SortFunc(nodes, func(a, b []int) int { return a[0] - b[0] })
	return nodes, nil
}

// setOf is views as a set.
func setOf(views []int) uint64 {
	var set uint64
	for _, v := range views {
		set |= 1 << v
	}
	return set
}
