package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ganglion/inference/topology"
)

// The finite differences of this package: a step that float32 can resolve, and
// how far the gradient may be from them, relative to the largest gradient of the
// same tensor.
const (
	differenceStep = 1.0 / 256
	layerTolerance = 2e-3
)

// differentiable is a layer with its tensors, seen from a test.
type differentiable struct {
	forward  func(rows int, x []float32) []float32
	backward func(dy []float32) []float32
	params   []*param
}

// checkGradients compares Backward with central finite differences of
// L = sum of y * r, for random r, with respect to the input and every tensor.
func checkGradients(t *testing.T, layer differentiable, rows, size int, r *rand.Rand) {
	t.Helper()
	x := make([]float32, rows*size)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	y := layer.forward(rows, x)
	weight := make([]float32, len(y))
	for i := range weight {
		weight[i] = float32(r.NormFloat64())
	}
	loss := func() float64 {
		var sum float64
		for i, v := range layer.forward(rows, x) {
			sum += float64(v) * float64(weight[i])
		}
		return sum
	}
	layer.forward(rows, x)
	dx := layer.backward(weight)
	if dx != nil {
		compareGradient(t, "x", x, append([]float32(nil), dx...), layerTolerance, loss)
	}
	for _, p := range layer.params {
		compareGradient(t, p.name, p.value, append([]float32(nil), p.grad...), layerTolerance, loss)
	}
}

// compareGradient moves each element of v by differenceStep both ways.
func compareGradient(t *testing.T, name string, v, grad []float32, tolerance float64, loss func() float64) {
	t.Helper()
	var scale float64
	for _, g := range grad {
		scale = max(scale, math.Abs(float64(g)))
	}
	if scale == 0 {
		t.Errorf("gradient of %s is all zero: the check shows nothing", name)
	}
	for i := range v {
		was := v[i]
		v[i] = was + differenceStep
		up, high := loss(), v[i]
		v[i] = was - differenceStep
		down, low := loss(), v[i]
		v[i] = was
		want := (up - down) / float64(high-low)
		if got := float64(grad[i]); math.Abs(got-want) > tolerance*max(scale, 1) {
			t.Errorf("gradient of %s[%d] = %v, finite differences give %v (tolerance %v of %v)", name, i, got, want, tolerance, scale)
			return
		}
	}
}

func testWorkers(t testing.TB, count int) *workers {
	t.Helper()
	w := newWorkers(count)
	t.Cleanup(w.close)
	return w
}

func randomize(params []*param, r *rand.Rand) {
	for _, p := range params {
		for i := range p.latent {
			p.latent[i] = float32(r.NormFloat64())
		}
		p.refresh(false)
	}
}

// Odd and unequal sides catch an exchanged axis; one filter and one channel, a
// stride that is taken from the wrong one.
func TestConvGradient(t *testing.T) {
	for _, c := range []struct {
		in      topology.Shape
		filters int
	}{
		{topology.Shape{Channels: 3, Rows: 5, Cols: 4}, 2},
		{topology.Shape{Channels: 1, Rows: 4, Cols: 7}, 3},
		{topology.Shape{Channels: 2, Rows: 1, Cols: 1}, 1},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			l := newConv(testWorkers(t, 2), "w", c.in, c.filters, false, true, 3)
			randomize([]*param{l.weights}, r)
			checkGradients(t, differentiable{l.Forward, l.Backward, []*param{l.weights}}, 3, c.in.Size(), r)
		})
	}
}

// A plane of zeros must get its gradient like any other, unless the layer was
// told that it stands for an unseen source.
func TestConvGaps(t *testing.T) {
	in, filters, rows := topology.Shape{Channels: 2, Rows: 4, Cols: 4}, 2, 2
	r := rand.New(rand.NewPCG(23, 24))
	l := newConv(testWorkers(t, 1), "w", in, filters, false, true, rows)
	randomize([]*param{l.weights}, r)
	x := make([]float32, rows*in.Size())
	for i := range x {
		if plane := i / in.Pixels(); plane != 1 {
			x[i] = float32(r.NormFloat64())
		}
	}
	dy := append([]float32(nil), l.Forward(rows, x)...)
	full := append([]float32(nil), l.Backward(dy)...)
	l.gaps = true
	for i, got := range l.Backward(dy) {
		want := full[i]
		if i/in.Pixels() == 1 {
			if want == 0 {
				t.Errorf("gradient %d of a plane of zeros is 0", i)
			}
			want = 0
		}
		if got != want {
			t.Errorf("gradient %d with gaps is %v, want %v", i, got, want)
		}
	}
}

// The definition in conv's comment, as six loops.
func TestConvIsItsDefinition(t *testing.T) {
	in, filters, rows := topology.Shape{Channels: 2, Rows: 5, Cols: 3}, 3, 2
	r := rand.New(rand.NewPCG(3, 4))
	l := newConv(testWorkers(t, 1), "w", in, filters, true, false, rows)
	randomize([]*param{l.weights}, r)
	x := make([]float32, rows*in.Size())
	for i := range x {
		x[i] = float32(r.IntN(256))
	}
	y := l.Forward(rows, x)
	for n := range rows {
		for f := range filters {
			for row := range in.Rows {
				for col := range in.Cols {
					var want float32
					for ch := range in.Channels {
						for i := range 3 {
							for j := range 3 {
								at, over := row+i-1, col+j-1
								if at < 0 || at >= in.Rows || over < 0 || over >= in.Cols {
									continue
								}
								want += l.weights.value[((f*in.Channels+ch)*3+i)*3+j] * x[((n*in.Channels+ch)*in.Rows+at)*in.Cols+over]
							}
						}
					}
					if got := y[((n*filters+f)*in.Rows+row)*in.Cols+col]; got != want {
						t.Fatalf("y[%d, %d, %d, %d] = %v, want %v", n, f, row, col, got, want)
					}
				}
			}
		}
	}
	if dx := l.Backward(y); dx != nil {
		t.Error("Backward returned a gradient of the input that nobody wanted")
	}
}

// Every window at every border, against a search of the window; ties go to the
// first, and the gradient goes where the maximum was.
func TestPool(t *testing.T) {
	for _, side := range [][2]int{{1, 1}, {1, 4}, {2, 1}, {3, 2}, {4, 4}, {5, 7}} {
		for stride := 1; stride <= 2; stride++ {
			in := topology.Shape{Channels: 2, Rows: side[0], Cols: side[1]}
			t.Run(fmt.Sprint(in, stride), func(t *testing.T) { checkPool(t, in, stride) })
		}
	}
}

func checkPool(t *testing.T, in topology.Shape, stride int) {
	t.Helper()
	const rows = 3
	r := rand.New(rand.NewPCG(5, 6))
	p := newPool(testWorkers(t, 2), in, stride, rows)
	x := make([]float32, rows*in.Size())
	for i := range x {
		x[i] = float32(r.IntN(5) - 2) // few values: many ties
	}
	y := p.Forward(rows, x)
	dy := make([]float32, len(y))
	for i := range dy {
		dy[i] = float32(r.IntN(100))
	}
	want := make([]float32, len(x))
	for plane := range rows * in.Channels {
		for row := range p.out.Rows {
			for col := range p.out.Cols {
				best := -1
				for i := max(row*stride-1, 0); i <= min(row*stride+1, in.Rows-1); i++ {
					for j := max(col*stride-1, 0); j <= min(col*stride+1, in.Cols-1); j++ {
						if at := (plane*in.Rows+i)*in.Cols + j; best < 0 || x[at] > x[best] {
							best = at
						}
					}
				}
				at := (plane*p.out.Rows+row)*p.out.Cols + col
				if y[at] != x[best] {
					t.Fatalf("y[%d, %d, %d] = %v, want %v", plane, row, col, y[at], x[best])
				}
				want[best] += dy[at]
			}
		}
	}
	for i, got := range p.Backward(dy) {
		if got != want[i] {
			t.Fatalf("dx[%d] = %v, want %v", i, got, want[i])
		}
	}
}

// The key must keep the order of floats, signs and zeros among them.
func TestPoolKeyOrders(t *testing.T) {
	values := []float32{float32(math.Inf(-1)), -math.MaxFloat32, -1, -math.SmallestNonzeroFloat32, 0, math.SmallestNonzeroFloat32, 1, float32(math.Inf(1))}
	for i, v := range values {
		if got, at := fromPoolKey(poolKey(v, i)); got != v || int(at) != i {
			t.Errorf("fromPoolKey(poolKey(%v, %d)) = %v, %d", v, i, got, at)
		}
		if poolKey(v, 1) >= poolKey(v, 0) {
			t.Errorf("poolKey(%v): the second of two equals is not smaller", v)
		}
		if i > 0 && poolKey(values[i-1], 0) >= poolKey(v, 9) {
			t.Errorf("poolKey(%v) >= poolKey(%v)", values[i-1], v)
		}
	}
}

func TestBatchNormGradient(t *testing.T) {
	for _, c := range []struct{ rows, channels, pixels int }{{4, 3, 6}, {5, 3, 1}, {1, 2, 4}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 8))
			n := newBatchNorm(testWorkers(t, 2), "n", c.channels, c.pixels, c.rows)
			params := []*param{n.gamma, n.beta}
			randomize(params, r)
			checkGradients(t, differentiable{n.Forward, n.Backward, params}, c.rows, c.channels*c.pixels, r)
		})
	}
}

// The statistics that batches add up are those of all their rows at once.
func TestBatchNormCollects(t *testing.T) {
	const rows, channels, pixels = 7, 2, 3
	r := rand.New(rand.NewPCG(9, 10))
	x := make([]float32, rows*channels*pixels)
	for i := range x {
		x[i] = float32(1000 + r.NormFloat64()) // a mean far from zero punishes E[x^2] - E[x]^2
	}
	n := newBatchNorm(testWorkers(t, 1), "n", channels, pixels, rows)
	n.mode = normCollect
	for _, part := range [][2]int{{0, 1}, {1, 4}, {4, 7}} {
		n.Forward(part[1]-part[0], x[part[0]*channels*pixels:part[1]*channels*pixels])
	}
	n.settle()
	for c := range channels {
		var mean, variance float64
		for row := range rows {
			for i := range pixels {
				mean += float64(x[(row*channels+c)*pixels+i]) / (rows * pixels)
			}
		}
		for row := range rows {
			for i := range pixels {
				d := float64(x[(row*channels+c)*pixels+i]) - mean
				variance += d * d / (rows * pixels)
			}
		}
		if math.Abs(float64(n.mean[c])-mean) > 1e-3 || math.Abs(float64(n.variance[c])-variance) > 1e-5 {
			t.Errorf("channel %d: mean %v, variance %v, want %v, %v", c, n.mean[c], n.variance[c], mean, variance)
		}
	}
}

func TestLinearGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	l := newLinear(testWorkers(t, 2), "w", 19, 3, false, 4)
	randomize([]*param{l.weights}, r)
	checkGradients(t, differentiable{l.Forward, l.Backward, []*param{l.weights}}, 4, 19, r)
}

func TestDenseGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	d := newDense("d", 3, 2, 4)
	params := []*param{d.weights, d.bias}
	randomize(params, r)
	checkGradients(t, differentiable{d.Forward, d.Backward, params}, 4, 6, r)
}

// sign(0) is +1, and the estimator's window includes its ends.
func TestActivation(t *testing.T) {
	x := []float32{-1.5, -1, -0.5, 0, 0.5, 1, 1.5}
	for _, c := range []struct {
		name   string
		kind   activationKind
		smooth bool
		y, dx  []float32
	}{
		{"sign", signActivation, false, []float32{-1, -1, -1, 1, 1, 1, 1}, []float32{0, 1, 1, 1, 1, 1, 0}},
		{"hard tanh", signActivation, true, []float32{-1, -1, -0.5, 0, 0.5, 1, 1}, []float32{0, 1, 1, 1, 1, 1, 0}},
		{"relu", reluActivation, false, []float32{0, 0, 0, 0, 0.5, 1, 1.5}, []float32{0, 0, 0, 0, 1, 1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newActivation(testWorkers(t, 1), c.kind, len(x), 1)
			a.smooth = c.smooth
			for i, got := range a.Forward(1, x) {
				if got != c.y[i] {
					t.Errorf("y(%v) = %v, want %v", x[i], got, c.y[i])
				}
			}
			for i, got := range a.Backward([]float32{1, 1, 1, 1, 1, 1, 1}) {
				if got != c.dx[i] {
					t.Errorf("dx(%v) = %v, want %v", x[i], got, c.dx[i])
				}
			}
		})
	}
}

// Section III-B of the paper, and that an unseen source neither counts nor gets
// a gradient.
func TestAggregator(t *testing.T) {
	a, b := []float32{1, -2}, []float32{3, -2}
	for _, c := range []struct {
		kind    topology.Aggregator
		sources [][]float32
		want    []float32
		grads   [][]float32 // for a gradient of 2, 4, 6, 8, ..
	}{
		{topology.MP, [][]float32{a, nil, b}, []float32{3, -2}, [][]float32{{0, 2}, nil, {2, 2}}},
		{topology.AP, [][]float32{a, nil, b}, []float32{2, -2}, [][]float32{{1, 2}, nil, {1, 2}}},
		{topology.CC, [][]float32{a, nil, b}, []float32{1, -2, 0, 0, 3, -2}, [][]float32{{2, 4}, nil, {10, 12}}},
		{topology.MP, [][]float32{nil, b, nil}, []float32{3, -2}, [][]float32{nil, {2, 4}, nil}},
		{topology.AP, [][]float32{nil, b, nil}, []float32{3, -2}, [][]float32{nil, {2, 4}, nil}},
		{topology.CC, [][]float32{nil, nil, nil}, []float32{0, 0, 0, 0, 0, 0}, [][]float32{nil, nil, nil}},
	} {
		t.Run(fmt.Sprint(c.kind, c.sources), func(t *testing.T) {
			agg := aggregator{kind: c.kind, size: 2}
			dst := make([]float32, agg.width(len(c.sources)))
			for i := range dst {
				dst[i] = 99 // what an earlier batch left
			}
			agg.forward(dst, c.sources)
			if fmt.Sprint(dst) != fmt.Sprint(c.want) {
				t.Errorf("aggregate %v, want %v", dst, c.want)
			}
			ddst := make([]float32, len(dst))
			for i := range ddst {
				ddst[i] = float32(2 * (i + 1))
			}
			grads := make([][]float32, len(c.sources))
			for i, s := range c.sources {
				if s != nil {
					grads[i] = make([]float32, 2)
				}
			}
			agg.backward(ddst, dst, c.sources, grads)
			if fmt.Sprint(grads) != fmt.Sprint(c.grads) {
				t.Errorf("gradients %v, want %v", grads, c.grads)
			}
		})
	}
}

func TestCrossEntropyGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for _, smoothing := range []float64{0, 0.1} {
		scores := make([]float32, 4)
		for i := range scores {
			scores[i] = float32(3 * r.NormFloat64())
		}
		grad := make([]float32, 4)
		crossEntropy(scores, 2, smoothing, 1, grad)
		compareGradient(t, "scores", scores, grad, layerTolerance, func() float64 {
			return crossEntropy(scores, 2, smoothing, 1, nil)
		})
	}
}

// Scores far apart must not overflow the exponential.
func TestCrossEntropyOfExtremes(t *testing.T) {
	for _, c := range []struct {
		scores []float32
		label  int
		want   float64
	}{
		{[]float32{0, 0, 0}, 0, math.Log(3)},
		{[]float32{1e30, 0, 0}, 0, 0},
		{[]float32{1e4, 0, -1e4}, 1, 1e4},
	} {
		if got := crossEntropy(c.scores, c.label, 0, 1, nil); math.Abs(got-c.want) > 1e-12*max(c.want, 1) {
			t.Errorf("crossEntropy(%v, %d) = %v, want %v", c.scores, c.label, got, c.want)
		}
	}
}
