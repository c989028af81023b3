package bits

import (
	"fmt"
	mathbits "math/bits"

	"ganglion/inference/topology"
)

// Linear is a fully connected layer of binary weights on bits. It is immutable
// and safe for concurrent use.
type Linear struct {
	in      topology.Shape
	classes int
	weights []uint64 // [class, word], in the order of a map; pad bits zero
}

// NewLinear makes a layer for maps of shape in from weights, a bit string of
// [class, channel, row, col] with 1 for +1. It panics on lengths and shapes
// that do not fit one another.
func NewLinear(in topology.Shape, classes int, weights []byte) *Linear {
	mustShape(in, MaxChannels)
	if classes < 1 || classes > topology.MaxClasses {
		panic(fmt.Sprintf("bits: %d classes are out of range", classes))
	}
	if err := CheckString(LinearBits(in, classes), weights); err != nil {
		panic("bits: weights: " + err.Error())
	}
	words := Words(in)
	k := &Linear{in: in, classes: classes, weights: make([]uint64, classes*words)}
	pixels := in.Pixels()
	for class := range classes {
		row := k.weights[class*words:][:words]
		for c := range in.Channels {
			for p := range pixels {
				put(row, p*in.Channels+c, 1, bit(weights, (class*in.Channels+c)*pixels+p))
			}
		}
	}
	return k
}

// WeightBytes is the memory of the weights.
func (k *Linear) WeightBytes() int { return 8 * len(k.weights) }

// Apply writes to dst, one per class, the sum of weight times element of the
// map src: an integer in [-in.Size(), in.Size()]. It panics on lengths that do
// not fit.
func (k *Linear) Apply(dst []int32, src []uint64) {
	words := Words(k.in)
	mustLen("classes", len(dst), k.classes)
	mustLen("words of the map", len(src), words)
	for class := range dst {
		w := k.weights[class*words:][:words]
		dst[class] = int32(k.in.Size() - 2*differences(w, src))
	}
}

// differences is the number of bits in which a and b, equally long, differ.
func differences(a, b []uint64) int {
	b = b[:len(a)]
	n := 0
	for i := range a {
		n += mathbits.OnesCount64(a[i] ^ b[i])
	}
	return n
}
