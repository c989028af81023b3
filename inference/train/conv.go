package train

import (
	"gonum.org/v1/gonum/blas/gonum"

	"ganglion/inference/topology"
)

// blas is gonum's BLAS, called directly: its level 1 loops are assembly on
// amd64. An axpy works element by element, so its result depends on nothing
// else; a dot product is summed in an order that depends on the 16-byte
// alignment of its second operand, so those operands lie in slices of their own
// of at least 32 bytes, which the allocator aligns, at offsets that the shape
// fixes.
var blas gonum.Implementation

const (
	tapsPerSide = 3
	taps        = tapsPerSide * tapsPerSide
)

// conv is a 3x3 convolution with one pixel of zero padding and stride 1, without
// bias (the batch normalization that follows has one):
//
//	y[n, f, r, c] = sum over ch, i, j of w[f, ch, i, j] * x[n, ch, r+i-1, c+j-1]
//
// Maps are held with a border of zeros, pitch = cols+1 apart from row to row:
// the zero to the right of a row is the zero to the left of the next. A tap is
// then one offset into a flat slice, and the convolution of two planes nine
// axpys over whole planes, the weight's gradient nine dot products: level 1
// BLAS on operands in the first-level cache. There is no im2col, which would
// write and read each element nine times.
//
// Planes of zeros, which is what concatenation puts in the place of an unseen
// view, are skipped: they add nothing to y or to the gradient of the weights.
type conv struct {
	w       *workers
	weights *param // [filter, channel, row, col]
	in      topology.Shape
	filters int
	input   bool // whether Backward computes the gradient of x
	gaps    bool // whether a plane of x that is all zero has no use for its gradient

	pitch  int
	plane  int       // elements of a bordered plane
	span   int       // elements from the first to the last of an unbordered plane
	offset [taps]int // of a tap, into a bordered plane

	x   []float32   // bordered input [row, channel, plane]
	lit []bool      // whether a plane of x has any element that is not zero [row, channel]
	dy  []float32   // gradient of the output [row, filter, span], zero between rows
	y   []float32   // [row, filter, row, col]
	dx  []float32   // [row, channel, row, col]
	acc [][]float32 // per worker: planes being summed

	rows int
	src  []float32 // argument of the pass under way

	forwardRow, backwardRow, weightPair func(worker, unit int)
}

func newConv(w *workers, name string, in topology.Shape, filters int, binary, input bool, maxRows int) *conv {
	c := &conv{
		w: w, in: in, filters: filters, input: input,
		weights: newParam(name, filters*in.Channels*taps, binary),
		pitch:   in.Cols + 1,
	}
	c.plane = (in.Rows+2)*c.pitch + 1
	c.span = (in.Rows-1)*c.pitch + in.Cols
	for t := range taps {
		c.offset[t] = t/tapsPerSide*c.pitch + t%tapsPerSide
	}
	c.x = make([]float32, maxRows*in.Channels*c.plane)
	c.lit = make([]bool, maxRows*in.Channels)
	c.dy = make([]float32, maxRows*filters*c.span)
	c.y = make([]float32, maxRows*filters*in.Pixels())
	if input {
		c.dx = make([]float32, maxRows*in.Size())
	}
	for range w.count {
		c.acc = append(c.acc, make([]float32, max(filters*c.span, c.plane)))
	}
	c.forwardRow, c.backwardRow, c.weightPair = c.forwardOne, c.backwardOne, c.weightGradient
	return c
}

// Forward returns y [row, filter, row, col] for x [row, channel, row, col]. The
// result is the layer's, valid until its next Forward.
func (c *conv) Forward(rows int, x []float32) []float32 {
	c.rows, c.src = rows, x
	c.w.each(rows, rows*c.filters*c.in.Size(), c.forwardRow)
	return c.y[:rows*c.filters*c.in.Pixels()]
}

// Backward takes the gradient of y, sets the gradient of the weights and returns
// that of x, or nil if the layer was told that none is wanted.
func (c *conv) Backward(dy []float32) []float32 {
	c.src = dy
	size := c.rows * c.filters * c.in.Size()
	c.w.each(c.rows, size, c.backwardRow)
	c.w.each(c.filters*c.in.Channels, size, c.weightPair)
	if !c.input {
		return nil
	}
	return c.dx[:c.rows*c.in.Size()]
}

func (c *conv) forwardOne(worker, row int) {
	size := c.in.Size()
	x := c.x[row*c.in.Channels*c.plane:][:c.in.Channels*c.plane]
	lit := c.lit[row*c.in.Channels:][:c.in.Channels]
	for ch := range c.in.Channels {
		plane := c.src[row*size+ch*c.in.Pixels():][:c.in.Pixels()]
		lit[ch] = !allZero(plane)
		c.spread(x[ch*c.plane+c.pitch+1:], plane)
	}
	acc := c.acc[worker][:c.filters*c.span]
	clear(acc)
	for ch := range c.in.Channels {
		if !lit[ch] {
			continue
		}
		plane := x[ch*c.plane:][:c.plane]
		for f := range c.filters {
			w := c.weights.value[(f*c.in.Channels+ch)*taps:][:taps]
			sum := acc[f*c.span:][:c.span]
			for t, at := range c.offset {
				blas.Saxpy(c.span, w[t], plane[at:], 1, sum, 1)
			}
		}
	}
	for f := range c.filters {
		c.gather(c.y[(row*c.filters+f)*c.in.Pixels():], acc[f*c.span:])
	}
}

func (c *conv) backwardOne(worker, row int) {
	dy := c.dy[row*c.filters*c.span:][:c.filters*c.span]
	for f := range c.filters {
		c.spread(dy[f*c.span:], c.src[(row*c.filters+f)*c.in.Pixels():])
	}
	if !c.input {
		return
	}
	sum := c.acc[worker][:c.plane]
	for ch := range c.in.Channels {
		if c.gaps && !c.lit[row*c.in.Channels+ch] {
			clear(c.dx[(row*c.in.Channels+ch)*c.in.Pixels():][:c.in.Pixels()])
			continue
		}
		clear(sum)
		for f := range c.filters {
			w := c.weights.value[(f*c.in.Channels+ch)*taps:][:taps]
			for t, at := range c.offset {
				blas.Saxpy(c.span, w[t], dy[f*c.span:], 1, sum[at:], 1)
			}
		}
		c.gather(c.dx[(row*c.in.Channels+ch)*c.in.Pixels():], sum[c.pitch+1:])
	}
}

// weightGradient sums the nine weights of one filter and channel over all rows.
func (c *conv) weightGradient(_, pair int) {
	f, ch := pair/c.in.Channels, pair%c.in.Channels
	var sum [taps]float32
	for row := range c.rows {
		if !c.lit[row*c.in.Channels+ch] {
			continue
		}
		dy := c.dy[(row*c.filters+f)*c.span:][:c.span]
		plane := c.x[(row*c.in.Channels+ch)*c.plane:][:c.plane]
		for t, at := range c.offset {
			sum[t] += blas.Sdot(c.span, plane[at:], 1, dy, 1)
		}
	}
	copy(c.weights.grad[pair*taps:], sum[:])
}

// spread copies a dense plane to rows that are pitch apart; gather is its
// inverse.
func (c *conv) spread(dst, src []float32) {
	for r := range c.in.Rows {
		copy(dst[r*c.pitch:][:c.in.Cols], src[r*c.in.Cols:])
	}
}

func (c *conv) gather(dst, src []float32) {
	for r := range c.in.Rows {
		copy(dst[r*c.in.Cols:][:c.in.Cols], src[r*c.pitch:])
	}
}

func allZero(v []float32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}
