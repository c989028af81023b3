package train

// linear maps each row to scores: y[n, k] = sum over i of w[k, i] * x[n, i]. It
// has no bias: the batch normalization of an exit has one.
type linear struct {
	w       *workers
	weights *param // [class, element]
	classes int
	size    int // elements of one row of x

	x  []float32
	y  []float32 // [row, class]
	dx []float32 // [row, element]

	rows                               int
	src                                []float32
	forwardRow, backwardRow, classUnit func(worker, unit int)
}

func newLinear(w *workers, name string, size, classes int, binary bool, maxRows int) *linear {
	l := &linear{
		w: w, classes: classes, size: size,
		weights: newParam(name, classes*size, binary),
		y:       make([]float32, maxRows*classes),
		dx:      make([]float32, maxRows*size),
	}
	l.forwardRow, l.backwardRow, l.classUnit = l.forwardOne, l.backwardOne, l.weightGradient
	return l
}

// Forward returns y [row, class] for x [row, element], valid until the next
// Forward. x must stay unchanged until Backward.
func (l *linear) Forward(rows int, x []float32) []float32 {
	l.rows, l.x = rows, x
	l.w.each(rows, rows*l.size*l.classes, l.forwardRow)
	return l.y[:rows*l.classes]
}

// Backward sets the gradient of the weights and returns that of x, valid until
// the next Backward.
func (l *linear) Backward(dy []float32) []float32 {
	l.src = dy
	size := l.rows * l.size * l.classes
	l.w.each(l.rows, size, l.backwardRow)
	l.w.each(l.classes, size, l.classUnit)
	return l.dx[:l.rows*l.size]
}

func (l *linear) forwardOne(_, row int) {
	x := l.x[row*l.size:][:l.size]
	for k := range l.classes {
		l.y[row*l.classes+k] = blas.Sdot(l.size, x, 1, l.weights.value[k*l.size:], 1)
	}
}

func (l *linear) backwardOne(_, row int) {
	dx := l.dx[row*l.size:][:l.size]
	clear(dx)
	for k := range l.classes {
		blas.Saxpy(l.size, l.src[row*l.classes+k], l.weights.value[k*l.size:], 1, dx, 1)
	}
}

// weightGradient sums one class's weights over all rows.
func (l *linear) weightGradient(_, k int) {
	grad := l.weights.grad[k*l.size:][:l.size]
	clear(grad)
	for row := range l.rows {
		blas.Saxpy(l.size, l.src[row*l.classes+k], l.x[row*l.size:], 1, grad, 1)
	}
}
