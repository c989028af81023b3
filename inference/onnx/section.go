package onnx

import (
	"fmt"

	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// Network is what models are written from.
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

// Device is a view's device section.
func (n *Network) Device(view int) *Section {
	section := n.Topology.DeviceSection(view)
	return n.section("device"+fmt.Sprint(section), n.device(section))
}

// Edge is a group's edge section. The topology must have an edge tier.
func (n *Network) Edge(group int) *Section {
	return n.section("edge"+fmt.Sprint(group), n.edge(group))
}

// Cloud is the cloud section.
func (n *Network) Cloud() *Section { return n.section("cloud", n.cloud()) }

// section writes the blocks and the exit of a section.
func (n *Network) section(name string, t tier) *Section {
	input := Tensor{Name: InputName, Shape: mapDims(1, t.in)}
	g := &graph{name: name, inputs: []Tensor{input}, notes: n.notes()}
	x := g.blocks(input.Name, t, "")
	if t.sends {
		x = g.output(x, Tensor{Name: FeaturesName, Shape: mapDims(1, t.out())})
	}
	if t.weights.GetExit() != nil {
		g.output(g.exit(x, t), Tensor{Name: ScoresName, Shape: []int64{1, int64(t.classes)}})
	}
	return &Section{Model: g.model(), Input: input, Outputs: g.outputs}
}

// mapDims are the axes of the maps of a batch: [sample, channel, row, col].
func mapDims(batch int64, s topology.Shape) []int64 {
	return []int64{batch, int64(s.Channels), int64(s.Rows), int64(s.Cols)}
}
