package onnx_test

import (
	"maps"
	"math"
	"testing"
)

// evaluate runs a decoded graph on one input by the definitions of the ONNX
// operators, as plainly as they are written, and returns every value by name.
func (g *graph) evaluate(t *testing.T, input string, x tensor) map[string]tensor {
	t.Helper()
	values := map[string]tensor{input: x}
	maps.Copy(values, g.constants)
	for _, n := range g.nodes {
		var in []tensor
		for _, name := range n.inputs {
			v, known := values[name]
			if !known {
				t.Fatalf("%s takes %q, which nothing before it makes", n.operator, name)
			}
			in = append(in, v)
		}
		run, known := map[string]func(node, []tensor) tensor{
			"Conv": conv, "MaxPool": maxPool, "BatchNormalization": batchNorm, "GreaterOrEqual": greaterOrEqual,
			"Where": where, "Relu": relu, "Flatten": flatten, "Gemm": gemm,
		}[n.operator]
		if !known || len(n.outputs) != 1 {
			t.Fatalf("operator %s with outputs %v is not known", n.operator, n.outputs)
		}
		if _, twice := values[n.outputs[0]]; twice {
			t.Fatalf("%q is made twice", n.outputs[0])
		}
		values[n.outputs[0]] = run(n, in)
	}
	return values
}

func newTensor(dims ...int) tensor { return tensor{dims, make([]float32, size(dims))} }

func conv(n node, in []tensor) tensor {
	x, w := in[0], in[1]
	channels, rows, cols := x.dims[1], x.dims[2], x.dims[3]
	side, pad := n.ints["kernel_shape"][0], n.ints["pads"][0]
	out := newTensor(1, w.dims[0], rows+2*pad-side+1, cols+2*pad-side+1)
	for i := range out.data {
		f, row, col := i/(out.dims[2]*out.dims[3]), i/out.dims[3]%out.dims[2], i%out.dims[3]
		for k := range channels * side * side {
			c, r, q := k/(side*side), row+k/side%side-pad, col+k%side-pad
			if r >= 0 && r < rows && q >= 0 && q < cols {
				out.data[i] += float32(w.data[f*channels*side*side+k] * x.data[(c*rows+r)*cols+q])
			}
		}
	}
	return out
}

func maxPool(n node, in []tensor) tensor {
	x := in[0]
	rows, cols := x.dims[2], x.dims[3]
	side, pad, stride := n.ints["kernel_shape"][0], n.ints["pads"][0], n.ints["strides"][0]
	out := newTensor(1, x.dims[1], (rows+2*pad-side)/stride+1, (cols+2*pad-side)/stride+1)
	for i := range out.data {
		c, row, col := i/(out.dims[2]*out.dims[3]), i/out.dims[3]%out.dims[2], i%out.dims[3]
		out.data[i] = float32(math.Inf(-1))
		for k := range side * side {
			r, q := row*stride+k/side-pad, col*stride+k%side-pad
			if r >= 0 && r < rows && q >= 0 && q < cols {
				out.data[i] = max(out.data[i], x.data[(c*rows+r)*cols+q])
			}
		}
	}
	return out
}

func batchNorm(n node, in []tensor) tensor {
	x, gamma, beta, mean, variance := in[0], in[1].data, in[2].data, in[3].data, in[4].data
	out := newTensor(x.dims...)
	for i, v := range x.data {
		c := i / size(x.dims[2:]) % x.dims[1]
		deviation := math.Sqrt(float64(variance[c]) + float64(n.floats["epsilon"]))
		out.data[i] = float32(float64((float64(v)-float64(mean[c]))/deviation*float64(gamma[c])) + float64(beta[c]))
	}
	return out
}

// greaterOrEqual is 1 for true, and broadcasts a scalar.
func greaterOrEqual(_ node, in []tensor) tensor {
	out := newTensor(in[0].dims...)
	for i, v := range in[0].data {
		if v >= in[1].data[0] {
			out.data[i] = 1
		}
	}
	return out
}

// where broadcasts two scalars.
func where(_ node, in []tensor) tensor {
	out := newTensor(in[0].dims...)
	for i, condition := range in[0].data {
		out.data[i] = in[2].data[0]
		if condition != 0 {
			out.data[i] = in[1].data[0]
		}
	}
	return out
}

func relu(_ node, in []tensor) tensor {
	out := newTensor(in[0].dims...)
	for i, v := range in[0].data {
		out.data[i] = max(0, v)
	}
	return out
}

func flatten(_ node, in []tensor) tensor {
	return tensor{[]int{in[0].dims[0], size(in[0].dims[1:])}, in[0].data}
}

func gemm(n node, in []tensor) tensor {
	x, w := in[0], in[1]
	if transposed := n.ints["transB"]; len(transposed) != 1 || transposed[0] != 1 || w.dims[1] != x.dims[1] {
		panic("gemm: weights are not [class, input]")
	}
	out := newTensor(1, w.dims[0])
	for class := range out.data {
		for i, v := range x.data {
			out.data[class] += float32(w.data[class*len(x.data)+i] * v)
		}
	}
	return out
}
