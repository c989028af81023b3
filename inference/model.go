package inference

import (
	"fmt"
	"slices"

	"ganglion/inference/bits"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// Model is a network that is ready to run, section by section or whole. It is
// immutable and safe for use by any number of goroutines, each with a Scratch of
// its own.
type Model struct {
	topology *topology.Topology
	devices  []section         // [set of device weights]
	locals   []scoreAggregator // [group]; empty: no local exit
	edges    []section         // [group]; empty: no edge tier
	cloud    section
}

// newModel builds a model from content that came from outside: every part must
// have the shape that the topology implies, every number must be finite.
func newModel(t *topology.Topology, content *modelpb.Bundle) (*Model, error) {
	if s := content.GetPreprocessing().GetScale(); s != modelpb.PixelScale_PIXEL_SCALE_UNIT {
		return nil, fmt.Errorf("preprocessing %v is not known", s)
	}
	m := &Model{topology: t}
	if got, want := len(content.GetDevices()), t.DeviceSections(); got != want {
		return nil, fmt.Errorf("%d device sections, the topology has %d", got, want)
	}
	for i, weights := range content.GetDevices() {
		s, err := newSection(devicePlan(t, i), weights)
		if err != nil {
			return nil, err
		}
		m.devices = append(m.devices, s)
	}
	if err := m.addLocals(content.GetLocals()); err != nil {
		return nil, err
	}
	if err := m.addEdges(content.GetEdges()); err != nil {
		return nil, err
	}
	var err error
	m.cloud, err = newSection(cloudPlan(t), content.GetCloud())
	return m, err
}

func (m *Model) addLocals(weights []*modelpb.Dense) error {
	t := m.topology
	dense := t.Local != nil && t.Local.Scores == topology.CC
	if want := map[bool]int{true: len(t.Groups)}[dense]; len(weights) != want {
		return fmt.Errorf("%d layers for concatenated scores, the topology has %d", len(weights), want)
	}
	if t.Local == nil {
		return nil
	}
	for g, views := range t.Groups {
		a := scoreAggregator{scheme: t.Local.Scores, views: views, classes: len(t.Classes)}
		if dense {
			a.weights, a.bias = weights[g].GetWeights(), weights[g].GetBias()
			if len(a.bias) != a.classes || len(a.weights) != a.classes*len(views)*a.classes {
				return fmt.Errorf("local layer %d has %d weights and %d biases for %d views", g, len(a.weights), len(a.bias), len(views))
			}
			if err := checkReal(append(slices.Clip(a.weights), a.bias...)); err != nil {
				return fmt.Errorf("local layer %d: %w", g, err)
			}
		}
		m.locals = append(m.locals, a)
	}
	return nil
}

func (m *Model) addEdges(weights []*modelpb.Section) error {
	want := 0
	if m.topology.Edge != nil {
		want = len(m.topology.Groups)
	}
	if len(weights) != want {
		return fmt.Errorf("%d edge sections, the topology has %d", len(weights), want)
	}
	for g, w := range weights {
		s, err := newSection(edgePlan(m.topology, g), w)
		if err != nil {
			return err
		}
		m.edges = append(m.edges, s)
	}
	return nil
}

// Topology is the model's topology, which must not be written to.
func (m *Model) Topology() *topology.Topology { return m.topology }

// NewOutput is an Output with room for what a device section makes.
func (m *Model) NewOutput() *Output {
	return m.output(m.topology.DeviceOut(), m.topology.Local != nil)
}

// NewEdgeOutput is an Output with room for what an edge section makes.
func (m *Model) NewEdgeOutput() *Output {
	return m.output(m.topology.EdgeOut(), m.topology.Edge.Exit)
}

func (m *Model) output(shape topology.Shape, exit bool) *Output {
	out := &Output{Features: make([]byte, shape.PackedBytes())}
	if exit {
		out.Scores = make([]float32, len(m.topology.Classes))
	}
	return out
}

// Device runs a view's device section on its pixels [channel, row, col]. out is
// from NewOutput.
func (m *Model) Device(view int, pixels []byte, out *Output, s *Scratch) {
	m.devices[m.topology.DeviceSection(view)].run(input{pixels: pixels}, out, s)
}

// Local aggregates the scores [view][class] of a group's seen views into dst
// [class]. At least one view of the group must be seen. The topology must have a
// local exit.
func (m *Model) Local(group int, dst []float32, scores [][]float32, seen uint64, s *Scratch) {
	a := &m.locals[group]
	a.apply(dst, scores, seen, s.scores[:len(a.views)*a.classes])
}

// Edge runs a group's edge section on the features [view] of its seen views, of
// which there must be one. out is from NewEdgeOutput.
func (m *Model) Edge(group int, features [][]byte, seen uint64, out *Output, s *Scratch) {
	views := m.topology.Groups[group]
	for i, v := range views {
		s.features[i] = features[v]
	}
	m.edges[group].run(input{features: s.features[:len(views)], seen: compress(views, seen)}, out, s)
}

// Cloud runs the cloud section on the features of the seen sources (views, or
// groups where there is an edge tier), of which there must be one, and writes its
// scores to dst [class].
func (m *Model) Cloud(dst []float32, features [][]byte, seen uint64, s *Scratch) {
	s.cloud.Scores = dst
	m.cloud.run(input{features: features, seen: seen}, &s.cloud, s)
}

// DeviceWeightBytes is the memory that one device section's weights and
// thresholds take.
func (m *Model) DeviceWeightBytes() int { return m.devices[0].weightBytes() }

// CheckFeatures reports whether packed features of a view may enter the model: their
// length and their unused bits.
func (m *Model) CheckFeatures(features []byte) error {
	return bits.Check(m.topology.DeviceOut(), features)
}
