package safetensors

import (
	"fmt"
	"strings"

	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// slot is one tensor of a network: its name in a file, its shape, and its place in a
// bundle, which is one of the pointers.
type slot struct {
	name    string
	shape   []int
	weights *modelpb.Weights   // of a convolution or a linear layer
	binary  bool               // of weights: they are signs
	floats  *[]float32         // of a batch norm or a dense layer
	bias    *modelpb.BatchNorm // the norm that a bias of the layer before it moves into; it may be missing
}

// size is the number of elements.
func (s slot) size() int {
	n := 1
	for _, d := range s.shape {
		n *= d
	}
	return n
}

// variance reports whether the slot's values must not be negative.
func (s slot) variance() bool { return strings.HasSuffix(s.name, ".running_var") }

// skeleton is the content of a bundle of a topology, without any weights.
func skeleton(t *topology.Topology) *modelpb.Bundle {
	content := &modelpb.Bundle{
		Topology:      topology.ToProto(t),
		Preprocessing: &modelpb.Preprocessing{Scale: modelpb.PixelScale_PIXEL_SCALE_UNIT},
		Cloud:         emptySection(t.Cloud.Blocks, true),
	}
	for range t.DeviceSections() {
		content.Devices = append(content.Devices, emptySection(t.Device.Blocks, t.Local != nil))
	}
	for range t.Groups {
		if t.Local != nil && t.Local.Scores == topology.CC {
			content.Locals = append(content.Locals, new(modelpb.Dense))
		}
		if t.Edge != nil {
			content.Edges = append(content.Edges, emptySection(t.Edge.Blocks, t.Edge.Exit))
		}
	}
	return content
}

func emptySection(blocks []topology.Block, exit bool) *modelpb.Section {
	s := new(modelpb.Section)
	for range blocks {
		s.Blocks = append(s.Blocks, &modelpb.BlockWeights{Weights: new(modelpb.Weights), Norm: new(modelpb.BatchNorm)})
	}
	if exit {
		s.Exit = &modelpb.ExitWeights{Weights: new(modelpb.Weights), Norm: new(modelpb.BatchNorm)}
	}
	return s
}

// layout lists the tensors of a network whose content is complete or a skeleton.
type layout struct {
	slots   []slot
	classes int
}

func layoutOf(t *topology.Topology, content *modelpb.Bundle) []slot {
	l := layout{classes: len(t.Classes)}
	for i, s := range content.GetDevices() {
		l.section(fmt.Sprintf("devices.%d", i), t.Device.Layers, t.Input, t.Device.Blocks, s)
	}
	for g, d := range content.GetLocals() {
		name := fmt.Sprintf("locals.%d", g)
		l.slots = append(l.slots,
			slot{name: name + ".weight", shape: []int{l.classes, len(t.Groups[g]) * l.classes}, floats: &d.Weights},
			slot{name: name + ".bias", shape: []int{l.classes}, floats: &d.Bias})
	}
	for g, s := range content.GetEdges() {
		l.section(fmt.Sprintf("edges.%d", g), t.Edge.Layers, t.EdgeIn(g), t.Edge.Blocks, s)
	}
	l.section("cloud", t.Cloud.Layers, t.CloudIn(), t.Cloud.Blocks, content.GetCloud())
	return l.slots
}

func (l *layout) section(name string, layers topology.Layers, in topology.Shape, blocks []topology.Block, s *modelpb.Section) {
	const side = 3
	for i, block := range blocks {
		w := s.GetBlocks()[i]
		l.layer(fmt.Sprintf("%s.blocks.%d", name, i), "conv", layers, []int{block.Filters, in.Channels, side, side}, w.GetWeights(), w.GetNorm())
		in = block.Out(in)
	}
	if exit := s.GetExit(); exit != nil {
		l.layer(name+".exit", "linear", layers, []int{l.classes, in.Size()}, exit.GetWeights(), exit.GetNorm())
	}
}

// layer adds a convolution or a linear layer, and the batch norm behind it.
func (l *layout) layer(name, kind string, layers topology.Layers, shape []int, weights *modelpb.Weights, norm *modelpb.BatchNorm) {
	channels := shape[:1]
	l.slots = append(l.slots,
		slot{name: name + "." + kind + ".weight", shape: shape, weights: weights, binary: layers == topology.Binary},
		slot{name: name + ".norm.weight", shape: channels, floats: &norm.Gamma},
		slot{name: name + ".norm.bias", shape: channels, floats: &norm.Beta},
		slot{name: name + ".norm.running_mean", shape: channels, floats: &norm.Mean},
		slot{name: name + ".norm.running_var", shape: channels, floats: &norm.Variance},
		slot{name: name + "." + kind + ".bias", shape: channels, bias: norm})
}
