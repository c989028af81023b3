package demo

import "fmt"

// further is how many nodes without a view there are beside the devices.
const further = 2

// Part is one process of a demo: a node with so many views, which it finds by itself.
type Part struct {
	Name  string
	Views int // sources that the node has; 0: a node without a view
}

// Spread is the processes for that many views on that many devices: the views as evenly as
// they go, the first devices one more, and two further nodes without any. There must be at
// least one device and no more than views.
func Spread(views, devices int) ([]Part, error) {
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
		n := views / devices
		if d < views%devices {
			n++
		}
		parts = append(parts, Part{Name: fmt.Sprintf("device-%d", d+1), Views: n})
	}
	for i := range further {
		parts = append(parts, Part{Name: fmt.Sprintf("node-%d", devices+i+1)})
	}
	return parts, nil
}
