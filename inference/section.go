package inference

import (
	"fmt"

	"ganglion/inference/layer"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// sectionPlan is what a topology asks of one section's weights.
type sectionPlan struct {
	name       string              // for errors: "device section 2"
	layers     topology.Layers     //
	source     topology.Shape      // one input of the section, before aggregation
	sources    int                 // inputs that the section aggregates; 0: it takes pixels
	aggregator topology.Aggregator // over the sources
	blocks     []topology.Block    //
	exit       bool                //
	classes    int                 //
	sends      bool                // what the last block makes leaves the tier as signs
}

// in is the shape of what the first block takes, after aggregation.
func (p sectionPlan) in() topology.Shape {
	in := p.source
	if p.sources > 0 && p.aggregator == topology.CC {
		in.Channels *= p.sources
	}
	return in
}

// out is the shape of what the last block makes.
func (p sectionPlan) out() topology.Shape {
	out := p.in()
	for _, b := range p.blocks {
		out = b.Out(out)
	}
	return out
}

func devicePlan(t *topology.Topology, index int) sectionPlan {
	return sectionPlan{
		name: fmt.Sprintf("device section %d", index), layers: t.Device.Layers,
		source: t.Input, blocks: t.Device.Blocks,
		exit: t.Local != nil, classes: len(t.Classes), sends: true,
	}
}

func edgePlan(t *topology.Topology, group int) sectionPlan {
	return sectionPlan{
		name: fmt.Sprintf("edge section %d", group), layers: t.Edge.Layers,
		source: t.DeviceOut(), sources: len(t.Groups[group]), aggregator: t.Edge.Features,
		blocks: t.Edge.Blocks, exit: t.Edge.Exit, classes: len(t.Classes), sends: true,
	}
}

func cloudPlan(t *topology.Topology) sectionPlan {
	return sectionPlan{
		name: "cloud section", layers: t.Cloud.Layers,
		source: t.CloudSource(), sources: t.CloudSources(), aggregator: t.Cloud.Features,
		blocks: t.Cloud.Blocks, exit: true, classes: len(t.Classes),
	}
}

// input is what a section runs on: the pixels of a view, or the features of the
// seen sources.
type input struct {
	pixels   []byte   // [channel, row, col]; nil for a section that takes features
	features [][]byte // [source], packed; those of unseen sources are not looked at
	seen     uint64   // the sources that are there, bit i for source i; at least one
}

// Output is what a section makes of a sample.
type Output struct {
	Features []byte    // packed map, see package bits; nil for the cloud
	Scores   []float32 // [class]; nil where the section has no exit
}

// section runs the layers of one tier.
type section interface {
	// run computes the section's output. out's slices have their lengths.
	run(in input, out *Output, s *Scratch)
	// demand raises the sizes of a scratch to what run needs.
	demand(s *scratchSizes)
	// weightBytes is the memory that the weights and thresholds take.
	weightBytes() int
}

// newSection builds a section from weights that came from outside.
func newSection(plan sectionPlan, weights *modelpb.Section) (section, error) {
	if got := len(weights.GetBlocks()); got != len(plan.blocks) {
		return nil, fmt.Errorf("%s has %d blocks, its topology %d", plan.name, got, len(plan.blocks))
	}
	if (weights.GetExit() != nil) != plan.exit {
		return nil, fmt.Errorf("%s and its topology disagree on whether it has an exit", plan.name)
	}
	build := newBinarySection
	if plan.layers == topology.Float {
		build = newFloatSection
	}
	s, err := build(plan, weights)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", plan.name, err)
	}
	return s, nil
}

// binaryWeights returns the n packed weights of a layer.
func binaryWeights(w *modelpb.Weights, n int) ([]byte, error) {
	packed := w.GetBinary()
	if len(w.GetReal()) != 0 || len(packed) != (n+7)/8 {
		return nil, fmt.Errorf("%d bytes of binary and %d real weights for %d binary weights", len(packed), len(w.GetReal()), n)
	}
	if n%8 != 0 && packed[len(packed)-1]>>(n%8) != 0 {
		return nil, fmt.Errorf("unused bits of %d binary weights are set", n)
	}
	return packed, nil
}

// realWeights returns the n float weights of a layer, all finite and small enough
// that sums of products stay finite.
func realWeights(w *modelpb.Weights, n int) ([]float32, error) {
	if len(w.GetBinary()) != 0 || len(w.GetReal()) != n {
		return nil, fmt.Errorf("%d bytes of binary and %d real weights for %d real weights", len(w.GetBinary()), len(w.GetReal()), n)
	}
	return w.GetReal(), checkReal(w.GetReal())
}

// maxReal bounds every float parameter; trained ones are around 1.
const maxReal = 1e6

func checkReal(values []float32) error {
	for i, v := range values {
		if !(v >= -maxReal && v <= maxReal) { // NaN as well
			return fmt.Errorf("value %d is %v, not within %g of zero", i, v, maxReal)
		}
	}
	return nil
}

// maxActivation bounds every value inside a section, so that no sum of products
// on the way overflows float32.
const maxActivation = 1e30

// newNorm builds the batch normalization of sums within bound of zero, and
// returns the bound of what it makes of them.
func newNorm(channels int, n *modelpb.BatchNorm, bound float64) (*layer.BatchNorm, float64, error) {
	norm, err := layer.NewBatchNorm(channels, n.GetGamma(), n.GetBeta(), n.GetMean(), n.GetVariance())
	if err != nil {
		return nil, 0, err
	}
	after := norm.Bound(bound)
	if !(after <= maxActivation) {
		return nil, 0, fmt.Errorf("batch norm makes values of up to %g, more than %g", after, float64(maxActivation))
	}
	return norm, after, nil
}
