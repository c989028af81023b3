package inference

import (
	"fmt"
	"math"

	"ganglion/inference/layer"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// floatSection runs float32 layers: the mixed precision that the paper leaves to
// future work (its section V). Inside it, activations are ReLU; what a device or
// an edge sends up is still a sign, so that features travel as bits.
type floatSection struct {
	plan   sectionPlan
	blocks []floatBlock
	exit   []float32 // [class, channel, row, col]; nil: none
	norm   *layer.BatchNorm
}

type floatBlock struct {
	conv *layer.Conv
	norm *layer.BatchNorm
	in   topology.Shape // of the convolution
	out  topology.Shape // of the pool
	pool topology.Pool
	sign bool // the activation: sign, else ReLU
}

func newFloatSection(plan sectionPlan, weights *modelpb.Section) (section, error) {
	s := &floatSection{plan: plan}
	in := plan.in()
	bound := 1.0 // signs, means of signs and scaled pixels alike
	for i, block := range plan.blocks {
		b := floatBlock{in: in, out: block.Out(in), pool: block.Pool, sign: plan.sends && i == len(plan.blocks)-1}
		w := weights.GetBlocks()[i]
		real, err := realWeights(w.GetWeights(), block.Filters*in.Channels*9)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", i, err)
		}
		b.conv = layer.NewConv(in, block.Filters, real)
		if b.norm, bound, err = newNorm(block.Filters, w.GetNorm(), bound*largestNorm(real, block.Filters)); err != nil {
			return nil, fmt.Errorf("block %d: %w", i, err)
		}
		if b.sign {
			bound = 1
		}
		s.blocks = append(s.blocks, b)
		in = b.out
	}
	if !plan.exit {
		return s, nil
	}
	var err error
	if s.exit, err = realWeights(weights.GetExit().GetWeights(), plan.classes*in.Size()); err != nil {
		return nil, fmt.Errorf("exit: %w", err)
	}
	if s.norm, _, err = newNorm(plan.classes, weights.GetExit().GetNorm(), bound*largestNorm(s.exit, plan.classes)); err != nil {
		return nil, fmt.Errorf("exit: %w", err)
	}
	return s, nil
}

// largestNorm is the largest sum of magnitudes among the rows of a matrix.
func largestNorm(matrix []float32, rows int) float64 {
	var largest float64
	for row := range rows {
		var sum float64
		for _, w := range matrix[row*len(matrix)/rows : (row+1)*len(matrix)/rows] {
			sum += math.Abs(float64(w))
		}
		largest = max(largest, sum)
	}
	return largest
}

func (s *floatSection) run(in input, out *Output, scratch *Scratch) {
	current := scratch.floats[0][:s.plan.in().Size()]
	s.aggregate(current, in)
	for _, b := range s.blocks {
		sums := scratch.floats[1][:b.out.Channels*b.in.Pixels()]
		b.conv.Apply(sums, current)
		current = scratch.floats[0][:b.out.Size()]
		layer.Pool(current, sums, topology.Shape{Channels: b.out.Channels, Rows: b.in.Rows, Cols: b.in.Cols}, b.pool)
		b.activate(current)
	}
	if s.plan.sends {
		packSigns(out.Features, current, s.plan.out())
	}
	if s.exit != nil {
		layer.Dense(out.Scores, s.exit, nil, current)
		for c, sum := range out.Scores {
			out.Scores[c] = s.norm.Apply(c, sum)
		}
	}
}

// activate normalizes a pooled map in place and applies the activation.
func (b *floatBlock) activate(pooled []float32) {
	pixels := b.out.Pixels()
	for i, x := range pooled {
		y := b.norm.Apply(i/pixels, x)
		switch {
		case !b.sign:
			y = max(0, y)
		case y >= 0:
			y = 1
		default:
			y = -1
		}
		pooled[i] = y
	}
}

// aggregate writes what the first block takes to dst [channel, row, col].
func (s *floatSection) aggregate(dst []float32, in input) {
	if s.plan.sources == 0 {
		for i, p := range in.pixels {
			dst[i] = float32(p) / pixelScale
		}
		return
	}
	source := s.plan.source
	clear(dst)
	if s.plan.aggregator == topology.CC {
		each(in.seen, func(i int) {
			addSigns(dst[i*source.Size():(i+1)*source.Size()], in.features[i], source)
		})
		return
	}
	each(in.seen, func(i int) { addSigns(dst, in.features[i], source) })
	n := float32(seenViews(in.seen))
	for i, sum := range dst {
		if s.plan.aggregator == topology.AP {
			dst[i] = sum / n
		} else if sum > -n {
			dst[i] = 1 // some source has +1
		} else {
			dst[i] = -1
		}
	}
}

// addSigns adds the signs of a packed map to dst [channel, row, col].
func addSigns(dst []float32, packed []byte, shape topology.Shape) {
	pixels := shape.Pixels()
	for i := range dst {
		bit := i%pixels*shape.Channels + i/pixels
		dst[i] += float32(int(packed[bit/8]>>(bit%8)&1)*2 - 1)
	}
}

// packSigns writes a map of signs [channel, row, col] as packed features.
func packSigns(dst []byte, signs []float32, shape topology.Shape) {
	clear(dst)
	pixels := shape.Pixels()
	for i, s := range signs {
		if s > 0 {
			bit := i%pixels*shape.Channels + i/pixels
			dst[bit/8] |= 1 << (bit % 8)
		}
	}
}

func (s *floatSection) demand(sizes *scratchSizes) {
	sizes.floats = max(sizes.floats, s.plan.in().Size())
	for _, b := range s.blocks {
		sizes.floats = max(sizes.floats, b.out.Channels*b.in.Pixels(), b.out.Size())
	}
}

func (s *floatSection) weightBytes() int {
	n := len(s.exit)
	for _, b := range s.blocks {
		n += b.out.Channels * (b.in.Channels*9 + 3) // 3: the norm's mean, scale and shift
	}
	if s.norm != nil {
		n += 3 * s.plan.classes
	}
	return 4 * n
}
