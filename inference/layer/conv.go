package layer

import (
	"math"

	"ganglion/inference/topology"
)

// Conv is a 3x3 convolution with float32 weights, stride 1 and one pixel of zero
// padding. It is immutable after NewConv.
type Conv struct {
	in      topology.Shape
	filters int
	weights []float32 // [filter, channel, row, col]
}

// NewConv takes the weights [filter, channel, row, col], which it keeps.
func NewConv(in topology.Shape, filters int, weights []float32) *Conv {
	mustHave("convolution weights", len(weights), filters*in.Channels*9)
	return &Conv{in: in, filters: filters, weights: weights}
}

// Apply writes the convolution of src [channel, row, col] to dst
// [filter, row, col]. Each output is the sum over channel, then kernel row, then
// kernel column, of the products that lie inside the map.
func (c *Conv) Apply(dst, src []float32) {
	pixels := c.in.Pixels()
	mustHave("convolution input", len(src), c.in.Size())
	mustHave("convolution output", len(dst), c.filters*pixels)
	clear(dst)
	for f := range c.filters {
		out := dst[f*pixels : (f+1)*pixels]
		for ch := range c.in.Channels {
			in := src[ch*pixels : (ch+1)*pixels]
			taps := c.weights[(f*c.in.Channels+ch)*9:][:9]
			for k, w := range taps {
				c.addTap(out, in, w, k/3-1, k%3-1)
			}
		}
	}
}

// addTap adds w times the map in, shifted by dy rows and dx columns, to out.
func (c *Conv) addTap(out, in []float32, w float32, dy, dx int) {
	rows, cols := c.in.Rows, c.in.Cols
	firstRow, lastRow := max(0, -dy), min(rows, rows-dy)
	firstCol, lastCol := max(0, -dx), min(cols, cols-dx)
	for row := firstRow; row < lastRow; row++ {
		o := out[row*cols+firstCol : row*cols+lastCol]
		i := in[(row+dy)*cols+firstCol+dx:][:len(o)]
		for col := range o {
			o[col] += float32(w * i[col])
		}
	}
}

// Pool writes the 3x3 max pooling of one map to dst and returns the shape of the
// result. Padding never wins.
func Pool(dst, src []float32, in topology.Shape, pool topology.Pool) topology.Shape {
	out := topology.Block{Filters: in.Channels, Pool: pool}.Out(in)
	mustHave("pool input", len(src), in.Size())
	mustHave("pool output", len(dst), out.Size())
	if pool == topology.NoPool {
		copy(dst, src)
		return out
	}
	stride := int(pool)
	for ch := range in.Channels {
		plane := src[ch*in.Pixels() : (ch+1)*in.Pixels()]
		for row := range out.Rows {
			for col := range out.Cols {
				dst[(ch*out.Rows+row)*out.Cols+col] = windowMax(plane, in, row*stride, col*stride)
			}
		}
	}
	return out
}

func windowMax(plane []float32, in topology.Shape, row, col int) float32 {
	best := float32(math.Inf(-1))
	for r := max(0, row-1); r <= min(in.Rows-1, row+1); r++ {
		for c := max(0, col-1); c <= min(in.Cols-1, col+1); c++ {
			best = max(best, plane[r*in.Cols+c])
		}
	}
	return best
}

// Dense writes the product of weights [output, input] and src [input], plus bias
// [output] unless it is nil, to dst [output]. Each output is summed in the order
// of the inputs, the bias first.
func Dense(dst, weights, bias, src []float32) {
	mustHave("dense weights", len(weights), len(dst)*len(src))
	for o := range dst {
		var sum float32
		if bias != nil {
			sum = bias[o]
		}
		row := weights[o*len(src) : (o+1)*len(src)]
		for i, w := range row {
			sum += float32(w * src[i])
		}
		dst[o] = sum
	}
}

func mustHave(what string, got, want int) {
	if got != want {
		panic("layer: " + what + " of a wrong length")
	}
}
