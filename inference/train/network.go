package train

import (
	"fmt"

	"ganglion/inference/topology"
)

// network is a whole topology with its weights, and room for one batch.
//
// The fields from features on are the results of the last forward and the
// gradients of the last backward, in the rows of its batch.
type network struct {
	topo *topology.Topology
	w    *workers

	devices []*section // [device section]
	across  bool       // device sections run side by side, each on one goroutine
	locals  []*dense   // [group]; nil unless scores are concatenated
	edges   []*section // [group]; nil without an edge tier
	cloud   *section

	params []*param
	norms  []levelNorm
	levels int // batch normalizations from the views to the last scores

	scores   aggregator // over views, at the local exit
	edgeIn   aggregator // over views
	cloudIn  aggregator // over views or groups
	batch    *batch
	input    [][]float32   // [device section]: [row, channel, row, col]
	gathered [][][]float32 // per worker: the vectors of an example's sources
	returned [][][]float32 // per worker: their gradients

	features, dFeatures         [][]float32 // [device section]: [row, channel, row, col]
	deviceScores, dDeviceScores [][]float32 // [device section]: [row, class]; nil without a local exit
	localIn                     [][]float32 // [group]: aggregated scores [example, width]
	localScores, dLocalScores   [][]float32 // [group]: [example, class], where the group is seen
	edgeInput                   [][]float32 // [group]: [row, channel, row, col]
	dEdgeInput                  [][]float32 // [group]
	edgeFeatures, dEdgeFeatures [][]float32 // [group]: [row, channel, row, col]
	edgeScores, dEdgeScores     [][]float32 // [group]: [row, class]
	cloudInput, dCloudInput     []float32   // [example, channel, row, col]
	cloudScores, dCloudScores   []float32   // [example, class]

	levelsNow int // of the forward under way

	forwardDevice, backwardDevice                          func(worker, unit int)
	forwardEdge, forwardCloud, backwardCloud, backwardEdge func(worker, unit int)
}

// levelNorm is a batch normalization and how many others lie before it.
type levelNorm struct {
	*batchNorm
	level int
}

// newNetwork builds the network of a topology for batches of at most maxSamples
// samples in maxExamples examples. All memory that passes need is allocated
// here.
func newNetwork(topo *topology.Topology, w *workers, maxSamples, maxExamples int) *network {
	n := &network{topo: topo, w: w}
	n.scores = aggregator{size: len(topo.Classes)}
	if topo.Local != nil {
		n.scores.kind = topo.Local.Scores
	}
	n.buildDevices(maxDeviceRows(topo, maxSamples))
	n.buildLocals(maxExamples)
	n.buildEdges(maxExamples)
	n.buildCloud(maxExamples)
	for range w.count {
		sources := max(len(topo.Views), len(topo.Groups))
		n.gathered = append(n.gathered, make([][]float32, sources))
		n.returned = append(n.returned, make([][]float32, sources))
	}
	n.forwardDevice, n.backwardDevice = n.deviceForward, n.deviceBackward
	n.forwardEdge, n.forwardCloud = n.edgeForwardSlot, n.cloudForwardSlot
	n.backwardEdge, n.backwardCloud = n.edgeBackwardSlot, n.cloudBackwardSlot
	return n
}

// adopt adds a section's tensors and batch normalizations, the first of which
// has the given level.
func (n *network) adopt(s *section, level int) {
	n.params = append(n.params, s.params()...)
	for i, b := range s.blocks {
		n.norms = append(n.norms, levelNorm{b.norm, level + i})
	}
	if s.exit != nil {
		n.norms = append(n.norms, levelNorm{s.exit.norm, level + len(s.blocks)})
	}
}

func (n *network) buildDevices(maxRows int) {
	t := n.topo
	spec := sectionSpec{
		in: t.Input, layers: t.Device.Layers, blocks: t.Device.Blocks,
		last: signActivation, maxRows: maxRows,
	}
	if t.Local != nil {
		spec.classes = len(t.Classes)
	}
	count := t.DeviceSections()
	inner := n.w
	if n.across = count >= n.w.count; n.across {
		inner = newWorkers(1)
	}
	for i := range count {
		spec.name = fmt.Sprintf("device%d", i)
		s := newSection(inner, spec)
		n.adopt(s, 0)
		n.devices = append(n.devices, s)
		n.input = append(n.input, make([]float32, maxRows*t.Input.Size()))
		n.dFeatures = append(n.dFeatures, make([]float32, maxRows*s.out.Size()))
		n.dDeviceScores = append(n.dDeviceScores, make([]float32, maxRows*len(t.Classes)))
	}
	n.features = make([][]float32, count)
	n.deviceScores = make([][]float32, count)
}

func (n *network) buildLocals(maxExamples int) {
	t := n.topo
	if t.Local == nil {
		return
	}
	for g, views := range t.Groups {
		n.localIn = append(n.localIn, make([]float32, maxExamples*n.scores.width(len(views))))
		n.dLocalScores = append(n.dLocalScores, make([]float32, maxExamples*len(t.Classes)))
		if t.Local.Scores == topology.CC {
			d := newDense(fmt.Sprintf("local%d", g), len(views), len(t.Classes), maxExamples)
			n.params = append(n.params, d.weights, d.bias)
			n.locals = append(n.locals, d)
		}
	}
	n.localScores = make([][]float32, len(t.Groups))
}

func (n *network) buildEdges(maxExamples int) {
	t := n.topo
	if t.Edge == nil {
		return
	}
	n.edgeIn = aggregator{kind: t.Edge.Features, size: t.DeviceOut().Size()}
	for g := range t.Groups {
		spec := sectionSpec{
			name: fmt.Sprintf("edge%d", g), in: t.EdgeIn(g), layers: t.Edge.Layers, blocks: t.Edge.Blocks,
			last: signActivation, input: true, gaps: t.Edge.Features == topology.CC, maxRows: maxExamples,
		}
		if t.Edge.Exit {
			spec.classes = len(t.Classes)
		}
		s := newSection(n.w, spec)
		n.adopt(s, len(t.Device.Blocks))
		n.edges = append(n.edges, s)
		n.edgeInput = append(n.edgeInput, make([]float32, maxExamples*spec.in.Size()))
		n.dEdgeFeatures = append(n.dEdgeFeatures, make([]float32, maxExamples*s.out.Size()))
		n.dEdgeScores = append(n.dEdgeScores, make([]float32, maxExamples*len(t.Classes)))
	}
	n.dEdgeInput = make([][]float32, len(t.Groups))
	n.edgeFeatures = make([][]float32, len(t.Groups))
	n.edgeScores = make([][]float32, len(t.Groups))
}

func (n *network) buildCloud(maxExamples int) {
	t := n.topo
	n.cloudIn = aggregator{kind: t.Cloud.Features, size: t.CloudSource().Size()}
	spec := sectionSpec{
		name: "cloud", in: t.CloudIn(), layers: t.Cloud.Layers, blocks: t.Cloud.Blocks,
		last: signActivation, classes: len(t.Classes), input: true, gaps: t.Cloud.Features == topology.CC,
		maxRows: maxExamples,
	}
	if t.Cloud.Layers == topology.Float {
		spec.last = reluActivation
	}
	n.cloud = newSection(n.w, spec)
	level := len(t.Device.Blocks)
	if t.Edge != nil {
		level += len(t.Edge.Blocks)
	}
	n.adopt(n.cloud, level)
	n.levels = level + len(t.Cloud.Blocks) + 1
	n.cloudInput = make([]float32, maxExamples*spec.in.Size())
	n.dCloudScores = make([]float32, maxExamples*len(t.Classes))
}

// refresh derives the values of binary weights from their latent ones.
func (n *network) refresh() {
	for _, p := range n.params {
		p.refresh(false)
	}
}

// normalize sets where every batch normalization takes its statistics from:
// those under the level from the population, those at the level by mode.
func (n *network) normalize(level int, mode normMode) {
	for _, norm := range n.norms {
		norm.mode = normFixed
		if norm.level >= level {
			norm.mode = mode
		}
	}
}
