package onnx

import (
	"fmt"

	"ganglion/inference/topology"
)

// What a model declares; see the package documentation.
const (
	irVersion       = 8
	operatorVersion = 15
	producer        = "ganglion"
)

// kernelSide is the side of every convolution's and every pool's window.
const kernelSide = 3

// graph is a GraphProto in the making: nodes in the order in which they run, each
// with one output, known by the node's name.
type graph struct {
	name      string
	nodes     []node
	constants []constant
	input     Tensor
	outputs   []Tensor
}

// node is one operator. Its name is its output's, too.
type node struct {
	name, operator string
	inputs         []string
	attributes     []attribute
}

// constant is a tensor of the model's own.
type constant struct {
	Tensor
	values []float32
}

// node appends an operator and returns the name of its output.
func (g *graph) node(operator string, inputs []string, attributes ...attribute) string {
	name := fmt.Sprintf("%s%d", operator, len(g.nodes))
	g.nodes = append(g.nodes, node{name, operator, inputs, attributes})
	return name
}

// constant appends a tensor and returns its name.
func (g *graph) constant(what string, values []float32, dims ...int64) string {
	name := fmt.Sprintf("%s%d", what, len(g.constants))
	g.constants = append(g.constants, constant{Tensor{name, dims}, values})
	return name
}

// output makes what the node x computes an output of the graph, under the tensor's
// name, and returns that name. Nodes that took x before must not exist.
func (g *graph) output(x string, t Tensor) string {
	for i := range g.nodes {
		if g.nodes[i].name == x {
			g.nodes[i].name = t.Name
		}
	}
	g.outputs = append(g.outputs, t)
	return t.Name
}

// conv appends a 3x3 convolution, stride 1, zero padding 1; weights [filter,
// channel, row, col].
func (g *graph) conv(x string, weights []float32, filters, channels int) string {
	w := g.constant("weights", weights, int64(filters), int64(channels), kernelSide, kernelSide)
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
	zero, plus, minus := g.scalar("zero", 0), g.scalar("plus", 1), g.scalar("minus", -1)
	positive := g.node("GreaterOrEqual", []string{x, zero})
	return g.node("Where", []string{positive, plus, minus})
}

// scalar is a constant without axes, which broadcasts to any shape.
func (g *graph) scalar(what string, value float32) string {
	return g.constant(what, []float32{value})
}

func (g *graph) relu(x string) string { return g.node("Relu", []string{x}) }

// model is the finished graph as a serialized ModelProto.
func (g *graph) model() []byte {
	var proto, operators, m message
	for _, n := range g.nodes {
		proto.bytes(graphNode, n.proto())
	}
	proto.text(graphName, g.name)
	for _, c := range g.constants {
		proto.bytes(graphInitializer, tensorProto(c.Tensor, c.values))
	}
	proto.bytes(graphInput, valueProto(g.input))
	for _, t := range g.outputs {
		proto.bytes(graphOutput, valueProto(t))
	}
	operators.integer(opsetVersion, operatorVersion)
	m.integer(modelIRVersion, irVersion)
	m.text(modelProducerName, producer)
	m.bytes(modelGraph, proto)
	m.bytes(modelOpsetImport, operators)
	return m
}

func (n node) proto() message {
	var m message
	for _, input := range n.inputs {
		m.text(nodeInput, input)
	}
	m.text(nodeOutput, n.name)
	m.text(nodeName, n.name)
	m.text(nodeOpType, n.operator)
	for _, a := range n.attributes {
		m.bytes(nodeAttribute, a.proto())
	}
	return m
}
