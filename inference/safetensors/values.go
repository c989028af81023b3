package safetensors

import (
	"encoding/binary"
	"math"
)

// readable says which types have values that are read as weights. Unsigned ones and
// booleans are not: whether a 0 of theirs is -1 or +1, only its writer knows.
const readable = "F32, F64, F16, BF16 or, for -1 and +1, I8 to I64"

// values are the elements of the tensor as float32s; false where its type is not
// readable.
func (t Tensor) values() ([]float32, bool) {
	var width int
	var value func(b []byte) float32
	order := binary.LittleEndian
	switch t.Type {
	case "F32":
		width, value = 4, func(b []byte) float32 { return math.Float32frombits(order.Uint32(b)) }
	case "F64":
		width, value = 8, func(b []byte) float32 { return float32(math.Float64frombits(order.Uint64(b))) }
	case "F16":
		width, value = 2, func(b []byte) float32 { return half(order.Uint16(b)) }
	case "BF16":
		width, value = 2, func(b []byte) float32 { return math.Float32frombits(uint32(order.Uint16(b)) << 16) }
	case "I8":
		width, value = 1, func(b []byte) float32 { return float32(int8(b[0])) }
	case "I16":
		width, value = 2, func(b []byte) float32 { return float32(int16(order.Uint16(b))) }
	case "I32":
		width, value = 4, func(b []byte) float32 { return float32(int32(order.Uint32(b))) }
	case "I64":
		width, value = 8, func(b []byte) float32 { return float32(int64(order.Uint64(b))) }
	default:
		return nil, false
	}
	out := make([]float32, len(t.Data)/width)
	for i := range out {
		out[i] = value(t.Data[i*width:])
	}
	return out, true
}

// half is the value of an IEEE 754 binary16.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&0x3ff)
	switch exponent {
	case 0: // zero, or below the least normal number: fraction times 2 to the -24
		value := float32(fraction) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(value))
	case 31: // infinite, or no number
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// tensor is a tensor of float32s.
func tensor(name string, values []float32, shape ...int) Tensor {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return Tensor{Name: name, Type: "F32", Shape: shape, Data: data}
}
