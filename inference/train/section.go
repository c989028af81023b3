package train

import (
	"fmt"
	"slices"

	"ganglion/inference/topology"
)

// block is convolution, pooling, batch normalization and activation: the fused
// convolution-pool block of the DDNN paper, section IV-A, unfused.
type block struct {
	conv       *conv
	pool       *pool // nil: none
	norm       *batchNorm
	activation *activation
}

// head is an exit's linear layer and the batch normalization of its scores.
type head struct {
	linear *linear
	norm   *batchNorm
}

// section is the layers of one tier: blocks, then an exit if it has one.
type section struct {
	blocks []block
	exit   *head // nil: none
	out    topology.Shape
	rows   int // of the last Forward
}

// sectionSpec says what to build.
type sectionSpec struct {
	name    string
	in      topology.Shape
	layers  topology.Layers
	blocks  []topology.Block
	last    activationKind // of the last block
	classes int            // of the exit; 0: no exit
	input   bool           // whether Backward returns the gradient of the input
	gaps    bool           // whether a plane of zeros in the input is an unseen source
	maxRows int
}

// newSection builds a section whose layers compute on w.
func newSection(w *workers, spec sectionSpec) *section {
	s := &section{}
	in, binary := spec.in, spec.layers == topology.Binary
	for i, b := range spec.blocks {
		name := fmt.Sprintf("%s.block%d", spec.name, i)
		out := b.Out(in)
		bl := block{conv: newConv(w, name+".weights", in, b.Filters, binary, spec.input || i > 0, spec.maxRows)}
		bl.conv.gaps = spec.gaps && i == 0
		if b.Pool != topology.NoPool {
			full := topology.Shape{Channels: b.Filters, Rows: in.Rows, Cols: in.Cols}
			bl.pool = newPool(w, full, int(b.Pool), spec.maxRows)
		}
		bl.norm = newBatchNorm(w, name+".norm", out.Channels, out.Pixels(), spec.maxRows)
		kind := signActivation
		if !binary {
			kind = reluActivation
		}
		if i == len(spec.blocks)-1 {
			kind = spec.last
		}
		bl.activation = newActivation(w, kind, out.Size(), spec.maxRows)
		s.blocks = append(s.blocks, bl)
		in = out
	}
	s.out = in
	if spec.classes > 0 {
		s.exit = &head{
			linear: newLinear(w, spec.name+".exit.weights", in.Size(), spec.classes, binary, spec.maxRows),
			norm:   newBatchNorm(w, spec.name+".exit.norm", spec.classes, 1, spec.maxRows),
		}
	}
	return s
}

// params lists the section's tensors, in the order of its layers.
func (s *section) params() []*param {
	var list []*param
	for _, b := range s.blocks {
		list = append(list, b.conv.weights, b.norm.gamma, b.norm.beta)
	}
	if s.exit != nil {
		list = append(list, s.exit.linear.weights, s.exit.norm.gamma, s.exit.norm.beta)
	}
	return list
}

// Forward runs the first blocks of the section and returns their map [row,
// channel, row, col].
func (s *section) Forward(rows int, x []float32, blocks int) []float32 {
	s.rows = rows
	if rows == 0 {
		return nil
	}
	for _, b := range s.blocks[:min(blocks, len(s.blocks))] {
		x = b.conv.Forward(rows, x)
		if b.pool != nil {
			x = b.pool.Forward(rows, x)
		}
		x = b.activation.Forward(rows, b.norm.Forward(rows, x))
	}
	return x
}

// Scores returns the exit's scores [row, class] for the section's map.
func (s *section) Scores(features []float32) []float32 {
	if s.rows == 0 {
		return nil
	}
	return s.exit.norm.Forward(s.rows, s.exit.linear.Forward(s.rows, features))
}

// Backward takes the gradients of the section's map and of its scores, either of
// which may be nil, sets the gradients of all its tensors and returns that of
// its input, nil if none is wanted. It may write to features.
func (s *section) Backward(features, scores []float32) []float32 {
	if s.rows == 0 || (features == nil && scores == nil) {
		for _, p := range s.params() {
			clear(p.grad)
		}
		return nil
	}
	dx := features
	if scores != nil {
		dx = s.exit.linear.Backward(s.exit.norm.Backward(scores))
		if features != nil {
			blas.Saxpy(len(dx), 1, features, 1, dx, 1)
		}
	}
	for _, b := range slices.Backward(s.blocks) {
		dx = b.norm.Backward(b.activation.Backward(dx))
		if b.pool != nil {
			dx = b.pool.Backward(dx)
		}
		dx = b.conv.Backward(dx)
	}
	return dx
}
