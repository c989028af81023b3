package onnx

import (
	"fmt"

	"ganglion/inference/layer"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// Network is what sections are written from.
type Network struct {
	Topology *topology.Topology
	Content  *modelpb.Bundle // of a checked bundle
}

// Names of a section's input and outputs.
const (
	InputName    = "input"
	FeaturesName = "features"
	ScoresName   = "scores"
)

// Section is one section of a network as an ONNX model.
type Section struct {
	Model   []byte   // a serialized ModelProto
	Input   Tensor   // see the package documentation for what it holds
	Outputs []Tensor // FeaturesName where the section sends features, then ScoresName where it has an exit
}

// Tensor is a float32 tensor that goes into a model or comes out of it.
type Tensor struct {
	Name  string
	Shape []int64
}

// Size is the number of elements.
func (t Tensor) Size() int {
	n := 1
	for _, d := range t.Shape {
		n *= int(d)
	}
	return n
}

// Device is a view's device section.
func (n *Network) Device(view int) *Section {
	t := n.Topology
	weights := n.Content.GetDevices()[t.DeviceSection(view)]
	return n.section("device"+fmt.Sprint(t.DeviceSection(view)), t.Device.Layers, t.Input, t.Device.Blocks, weights, true)
}

// Edge is a group's edge section. The topology must have an edge tier.
func (n *Network) Edge(group int) *Section {
	t := n.Topology
	return n.section("edge"+fmt.Sprint(group), t.Edge.Layers, t.EdgeIn(group), t.Edge.Blocks, n.Content.GetEdges()[group], true)
}

// Cloud is the cloud section.
func (n *Network) Cloud() *Section {
	t := n.Topology
	return n.section("cloud", t.Cloud.Layers, t.CloudIn(), t.Cloud.Blocks, n.Content.GetCloud(), false)
}

// section writes the blocks and the exit of a section; sends says that what the
// last block makes are features, which are signs whatever the layers are.
func (n *Network) section(name string, layers topology.Layers, in topology.Shape, blocks []topology.Block, weights *modelpb.Section, sends bool) *Section {
	g := &graph{name: name, input: Tensor{InputName, mapDims(in)}}
	x := g.input.Name
	for i, block := range blocks {
		w := weights.GetBlocks()[i]
		x = g.conv(x, unpack(w.GetWeights(), block.Filters*in.Channels*kernelSide*kernelSide), block.Filters, in.Channels)
		x = g.pool(x, block.Pool)
		x = g.norm(x, w.GetNorm())
		if layers == topology.Binary || sends && i == len(blocks)-1 {
			x = g.sign(x)
		} else {
			x = g.relu(x)
		}
		in = block.Out(in)
	}
	if sends {
		x = g.output(x, Tensor{FeaturesName, mapDims(in)})
	}
	if exit := weights.GetExit(); exit != nil {
		g.exit(x, exit, len(n.Topology.Classes), in.Size())
	}
	return &Section{Model: g.model(), Input: g.input, Outputs: g.outputs}
}

// exit appends a linear layer, weights [class, channel, row, col], and its batch
// normalization, and makes the scores an output.
func (g *graph) exit(x string, weights *modelpb.ExitWeights, classes, inputs int) {
	w := g.constant("weights", unpack(weights.GetWeights(), classes*inputs), int64(classes), int64(inputs))
	x = g.node("Flatten", []string{x})
	x = g.node("Gemm", []string{x, w}, integer("transB", 1))
	x = g.norm(x, weights.GetNorm())
	g.output(x, Tensor{ScoresName, []int64{1, int64(classes)}})
}

// norm appends batch normalization over the second axis.
func (g *graph) norm(x string, n *modelpb.BatchNorm) string {
	inputs := []string{x}
	for _, p := range []struct {
		what   string
		values []float32
	}{{"gamma", n.GetGamma()}, {"beta", n.GetBeta()}, {"mean", n.GetMean()}, {"variance", n.GetVariance()}} {
		inputs = append(inputs, g.constant(p.what, p.values, int64(len(p.values))))
	}
	return g.node("BatchNormalization", inputs, float("epsilon", layer.Epsilon))
}

// unpack is n weights as floats: a binary weight is -1 or +1.
func unpack(w *modelpb.Weights, n int) []float32 {
	if real := w.GetReal(); len(real) > 0 {
		return real
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(int(w.GetBinary()[i/8]>>(i%8)&1)*2 - 1)
	}
	return out
}

// mapDims are the axes of one map in a batch of one: [1, channel, row, col].
func mapDims(s topology.Shape) []int64 {
	return []int64{1, int64(s.Channels), int64(s.Rows), int64(s.Cols)}
}
