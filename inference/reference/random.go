package reference

import (
	"math"
	"math/rand/v2"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// Random is the content of an untrained network of a topology: random weights, and
// batch norms under which both signs occur, negative and zero gamma too. Kernels
// are compared and timed on it: what a weight's value is makes no difference to
// them.
func Random(t *topology.Topology, seed uint64) *modelpb.Bundle {
	r := randomContent{rand.New(rand.NewPCG(seed, 1)), len(t.Classes)}
	content := &modelpb.Bundle{
		Topology:      topology.ToProto(t),
		Preprocessing: &modelpb.Preprocessing{Scale: modelpb.PixelScale_PIXEL_SCALE_UNIT},
		Calibration:   inference.Uncalibrated(t),
		Provenance:    &modelpb.Provenance{Data: "none: random weights", Synthetic: true, Seed: seed},
	}
	for range t.DeviceSections() {
		content.Devices = append(content.Devices, r.section(t.Device.Layers, t.Input, t.Device.Blocks, t.Local != nil))
	}
	for g, views := range t.Groups {
		if t.Local != nil && t.Local.Scores == topology.CC {
			content.Locals = append(content.Locals, &modelpb.Dense{
				Weights: r.normals(r.classes*r.classes*len(views), 1), Bias: r.normals(r.classes, 1),
			})
		}
		if t.Edge != nil {
			content.Edges = append(content.Edges, r.section(t.Edge.Layers, t.EdgeIn(g), t.Edge.Blocks, t.Edge.Exit))
		}
	}
	content.Cloud = r.section(t.Cloud.Layers, t.CloudIn(), t.Cloud.Blocks, true)
	return content
}

type randomContent struct {
	*rand.Rand
	classes int
}

func (r randomContent) section(l topology.Layers, in topology.Shape, blocks []topology.Block, exit bool) *modelpb.Section {
	s := new(modelpb.Section)
	for _, b := range blocks {
		taps := 9 * in.Channels
		s.Blocks = append(s.Blocks, &modelpb.BlockWeights{
			Weights: r.weights(l, b.Filters*taps), Norm: r.norm(b.Filters, math.Sqrt(float64(taps))),
		})
		in = b.Out(in)
	}
	if exit {
		s.Exit = &modelpb.ExitWeights{
			Weights: r.weights(l, r.classes*in.Size()), Norm: r.norm(r.classes, math.Sqrt(float64(in.Size()))),
		}
	}
	return s
}

func (r randomContent) weights(l topology.Layers, n int) *modelpb.Weights {
	if l == topology.Float {
		return &modelpb.Weights{Real: r.normals(n, 1)}
	}
	packed := make([]byte, (n+7)/8)
	for i := range n {
		packed[i/8] |= byte(r.Uint32()&1) << (i % 8)
	}
	return &modelpb.Weights{Binary: packed}
}

// norm is a batch norm of sums that spread about deviation around zero.
func (r randomContent) norm(channels int, deviation float64) *modelpb.BatchNorm {
	n := &modelpb.BatchNorm{
		Gamma: r.normals(channels, 1), Beta: r.normals(channels, 0.5), Mean: r.normals(channels, deviation/2),
		Variance: make([]float32, channels),
	}
	for c := range n.Variance {
		n.Variance[c] = float32(deviation*deviation) * float32(0.5+float32(r.Float32()))
	}
	if r.IntN(4) == 0 {
		n.Gamma[r.IntN(channels)] = 0
	}
	return n
}

func (r randomContent) normals(n int, deviation float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(r.NormFloat64() * deviation)
	}
	return out
}
