package onnx

import (
	"fmt"

	"ganglion/inference"
	"ganglion/inference/layer"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// kernelSide is the side of every convolution's and every pool's window.
const kernelSide = 3

// tier is what a section's layers are written from.
type tier struct {
	name    string // before the names of its tensors: "devices.0", "edges.1" or "cloud"
	layers  topology.Layers
	in      topology.Shape // of the first convolution
	blocks  []topology.Block
	weights *modelpb.Section
	sends   bool // what the last block makes are features, which are signs whatever the layers are
	classes int
}

func (n *Network) device(section int) tier {
	t := n.Topology
	return tier{
		fmt.Sprintf("devices.%d", section), t.Device.Layers, t.Input, t.Device.Blocks,
		n.Content.GetDevices()[section], true, len(t.Classes),
	}
}

func (n *Network) edge(group int) tier {
	t := n.Topology
	return tier{
		fmt.Sprintf("edges.%d", group), t.Edge.Layers, t.EdgeIn(group), t.Edge.Blocks,
		n.Content.GetEdges()[group], true, len(t.Classes),
	}
}

func (n *Network) cloud() tier {
	t := n.Topology
	return tier{"cloud", t.Cloud.Layers, t.CloudIn(), t.Cloud.Blocks, n.Content.GetCloud(), false, len(t.Classes)}
}

// blocks appends a section's blocks on x. by is what x has yet to be divided by;
// empty: nothing. Binary layers divide after the convolution, whose sums of integers
// are exact; float ones before it, as the network does.
func (g *graph) blocks(x string, t tier, by string) string {
	in := t.in
	for i, block := range t.blocks {
		name, w := fmt.Sprintf("%s.blocks.%d", t.name, i), t.weights.GetBlocks()[i]
		if t.layers == topology.Float {
			x = g.divide(x, by)
		}
		x = g.conv(x, name+".conv.weight", inference.Unpack(w.GetWeights(), block.Filters*in.Channels*kernelSide*kernelSide), block.Filters, in.Channels)
		x = g.pool(x, block.Pool)
		if t.layers == topology.Binary {
			x = g.divide(x, by)
		}
		by = ""
		x = g.norm(x, name+".norm", w.GetNorm())
		if t.layers == topology.Binary || t.sends && i == len(t.blocks)-1 {
			x = g.sign(x)
		} else {
			x = g.node("Relu", []string{x})
		}
		in = block.Out(in)
	}
	return x
}

// out is the shape of what the last block makes.
func (t tier) out() topology.Shape {
	out := t.in
	for _, b := range t.blocks {
		out = b.Out(out)
	}
	return out
}

// exit appends a section's linear layer on x, weights [class, channel, row, col], and
// its batch normalization.
func (g *graph) exit(x string, t tier) string {
	weights, inputs := t.weights.GetExit(), t.out().Size()
	w := g.floats(t.name+".exit.linear.weight", inference.Unpack(weights.GetWeights(), t.classes*inputs), int64(t.classes), int64(inputs))
	x = g.node("Flatten", []string{x})
	x = g.node("Gemm", []string{x, w}, integer("transB", 1))
	return g.norm(x, t.name+".exit.norm", weights.GetNorm())
}

func (g *graph) divide(x, by string) string {
	if by == "" {
		return x
	}
	return g.node("Div", []string{x, by})
}

// conv appends a 3x3 convolution, stride 1, zero padding 1; weights [filter,
// channel, row, col].
func (g *graph) conv(x, name string, weights []float32, filters, channels int) string {
	w := g.floats(name, weights, int64(filters), int64(channels), kernelSide, kernelSide)
	return g.node("Conv", []string{x, w}, ints("kernel_shape", kernelSide, kernelSide), ints("pads", 1, 1, 1, 1))
}

// pool appends 3x3 max pooling with padding that never wins.
func (g *graph) pool(x string, p topology.Pool) string {
	if p == topology.NoPool {
		return x
	}
	return g.node("MaxPool", []string{x},
		ints("kernel_shape", kernelSide, kernelSide), ints("pads", 1, 1, 1, 1), ints("strides", int64(p), int64(p)))
}

// sign appends +1 where x is at least 0, else -1.
func (g *graph) sign(x string) string {
	positive := g.node("GreaterOrEqual", []string{x, g.scalar(0)})
	return g.node("Where", []string{positive, g.scalar(1), g.scalar(-1)})
}

// norm appends batch normalization over the second axis.
func (g *graph) norm(x, name string, n *modelpb.BatchNorm) string {
	inputs := []string{x}
	for _, p := range []struct {
		what   string
		values []float32
	}{{"weight", n.GetGamma()}, {"bias", n.GetBeta()}, {"running_mean", n.GetMean()}, {"running_var", n.GetVariance()}} {
		inputs = append(inputs, g.floats(name+"."+p.what, p.values, int64(len(p.values))))
	}
	return g.node("BatchNormalization", inputs, float("epsilon", layer.Epsilon))
}
