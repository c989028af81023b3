package train

// activationKind is the function of an activation.
type activationKind uint8

const (
	// signActivation is +1 where x >= 0, else -1. Its gradient is the
	// straight-through estimator of binarized networks (Hubara et al. 2016,
	// section 2.3): that of hard tanh, 1 where |x| <= 1, else 0.
	signActivation activationKind = iota
	// reluActivation is max(x, 0).
	reluActivation
)

// activation applies its function to each element.
type activation struct {
	w    *workers
	kind activationKind
	size int // elements of one row

	smooth bool // hard tanh instead of sign: the function that the gradient is of
	x      []float32
	y, dx  []float32 // [row, element]

	rows                    int
	src                     []float32
	forwardRow, backwardRow func(worker, unit int)
}

func newActivation(w *workers, kind activationKind, size, maxRows int) *activation {
	a := &activation{
		w: w, kind: kind, size: size,
		y: make([]float32, maxRows*size), dx: make([]float32, maxRows*size),
	}
	a.forwardRow, a.backwardRow = a.forwardOne, a.backwardOne
	return a
}

// Forward returns y for x, both [row, element], valid until the next Forward. x
// must stay unchanged until Backward.
func (a *activation) Forward(rows int, x []float32) []float32 {
	a.rows, a.x = rows, x
	a.w.each(rows, rows*a.size, a.forwardRow)
	return a.y[:rows*a.size]
}

// Backward returns the gradient of x for the gradient of y, valid until the next
// Backward.
func (a *activation) Backward(dy []float32) []float32 {
	a.src = dy
	a.w.each(a.rows, a.rows*a.size, a.backwardRow)
	return a.dx[:a.rows*a.size]
}

func (a *activation) forwardOne(_, row int) {
	y := a.y[row*a.size:][:a.size]
	for i, x := range a.x[row*a.size:][:a.size] {
		switch {
		case a.kind == reluActivation:
			y[i] = max(x, 0)
		case a.smooth:
			y[i] = max(min(x, 1), -1)
		default:
			y[i] = sign(x)
		}
	}
}

func (a *activation) backwardOne(_, row int) {
	x, dx := a.x[row*a.size:][:a.size], a.dx[row*a.size:][:a.size]
	for i, g := range a.src[row*a.size:][:a.size] {
		open := x[i] > 0
		if a.kind == signActivation {
			open = -1 <= x[i] && x[i] <= 1
		}
		dx[i] = 0
		if open {
			dx[i] = g
		}
	}
}
