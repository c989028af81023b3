package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// What a model declares; see the package documentation.
const (
	IRVersion = 8  // version of the format
	Opset     = 15 // version of the default operator set

	producer = "ganglion"
)

// graph is a GraphProto in the making: nodes in the order in which they run, each
// with one output, known by the node's name.
type graph struct {
	name      string
	nodes     []node
	constants []constant
	known     map[string]bool // names of constants
	inputs    []Tensor
	outputs   []Tensor
	notes     [][2]string // of the model, for whoever runs it: key and value
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
	raw []byte // elements, little-endian
}

// node appends an operator and returns the name of its output.
func (g *graph) node(operator string, inputs []string, attributes ...attribute) string {
	name := fmt.Sprintf("%s%d", operator, len(g.nodes))
	g.nodes = append(g.nodes, node{name, operator, inputs, attributes})
	return name
}

// put appends a constant unless there is one of its name, and returns the name: a
// name stands for one tensor.
func (g *graph) put(c constant) string {
	if g.known == nil {
		g.known = map[string]bool{}
	}
	if !g.known[c.Name] {
		g.known[c.Name] = true
		g.constants = append(g.constants, c)
	}
	return c.Name
}

// floats is a float32 tensor.
func (g *graph) floats(name string, values []float32, dims ...int64) string {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return g.put(constant{Tensor: Tensor{Name: name, Shape: dims}, raw: raw})
}

// doubles is a float64 tensor.
func (g *graph) doubles(name string, values []float64, dims ...int64) string {
	raw := make([]byte, 0, 8*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
	}
	return g.put(constant{Tensor: Tensor{Name: name, Type: Float64, Shape: dims}, raw: raw})
}

// integers is an int64 tensor.
func (g *graph) integers(name string, values []int64, dims ...int64) string {
	raw := make([]byte, 0, 8*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return g.put(constant{Tensor: Tensor{Name: name, Type: Int64, Shape: dims}, raw: raw})
}

// list is an int64 tensor of one axis, as operators take axes and shapes.
func (g *graph) list(values ...int64) string {
	name := strings.Trim(strings.ReplaceAll(fmt.Sprint(values), " ", "_"), "[]")
	return g.integers("list_"+name, values, int64(len(values)))
}

// index is an int64 without axes, which selects one of an axis and drops the axis.
func (g *graph) index(i int) string {
	return g.integers(fmt.Sprintf("index_%d", i), []int64{int64(i)})
}

// scalar is a float32 without axes, which broadcasts to any shape.
func (g *graph) scalar(value float32) string {
	return g.floats(fmt.Sprintf("scalar_%g", value), []float32{value})
}

// output makes what the node x computes an output of the graph, under the tensor's
// name, and returns that name.
func (g *graph) output(x string, t Tensor) string {
	for i := range g.nodes {
		n := &g.nodes[i]
		if n.name == x {
			n.name = t.Name
		}
		for j := range n.inputs {
			if n.inputs[j] == x {
				n.inputs[j] = t.Name
			}
		}
	}
	g.outputs = append(g.outputs, t)
	return t.Name
}

// model is the finished graph as a serialized ModelProto.
func (g *graph) model() []byte {
	var proto, operators, m message
	for _, n := range g.nodes {
		proto.bytes(graphNode, n.proto())
	}
	proto.text(graphName, g.name)
	for _, c := range g.constants {
		proto.bytes(graphInitializer, tensorProto(c.Tensor, c.raw))
	}
	for _, t := range g.inputs {
		proto.bytes(graphInput, valueProto(t))
	}
	for _, t := range g.outputs {
		proto.bytes(graphOutput, valueProto(t))
	}
	operators.integer(opsetVersion, Opset)
	m.integer(modelIRVersion, IRVersion)
	m.text(modelProducerName, producer)
	m.bytes(modelGraph, proto)
	m.bytes(modelOpsetImport, operators)
	for _, note := range g.notes {
		var entry message
		entry.text(entryKey, note[0])
		entry.text(entryValue, note[1])
		m.bytes(modelMetadata, entry)
	}
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
