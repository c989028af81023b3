package bits

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/topology"
)

// The kernels that the tables of BitConv were chosen over, for blocks without a
// pool on sources that were all seen. They are exact, as TestRivals shows, and
// run beside it in BenchmarkRivals.

// popcountConv is the usual kernel: the bits of the taps of a pixel in up to
// five words, as many taps to a word as fit, XOR and population count for every
// filter.
type popcountConv struct {
	like    *BitConv
	per     int // taps of a word
	words   int
	weights [][5]uint64 // [filter]
	least   []int       // [class, filter]
}

func newPopcountConv(k *BitConv, w []int) *popcountConv {
	filters, channels := len(k.thresholds), k.weights.channels
	p := &popcountConv{like: k, per: 64 / channels}
	p.words = (taps + p.per - 1) / p.per
	p.weights = make([][5]uint64, filters)
	for i, v := range w {
		if f, c, tap := i/taps/channels, i/taps%channels, i%taps; v == 1 {
			p.weights[f][tap/p.per] |= 1 << (tap%p.per*channels + c)
		}
	}
	for class := range classes {
		for f, t := range k.thresholds {
			// A pad is read as 0, which matches the weights -1 beyond the map.
			pads := 0
			for tap := range taps {
				if !inside(class, tap/3, tap%3) {
					pads += channels - bits.OnesCount64(p.weights[f][tap/p.per]>>(tap%p.per*channels)&(1<<channels-1))
				}
			}
			p.least = append(p.least, leastMatches(channels*insideTaps(class), t.At)+pads)
		}
	}
	return p
}

// apply writes the bits of the filters of each pixel to dst.
func (p *popcountConv) apply(dst []uint64, src [][]uint64, px []uint64) {
	s := p.like.source
	cols := s.Cols + 2
	for r := range s.Rows {
		gather(px[(r+1)*cols+1:][:s.Cols], src, p.like.all(), p.like.chunks[0], s, r)
	}
	channels, filters := uint(p.like.weights.channels), len(p.like.thresholds)
	for r := range s.Rows {
		for c := range s.Cols {
			var x [5]uint64
			for ky := range 3 {
				row := px[(r+ky)*cols+c:][:3]
				for kx, v := range row {
					tap := 3*ky + kx
					x[tap/p.per] |= v << (uint(tap%p.per) * channels & 63)
				}
			}
			least := p.least[(edge(r, s.Rows)*4+edge(c, s.Cols))*filters:][:filters]
			var out uint64
			for f, at := range least {
				w := &p.weights[f]
				differ := bits.OnesCount64(w[0]^x[0]) + bits.OnesCount64(w[1]^x[1]) + bits.OnesCount64(w[2]^x[2])
				if p.words > 3 {
					differ += bits.OnesCount64(w[3]^x[3]) + bits.OnesCount64(w[4]^x[4])
				}
				out |= uint64(at-1-9*int(channels)+differ) >> 63 << f
			}
			dst[r*s.Cols+c] = out
		}
	}
}

// slicedConv counts in bit slices: 64 pixels to a word, carry-save adders over
// the triples of taps of one channel and row (the Harley-Seal scheme), for maps
// whose pixels fill their words.
type slicedConv struct {
	like     *BitConv
	words    int         // of a plane
	patterns []uint8     // [filter, channel, ky], twice the pattern
	limits   [][8]uint64 // [filter, word]: 255 - the largest number of mismatches, in slices
	table    [][16]uint64
}

func newSlicedConv(k *BitConv, w []int) *slicedConv {
	s, channels := k.source, k.weights.channels
	p := &slicedConv{like: k, words: s.Pixels() / 64, patterns: make([]uint8, len(w)/3)}
	for i, v := range w {
		if v == 1 {
			p.patterns[i/3] |= 2 << (i % 3)
		}
	}
	p.table = make([][16]uint64, channels*3)
	p.limits = make([][8]uint64, len(k.thresholds)*p.words)
	for f, t := range k.thresholds {
		for pixel := range s.Pixels() {
			class := edge(pixel/s.Cols, s.Rows)*4 + edge(pixel%s.Cols, s.Cols)
			n := channels * insideTaps(class)
			most := n - leastMatches(n, t.At) // mismatches; -1 for never
			for c := range channels {
				for tap := range taps {
					if !inside(class, tap/3, tap%3) && w[(f*channels+c)*taps+tap] == 1 {
						most++ // a pad is 0, a mismatch of a weight +1
					}
				}
			}
			for j := range 8 {
				p.limits[f*p.words+pixel/64][j] |= uint64((most+1)>>j&1) << (pixel % 64)
			}
		}
	}
	return p
}

// apply writes planes [filter, word] from planes [channel, word].
func (p *slicedConv) apply(dst, planes []uint64) {
	cols, channels := p.like.source.Cols, p.like.weights.channels
	var left, right uint64 // pixels of the first and last column
	for i := 0; i < 64; i += cols {
		left |= 1 << i
		right |= 1 << (i + cols - 1)
	}
	for word := range p.words {
		for c := range channels {
			plane := planes[c*p.words:][:p.words]
			for ky := range 3 {
				at := word*64 + (ky-1)*cols
				fillTriple(&p.table[c*3+ky], window(plane, at-1)&^left, window(plane, at), window(plane, at+1)&^right)
			}
		}
		for f := range p.like.thresholds {
			patterns := p.patterns[f*channels*3:][:channels*3]
			dst[f*p.words+word] = p.count(patterns, &p.limits[f*p.words+word])
		}
	}
}

// window is 64 bits of a plane from bit at on, 0 beyond it.
func window(plane []uint64, at int) uint64 {
	word, shift := at>>6, uint(at&63)
	var v uint64
	if word >= 0 && word < len(plane) {
		v = plane[word] >> shift
	}
	if shift != 0 && word+1 >= 0 && word+1 < len(plane) {
		v |= plane[word+1] << (64 - shift)
	}
	return v
}

// fillTriple sets t to sum and carry of the mismatches with each pattern.
func fillTriple(t *[16]uint64, l, c, r uint64) {
	for pattern := range uint64(4) {
		x, y, z := l^-(pattern&1), c^-(pattern>>1), r
		sum, carry := x^y^z, x&y|(x|y)&z
		t[2*pattern], t[2*pattern+1] = sum, carry
		t[14-2*pattern], t[15-2*pattern] = ^sum, ^carry
	}
}

func add3(a, b, c uint64) (sum, carry uint64) {
	u := a ^ b
	return u ^ c, a&b | u&c
}

func (p *slicedConv) count(patterns []uint8, limit *[8]uint64) uint64 {
	var n [8]uint64
	ones, twos, fours, eights := uint64(0), uint64(0), uint64(0), uint64(0)
	table := p.table[:len(patterns)]
	for i := 0; i+4 <= len(patterns) && i+4 <= len(table); i += 4 {
		p0, p1, p2, p3 := patterns[i]&14, patterns[i+1]&14, patterns[i+2]&14, patterns[i+3]&14
		var a, b, c, d, e, f uint64
		ones, a = add3(ones, table[i][p0], table[i+1][p1])
		ones, b = add3(ones, table[i+2][p2], table[i+3][p3])
		twos, c = add3(twos, table[i][p0+1], table[i+1][p1+1])
		twos, d = add3(twos, table[i+2][p2+1], table[i+3][p3+1])
		twos, e = add3(twos, a, b)
		fours, f = add3(fours, c, d)
		fours, e = fours^e, fours&e
		eights, f = add3(eights, e, f)
		for j := 4; j < 8; j++ {
			n[j], f = n[j]^f, n[j]&f
		}
	}
	n[0], n[1], n[2], n[3] = ones, twos, fours, eights
	var less uint64 // mismatches < limit
	for j := range n {
		less = ^n[j]&limit[j] | ^(n[j]^limit[j])&less
	}
	return less
}

// rivals is one block in three ways.
type rivals struct {
	tables   *BitConv
	popcount *popcountConv
	sliced   *slicedConv
	src      [][]uint64
	planes   []uint64
	px       []uint64
	scratch  *Scratch
}

func newRivals(channels, sources int) *rivals {
	r := rand.New(rand.NewPCG(6, uint64(channels)))
	s := topology.Shape{Channels: channels, Rows: 16, Cols: 16}
	w := randomSigns(r, ConvBits(channels*sources, 16))
	k := NewBitConv(s, sources, topology.Block{Filters: 16}, bitString(w), randomThresholds(r, 16, 60))
	v := &rivals{
		tables: k, popcount: newPopcountConv(k, w), sliced: newSlicedConv(k, w),
		px: make([]uint64, 18*18), scratch: NewScratch(k),
		planes: make([]uint64, channels*sources*4),
	}
	for i := range sources {
		x := randomSigns(r, s.Size())
		v.src = append(v.src, memory(s, x))
		for j, sign := range x {
			if sign == 1 {
				v.planes[i*channels*4+j/64] |= 1 << (j % 64)
			}
		}
	}
	return v
}

// TestRivals keeps the comparison honest: what is timed computes the same.
func TestRivals(t *testing.T) {
	for _, tc := range []struct{ channels, sources int }{{4, 6}, {16, 1}} {
		v := newRivals(tc.channels, tc.sources)
		got := make([]uint64, Words(v.tables.Out()))
		v.tables.Apply(got, v.src, v.tables.all(), v.scratch)
		want := elements(v.tables.Out(), got)
		popcount, planes := make([]uint64, 256), make([]uint64, 16*4)
		v.popcount.apply(popcount, v.src, v.px)
		v.sliced.apply(planes, v.planes)
		a, b := make([]int, len(want)), make([]int, len(want))
		for f, threshold := range v.tables.thresholds {
			flip := uint64(0)
			if threshold.Flip {
				flip = 1
			}
			for i := range 256 {
				a[f*256+i] = 2*int(popcount[i]>>f&1^flip) - 1
				b[f*256+i] = 2*int(planes[f*4+i/64]>>(i%64)&1^flip) - 1
			}
		}
		if diff := cmp.Diff(want, a); diff != "" {
			t.Errorf("%+v: population count differs (-want +got):\n%s", tc, diff)
		}
		if diff := cmp.Diff(want, b); diff != "" {
			t.Errorf("%+v: bit slices differ (-want +got):\n%s", tc, diff)
		}
	}
}

// BenchmarkRivals is the two convolutions of the cloud, without their pools,
// in each way.
func BenchmarkRivals(b *testing.B) {
	for _, bm := range []struct {
		name              string
		channels, sources int
	}{{"conv1", 4, 6}, {"conv2", 16, 1}} {
		v := newRivals(bm.channels, bm.sources)
		out := make([]uint64, 256)
		b.Run(bm.name+"/tables", func(b *testing.B) {
			for b.Loop() {
				v.tables.Apply(out[:Words(v.tables.Out())], v.src, v.tables.all(), v.scratch)
			}
		})
		b.Run(bm.name+"/popcount", func(b *testing.B) {
			for b.Loop() {
				v.popcount.apply(out, v.src, v.px)
			}
		})
		b.Run(bm.name+"/slices", func(b *testing.B) {
			for b.Loop() {
				v.sliced.apply(out, v.planes)
			}
		})
	}
}
