package onnx

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of the messages of onnx.proto, by message, as far as they are
// written here.
const (
	modelIRVersion    = 1
	modelProducerName = 2
	modelGraph        = 7
	modelOpsetImport  = 8
	modelMetadata     = 14

	entryKey   = 1
	entryValue = 2

	opsetVersion = 2

	graphNode        = 1
	graphName        = 2
	graphInitializer = 5
	graphInput       = 11
	graphOutput      = 12

	nodeInput     = 1
	nodeOutput    = 2
	nodeName      = 3
	nodeOpType    = 4
	nodeAttribute = 5

	attributeName  = 1
	attributeFloat = 2
	attributeInt   = 3
	attributeInts  = 8
	attributeType  = 20

	tensorDims     = 1
	tensorDataType = 2
	tensorName     = 8
	tensorRawData  = 9

	valueName = 1
	valueType = 2

	typeTensor = 1

	tensorTypeElement = 1
	tensorTypeShape   = 2

	shapeDim = 1

	dimValue = 1
	dimParam = 2
)

// Values of enums of onnx.proto.
const (
	attributeIsFloat = 1 // AttributeProto.FLOAT
	attributeIsInt   = 2 // AttributeProto.INT
	attributeIsInts  = 7 // AttributeProto.INTS
)

// message is a protobuf message as it is being written.
type message []byte

func (m *message) integer(field protowire.Number, v int64) {
	*m = protowire.AppendTag(*m, field, protowire.VarintType)
	*m = protowire.AppendVarint(*m, uint64(v))
}

func (m *message) float(field protowire.Number, v float32) {
	*m = protowire.AppendTag(*m, field, protowire.Fixed32Type)
	*m = protowire.AppendFixed32(*m, math.Float32bits(v))
}

func (m *message) text(field protowire.Number, v string) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendString(*m, v)
}

func (m *message) bytes(field protowire.Number, v []byte) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendBytes(*m, v)
}

// tensorProto is a TensorProto; raw are its elements, little-endian.
func tensorProto(t Tensor, raw []byte) message {
	var m message
	for _, d := range t.Shape {
		m.integer(tensorDims, d)
	}
	m.integer(tensorDataType, t.Type.onWire())
	m.text(tensorName, t.Name)
	m.bytes(tensorRawData, raw)
	return m
}

// valueProto is a ValueInfoProto: the name and the type of an input or an output.
func valueProto(t Tensor) message {
	var shape, tensor, kind, m message
	for _, d := range t.Shape {
		var dim message
		if d == Batch {
			dim.text(dimParam, batchName)
		} else {
			dim.integer(dimValue, d)
		}
		shape.bytes(shapeDim, dim)
	}
	tensor.integer(tensorTypeElement, t.Type.onWire())
	tensor.bytes(tensorTypeShape, shape)
	kind.bytes(typeTensor, tensor)
	m.text(valueName, t.Name)
	m.bytes(valueType, kind)
	return m
}

// attribute is a parameter of an operator, as an AttributeProto.
type attribute struct {
	name  string
	kind  int64 // AttributeProto.AttributeType
	value message
}

func (a attribute) proto() message {
	var m message
	m.text(attributeName, a.name)
	m = append(m, a.value...)
	m.integer(attributeType, a.kind)
	return m
}

func ints(name string, values ...int64) attribute {
	a := attribute{name: name, kind: attributeIsInts}
	for _, v := range values {
		a.value.integer(attributeInts, v)
	}
	return a
}

func integer(name string, value int64) attribute {
	a := attribute{name: name, kind: attributeIsInt}
	a.value.integer(attributeInt, value)
	return a
}

func float(name string, value float32) attribute {
	a := attribute{name: name, kind: attributeIsFloat}
	a.value.float(attributeFloat, value)
	return a
}
