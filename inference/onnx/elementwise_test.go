package onnx_test

import (
	"math"
	"slices"

	"ganglion/inference/onnx"
)

// at is the element of a tensor that broadcasts to place i of a tensor of those axes.
func (c tensor) at(i int, dims []int) float64 {
	place, stride := 0, 1
	for axis, length := range slices.Backward(dims) {
		own := axis - len(dims) + len(c.dims)
		if own >= 0 {
			if c.dims[own] != 1 {
				place += i % length * stride
			}
			stride *= c.dims[own]
		}
		i /= length
	}
	return c.data[place]
}

// broadcast are the axes that tensors have together.
func broadcast(in []tensor) []int {
	var dims []int
	for _, x := range in {
		for len(dims) < len(x.dims) {
			dims = slices.Insert(dims, 0, 1)
		}
		for i, d := range x.dims {
			axis := len(dims) - len(x.dims) + i
			switch {
			case dims[axis] == 1:
				dims[axis] = d
			case d != 1 && d != dims[axis]:
				panic("axes do not broadcast")
			}
		}
	}
	return dims
}

// same panics unless tensors have one type, as operators demand.
func same(in ...tensor) onnx.Element {
	for _, x := range in {
		if x.kind != in[0].kind {
			panic("operands of two types")
		}
	}
	return in[0].kind
}

func unary(f func(float64) float64) func(node, []tensor) tensor {
	return func(_ node, in []tensor) tensor {
		out := newTensor(in[0].kind, in[0].dims...)
		for i, v := range in[0].data {
			out.data[i] = f(v)
		}
		return out
	}
}

// binaryOf is an operator on two or more tensors, from the left to the right.
func binaryOf(f func(a, b float64) float64) func(node, []tensor) tensor {
	return func(_ node, in []tensor) tensor {
		out := newTensor(same(in...), broadcast(in)...)
		for i := range out.data {
			v := in[0].at(i, out.dims)
			for _, x := range in[1:] {
				v = f(v, x.at(i, out.dims))
			}
			out.data[i] = v
		}
		return out
	}
}

func condition(holds func(a, b float64) bool) func(node, []tensor) tensor {
	return func(_ node, in []tensor) tensor {
		same(in...)
		out := newTensor(onnx.Bool, broadcast(in)...)
		for i := range out.data {
			if holds(in[0].at(i, out.dims), in[1].at(i, out.dims)) {
				out.data[i] = 1
			}
		}
		return out
	}
}

func where(_ node, in []tensor) tensor {
	if in[0].kind != onnx.Bool {
		panic("where: not on a condition")
	}
	out := newTensor(same(in[1:]...), broadcast(in)...)
	for i := range out.data {
		from := in[2]
		if in[0].at(i, out.dims) != 0 {
			from = in[1]
		}
		out.data[i] = from.at(i, out.dims)
	}
	return out
}

func cast(n node, in []tensor) tensor {
	kind, known := elements[uint64(n.ints["to"][0])]
	if !known {
		panic("cast: to a type that is not known")
	}
	return tensor{kind, in[0].dims, slices.Clone(in[0].data)}
}

// reduce folds axes, of the attribute or of a second input, in the order of the
// elements.
func reduce(f func(a, b float64) float64, first float64) func(node, []tensor) tensor {
	return func(n node, in []tensor) tensor {
		axes := n.ints["axes"]
		if len(in) > 1 {
			for _, a := range in[1].data {
				axes = append(axes, int(a))
			}
		}
		out := newTensor(in[0].kind, without(in[0].dims, axes, n.ints["keepdims"][0] == 1)...)
		for i := range out.data {
			out.data[i] = first
		}
		whole := without(in[0].dims, axes, true)
		index := newTensor(onnx.Int64, whole...) // the place of what an element is folded into
		for i := range index.data {
			index.data[i] = float64(i)
		}
		for i, v := range in[0].data {
			place := int(index.at(i, in[0].dims))
			out.data[place] = f(out.data[place], v)
		}
		return out
	}
}

// without are axes of which some are 1 or, unless kept, not there.
func without(dims, axes []int, kept bool) []int {
	var out []int
	for i, d := range dims {
		switch {
		case !slices.Contains(axes, i) && !slices.Contains(axes, i-len(dims)):
			out = append(out, d)
		case kept:
			out = append(out, 1)
		}
	}
	return out
}

// argMax is the first largest of the second axis, which goes.
func argMax(n node, in []tensor) tensor {
	if n.ints["axis"][0] != 1 || n.ints["keepdims"][0] != 0 || len(in[0].dims) != 2 {
		panic("argMax: not on the second of two axes")
	}
	out := newTensor(onnx.Int64, in[0].dims[0])
	for i := range out.data {
		largest := math.Inf(-1)
		for k, v := range in[0].data[i*in[0].dims[1] : (i+1)*in[0].dims[1]] {
			if v > largest {
				largest, out.data[i] = v, float64(k)
			}
		}
	}
	return out
}
