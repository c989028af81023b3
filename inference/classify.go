package inference

import "ganglion/inference/topology"

// DeviceOutputs is what the device sections made of one sample: one Output per
// view, those of unseen views unused.
type DeviceOutputs struct {
	Seen    uint64   // views that saw something
	Nothing uint64   // views with nothing in view
	outputs []Output // [view]
}

// NewDeviceOutputs is room for one sample.
func (m *Model) NewDeviceOutputs() *DeviceOutputs {
	d := &DeviceOutputs{outputs: make([]Output, len(m.topology.Views))}
	for v := range d.outputs {
		d.outputs[v] = *m.NewOutput()
	}
	return d
}

// View is what a view's device section made.
func (d *DeviceOutputs) View(view int) Output { return d.outputs[view] }

// Devices runs the device sections on the pixels [view][channel, row, col] of one
// sample. A view without pixels (nil) is missing; the presence rule decides which
// of the others saw something.
func (m *Model) Devices(out *DeviceOutputs, pixels [][]byte, s *Scratch) {
	out.Seen, out.Nothing = 0, 0
	for v, p := range pixels {
		switch {
		case p == nil:
		case m.topology.Presence.Present(p):
			out.Seen |= 1 << v
			m.Device(v, p, &out.outputs[v], s)
		default:
			out.Nothing |= 1 << v
		}
	}
}

// Propose is what every exit of the topology would answer from the views of a
// sample that are in seen: the local exits by group, the edge exits by group, the
// cloud's. Groups without a seen view propose nothing; without a seen view there
// are no proposals.
func (m *Model) Propose(d *DeviceOutputs, seen uint64, s *Scratch) []Proposal {
	w := m.walk(d, seen&d.Seen, s)
	var proposals []Proposal
	for {
		p, more := w.next()
		if !more {
			return proposals
		}
		proposals = append(proposals, p)
	}
}

// Classify answers one sample from the pixels [view] of its views by the exit
// rule: the whole network in one process. It is what the network of nodes must
// agree with, bit for bit.
func (m *Model) Classify(pixels [][]byte, t Thresholds, s *Scratch) Verdict {
	d := m.NewDeviceOutputs()
	m.Devices(d, pixels, s)
	return m.Answer(d, m.topology.AllViews(), t, s)
}

// Answer answers one sample from those of its views that are in the set views, by
// the exit rule. No section above the exit is run.
func (m *Model) Answer(d *DeviceOutputs, views uint64, t Thresholds, s *Scratch) Verdict {
	v := Verdict{Class: -1, Seen: d.Seen & views, Nothing: d.Nothing & views}
	v.Missing = m.topology.AllViews() &^ (v.Seen | v.Nothing)
	w := m.walk(d, v.Seen, s)
	for {
		p, more := w.next()
		if !more {
			return v
		}
		v.Proposals = append(v.Proposals, p)
		if p.Exits(t) {
			v.Exit, v.Class = p.Exit, p.Class
			return v
		}
	}
}

// walk runs a sample up the hierarchy, exit by exit.
type walk struct {
	model    *Model
	seen     uint64
	scratch  *Scratch
	scores   [][]float32 // [view]
	features [][]byte    // [view]
	edges    []Output    // [group], once the edge tier ran
	exit     topology.Exit
	group    int
}

func (m *Model) walk(d *DeviceOutputs, seen uint64, s *Scratch) *walk {
	w := &walk{model: m, seen: seen, scratch: s, exit: topology.ExitLocal}
	for _, out := range d.outputs {
		w.scores = append(w.scores, out.Scores)
		w.features = append(w.features, out.Features)
	}
	return w
}

// next is the proposal of the next exit that has one; false after the cloud's.
func (w *walk) next() (Proposal, bool) {
	t := w.model.topology
	for w.seen != 0 && w.exit <= topology.ExitCloud {
		exit, group := w.exit, w.group
		if w.group++; exit == topology.ExitCloud || w.group == len(t.Groups) {
			w.exit, w.group = w.exit+1, 0
		}
		if exit == topology.ExitCloud {
			return w.cloud(), true
		}
		seen := w.seen & t.GroupMask(group)
		if seen == 0 {
			continue
		}
		if exit == topology.ExitLocal && t.Local != nil {
			scores := make([]float32, len(t.Classes))
			w.model.Local(group, scores, w.scores, seen, w.scratch)
			return propose(exit, group, seenViews(seen), scores), true
		}
		if exit == topology.ExitEdge && t.Edge != nil {
			out := w.edge(group, seen)
			if t.Edge.Exit {
				return propose(exit, group, seenViews(seen), out.Scores), true
			}
		}
	}
	return Proposal{}, false
}

func (w *walk) edge(group int, seen uint64) *Output {
	if w.edges == nil {
		w.edges = make([]Output, len(w.model.topology.Groups))
	}
	w.edges[group] = *w.model.NewEdgeOutput()
	w.model.Edge(group, w.features, seen, &w.edges[group], w.scratch)
	return &w.edges[group]
}

func (w *walk) cloud() Proposal {
	t := w.model.topology
	features, seen := w.features, w.seen
	if t.Edge != nil {
		features, seen = nil, 0
		for g, out := range w.edges {
			features = append(features, out.Features)
			if w.seen&t.GroupMask(g) != 0 {
				seen |= 1 << g
			}
		}
	}
	scores := make([]float32, len(t.Classes))
	w.model.Cloud(scores, features, seen, w.scratch)
	return propose(topology.ExitCloud, 0, seenViews(w.seen), scores)
}
