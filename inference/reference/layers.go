package reference

import (
	"math"

	"ganglion/inference/layer"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// Map is an unpacked map [channel, row, col].
type Map struct {
	topology.Shape
	Data []float32
}

func newMap(s topology.Shape) Map { return Map{s, make([]float32, s.Size())} }

func (m Map) at(c, row, col int) *float32 { return &m.Data[(c*m.Rows+row)*m.Cols+col] }

// unpackWeights is the weights of a layer as floats: a binary weight is -1 or +1.
func unpackWeights(w *modelpb.Weights, n int) []float32 {
	if real := w.GetReal(); len(real) > 0 {
		return real
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(int(w.GetBinary()[i/8]>>(i%8)&1)*2 - 1)
	}
	return out
}

// conv is a 3x3 convolution, stride 1, zero padding 1; weights [filter, channel,
// row, col].
func conv(in Map, filters int, weights []float32) Map {
	out := newMap(topology.Shape{Channels: filters, Rows: in.Rows, Cols: in.Cols})
	for f := range filters {
		for row := range in.Rows {
			for col := range in.Cols {
				var sum float32
				for c := range in.Channels {
					for k := range 9 {
						r, q := row+k/3-1, col+k%3-1
						if r >= 0 && r < in.Rows && q >= 0 && q < in.Cols {
							sum += float32(weights[(f*in.Channels+c)*9+k] * *in.at(c, r, q))
						}
					}
				}
				*out.at(f, row, col) = sum
			}
		}
	}
	return out
}

// pool is 3x3 max pooling with padding that never wins.
func pool(in Map, p topology.Pool) Map {
	if p == topology.NoPool {
		return in
	}
	stride := int(p)
	out := newMap(topology.Block{Filters: in.Channels, Pool: p}.Out(in.Shape))
	for c := range out.Channels {
		for row := range out.Rows {
			for col := range out.Cols {
				best := float32(math.Inf(-1))
				for k := range 9 {
					r, q := row*stride+k/3-1, col*stride+k%3-1
					if r >= 0 && r < in.Rows && q >= 0 && q < in.Cols {
						best = max(best, *in.at(c, r, q))
					}
				}
				*out.at(c, row, col) = best
			}
		}
	}
	return out
}

// scale divides every element: pixels by 255, sums of signs by how many there are.
func scale(m Map, by float32) Map {
	out := newMap(m.Shape)
	for i, x := range m.Data {
		out.Data[i] = x / by
	}
	return out
}

// activation is applied to a normalized value.
type activation func(float32) float32

func sign(x float32) float32 {
	if x >= 0 {
		return 1
	}
	return -1
}

func relu(x float32) float32 { return max(0, x) }

// normalize is batch normalization and activation.
func normalize(m Map, n *modelpb.BatchNorm, f activation) Map {
	norm := batchNorm(m.Channels, n)
	out := newMap(m.Shape)
	for i, x := range m.Data {
		out.Data[i] = f(norm.Apply(i/m.Pixels(), x))
	}
	return out
}

// exit is a linear layer, weights [class, channel, row, col], and its batch
// normalization.
func exit(m Map, classes int, w *modelpb.ExitWeights) []float32 {
	norm := batchNorm(classes, w.GetNorm())
	weights := unpackWeights(w.GetWeights(), classes*m.Size())
	scores := make([]float32, classes)
	for class := range scores {
		var sum float32
		for i, x := range m.Data {
			sum += float32(weights[class*m.Size()+i] * x)
		}
		scores[class] = norm.Apply(class, sum)
	}
	return scores
}

// batchNorm panics on parameters that a checked bundle cannot have.
func batchNorm(channels int, n *modelpb.BatchNorm) *layer.BatchNorm {
	norm, err := layer.NewBatchNorm(channels, n.GetGamma(), n.GetBeta(), n.GetMean(), n.GetVariance())
	if err != nil {
		panic("reference: unchecked bundle: " + err.Error())
	}
	return norm
}
