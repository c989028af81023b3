package onnx_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/onnx"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// scoreTolerance is how far a score may be from the reference network's, relative to
// it where it is larger than 1: other orders of summation and other roundings.
const scoreTolerance = 1e-5

// topologies are the networks that are compared: each operator, aggregator, kind of
// layer and tier is in one of them, and so are sizes that no pool divides.
// The seeds are those of weights with which noise does not look all the same to the
// devices.
var topologies = []struct {
	name string
	seed uint64
	yaml string
}{
	{"paper", 1, "{preset: c, views: 6, classes: [a, b, c]}"},
	{"edges", 1, "{preset: f, views: 4, classes: [a, b, c], input: {rows: 12, cols: 12}}"},
	{"edge without exit", 2, "{preset: d, views: 1, classes: [a, b, c, d, e], input: {rows: 9, cols: 14}, edge: {exit: false}}"},
	{"maximum", 2, "{preset: elastic, views: 3, classes: [a, b, c], input: {rows: 8, cols: 8}}"},
	{"mean", 1, "{preset: c, views: 5, classes: [a, b], input: {rows: 8, cols: 11}, cloud: {features: AP}}"},
	{"two device blocks", 1, "{preset: c, views: 2, classes: [a, b, c], input: {rows: 10, cols: 10, channels: 1}, device: {blocks: [{filters: 3}, {filters: 5, pool: 1}]}}"},
	{"float cloud", 1, "{preset: c, views: 3, classes: [a, b, c], input: {rows: 10, cols: 10}, cloud: {layers: float}}"},
	{"scores side by side", 1, "{preset: f, views: 4, classes: [a, b, c], input: {rows: 8, cols: 10}, local: {scores: CC}, edge: {features: MP}, cloud: {features: AP}}"},
	{"mean of scores", 2, "{preset: c, views: 3, classes: [a, b, c], input: {rows: 8, cols: 8, channels: 1}, presence: always, local: {scores: AP}}"},
	{"cloud only", 2, "{preset: a, views: 2, classes: [a, b, c], input: {rows: 8, cols: 8}}"},
	{"float everywhere", 1, "{preset: e, views: 3, classes: [a, b, c, d], input: {rows: 12, cols: 12}, device: {layers: float}, edge: {layers: float}, cloud: {layers: float, features: AP}}"},
}

func network(t *testing.T, yaml string) *onnx.Network {
	t.Helper()
	return seeded(t, yaml, 1)
}

func seeded(t *testing.T, yaml string, seed uint64) *onnx.Network {
	t.Helper()
	topo, err := topology.Parse("test", []byte(yaml), topology.Base{})
	if err != nil {
		t.Fatal(err)
	}
	n := &onnx.Network{Topology: topo, Content: reference.Random(topo, seed)}
	for _, s := range slices.Concat(n.Content.Devices, n.Content.Edges, []*modelpb.Section{n.Content.Cloud}) {
		for _, b := range s.Blocks {
			b.Norm.Gamma[0], b.Norm.Beta[0] = 0, 0 // one filter always meets sign(0), which is +1 here
		}
	}
	return n
}

// runner makes a section ready; the function it returns computes the section's
// outputs from its input.
type runner func(t *testing.T, s *onnx.Section) func(input []float32) [][]float32

// The exported sections must compute what the network does, whoever runs them: here
// by the operators' definitions, with the tag onnxruntime by onnxruntime.
func TestSectionsByDefinition(t *testing.T) {
	compareAll(t, 2, func(t *testing.T, s *onnx.Section) func([]float32) [][]float32 {
		t.Helper()
		g := decodeModel(t, s.Model).graph
		return func(input []float32) [][]float32 {
			values := g.evaluate(t, map[string]tensor{s.Input.Name: floats(axes(s.Input), input)})
			var out [][]float32
			for _, o := range s.Outputs {
				out = append(out, values[o.Name].float32s())
			}
			return out
		}
	})
}

// A model must declare what it has, or a runtime refuses it or guesses.
func TestSectionDeclares(t *testing.T) {
	for _, test := range topologies {
		t.Run(test.name, func(t *testing.T) {
			n := network(t, test.yaml)
			for name, s := range sections(n) {
				m := decodeModel(t, s.Model)
				if m.irVersion != 8 || m.operators != 15 {
					t.Errorf("%s: IR version %d and operators %d, want 8 and 15", name, m.irVersion, m.operators)
				}
				m.declares(t, name, []onnx.Tensor{s.Input}, s.Outputs)
				values := m.graph.evaluate(t, map[string]tensor{s.Input.Name: newTensor(onnx.Float32, axes(s.Input)...)})
				m.graph.computes(t, name, 1, values)
			}
		})
	}
}

// The same network gives the same bytes, so that an export can be compared by hash.
func TestSectionIsDeterministic(t *testing.T) {
	first, second := network(t, topologies[0].yaml).Cloud(), network(t, topologies[0].yaml).Cloud()
	if !bytes.Equal(first.Model, second.Model) {
		t.Error("two exports of one network differ")
	}
}

// The aggregators are the caller's part of an exported network; an unseen source must
// leave no trace in any of them (section III-B of the paper).
func TestAggregate(t *testing.T) {
	unseen := []float32{9, 9}
	sources := [][]float32{{1, -1}, unseen, {1, 1}, {-1, -1}}
	for _, test := range []struct {
		name string
		a    topology.Aggregator
		seen uint64
		want []float32
	}{
		{"MP", topology.MP, 0b1101, []float32{1, 1}},
		{"MP of -1 alone", topology.MP, 0b1000, []float32{-1, -1}},
		{"AP", topology.AP, 0b1101, []float32{float32(1) / 3, float32(-1) / 3}},
		{"CC", topology.CC, 0b1101, []float32{1, -1, 0, 0, 1, 1, -1, -1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := []float32{7, 7, 7, 7, 7, 7, 7, 7}[:len(test.want)]
			onnx.Aggregate(got, test.a, sources, test.seen)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("aggregate (-want +got):\n%s", diff)
			}
		})
	}
}

// declares checks that a model's inputs and outputs are those that its maker tells.
func (m model) declares(t *testing.T, name string, inputs, outputs []onnx.Tensor) {
	t.Helper()
	for _, list := range []struct {
		what string
		told []onnx.Tensor
		got  map[string]declared
	}{{"inputs", inputs, m.graph.inputs}, {"outputs", outputs, m.graph.outputs}} {
		want := map[string]declared{}
		for _, o := range list.told {
			want[o.Name] = declared{o.Type, o.Shape}
		}
		if diff := cmp.Diff(want, list.got); diff != "" {
			t.Errorf("%s: %s (-told +declared):\n%s", name, list.what, diff)
		}
	}
}

// computes checks that the values of a batch have the types and axes that the graph
// declares.
func (g *graph) computes(t *testing.T, name string, batch int, values map[string]tensor) {
	t.Helper()
	for output, want := range g.outputs {
		got := declared{Type: values[output].kind}
		for _, d := range values[output].dims {
			got.Dims = append(got.Dims, int64(d))
		}
		for i, d := range want.Dims {
			if d == onnx.Batch {
				want.Dims[i] = int64(batch)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s (-declared +computed):\n%s", name, output, diff)
		}
	}
}

func sections(n *onnx.Network) map[string]*onnx.Section {
	out := map[string]*onnx.Section{"cloud": n.Cloud()}
	for v := range n.Topology.Views {
		out[fmt.Sprintf("device %d", v)] = n.Device(v)
	}
	if n.Topology.Edge != nil {
		for g := range n.Topology.Groups {
			out[fmt.Sprintf("edge %d", g)] = n.Edge(g)
		}
	}
	return out
}

// compareAll compares every section of every topology with the reference network on
// random samples of which random views are missing.
func compareAll(t *testing.T, samples int, prepare runner) {
	t.Helper()
	for _, test := range topologies {
		t.Run(test.name, func(t *testing.T) {
			n := network(t, test.yaml)
			c := comparison{reference: reference.Network{Topology: n.Topology, Content: n.Content}, run: map[string]func([]float32) [][]float32{}}
			for name, s := range sections(n) {
				c.run[name] = prepare(t, s)
			}
			random := rand.New(rand.NewPCG(1, 2))
			for range samples {
				c.sample(t, random)
			}
			if c.features == 0 || c.scores == 0 {
				t.Fatalf("%d features and %d scores were compared", c.features, c.scores)
			}
		})
	}
}

type comparison struct {
	reference        reference.Network
	run              map[string]func([]float32) [][]float32 // by section
	features, scores int                                    // compared
}

func (c *comparison) sample(t *testing.T, random *rand.Rand) {
	t.Helper()
	topo := c.reference.Topology
	pixels := make([][]byte, len(topo.Views))
	for v := range pixels {
		pixels[v] = make([]byte, topo.Input.Size())
		for i := range pixels[v] {
			pixels[v][i] = byte(random.Uint32())
		}
	}
	seen := random.Uint64()&topo.AllViews() | 1<<random.IntN(len(topo.Views))
	want := c.reference.Forward(pixels, seen)

	sources := make([][]float32, len(topo.Views))
	for v := range topo.Views {
		if seen>>v&1 == 0 {
			continue
		}
		sources[v] = want.Features[v].Data
		input := make([]float32, topo.Input.Size())
		onnx.Preprocess(input, pixels[v])
		c.compare(t, fmt.Sprintf("device %d", v), input, want.Features[v].Data, want.DeviceScores[v])
	}
	if topo.Edge != nil {
		sources, seen = c.edges(t, want, sources, seen)
	}
	input := make([]float32, topo.CloudIn().Size())
	onnx.Aggregate(input, topo.Cloud.Features, sources, seen)
	c.compare(t, "cloud", input, nil, want.Cloud)
}

// edges compares the edge sections and returns what they send up, and from which
// groups.
func (c *comparison) edges(t *testing.T, want reference.Result, views [][]float32, seen uint64) (sources [][]float32, from uint64) {
	t.Helper()
	topo := c.reference.Topology
	for g, group := range topo.Groups {
		var members [][]float32
		var there uint64
		for i, v := range group {
			members = append(members, views[v])
			there |= seen >> v & 1 << i
		}
		sources = append(sources, want.EdgeFeatures[g].Data)
		if there == 0 {
			continue
		}
		from |= 1 << g
		input := make([]float32, topo.EdgeIn(g).Size())
		onnx.Aggregate(input, topo.Edge.Features, members, there)
		c.compare(t, fmt.Sprintf("edge %d", g), input, want.EdgeFeatures[g].Data, want.EdgeScores[g])
	}
	return sources, from
}

// compare runs a section; features and scores are nil where it has none.
func (c *comparison) compare(t *testing.T, section string, input, features, scores []float32) {
	t.Helper()
	got := c.run[section](input)
	if features != nil {
		if diff := cmp.Diff(features, got[0]); diff != "" {
			t.Fatalf("%s: features (-want +got):\n%s", section, diff)
		}
		c.features += len(features)
		got = got[1:]
	}
	if scores == nil {
		return
	}
	if len(got) != 1 || len(got[0]) != len(scores) {
		t.Fatalf("%s: outputs %v, want the scores %v", section, got, scores)
	}
	for class, want := range scores {
		difference := math.Abs(float64(got[0][class]) - float64(want))
		if !(difference <= scoreTolerance*max(1, math.Abs(float64(want)))) {
			t.Fatalf("%s: score of class %d is %v, want %v", section, class, got[0][class], want)
		}
	}
	c.scores += len(scores)
}

func axes(t onnx.Tensor) []int {
	var out []int
	for _, d := range t.Shape {
		out = append(out, int(d))
	}
	return out
}
