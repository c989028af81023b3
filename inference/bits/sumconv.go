package bits

import (
	"fmt"
	mathbits "math/bits"

	"ganglion/inference/topology"
)

// SumConv is a binary convolution block on the sum of the maps of the seen
// sources: average pooling (AP) of features without its division, which the
// thresholds take in, one list of them for each number of seen sources. It is
// immutable and safe for concurrent use, each call with its own scratch.
type SumConv struct {
	source  topology.Shape
	sources int
	pooler  pooler
	weights weights
	chunks  []chunk
	limits  [][]limit                         // [number of seen sources - 1][bank]
	flips   [][topology.MaxFilters / 8]uint64 // [number of seen sources - 1]
}

// NewSumConv makes a block for up to the given number of sources, each of shape
// source, from weights, a bit string of [filter, channel, ky, kx] with 1 for
// +1, and the thresholds t[n-1][filter] for n seen sources, which are about the
// sum over the sources (n times their average). It panics on lengths and shapes
// that do not fit one another.
func NewSumConv(source topology.Shape, sources int, block topology.Block, weights []byte, t [][]Threshold) *SumConv {
	mustShape(source, topology.MaxFilters)
	if sources < 1 || sources > topology.MaxViews {
		panic(fmt.Sprintf("bits: %d sources are out of range", sources))
	}
	mustLen("lists of thresholds", len(t), sources)
	for _, list := range t {
		mustBlock(block, source.Channels, weights, len(list))
	}
	k := &SumConv{
		source:  source,
		sources: sources,
		pooler:  newPooler(source, block, nil),
		weights: newWeights(source.Channels, block.Filters, weights, true),
		chunks:  newChunks(source.Channels, 1),
		limits:  make([][]limit, sources),
		flips:   make([][topology.MaxFilters / 8]uint64, sources),
	}
	for i := range sources {
		k.limits[i] = k.newLimits(i+1, t[i])
		k.flips[i] = flips(t[i])
	}
	return k
}

// newLimits is the limits for n seen sources. The planes of [countPlanes] count
// n times between them, so that with q weighted matches S = 2q - n*taps.
func (k *SumConv) newLimits(n int, t []Threshold) []limit {
	limits := make([]limit, k.weights.banks)
	for f := range t {
		var least [classes]int
		for class := range least {
			least[class] = leastMatches(n*k.source.Channels*insideTaps(class), t[f].At)
		}
		limits[f/bankFilters].set(f%bankFilters, &least, true)
	}
	return limits
}

// Out is the shape of the map that Apply writes.
func (k *SumConv) Out() topology.Shape { return k.pooler.out }

// WeightBytes implements [Kernel].
func (k *SumConv) WeightBytes() int {
	return k.weights.tableBytes() + k.sources*(limitBytes*len(k.limits[0])+8*len(k.flips[0]))
}

// ScratchBytes implements [Kernel].
func (k *SumConv) ScratchBytes() int { return k.need().bytes() }

func (k *SumConv) need() need {
	n := k.weights.need(&k.pooler)
	n.pixels = (mathbits.Len(uint(k.sources)) + 1) * k.source.Cols
	return n
}

// Apply writes to dst, Words(Out()) long, the map of the sum of the seen maps
// of src, bit i of seen for src[i]. An unseen one is not read and may be nil.
// It panics on lengths that do not fit, if no source was seen, and if seen
// names one that does not exist.
func (k *SumConv) Apply(dst []uint64, src [][]uint64, seen uint64, s *Scratch) {
	mustLen("words of the output", len(dst), Words(k.pooler.out))
	mustSources(src, k.sources, seen, Words(k.source))
	n := mathbits.OnesCount64(seen)
	if n == 0 {
		panic("bits: no source was seen")
	}
	s.must(k.need())
	clear(dst)
	p := k.pooler
	p.flip = k.flips[n-1]
	run := newRun(&k.weights, &p, k.limits[n-1], dst, s)
	cols := k.source.Cols
	px := s.pixels[:cols]
	planes := s.pixels[cols:][:mathbits.Len(uint(n))*cols]
	for r := range k.source.Rows {
		run.begin(r)
		for i, chunk := range k.chunks {
			clear(planes)
			for source := range src {
				if seen>>source&1 == 1 {
					gather(px, src[source:][:1], 1, chunk, k.source, r)
					countPlanes(planes, px)
				}
			}
			top := evenPlanes(planes, n, cols)
			for j := 0; (j+1)*cols < len(planes); j++ {
				run.add(planes[j*cols:][:cols], i, 1<<j)
			}
			run.add(planes[len(planes)-cols:], i, top)
		}
		run.end()
	}
	run.finish()
}

// countPlanes adds the bits of px to the counts in planes [plane, col], of
// which plane j counts 2^j: one ripple-carry addition for 64 bits at a time.
func countPlanes(planes, px []uint64) {
	for c, x := range px {
		for i := c; i < len(planes); i += len(px) {
			planes[i], x = planes[i]^x, planes[i]&x
		}
	}
}

// evenPlanes changes what the last plane counts to what makes the planes count
// n together, and returns it. Every count from 0 to n still has its planes, and
// with n ones and minus ones, 2*count - n is the sum over the planes of what a
// plane counts, positive where its bit is 1 and negative where it is 0: no
// constant is left over, and nothing exceeds n.
func evenPlanes(planes []uint64, n, cols int) uint64 {
	last := len(planes) - cols
	half := 1 << (last / cols)
	top := n - (half - 1)
	for c := range cols {
		// Where the last plane is set it gives up half-top, which is added to
		// the planes below it.
		set, carry := planes[last+c], uint64(0)
		for j, i := 0, c; i < last; j, i = j+1, i+cols {
			x, y := planes[i], set&-uint64((half-top)>>j&1)
			planes[i] = x ^ y ^ carry
			carry = x&y | (x|y)&carry
		}
	}
	return uint64(top)
}
