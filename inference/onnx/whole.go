package onnx

import (
	"encoding/json"
	"fmt"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// Names of the whole network's inputs.
const (
	PixelsName = "pixels"
	ViewsName  = "views"
)

// Names of the whole network's outputs. Those of a tier or an exit that the topology
// has not are not there.
const (
	ClassName        = "class"
	ExitName         = "exit"
	GroupName        = "group"
	EntropyName      = "entropy"
	SeenName         = "seen"
	DeviceScoresName = "device_scores"
	LocalScoresName  = "local_scores"
	LocalEntropyName = "local_entropy"
	EdgeFeaturesName = "edge_features"
	EdgeScoresName   = "edge_scores"
	EdgeEntropyName  = "edge_entropy"
	CloudScoresName  = "cloud_scores"
	CloudEntropyName = "cloud_entropy"
)

// ThresholdsName is the name of the constant that holds an exit's thresholds in the
// whole network, float64 [views seen - 1].
func ThresholdsName(exit topology.Exit) string { return "thresholds." + exit.String() }

// Whole is a whole network as one ONNX model: every tier, the aggregation of
// whatever views there are, and the exit rule.
type Whole struct {
	Model   []byte   // a serialized ModelProto
	Inputs  []Tensor // PixelsName, ViewsName
	Outputs []Tensor // see the package documentation
}

// whole is the graph of a whole network in the making. Masks and counts of views
// are values of the graph like any other.
type whole struct {
	*graph
	network *Network
	seen    string   // bool [batch, view]
	counts  string   // float [batch, group]: seen views of each
	groups  []source // [group] its scores alone, where there is a local exit
	views   []source // [view]
	edges   []source // [group], where there is an edge tier
	exits   []proposals
}

// source is what a view or a group sends up. Where it was not seen, all is zeros.
type source struct {
	seen     string // bool [batch, 1]
	features string // float [batch, channel, row, col]
	scores   string // float [batch, class]; empty: no exit
}

// proposals are what the exits of a tier propose.
type proposals struct {
	exit   topology.Exit
	scores string // float [batch, exit, class]
	counts string // float [batch, exit]: the seen views that each rests on
}

// Whole is the whole network with those thresholds.
func (n *Network) Whole(thresholds inference.Thresholds) *Whole {
	t := n.Topology
	pixels := Tensor{PixelsName, Uint8, []int64{Batch, int64(len(t.Views)), int64(t.Input.Channels), int64(t.Input.Rows), int64(t.Input.Cols)}}
	views := Tensor{ViewsName, Bool, []int64{Batch, int64(len(t.Views))}}
	w := &whole{network: n, graph: &graph{name: "network", inputs: []Tensor{pixels, views}, notes: n.notes()}}
	w.devices()
	w.local()
	if t.Edge != nil {
		w.edgeTier()
	}
	w.cloudTier()
	w.answer(thresholds)
	return &Whole{Model: w.model(), Inputs: w.inputs, Outputs: w.outputs}
}

// notes say what the numbers of views and classes mean.
func (n *Network) notes() [][2]string {
	var notes [][2]string
	for _, list := range []struct {
		key   string
		names []string
	}{{"views", n.Topology.Views}, {"classes", n.Topology.Classes}} {
		text, err := json.Marshal(list.names)
		if err != nil {
			panic("onnx: strings have no JSON: " + err.Error())
		}
		notes = append(notes, [2]string{list.key, string(text)})
	}
	return notes
}

// devices appends the presence rule, the device section of every view and what they
// send.
func (w *whole) devices() {
	t := w.network.Topology
	pixels := w.node("Cast", []string{PixelsName}, integer("to", Float32.onWire()))
	var seen string
	if t.Presence == topology.Always {
		seen = w.node("Identity", []string{ViewsName})
	} else {
		brightest := w.node("ReduceMax", []string{pixels}, ints("axes", 2, 3, 4), integer("keepdims", 0))
		present := w.node("Greater", []string{brightest, w.scalar(0)})
		seen = w.node("And", []string{ViewsName, present})
	}
	w.seen = w.output(seen, Tensor{SeenName, Bool, []int64{Batch, int64(len(t.Views))}})

	for v := range t.Views {
		section := w.network.device(t.DeviceSection(v))
		x := w.node("Gather", []string{pixels, w.index(v)}, integer("axis", 1))
		x = w.blocks(x, section, w.scalar(pixelScale))
		s := source{seen: w.node("Gather", []string{w.seen, w.list(int64(v))}, integer("axis", 1))}
		s.features = w.masked(s.seen, x, 4)
		if section.weights.GetExit() != nil {
			s.scores = w.masked(s.seen, w.exit(x, section), 2)
		}
		w.views = append(w.views, s)
	}
	w.stackSources(w.views, FeaturesName, t.DeviceOut(), DeviceScoresName)
	w.counts = w.node("MatMul", []string{w.node("Cast", []string{w.seen}, integer("to", Float32.onWire())), w.members()})
	for g := range t.Groups {
		w.groups = append(w.groups, source{seen: w.node("Greater", []string{w.count(w.counts, g), w.scalar(0)})})
	}
}

// members is which view is in which group: [view, group], 1 or 0.
func (w *whole) members() string {
	t := w.network.Topology
	of := make([]float32, len(t.Views)*len(t.Groups))
	for v := range t.Views {
		of[v*len(t.Groups)+t.GroupOf(v)] = 1
	}
	return w.floats("members", of, int64(len(t.Views)), int64(len(t.Groups)))
}

// count is one of the counts, [batch, 1].
func (w *whole) count(counts string, i int) string {
	return w.node("Gather", []string{counts, w.list(int64(i))}, integer("axis", 1))
}

// local appends the aggregation of each group's scores.
func (w *whole) local() {
	t := w.network.Topology
	if t.Local == nil {
		return
	}
	for g, views := range t.Groups {
		members, total := pick(w.views, views), w.count(w.counts, g)
		var x string
		if t.Local.Scores == topology.CC {
			dense, width := w.network.Content.GetLocals()[g], int64(len(views)*len(t.Classes))
			name := fmt.Sprintf("locals.%d", g)
			weights := w.floats(name+".weight", dense.GetWeights(), int64(len(t.Classes)), width)
			bias := w.floats(name+".bias", dense.GetBias(), int64(len(t.Classes)))
			x = w.node("Gemm", []string{w.aggregateScores(topology.CC, members, total), weights, bias}, integer("transB", 1))
		} else {
			x = w.aggregateScores(t.Local.Scores, members, total)
		}
		w.groups[g].scores = w.masked(w.groups[g].seen, x, 2)
	}
	scores := w.stackScores(w.groups, LocalScoresName)
	w.exits = append(w.exits, proposals{topology.ExitLocal, scores, w.counts})
}

// aggregateScores is the aggregate of what members' exits say: [batch, class], or
// side by side for CC. total is how many of them were seen, [batch, 1].
func (w *whole) aggregateScores(a topology.Aggregator, members []source, total string) string {
	var inputs []string
	for _, m := range members {
		x := m.scores
		if a == topology.MP {
			x = w.node("Where", []string{m.seen, x, w.scalar(lowest)})
		}
		inputs = append(inputs, x)
	}
	x, by := w.aggregate(a, inputs, total)
	return w.divide(x, by)
}

// edgeTier appends the edge section of every group.
func (w *whole) edgeTier() {
	t := w.network.Topology
	for g, views := range t.Groups {
		section, s := w.network.edge(g), source{seen: w.groups[g].seen}
		x, by := w.aggregateFeatures(t.Edge.Features, pick(w.views, views), w.count(w.counts, g))
		x = w.blocks(x, section, by)
		s.features = w.masked(s.seen, x, 4)
		if t.Edge.Exit {
			s.scores = w.masked(s.seen, w.exit(x, section), 2)
		}
		w.edges = append(w.edges, s)
	}
	if scores := w.stackSources(w.edges, EdgeFeaturesName, t.EdgeOut(), EdgeScoresName); scores != "" {
		w.exits = append(w.exits, proposals{topology.ExitEdge, scores, w.counts})
	}
}

// cloudTier appends the cloud section, over the groups where there is an edge tier,
// else over the views.
func (w *whole) cloudTier() {
	t := w.network.Topology
	sources, seen := w.views, w.seen
	if t.Edge != nil {
		sources, seen = w.edges, w.node("Greater", []string{w.counts, w.scalar(0)})
	}
	all := w.node("ReduceSum", []string{w.counts, w.list(1)}, integer("keepdims", 1))
	from := w.node("ReduceSum", []string{w.node("Cast", []string{seen}, integer("to", Float32.onWire())), w.list(1)}, integer("keepdims", 1))
	x, by := w.aggregateFeatures(t.Cloud.Features, sources, from)
	section := w.network.cloud()
	x = w.exit(w.blocks(x, section, by), section)
	x = w.masked(w.node("Greater", []string{all, w.scalar(0)}), x, 2)
	scores := w.output(x, Tensor{Name: CloudScoresName, Shape: []int64{Batch, int64(len(t.Classes))}})
	w.exits = append(w.exits, proposals{topology.ExitCloud, w.node("Unsqueeze", []string{scores, w.list(1)}), all})
}

// aggregateFeatures is what a section's first convolution takes, and what that has
// yet to be divided by; total is how many of the sources were seen, [batch, 1].
func (w *whole) aggregateFeatures(a topology.Aggregator, sources []source, total string) (x, by string) {
	var inputs []string
	for _, s := range sources {
		x := s.features
		if a == topology.MP {
			x = w.node("Where", []string{w.axes(s.seen, 4), x, w.scalar(-1)})
		}
		inputs = append(inputs, x)
	}
	x, by = w.aggregate(a, inputs, total)
	if by != "" {
		by = w.axes(by, 4)
	}
	return x, by
}

// aggregate merges inputs of which the unseen ones are neutral: the largest (MP),
// the sum and what it is to be divided by (AP), or all side by side (CC).
func (w *whole) aggregate(a topology.Aggregator, inputs []string, total string) (x, by string) {
	switch a {
	case topology.MP:
		return w.node("Max", inputs), ""
	case topology.AP:
		return w.node("Sum", inputs), w.node("Max", []string{total, w.scalar(1)})
	default:
		return w.node("Concat", inputs, integer("axis", 1)), ""
	}
}

// lowest is below every score.
const lowest = -3e38

// masked is x where seen, [batch, 1], says so, else zeros. x has so many axes.
func (w *whole) masked(seen, x string, axes int) string {
	return w.node("Where", []string{w.axes(seen, axes), x, w.scalar(0)})
}

// axes gives x, [batch, 1], so many axes.
func (w *whole) axes(x string, axes int) string {
	if axes == 2 {
		return x
	}
	return w.node("Unsqueeze", []string{x, w.list(2, 3)})
}

// stackSources makes what sources send outputs, and returns the name of their
// scores; empty: they have none.
func (w *whole) stackSources(sources []source, features string, shape topology.Shape, scores string) string {
	var maps []string
	for _, s := range sources {
		maps = append(maps, s.features)
	}
	dims := append([]int64{Batch, int64(len(sources))}, mapDims(1, shape)[1:]...)
	w.output(w.stack(maps), Tensor{Name: features, Shape: dims})
	if sources[0].scores == "" {
		return ""
	}
	return w.stackScores(sources, scores)
}

// stackScores makes the scores of sources an output, [batch, source, class].
func (w *whole) stackScores(sources []source, name string) string {
	var all []string
	for _, s := range sources {
		all = append(all, s.scores)
	}
	return w.output(w.stack(all), Tensor{Name: name, Shape: []int64{Batch, int64(len(sources)), int64(len(w.network.Topology.Classes))}})
}

// stack puts inputs side by side on a second axis of their own.
func (w *whole) stack(inputs []string) string {
	var parts []string
	for _, x := range inputs {
		parts = append(parts, w.node("Unsqueeze", []string{x, w.list(1)}))
	}
	return w.node("Concat", parts, integer("axis", 1))
}

// pick is the sources of those views.
func pick(sources []source, views []int) []source {
	var out []source
	for _, v := range views {
		out = append(out, sources[v])
	}
	return out
}
