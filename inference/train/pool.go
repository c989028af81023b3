package train

import "ganglion/inference/topology"

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
	// Per worker, the maxima of the rows of one plane over three columns, and
	// where they are: [row, out col].
	best  [][]float32
	where [][]int32

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
		p.best = append(p.best, make([]float32, in.Rows*p.out.Cols))
		p.where = append(p.where, make([]int32, in.Rows*p.out.Cols))
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
	best, where := p.best[worker], p.where[worker]
	for ch := range p.in.Channels {
		at := row*p.in.Channels + ch
		x := p.src[at*p.in.Pixels():][:p.in.Pixels()]
		y := p.y[at*p.out.Pixels():][:p.out.Pixels()]
		p.acrossCols(best, where, x)
		p.acrossRows(y, p.arg[at*p.out.Pixels():][:p.out.Pixels()], best, where)
	}
}

// acrossCols takes the maximum of up to three columns about each output column.
func (p *pool) acrossCols(best []float32, where []int32, x []float32) {
	for r := range p.in.Rows {
		line := x[r*p.in.Cols:][:p.in.Cols]
		for c := range p.out.Cols {
			mid := c * p.stride
			from := max(mid-1, 0)
			top, at := line[from], from
			for i := from + 1; i <= min(mid+1, p.in.Cols-1); i++ {
				if line[i] > top {
					top, at = line[i], i
				}
			}
			best[r*p.out.Cols+c], where[r*p.out.Cols+c] = top, int32(r*p.in.Cols+at)
		}
	}
}

// acrossRows takes the maximum of up to three rows of what acrossCols made.
func (p *pool) acrossRows(y []float32, arg []int32, best []float32, where []int32) {
	for r := range p.out.Rows {
		mid := r * p.stride
		from := max(mid-1, 0)
		out, outArg := y[r*p.out.Cols:][:p.out.Cols], arg[r*p.out.Cols:][:p.out.Cols]
		copy(out, best[from*p.out.Cols:])
		copy(outArg, where[from*p.out.Cols:])
		for i := from + 1; i <= min(mid+1, p.in.Rows-1); i++ {
			line, at := best[i*p.out.Cols:][:p.out.Cols], where[i*p.out.Cols:][:p.out.Cols]
			for c, v := range line {
				if v > out[c] {
					out[c], outArg[c] = v, at[c]
				}
			}
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
