package onnx_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"ganglion/inference/onnx"
)

// evaluate runs a decoded graph by the definitions of the ONNX operators, as plainly
// as they are written, and returns every value by name.
func (g *graph) evaluate(t *testing.T, inputs map[string]tensor) map[string]tensor {
	t.Helper()
	values := maps.Clone(g.constants)
	maps.Copy(values, inputs)
	for _, n := range g.nodes {
		var in []tensor
		for _, name := range n.inputs {
			v, known := values[name]
			if !known {
				t.Fatalf("%s takes %q, which nothing before it makes", n.operator, name)
			}
			in = append(in, v)
		}
		run, known := operators[n.operator]
		if !known || len(n.outputs) != 1 {
			t.Fatalf("operator %s with outputs %v is not known", n.operator, n.outputs)
		}
		if _, twice := values[n.outputs[0]]; twice {
			t.Fatalf("%q is made twice", n.outputs[0])
		}
		values[n.outputs[0]] = run(n, in).rounded()
	}
	return values
}

// operators are the operators' definitions; those on elements are in elementwise_test.go.
var operators = map[string]func(node, []tensor) tensor{
	"Conv": conv, "MaxPool": maxPool, "BatchNormalization": batchNorm, "Flatten": flatten, "Gemm": gemm, "MatMul": matMul,
	"Where": where, "Relu": relu, "Identity": func(_ node, in []tensor) tensor { return in[0] },
	"Cast": cast, "Exp": unary(math.Exp), "Log": unary(math.Log),
	"Sub": binaryOf(func(a, b float64) float64 { return a - b }),
	"Mul": binaryOf(func(a, b float64) float64 { return a * b }), "Div": binaryOf(func(a, b float64) float64 { return a / b }),
	"Max": binaryOf(func(a, b float64) float64 { return max(a, b) }), "Min": binaryOf(func(a, b float64) float64 { return min(a, b) }),
	"Sum":            binaryOf(func(a, b float64) float64 { return a + b }),
	"And":            condition(func(a, b float64) bool { return a != 0 && b != 0 }),
	"Greater":        condition(func(a, b float64) bool { return a > b }),
	"GreaterOrEqual": condition(func(a, b float64) bool { return a >= b }),
	"LessOrEqual":    condition(func(a, b float64) bool { return a <= b }),
	"Gather":         gather, "GatherND": gatherND, "Concat": concat, "Unsqueeze": unsqueeze,
	"ReduceMax": reduce(func(a, b float64) float64 { return max(a, b) }, math.Inf(-1)),
	"ReduceSum": reduce(func(a, b float64) float64 { return a + b }, 0),
	"ArgMax":    argMax,
}

func newTensor(kind onnx.Element, dims ...int) tensor {
	return tensor{kind, dims, make([]float64, size(dims))}
}

// floats is a float32 tensor.
func floats(dims []int, values []float32) tensor {
	t := newTensor(onnx.Float32, dims...)
	for i, v := range values {
		t.data[i] = float64(v)
	}
	return t
}

func (c tensor) float32s() []float32 {
	out := make([]float32, len(c.data))
	for i, v := range c.data {
		out[i] = float32(v)
	}
	return out
}

// rounded has elements that the tensor's type can hold.
func (c tensor) rounded() tensor {
	if c.kind == onnx.Float32 {
		for i, v := range c.data {
			c.data[i] = float64(float32(v))
		}
	}
	return c
}

func conv(n node, in []tensor) tensor {
	x, w := in[0], in[1]
	batch, channels, rows, cols := x.dims[0], x.dims[1], x.dims[2], x.dims[3]
	side, pad := n.ints["kernel_shape"][0], n.ints["pads"][0]
	out := newTensor(x.kind, batch, w.dims[0], rows+2*pad-side+1, cols+2*pad-side+1)
	for i := range out.data {
		row, col := i/out.dims[3]%out.dims[2], i%out.dims[3]
		f, sample := i/(out.dims[2]*out.dims[3])%out.dims[1], i/(out.dims[1]*out.dims[2]*out.dims[3])
		var sum float32
		for k := range channels * side * side {
			c, r, q := k/(side*side), row+k/side%side-pad, col+k%side-pad
			if r >= 0 && r < rows && q >= 0 && q < cols {
				sum += float32(w.data[f*channels*side*side+k] * x.data[((sample*channels+c)*rows+r)*cols+q])
			}
		}
		out.data[i] = float64(sum)
	}
	return out
}

func maxPool(n node, in []tensor) tensor {
	x := in[0]
	rows, cols := x.dims[2], x.dims[3]
	side, pad, stride := n.ints["kernel_shape"][0], n.ints["pads"][0], n.ints["strides"][0]
	out := newTensor(x.kind, x.dims[0], x.dims[1], (rows+2*pad-side)/stride+1, (cols+2*pad-side)/stride+1)
	for i := range out.data {
		plane, row, col := i/(out.dims[2]*out.dims[3]), i/out.dims[3]%out.dims[2], i%out.dims[3]
		out.data[i] = math.Inf(-1)
		for k := range side * side {
			r, q := row*stride+k/side-pad, col*stride+k%side-pad
			if r >= 0 && r < rows && q >= 0 && q < cols {
				out.data[i] = max(out.data[i], x.data[(plane*rows+r)*cols+q])
			}
		}
	}
	return out
}

func batchNorm(n node, in []tensor) tensor {
	x, gamma, beta, mean, variance := in[0], in[1].data, in[2].data, in[3].data, in[4].data
	out := newTensor(x.kind, x.dims...)
	for i, v := range x.data {
		c := i / size(x.dims[2:]) % x.dims[1]
		deviation := math.Sqrt(variance[c] + float64(n.floats["epsilon"]))
		out.data[i] = float64((v-mean[c])/deviation*gamma[c]) + beta[c]
	}
	return out
}

func relu(_ node, in []tensor) tensor {
	return unary(func(v float64) float64 { return max(0, v) })(node{}, in)
}

func flatten(_ node, in []tensor) tensor {
	return tensor{in[0].kind, []int{in[0].dims[0], size(in[0].dims[1:])}, in[0].data}
}

// gemm is a product with transposed weights [class, input], plus a bias if there is
// one.
func gemm(n node, in []tensor) tensor {
	x, w := in[0], in[1]
	if transposed := n.ints["transB"]; len(transposed) != 1 || transposed[0] != 1 || w.dims[1] != x.dims[1] {
		panic("gemm: weights are not [class, input]")
	}
	out := newTensor(x.kind, x.dims[0], w.dims[0])
	for i := range out.data {
		sample, class := i/w.dims[0], i%w.dims[0]
		var sum float32
		if len(in) > 2 {
			sum = float32(in[2].data[class])
		}
		for k := range x.dims[1] {
			sum += float32(w.data[class*w.dims[1]+k] * x.data[sample*x.dims[1]+k])
		}
		out.data[i] = float64(sum)
	}
	return out
}

func matMul(_ node, in []tensor) tensor {
	a, b := in[0], in[1]
	out := newTensor(a.kind, a.dims[0], b.dims[1])
	for i := range out.data {
		for k := range a.dims[1] {
			out.data[i] += a.data[i/b.dims[1]*a.dims[1]+k] * b.data[k*b.dims[1]+i%b.dims[1]]
		}
	}
	return out
}

// gather takes the indices in [1] of an axis of [0], whose place their axes take.
func gather(n node, in []tensor) tensor {
	x, indices, axis := in[0], in[1], 0
	if given := n.ints["axis"]; given != nil {
		axis = given[0]
	}
	inner := size(x.dims[axis+1:])
	out := newTensor(x.kind, slices.Concat(x.dims[:axis], indices.dims, x.dims[axis+1:])...)
	for i := range out.data {
		outer, k := i/(len(indices.data)*inner), i/inner%len(indices.data)
		out.data[i] = x.data[(outer*x.dims[axis]+int(indices.data[k]))*inner+i%inner]
	}
	return out
}

// gatherND takes, of each sample, the one of the second axis that [1] names.
func gatherND(n node, in []tensor) tensor {
	x, indices := in[0], in[1]
	if batch := n.ints["batch_dims"]; len(batch) != 1 || batch[0] != 1 || len(indices.dims) != 2 || indices.dims[1] != 1 {
		panic("gatherND: not one index a sample")
	}
	inner := size(x.dims[2:])
	out := newTensor(x.kind, slices.Concat(x.dims[:1], x.dims[2:])...)
	for i := range out.data {
		sample := i / inner
		out.data[i] = x.data[(sample*x.dims[1]+int(indices.data[sample]))*inner+i%inner]
	}
	return out
}

// concat joins on the second axis.
func concat(n node, in []tensor) tensor {
	if n.ints["axis"][0] != 1 {
		panic("concat: not on the second axis")
	}
	dims := slices.Clone(in[0].dims)
	dims[1] = 0
	for _, x := range in {
		dims[1] += x.dims[1]
	}
	out := tensor{kind: in[0].kind, dims: dims}
	for sample := range dims[0] {
		for _, x := range in {
			part := size(x.dims[1:])
			out.data = append(out.data, x.data[sample*part:(sample+1)*part]...)
		}
	}
	return out
}

func unsqueeze(_ node, in []tensor) tensor {
	dims := slices.Clone(in[0].dims)
	for _, axis := range in[1].data {
		dims = slices.Insert(dims, int(axis), 1)
	}
	return tensor{in[0].kind, dims, in[0].data}
}
