package demo

import (
	"fmt"
	"math/bits"
)

// Further is how many nodes without a view there are beside the devices.
const Further = 2

// Part is one process of a demo: a node with views, or a node without.
type Part struct {
	Name  string
	Views int   // sources that the node has; 0: a node without a view
	Given []int // the view of each source; nil: the node finds free ones by itself
}

// Spread is the processes for a set of views (bit v for view v) on that many devices: the
// views as evenly as they go, the first devices one more, and two further nodes without
// any. There must be at least one device and no more than views. Nodes are told which views
// are theirs where given says so, as they must be where others are to stay free.
func Spread(live uint64, devices int, given bool) ([]Part, error) {
	views := bits.OnesCount64(live)
	switch {
	case views < 1:
		return nil, fmt.Errorf("spread %d views: a model has at least one", views)
	case devices < 1:
		return nil, fmt.Errorf("%d devices: give at least one", devices)
	case devices > views:
		return nil, fmt.Errorf("%d devices for %d views: every device needs a view, give %d at most", devices, views, views)
	}
	var parts []Part
	for d := range devices {
		p := Part{Name: fmt.Sprintf("device-%d", d+1), Views: views / devices}
		if d < views%devices {
			p.Views++
		}
		for range p.Views {
			if given {
				p.Given = append(p.Given, bits.TrailingZeros64(live))
			}
			live &= live - 1
		}
		parts = append(parts, p)
	}
	for i := range Further {
		parts = append(parts, Part{Name: fmt.Sprintf("node-%d", devices+i+1)})
	}
	return parts, nil
}
