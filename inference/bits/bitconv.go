package bits

import (
	"fmt"
	mathbits "math/bits"

	"ganglion/inference/topology"
)

// MaxChannels is the largest number of channels of the input of a convolution
// of bits, all sources together.
const MaxChannels = topology.MaxViews * topology.MaxFilters

// BitConv is a binary convolution block on bits. Its input is the concatenation
// (CC) of the maps of one or more sources; the channels of a source that was
// not seen are exact zeros. It is immutable and safe for concurrent use, each
// call with its own scratch.
type BitConv struct {
	source     topology.Shape
	sources    int
	pooler     pooler
	weights    weights
	chunks     []chunk
	thresholds []Threshold
	zeros      []uint16 // [source, class, filter]: weights -1 on the map
	limits     []limit  // [bank] with every source seen
}

// NewBitConv makes a block for the given number of sources, each of shape
// source, from weights, a bit string of [filter, source, channel, ky, kx] with
// 1 for +1, and one threshold per filter. It panics on lengths and shapes that
// do not fit one another.
func NewBitConv(source topology.Shape, sources int, block topology.Block, weights []byte, t []Threshold) *BitConv {
	mustShape(source, MaxChannels)
	channels := source.Channels * sources
	if sources < 1 || sources > topology.MaxViews || channels > MaxChannels {
		panic(fmt.Sprintf("bits: %d sources of %d channels are out of range", sources, source.Channels))
	}
	mustBlock(block, channels, weights, len(t))
	k := &BitConv{
		source:     source,
		sources:    sources,
		pooler:     newPooler(source, block, t),
		weights:    newWeights(channels, block.Filters, weights, channels > narrowChannels),
		chunks:     newChunks(source.Channels, sources),
		thresholds: append([]Threshold(nil), t...),
		zeros:      make([]uint16, sources*classes*block.Filters),
	}
	for s := range sources {
		for f := range block.Filters {
			zeros := countZeros(weights, (f*channels+s*source.Channels)*taps, source.Channels)
			for class, n := range zeros {
				k.zeros[(s*classes+class)*block.Filters+f] = uint16(n)
			}
		}
	}
	k.limits = make([]limit, k.weights.banks)
	k.fillLimits(k.limits, k.all())
	return k
}

// countZeros is the number of weights -1 of one filter for n channels, from bit
// first of the weights on, that lie on the map at a pixel of each border class.
func countZeros(weights []byte, first, n int) (zeros [classes]int) {
	var at [taps]int
	for i := range n * taps {
		at[i%taps] += int(1 - bit(weights, first+i))
	}
	for class := range zeros {
		for tap, n := range at {
			if inside(class, tap/3, tap%3) {
				zeros[class] += n
			}
		}
	}
	return zeros
}

// all is the mask of all sources.
func (k *BitConv) all() uint64 { return ^uint64(0) >> uint(64-k.sources) }

// fillLimits sets dst to the limits for a mask of seen sources.
//
// With q matches among the n weights that are on the map and belong to a seen
// source, S = 2q - n. The bits of an unseen source are read as 0, which matches
// each of its weights -1: those are added to the limit instead of being left
// out of the count.
func (k *BitConv) fillLimits(dst []limit, seen uint64) {
	clear(dst)
	n := k.source.Channels * mathbits.OnesCount64(seen)
	for f, t := range k.thresholds {
		var least [classes]int
		for class := range least {
			least[class] = leastMatches(n*insideTaps(class), t.At)
			for unseen := k.all() &^ seen; unseen != 0; unseen &= unseen - 1 {
				s := mathbits.TrailingZeros64(unseen)
				least[class] += int(k.zeros[(s*classes+class)*len(k.thresholds)+f])
			}
		}
		dst[f/bankFilters].set(f%bankFilters, &least, k.weights.wide)
	}
}

// Out is the shape of the map that Apply writes.
func (k *BitConv) Out() topology.Shape { return k.pooler.out }

// WeightBytes implements [Kernel].
func (k *BitConv) WeightBytes() int {
	return k.weights.tableBytes() + 2*len(k.zeros) + limitBytes*len(k.limits) + 8*len(k.thresholds)
}

// ScratchBytes implements [Kernel].
func (k *BitConv) ScratchBytes() int { return k.need().bytes() }

func (k *BitConv) need() need {
	n := k.weights.need(&k.pooler)
	n.pixels = k.source.Cols
	n.limits = len(k.limits)
	return n
}

// Apply writes to dst, Words(Out()) long, the map of the sources src. Bit i of
// seen says that source i was seen; an unseen one is not read and may be nil.
// It panics on lengths that do not fit, and if seen names a source that does
// not exist.
func (k *BitConv) Apply(dst []uint64, src [][]uint64, seen uint64, s *Scratch) {
	mustLen("words of the output", len(dst), Words(k.pooler.out))
	mustSources(src, k.sources, seen, Words(k.source))
	s.must(k.need())
	clear(dst)
	limits := k.limitsFor(seen, s)
	run := newRun(&k.weights, &k.pooler, limits, dst, s)
	px := s.pixels[:k.source.Cols]
	for r := range k.source.Rows {
		run.begin(r)
		for i, chunk := range k.chunks {
			gather(px, src, seen, chunk, k.source, r)
			run.add(px, i, 1)
		}
		run.end()
	}
	run.finish()
}

// limitsFor is the limits for a mask, from the kernel or from the scratch.
func (k *BitConv) limitsFor(seen uint64, s *Scratch) []limit {
	if seen == k.all() {
		return k.limits
	}
	limits := s.limits[:len(k.limits)]
	if s.limitsOf != k || s.seen != seen {
		k.fillLimits(limits, seen)
		s.limitsOf, s.seen = k, seen
	}
	return limits
}
