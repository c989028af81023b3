package inference

import (
	"fmt"
	mathbits "math/bits"

	"ganglion/inference/bits"
	"ganglion/inference/layer"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// binarySection runs binary layers on packed bits. Batch normalization and sign
// are integer thresholds; the only floating point is in the exit's batch norm.
type binarySection struct {
	plan   sectionPlan
	pixels *bits.ByteConv // first block of a section that takes pixels
	packed *bits.BitConv  // first block on bits: CC over the sources, or MP's one
	counts *bits.SumConv  // first block of a section that averages
	rest   []*bits.BitConv
	exit   *bits.Linear // nil: none
	norm   *layer.BatchNorm
}

func newBinarySection(plan sectionPlan, weights *modelpb.Section) (section, error) {
	s := &binarySection{plan: plan}
	in := plan.in()
	for i, block := range plan.blocks {
		if err := s.addBlock(i, in, block, weights.GetBlocks()[i]); err != nil {
			return nil, fmt.Errorf("block %d: %w", i, err)
		}
		in = block.Out(in)
	}
	if !plan.exit {
		return s, nil
	}
	packed, err := binaryWeights(weights.GetExit().GetWeights(), plan.classes*in.Size())
	if err != nil {
		return nil, fmt.Errorf("exit: %w", err)
	}
	if s.norm, _, err = newNorm(plan.classes, weights.GetExit().GetNorm(), float64(in.Size())); err != nil {
		return nil, fmt.Errorf("exit: %w", err)
	}
	s.exit = bits.NewLinear(in, plan.classes, packed)
	return s, nil
}

func (s *binarySection) addBlock(i int, in topology.Shape, block topology.Block, weights *modelpb.BlockWeights) error {
	packed, err := binaryWeights(weights.GetWeights(), block.Filters*in.Channels*9)
	if err != nil {
		return err
	}
	norm, _, err := newNorm(block.Filters, weights.GetNorm(), float64(255*9*in.Channels))
	if err != nil {
		return err
	}
	fold := func(limit int32, x func(int32) float32) []bits.Threshold {
		t := make([]bits.Threshold, block.Filters)
		for f := range t {
			t[f] = norm.Fold(f, limit, x)
		}
		return t
	}
	taps := int32(9 * in.Channels)
	switch {
	case i > 0:
		s.rest = append(s.rest, bits.NewBitConv(in, 1, block, packed, fold(taps, sumOfBits)))
	case s.plan.sources == 0:
		s.pixels = bits.NewByteConv(in, block, packed, fold(255*taps, sumOfPixels))
	case s.plan.aggregator == topology.AP:
		t := make([][]bits.Threshold, s.plan.sources)
		for n := range t {
			mean := func(sum int32) float32 { return float32(sum) / float32(n+1) }
			t[n] = fold(int32(n+1)*taps, mean)
		}
		s.counts = bits.NewSumConv(in, s.plan.sources, block, packed, t)
	case s.plan.aggregator == topology.CC:
		s.packed = bits.NewBitConv(s.plan.source, s.plan.sources, block, packed, fold(taps, sumOfBits))
	default:
		s.packed = bits.NewBitConv(in, 1, block, packed, fold(taps, sumOfBits))
	}
	return nil
}

// sumOfBits is the float value of a sum of signs.
func sumOfBits(sum int32) float32 { return float32(sum) }

// sumOfPixels is the float value of a signed sum of 8-bit pixels.
func sumOfPixels(sum int32) float32 { return float32(sum) / pixelScale }

// pixelScale is what an 8-bit pixel is divided by: modelpb.PIXEL_SCALE_UNIT.
const pixelScale = 255

func (s *binarySection) run(in input, out *Output, scratch *Scratch) {
	shape := s.plan.in()
	shape = s.plan.blocks[0].Out(shape)
	current, other := scratch.maps[0][:bits.Words(shape)], scratch.maps[1]
	s.first(current, in, scratch)
	for i, conv := range s.rest {
		shape = s.plan.blocks[i+1].Out(shape)
		next := other[:bits.Words(shape)]
		scratch.one[0] = current
		conv.Apply(next, scratch.one[:], 1, scratch.kernels)
		current, other = next, current[:cap(current)]
	}
	if s.plan.sends {
		bits.Pack(out.Features, current)
	}
	if s.exit != nil {
		sums := scratch.sums[:s.plan.classes]
		s.exit.Apply(sums, current)
		for c, sum := range sums {
			out.Scores[c] = s.norm.Apply(c, float32(sum))
		}
	}
}

// first aggregates the input and runs the first block.
func (s *binarySection) first(dst []uint64, in input, scratch *Scratch) {
	if s.pixels != nil {
		s.pixels.Apply(dst, in.pixels, scratch.kernels)
		return
	}
	words := bits.Words(s.plan.source)
	sources := scratch.sources[:s.plan.sources]
	for seen := in.seen; seen != 0; seen &= seen - 1 {
		i := mathbits.TrailingZeros64(seen)
		sources[i] = scratch.unpacked[i*words : (i+1)*words]
		bits.Unpack(sources[i], in.features[i])
	}
	switch s.plan.aggregator {
	case topology.AP:
		s.counts.Apply(dst, sources, in.seen, scratch.kernels)
	case topology.CC:
		s.packed.Apply(dst, sources, in.seen, scratch.kernels)
	case topology.MP:
		scratch.one[0] = scratch.maps[1][:words]
		bits.Or(scratch.one[0], sources, in.seen)
		s.packed.Apply(dst, scratch.one[:], 1, scratch.kernels)
	}
}

func (s *binarySection) demand(sizes *scratchSizes) {
	words := bits.Words(s.plan.source)
	sizes.sources = max(sizes.sources, s.plan.sources)
	sizes.unpacked = max(sizes.unpacked, s.plan.sources*words)
	if s.plan.sources > 0 && s.plan.aggregator == topology.MP {
		sizes.maps = max(sizes.maps, words)
	}
	shape := s.plan.in()
	for _, b := range s.plan.blocks {
		shape = b.Out(shape)
		sizes.maps = max(sizes.maps, bits.Words(shape))
	}
	if s.exit != nil {
		sizes.classes = max(sizes.classes, s.plan.classes)
	}
	sizes.kernels = append(sizes.kernels, s.kernels()...)
}

func (s *binarySection) weightBytes() int {
	n := 0
	for _, k := range s.kernels() {
		n += k.WeightBytes()
	}
	if s.exit != nil {
		n += s.exit.WeightBytes() + s.norm.Bytes()
	}
	return n
}

// kernels lists the section's convolutions.
func (s *binarySection) kernels() []bits.Kernel {
	var all []bits.Kernel
	switch {
	case s.pixels != nil:
		all = append(all, s.pixels)
	case s.packed != nil:
		all = append(all, s.packed)
	default:
		all = append(all, s.counts)
	}
	for _, k := range s.rest {
		all = append(all, k)
	}
	return all
}
