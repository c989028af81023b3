package train

import (
	"math"

	"ganglion/inference/topology"
)

// pool is max pooling over 3x3 windows with one pixel of padding, which is
// ignored: a window at the border is smaller. Of equal maxima the first in
// row-major order is taken, and gets the gradient.
type pool struct {
	w       *workers
	in, out topology.Shape
	stride  int

	y   []float32 // [row, channel, row, col]
	dx  []float32 // [row, channel, row, col]
	arg []int32   // index into the input plane of each output's maximum
	// Per worker, the keys of one plane [row, col], and their maxima over three
	// columns [row, out col].
	keys, best [][]uint64

	rows                    int
	src                     []float32
	forwardRow, backwardRow func(worker, unit int)
}

func newPool(w *workers, in topology.Shape, stride, maxRows int) *pool {
	p := &pool{w: w, in: in, stride: stride}
	p.out = topology.Shape{
		Channels: in.Channels,
		Rows:     (in.Rows + stride - 1) / stride,
		Cols:     (in.Cols + stride - 1) / stride,
	}
	p.y = make([]float32, maxRows*p.out.Size())
	p.arg = make([]int32, maxRows*p.out.Size())
	p.dx = make([]float32, maxRows*in.Size())
	for range w.count {
		p.keys = append(p.keys, make([]uint64, in.Pixels()))
		p.best = append(p.best, make([]uint64, in.Rows*p.out.Cols))
	}
	p.forwardRow, p.backwardRow = p.forwardOne, p.backwardOne
	return p
}

// Forward returns y [row, channel, row, col] for x [row, channel, row, col],
// valid until the next Forward.
func (p *pool) Forward(rows int, x []float32) []float32 {
	p.rows, p.src = rows, x
	p.w.each(rows, rows*p.in.Size(), p.forwardRow)
	return p.y[:rows*p.out.Size()]
}

// Backward returns the gradient of x for the gradient of y, valid until the next
// Backward.
func (p *pool) Backward(dy []float32) []float32 {
	p.src = dy
	p.w.each(p.rows, p.rows*p.in.Size(), p.backwardRow)
	return p.dx[:p.rows*p.in.Size()]
}

func (p *pool) forwardOne(worker, row int) {
	keys, best := p.keys[worker], p.best[worker]
	for ch := range p.in.Channels {
		at := row*p.in.Channels + ch
		for i, x := range p.src[at*p.in.Pixels():][:p.in.Pixels()] {
			keys[i] = poolKey(x, i)
		}
		p.acrossCols(best, keys)
		out := at * p.out.Pixels()
		p.acrossRows(p.y[out:][:p.out.Pixels()], p.arg[out:][:p.out.Pixels()], best)
	}
}

// poolKey orders the elements of a plane: by value, and among equals the first
// is the greatest. Maxima of such keys need no branch, and which element is the
// largest is anybody's guess, the processor's too. A NaN is carried along.
func poolKey(x float32, at int) uint64 {
	b := math.Float32bits(x)
	b ^= uint32(int32(b)>>31) | signBit
	return uint64(b)<<32 | uint64(^uint32(at))
}

// fromPoolKey is the inverse of poolKey.
func fromPoolKey(key uint64) (x float32, at int32) {
	b := uint32(key >> 32)
	b ^= (b>>31 - 1) | signBit
	return math.Float32frombits(b), int32(^uint32(key))
}

const signBit = 1 << 31

// acrossCols takes the maximum of up to three columns about each output column.
func (p *pool) acrossCols(best, keys []uint64) {
	cols, stride := p.in.Cols, p.stride
	inner := (cols-2)/stride + 1 // output columns whose right neighbour exists
	for r := range p.in.Rows {
		line, out := keys[r*cols:][:cols], best[r*p.out.Cols:][:p.out.Cols]
		out[0] = line[0]
		if cols == 1 {
			continue
		}
		out[0] = max(line[0], line[1])
		for c := 1; c < inner; c++ {
			at := line[c*stride-1:][:3]
			out[c] = max(at[0], at[1], at[2])
		}
		if inner < len(out) {
			out[inner] = max(line[cols-2], line[cols-1])
		}
	}
}

// acrossRows takes the maximum of up to three rows of what acrossCols made.
func (p *pool) acrossRows(y []float32, arg []int32, best []uint64) {
	cols := p.out.Cols
	for r := range p.out.Rows {
		mid := r * p.stride
		above := best[max(mid-1, 0)*cols:][:cols]
		here := best[mid*cols:][:cols]
		below := best[min(mid+1, p.in.Rows-1)*cols:][:cols]
		out, outArg := y[r*cols:][:cols], arg[r*cols:][:cols]
		for c := range out {
			out[c], outArg[c] = fromPoolKey(max(above[c], here[c], below[c]))
		}
	}
}

func (p *pool) backwardOne(_, row int) {
	dx := p.dx[row*p.in.Size():][:p.in.Size()]
	clear(dx)
	for ch := range p.in.Channels {
		plane := dx[ch*p.in.Pixels():][:p.in.Pixels()]
		at := (row*p.in.Channels + ch) * p.out.Pixels()
		arg := p.arg[at:][:p.out.Pixels()]
		for i, g := range p.src[at:][:p.out.Pixels()] {
			plane[arg[i]] += g
		}
	}
}
