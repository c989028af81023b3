package train

import (
	"slices"

	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// bundleFormat is the version of the schema that this package writes.
const bundleFormat = 1

// bundle is the network as it is, without calibration.
func (t *trainer) bundle() *modelpb.Bundle {
	n := t.net
	b := &modelpb.Bundle{
		Format:        bundleFormat,
		Topology:      topology.ToProto(t.topo),
		Preprocessing: &modelpb.Preprocessing{Scale: modelpb.PixelScale_PIXEL_SCALE_UNIT},
		Cloud:         n.cloud.weights(),
		Provenance:    t.provenance(),
	}
	for _, s := range n.devices {
		b.Devices = append(b.Devices, s.weights())
	}
	for _, d := range n.locals {
		b.Locals = append(b.Locals, &modelpb.Dense{
			Weights: slices.Clone(d.weights.value),
			Bias:    slices.Clone(d.bias.value),
		})
	}
	for _, s := range n.edges {
		b.Edges = append(b.Edges, s.weights())
	}
	return b
}

func (t *trainer) provenance() *modelpb.Provenance {
	best := t.state.best
	p := &modelpb.Provenance{
		Data:             t.set.Name,
		DataHash:         slices.Clone(t.set.Hash[:]),
		Synthetic:        t.set.Synthetic,
		TrainFrames:      t.set.FramesOf(t.split.Train).String(),
		ValidationFrames: t.set.FramesOf(t.split.Validation).String(),
		TestFrames:       t.set.FramesOf(t.split.Test).String(),
		Seed:             t.cfg.Seed,
		Epochs:           uint32(t.state.epoch),
		BestEpoch:        uint32(best.epoch),
		Trainer:          Version,
		Settings:         t.cfg.Settings(),
		Figures:          map[string]float64{"validation score": best.result.Score},
	}
	for _, part := range []struct {
		name    string
		figures Figures
	}{{"all views", best.result.Full}, {"views missing", best.result.Missing}} {
		for head, tally := range part.figures {
			if tally.Count > 0 {
				name := "validation " + Head(head).String() + ", " + part.name
				p.Figures[name+": accuracy"] = tally.Accuracy()
				p.Figures[name+": loss"] = tally.MeanLoss()
			}
		}
	}
	return p
}

// weights is the section in the bundle's axes, which are this package's too.
func (s *section) weights() *modelpb.Section {
	m := &modelpb.Section{}
	for _, b := range s.blocks {
		m.Blocks = append(m.Blocks, &modelpb.BlockWeights{Weights: b.conv.weights.encode(), Norm: b.norm.encode()})
	}
	if s.exit != nil {
		m.Exit = &modelpb.ExitWeights{Weights: s.exit.linear.weights.encode(), Norm: s.exit.norm.encode()}
	}
	return m
}

// encode writes one bit a weight, least significant bit first, 1 for +1; or the
// floats of a float tensor.
func (p *param) encode() *modelpb.Weights {
	if !p.binary {
		return &modelpb.Weights{Real: slices.Clone(p.value)}
	}
	packed := make([]byte, (len(p.latent)+7)/8)
	for i, v := range p.latent {
		if v >= 0 {
			packed[i/8] |= 1 << (i % 8)
		}
	}
	return &modelpb.Weights{Binary: packed}
}

func (n *batchNorm) encode() *modelpb.BatchNorm {
	return &modelpb.BatchNorm{
		Gamma:    slices.Clone(n.gamma.value),
		Beta:     slices.Clone(n.beta.value),
		Mean:     slices.Clone(n.mean),
		Variance: slices.Clone(n.variance),
	}
}
