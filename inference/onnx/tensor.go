package onnx

import "fmt"

// Tensor is what goes into a model or comes out of it.
type Tensor struct {
	Name  string
	Type  Element
	Shape []int64 // an axis of Batch has any length
}

// Batch stands in a shape for the number of samples, which whoever runs the model
// chooses.
const Batch = -1

// batchName is what a model calls that axis.
const batchName = "batch"

// Size is the number of elements; of one sample, where there is an axis of Batch.
func (t Tensor) Size() int {
	n := 1
	for _, d := range t.Shape {
		if d != Batch {
			n *= int(d)
		}
	}
	return n
}

// Element is the type of a tensor's elements.
type Element uint8

// The types that occur.
const (
	Float32 Element = iota
	Float64
	Int64
	Uint8
	Bool
)

// String is the type's name as Go and NumPy have it.
func (e Element) String() string {
	names := [...]string{"float32", "float64", "int64", "uint8", "bool"}
	if int(e) < len(names) {
		return names[e]
	}
	return fmt.Sprintf("unknown(%d)", uint8(e))
}

// onWire is the type's number in TensorProto.DataType.
func (e Element) onWire() int64 {
	return [...]int64{Float32: 1, Float64: 11, Int64: 7, Uint8: 2, Bool: 9}[e]
}
