package topology

import "slices"

import "fmt"

// Shape is the size of a map: [channel, row, col].
type Shape struct {
	Channels, Rows, Cols int
}

// String is the shape as "3 x 32 x 32", channels first.
func (s Shape) String() string { return fmt.Sprintf("%d x %d x %d", s.Channels, s.Rows, s.Cols) }

// Size is the number of elements of a map.
func (s Shape) Size() int { return s.Channels * s.Rows * s.Cols }

// Pixels is the number of elements of one channel.
func (s Shape) Pixels() int { return s.Rows * s.Cols }

// PackedBytes is the size of a bit-packed map of this shape in bytes, rounded up.
func (s Shape) PackedBytes() int { return (s.Size() + 7) / 8 }

// Out is the shape of the map that a block makes of a map of shape s.
func (b Block) Out(s Shape) Shape {
	out := Shape{Channels: b.Filters, Rows: s.Rows, Cols: s.Cols}
	if b.Pool == Stride2 {
		out.Rows, out.Cols = (s.Rows+1)/2, (s.Cols+1)/2
	}
	return out
}

func through(s Shape, blocks []Block) Shape {
	for _, b := range blocks {
		s = b.Out(s)
	}
	return s
}

// DeviceOut is the shape of one view's features.
func (t *Topology) DeviceOut() Shape { return through(t.Input, t.Device.Blocks) }

// EdgeIn is the shape of what the edge section of a group takes, after
// aggregation. The topology must have an edge tier.
func (t *Topology) EdgeIn(group int) Shape {
	return aggregated(t.DeviceOut(), t.Edge.Features, len(t.Groups[group]))
}

// EdgeOut is the shape of one group's features. The topology must have an edge
// tier.
func (t *Topology) EdgeOut() Shape { return through(t.EdgeIn(0), t.Edge.Blocks) }

// CloudSources is the number of inputs that the cloud aggregates: the groups
// with an edge tier, else the views.
func (t *Topology) CloudSources() int {
	if t.Edge != nil {
		return len(t.Groups)
	}
	return len(t.Views)
}

// CloudSource is the shape of one input that the cloud aggregates.
func (t *Topology) CloudSource() Shape {
	if t.Edge != nil {
		return t.EdgeOut()
	}
	return t.DeviceOut()
}

// CloudIn is the shape of what the cloud section takes, after aggregation.
func (t *Topology) CloudIn() Shape {
	return aggregated(t.CloudSource(), t.Cloud.Features, t.CloudSources())
}

// CloudOut is the shape of the map that the cloud's exit takes.
func (t *Topology) CloudOut() Shape { return through(t.CloudIn(), t.Cloud.Blocks) }

func aggregated(s Shape, a Aggregator, sources int) Shape {
	if a == CC {
		s.Channels *= sources
	}
	return s
}

// DeviceSections is the number of sets of device weights: one per view, or one
// where they are shared.
func (t *Topology) DeviceSections() int {
	if t.Device.Shared {
		return 1
	}
	return len(t.Views)
}

// DeviceSection is the index of the device weights that a view uses.
func (t *Topology) DeviceSection(view int) int {
	if t.Device.Shared {
		return 0
	}
	return view
}

// GroupOf is the group of a view.
func (t *Topology) GroupOf(view int) int {
	for g, views := range t.Groups {
		if slices.Contains(views, view) {
			return g
		}
	}
	return -1
}

// GroupMask is the set of a group's views, bit v for view v.
func (t *Topology) GroupMask(group int) uint64 {
	var mask uint64
	for _, v := range t.Groups[group] {
		mask |= 1 << v
	}
	return mask
}

// AllViews is the set of every view, bit v for view v.
func (t *Topology) AllViews() uint64 {
	return ^uint64(0) >> (MaxViews - len(t.Views))
}

// Elastic reports whether the weights are independent of the number of views,
// so that a view may be added without training.
func (t *Topology) Elastic() bool {
	return t.Device.Shared && len(t.Groups) == 1 && t.Edge == nil &&
		(t.Local == nil || t.Local.Scores != CC) && t.Cloud.Features != CC
}

// Exits lists the exits of the topology in the order in which a sample meets
// them. ExitNone is not among them.
func (t *Topology) Exits() []Exit {
	var exits []Exit
	if t.Local != nil {
		exits = append(exits, ExitLocal)
	}
	if t.Edge != nil && t.Edge.Exit {
		exits = append(exits, ExitEdge)
	}
	return append(exits, ExitCloud)
}
