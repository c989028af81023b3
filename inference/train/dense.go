package train

// dense is the float layer after concatenated scores at a local exit:
// y[n, k] = bias[k] + sum over i of w[k, i] * x[n, i], where i runs over [view,
// class] and is zero at an unseen view. It is so small that it runs on the
// caller alone.
type dense struct {
	weights *param // [class, view, class]
	bias    *param // [class]
	classes int
	size    int // views times classes

	rows  int
	x     []float32
	y, dx []float32 // [row, class], [row, view, class]
}

func newDense(name string, views, classes, maxRows int) *dense {
	return &dense{
		weights: newParam(name+".weights", classes*views*classes, false),
		bias:    newParam(name+".bias", classes, false),
		classes: classes, size: views * classes,
		y:  make([]float32, maxRows*classes),
		dx: make([]float32, maxRows*views*classes),
	}
}

// Forward returns y [row, class] for x [row, view, class], valid until the next
// Forward. x must stay unchanged until Backward.
func (d *dense) Forward(rows int, x []float32) []float32 {
	d.rows, d.x = rows, x
	for row := range rows {
		for k := range d.classes {
			sum := d.bias.value[k]
			w := d.weights.value[k*d.size:][:d.size]
			for i, v := range x[row*d.size:][:d.size] {
				sum += w[i] * v
			}
			d.y[row*d.classes+k] = sum
		}
	}
	return d.y[:rows*d.classes]
}

// Backward sets the gradients of the weights and the bias and returns that of x,
// valid until the next Backward.
func (d *dense) Backward(dy []float32) []float32 {
	clear(d.weights.grad)
	clear(d.bias.grad)
	dx := d.dx[:d.rows*d.size]
	clear(dx)
	for row := range d.rows {
		x, dxRow := d.x[row*d.size:][:d.size], dx[row*d.size:][:d.size]
		for k := range d.classes {
			g := dy[row*d.classes+k]
			w, grad := d.weights.value[k*d.size:][:d.size], d.weights.grad[k*d.size:][:d.size]
			for i := range x {
				grad[i] += g * x[i]
				dxRow[i] += g * w[i]
			}
			d.bias.grad[k] += g
		}
	}
	return dx
}
