package onnx_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"ganglion/inference/onnx"
)

// The decoder reads a serialized ModelProto by the field numbers of onnx.proto,
// written down once more here, and refuses whatever it does not know: an unknown
// field, a wrong wire type, a name that nothing defines.

type model struct {
	irVersion, operators uint64
	notes                map[string]string
	graph                graph
}

type graph struct {
	nodes           []node
	constants       map[string]tensor
	inputs, outputs map[string]declared
}

// declared is what a graph says of an input or an output.
type declared struct {
	Type onnx.Element
	Dims []int64
}

// elements are the types by their numbers in TensorProto.DataType.
var elements = map[uint64]onnx.Element{1: onnx.Float32, 2: onnx.Uint8, 7: onnx.Int64, 9: onnx.Bool, 11: onnx.Float64}

type node struct {
	operator        string
	inputs, outputs []string
	ints            map[string][]int
	floats          map[string]float32
}

// tensor has its elements as float64s, which hold those of every type that occurs; of
// booleans, true is 1.
type tensor struct {
	kind onnx.Element
	dims []int
	data []float64
}

// fields calls each for every field of a message: value holds a varint or a fixed32,
// bytes the rest.
func fields(t *testing.T, what string, b []byte, each func(field protowire.Number, value uint64, bytes []byte) bool) {
	t.Helper()
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatalf("%s: bad tag", what)
		}
		b = b[n:]
		var value uint64
		var content []byte
		switch kind {
		case protowire.VarintType:
			value, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			value = uint64(v)
		case protowire.BytesType:
			content, n = protowire.ConsumeBytes(b)
		default:
			t.Fatalf("%s: field %d has wire type %d", what, number, kind)
		}
		if n < 0 || !each(number, value, content) {
			t.Fatalf("%s: field %d is damaged or not known", what, number)
		}
		b = b[n:]
	}
}

func decodeModel(t *testing.T, b []byte) model {
	t.Helper()
	m := model{
		notes: map[string]string{},
		graph: graph{constants: map[string]tensor{}, inputs: map[string]declared{}, outputs: map[string]declared{}},
	}
	fields(t, "ModelProto", b, func(field protowire.Number, value uint64, bytes []byte) bool {
		switch field {
		case 1:
			m.irVersion = value
		case 2: // producer_name
		case 7:
			m.graph.decode(t, bytes)
		case 8:
			fields(t, "OperatorSetIdProto", bytes, func(field protowire.Number, value uint64, _ []byte) bool {
				m.operators = value
				return field == 2
			})
		case 14:
			var key string
			fields(t, "StringStringEntryProto", bytes, func(field protowire.Number, _ uint64, bytes []byte) bool {
				if field == 1 {
					key = string(bytes)
				} else {
					m.notes[key] = string(bytes)
				}
				return field == 1 || field == 2
			})
		default:
			return false
		}
		return true
	})
	return m
}

func (g *graph) decode(t *testing.T, b []byte) {
	t.Helper()
	fields(t, "GraphProto", b, func(field protowire.Number, _ uint64, bytes []byte) bool {
		switch field {
		case 1:
			g.nodes = append(g.nodes, decodeNode(t, bytes))
		case 2: // name
		case 5:
			name, c := decodeTensor(t, bytes)
			g.constants[name] = c
		case 11:
			name, value := decodeValue(t, bytes)
			g.inputs[name] = value
		case 12:
			name, value := decodeValue(t, bytes)
			g.outputs[name] = value
		default:
			return false
		}
		return true
	})
}

func decodeNode(t *testing.T, b []byte) node {
	t.Helper()
	n := node{ints: map[string][]int{}, floats: map[string]float32{}}
	fields(t, "NodeProto", b, func(field protowire.Number, _ uint64, bytes []byte) bool {
		switch field {
		case 1:
			n.inputs = append(n.inputs, string(bytes))
		case 2:
			n.outputs = append(n.outputs, string(bytes))
		case 3: // name
		case 4:
			n.operator = string(bytes)
		case 5:
			n.decodeAttribute(t, bytes)
		default:
			return false
		}
		return true
	})
	return n
}

func (n *node) decodeAttribute(t *testing.T, b []byte) {
	t.Helper()
	var name string
	var kind uint64
	var ints []int
	var float float32
	fields(t, "AttributeProto", b, func(field protowire.Number, value uint64, bytes []byte) bool {
		switch field {
		case 1:
			name = string(bytes)
		case 2:
			float = math.Float32frombits(uint32(value))
		case 3, 8:
			ints = append(ints, int(int64(value)))
		case 20:
			kind = value
		default:
			return false
		}
		return true
	})
	switch {
	case kind == 1 && ints == nil:
		n.floats[name] = float
	case kind == 2 && len(ints) == 1, kind == 7 && len(ints) > 0:
		n.ints[name] = ints
	default:
		t.Fatalf("attribute %s of %s: type %d with %d integers", name, n.operator, kind, len(ints))
	}
}

func decodeTensor(t *testing.T, b []byte) (name string, c tensor) {
	t.Helper()
	var raw []byte
	fields(t, "TensorProto", b, func(field protowire.Number, value uint64, bytes []byte) bool {
		known := true
		switch field {
		case 1:
			c.dims = append(c.dims, int(value))
		case 2:
			c.kind, known = elements[value]
		case 8:
			name = string(bytes)
		case 9:
			raw = bytes
		default:
			return false
		}
		return known
	})
	width := map[onnx.Element]int{onnx.Float32: 4, onnx.Float64: 8, onnx.Int64: 8}[c.kind]
	for ; width > 0 && len(raw) >= width; raw = raw[width:] {
		switch c.kind {
		case onnx.Float32:
			c.data = append(c.data, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))))
		case onnx.Float64:
			c.data = append(c.data, math.Float64frombits(binary.LittleEndian.Uint64(raw)))
		default:
			c.data = append(c.data, float64(int64(binary.LittleEndian.Uint64(raw))))
		}
	}
	if len(raw) != 0 || len(c.data) != size(c.dims) {
		t.Fatalf("tensor %s: %d elements and %d bytes for the axes %v", name, len(c.data), len(raw), c.dims)
	}
	return name, c
}

func decodeValue(t *testing.T, b []byte) (name string, v declared) {
	t.Helper()
	fields(t, "ValueInfoProto", b, func(field protowire.Number, _ uint64, bytes []byte) bool {
		if field == 1 {
			name = string(bytes)
			return true
		}
		fields(t, "TypeProto", bytes, func(field protowire.Number, _ uint64, bytes []byte) bool {
			fields(t, "TypeProto.Tensor", bytes, func(field protowire.Number, value uint64, bytes []byte) bool {
				if field == 1 {
					kind, known := elements[value]
					v.Type = kind
					return known
				}
				fields(t, "TensorShapeProto", bytes, func(_ protowire.Number, _ uint64, bytes []byte) bool {
					fields(t, "Dimension", bytes, func(field protowire.Number, value uint64, bytes []byte) bool {
						if field == 2 && string(bytes) == "batch" {
							v.Dims = append(v.Dims, onnx.Batch)
							return true
						}
						v.Dims = append(v.Dims, int64(value))
						return field == 1
					})
					return true
				})
				return field == 2
			})
			return field == 1
		})
		return field == 2
	})
	return name, v
}

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func (c tensor) String() string { return fmt.Sprintf("%v: %v", c.dims, c.data) }
