package train

import (
	"math"
)

// normMode is where a batch normalization takes its statistics from.
type normMode uint8

const (
	normBatch   normMode = iota // the batch's own: training
	normFixed                   // the population's, as in the deployed network
	normCollect                 // the batch's own, which are added to the population's
)

// batchNorm is batch normalization (Ioffe and Szegedy, 2015, algorithm 1) per
// channel over the rows and pixels of a batch,
//
//	y = gamma * (x - mean) / sqrt(variance + epsilon) + beta,
//
// with the biased variance and the bundle's epsilon. Backward is the exact
// gradient: mean and variance are functions of x.
//
// A channel is one unit of work, so each sum runs over rows and pixels in order.
type batchNorm struct {
	w        *workers
	channels int
	pixels   int
	gamma    *param // [channel]
	beta     *param // [channel]
	mode     normMode

	mean, variance []float32 // of the population [channel]
	collected      []moments // [channel]; what normCollect has seen

	y, dx      []float32 // [row, channel, pixel]
	normalized []float32 // (x - mean) / sqrt(variance + epsilon) [row, channel, pixel]
	inverse    []float32 // 1 / sqrt(variance + epsilon) of the batch [channel]

	rows                            int
	src                             []float32
	forwardChannel, backwardChannel func(worker, unit int)
}

// moments accumulates a mean and a sum of squared deviations.
type moments struct {
	count, mean, squares float64
}

// add merges the moments of a further part (Chan, Golub and LeVeque, 1983).
func (m *moments) add(part moments) {
	if part.count == 0 {
		return
	}
	count := m.count + part.count
	delta := part.mean - m.mean
	m.mean += delta * part.count / count
	m.squares += part.squares + delta*delta*m.count*part.count/count
	m.count = count
}

func newBatchNorm(w *workers, name string, channels, pixels, maxRows int) *batchNorm {
	n := &batchNorm{
		w: w, channels: channels, pixels: pixels,
		gamma:      newParam(name+".gamma", channels, false).fill(1),
		beta:       newParam(name+".beta", channels, false),
		mean:       make([]float32, channels),
		variance:   make([]float32, channels),
		collected:  make([]moments, channels),
		y:          make([]float32, maxRows*channels*pixels),
		dx:         make([]float32, maxRows*channels*pixels),
		normalized: make([]float32, maxRows*channels*pixels),
		inverse:    make([]float32, channels),
	}
	for c := range n.variance {
		n.variance[c] = 1
	}
	n.forwardChannel, n.backwardChannel = n.forwardOne, n.backwardOne
	return n
}

// Forward returns y for x, both [row, channel, pixel], valid until the next
// Forward.
func (n *batchNorm) Forward(rows int, x []float32) []float32 {
	n.rows, n.src = rows, x
	n.w.each(n.channels, rows*n.channels*n.pixels, n.forwardChannel)
	return n.y[:rows*n.channels*n.pixels]
}

// Backward sets the gradients of gamma and beta and returns that of x, valid
// until the next Backward. The last Forward must have been in normBatch.
func (n *batchNorm) Backward(dy []float32) []float32 {
	n.src = dy
	n.w.each(n.channels, n.rows*n.channels*n.pixels, n.backwardChannel)
	return n.dx[:n.rows*n.channels*n.pixels]
}

func (n *batchNorm) forwardOne(_, c int) {
	mean, variance := n.mean[c], n.variance[c]
	if n.mode != normFixed {
		batch := n.measure(c)
		mean, variance = float32(batch.mean), float32(batch.squares/batch.count)
		if n.mode == normCollect {
			n.collected[c].add(batch)
		}
	}
	inverse := float32(1 / math.Sqrt(float64(variance)+epsilon))
	n.inverse[c] = inverse
	gamma, beta := n.gamma.value[c], n.beta.value[c]
	for row := range n.rows {
		at := (row*n.channels + c) * n.pixels
		y, normalized := n.y[at:][:n.pixels], n.normalized[at:][:n.pixels]
		for i, x := range n.src[at:][:n.pixels] {
			v := float32((x - mean) * inverse)
			normalized[i] = v
			y[i] = gamma*v + beta
		}
	}
}

// measure takes the moments of a channel over the batch: the mean first, then
// the squares about it.
func (n *batchNorm) measure(c int) moments {
	m := moments{count: float64(n.rows * n.pixels)}
	for row := range n.rows {
		for _, x := range n.src[(row*n.channels+c)*n.pixels:][:n.pixels] {
			m.mean += float64(x)
		}
	}
	m.mean /= m.count
	for row := range n.rows {
		for _, x := range n.src[(row*n.channels+c)*n.pixels:][:n.pixels] {
			d := float64(x) - m.mean
			m.squares += d * d
		}
	}
	return m
}

func (n *batchNorm) backwardOne(_, c int) {
	var sumBeta, sumGamma float64
	for row := range n.rows {
		at := (row*n.channels + c) * n.pixels
		normalized := n.normalized[at:][:n.pixels]
		for i, g := range n.src[at:][:n.pixels] {
			sumBeta += float64(g)
			sumGamma += float64(g) * float64(normalized[i])
		}
	}
	n.beta.grad[c], n.gamma.grad[c] = float32(sumBeta), float32(sumGamma)
	count := float64(n.rows * n.pixels)
	scale := n.gamma.value[c] * n.inverse[c]
	meanBeta, meanGamma := float32(sumBeta/count), float32(sumGamma/count)
	for row := range n.rows {
		at := (row*n.channels + c) * n.pixels
		normalized, dx := n.normalized[at:][:n.pixels], n.dx[at:][:n.pixels]
		for i, g := range n.src[at:][:n.pixels] {
			dx[i] = scale * (g - meanBeta - normalized[i]*meanGamma)
		}
	}
}

// forget drops what normCollect has gathered; settle makes it the population's
// statistics. A channel that gathered nothing keeps those that it has.
func (n *batchNorm) forget() { clear(n.collected) }

func (n *batchNorm) settle() {
	for c, m := range n.collected {
		if m.count > 0 {
			n.mean[c], n.variance[c] = float32(m.mean), float32(m.squares/m.count)
		}
	}
}

// epsilon is the bundle format's.
const epsilon = 1e-5
