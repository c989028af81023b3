package bits

import (
	"encoding/binary"

	"ganglion/inference/topology"
)

// ByteConv is a binary convolution block on 8-bit pixels: the first layer of a
// device. It is immutable and safe for concurrent use, each call with its own
// scratch.
type ByteConv struct {
	in       topology.Shape
	pooler   pooler
	strips   int      // strips of a row
	patterns []uint8  // [filter, channel, ky]: signs of a row of taps, bit kx+1 for kx
	bias     []uint64 // [filter]: what makes the high bit of a lane say S >= At
}

// maxSum is the largest magnitude of the sum of a ByteConv.
const maxSum = topology.MaxChannels * taps * 255

// NewByteConv makes a block for pixels of shape in from weights, a bit string
// of [filter, channel, ky, kx] with 1 for +1, and one threshold per filter. It
// panics on lengths and shapes that do not fit one another.
func NewByteConv(in topology.Shape, block topology.Block, weights []byte, t []Threshold) *ByteConv {
	mustShape(in, topology.MaxChannels)
	mustBlock(block, in.Channels, weights, len(t))
	k := &ByteConv{
		in:       in,
		pooler:   newPooler(in, block, t),
		strips:   (in.Cols + 31) / 32,
		patterns: make([]uint8, block.Filters*in.Channels*3),
		bias:     make([]uint64, block.Filters),
	}
	for i := range k.patterns {
		for kx := range 3 {
			k.patterns[i] |= uint8(bit(weights, 3*i+kx) << (kx + 1))
		}
	}
	for f := range k.bias {
		at := min(max(int64(t[f].At), -maxSum), maxSum+1)
		k.bias[f] = uint64(1<<15-at) * 0x0001000100010001
	}
	return k
}

// Out is the shape of the map that Apply writes.
func (k *ByteConv) Out() topology.Shape { return k.pooler.out }

// WeightBytes implements [Kernel].
func (k *ByteConv) WeightBytes() int { return len(k.patterns) + 8*len(k.bias) }

// ScratchBytes implements [Kernel].
func (k *ByteConv) ScratchBytes() int { return k.need().bytes() }

func (k *ByteConv) need() need {
	return need{
		words:  k.pooler.ringWords() + 4*k.strips,
		strips: 3 * k.in.Channels * k.strips,
	}
}

// Apply writes to dst, Words(Out()) long, the map of the pixels src [channel,
// row, col]. It panics on lengths that do not fit.
func (k *ByteConv) Apply(dst []uint64, src []byte, s *Scratch) {
	mustLen("words of the output", len(dst), Words(k.pooler.out))
	mustLen("pixels", len(src), k.in.Size())
	s.must(k.need())
	clear(dst)
	ring := s.words[:k.pooler.ringWords()]
	clear(ring)
	bits := s.words[len(ring):][:4*k.strips]
	n := k.in.Channels * k.strips
	// The triples of the rows above, at and below a row of output; those beyond
	// the map are zero.
	above, at, below := s.strips[:n], s.strips[n:][:n], s.strips[2*n:][:n]
	clear(at)
	k.expand(below, src, 0)
	for r := range k.in.Rows {
		above, at, below = at, below, above
		if r+1 < k.in.Rows {
			k.expand(below, src, r+1)
		} else {
			clear(below)
		}
		for octet := range k.pooler.octets {
			k.octet(bits, above, at, below, octet)
			k.pooler.push(dst, ring, octet, r, bits)
		}
	}
}

// strip is the triples of 32 pixels of one channel: for each eight pixels and
// each pattern of signs (bit kx set: +1 for the neighbour kx-1 columns on) the
// sums of each pixel and its two neighbours, [eight pixels, pattern, parity].
// Of eight pixels, the even ones are the four lanes of 16 bits of the first
// word, the odd ones those of the second.
//
// A word is the integer sum of value * 2^(16*lane), modulo 2^64. Negative
// values borrow from the lanes above, so that only a total that is known to be
// positive in every lane can be taken apart; sums of words are exact all the
// same.
type strip [4 * stride]uint64

const (
	stride     = 8 * 2 // words of eight pixels of a strip
	stripBytes = 4 * stride * 8
)

// column is the triples of one pattern in a strip: word stride*j is the even
// pixels of eight, the next one the odd ones.
type column [3*stride + 2]uint64

// column is the triples of a pattern, given as twice its number.
func (t *strip) column(pattern uint8) *column { return (*column)(t[pattern&14:]) }

// expand makes the triples [strip, channel] of row r of the pixels.
func (k *ByteConv) expand(dst []strip, src []byte, r int) {
	for c := range k.in.Channels {
		row := src[(c*k.in.Rows+r)*k.in.Cols:][:k.in.Cols]
		var before byte
		for i := c; i < len(dst); i += k.in.Channels {
			if len(row) < 32 {
				var tail [32]byte
				copy(tail[:], row)
				triples(&dst[i], &tail, before, 0)
				break
			}
			pixels := (*[32]byte)(row)
			row = row[32:]
			var after byte
			if len(row) > 0 {
				after = row[0]
			}
			triples(&dst[i], pixels, before, after)
			before = pixels[31]
		}
	}
}

// triples makes a strip from its pixels and the one on either side.
func triples(dst *strip, pixels *[32]byte, before, after byte) {
	x, last := binary.LittleEndian.Uint64(pixels[:]), uint64(before)
	for j := range 4 {
		next := uint64(after)
		if j < 3 {
			next = binary.LittleEndian.Uint64(pixels[8*j+8:])
		}
		t := (*[stride]uint64)(dst[j*stride:])
		even, odd := x&even8, x>>8&even8
		x = next

		left := odd<<16 | last
		last = odd >> 48
		sum, diff := left+odd, left-odd
		v := sum + even
		t[2*7], t[2*0] = v, -v
		v = sum - even
		t[2*5], t[2*2] = v, -v
		v = diff + even
		t[2*3], t[2*4] = v, -v
		v = diff - even
		t[2*1], t[2*6] = v, -v

		right := even>>16 | next<<56>>8
		sum, diff = even+right, even-right
		v = sum + odd
		t[2*7+1], t[2*0+1] = v, -v
		v = sum - odd
		t[2*5+1], t[2*2+1] = v, -v
		v = diff + odd
		t[2*3+1], t[2*4+1] = v, -v
		v = diff - odd
		t[2*1+1], t[2*6+1] = v, -v
	}
}

// octet sets bits to a row of pre-pool bits of eight filters, as a pooler takes
// it.
func (k *ByteConv) octet(bits []uint64, above, at, below []strip, octet int) {
	first, end := 8*octet, min(8*octet+8, len(k.bias))
	channels := k.in.Channels
	for s := range k.strips {
		rows := (*[4]uint64)(bits[4*s:])
		clear(rows[:])
		a, b, c := above[s*channels:][:channels], at[s*channels:][:channels], below[s*channels:][:channels]
		patterns := k.patterns[first*3*channels:]
		for f := first; f < end; f++ {
			if channels == 3 {
				nine(rows, (*[3]strip)(a), (*[3]strip)(b), (*[3]strip)(c), (*[9]uint8)(patterns), k.bias[f])
			} else {
				threes(rows, a, b, c, patterns, k.bias[f])
			}
			patterns = patterns[3*channels:]
		}
		for j := range rows {
			rows[j] >>= uint(first+8-end) & 7
		}
	}
}

// nine moves the bits of each byte of rows, a pixel, down by one and sets its
// high bit to the pre-pool bit of a filter on three channels. p is the filter's
// patterns [channel, ky].
func nine(rows *[4]uint64, above, at, below *[3]strip, p *[9]uint8, bias uint64) {
	a, b, c := above[0].column(p[0]), at[0].column(p[1]), below[0].column(p[2])
	d, e, f := above[1].column(p[3]), at[1].column(p[4]), below[1].column(p[5])
	g, h, i := above[2].column(p[6]), at[2].column(p[7]), below[2].column(p[8])
	for n := range rows {
		j := n * stride
		even := bias + a[j] + b[j] + c[j] + d[j] + e[j] + f[j] + g[j] + h[j] + i[j]
		j++
		odd := bias + a[j] + b[j] + c[j] + d[j] + e[j] + f[j] + g[j] + h[j] + i[j]
		rows[n] = rows[n]>>1 | even&high16>>8 | odd&high16
	}
}

// threes is nine for any number of channels.
func threes(rows *[4]uint64, above, at, below []strip, p []uint8, bias uint64) {
	even, odd := [4]uint64{bias, bias, bias, bias}, [4]uint64{bias, bias, bias, bias}
	for i := range above {
		a, b, c := above[i].column(p[3*i]), at[i].column(p[3*i+1]), below[i].column(p[3*i+2])
		for n := range rows {
			j := n * stride
			even[n] += a[j] + b[j] + c[j]
			j++
			odd[n] += a[j] + b[j] + c[j]
		}
	}
	for n := range rows {
		rows[n] = rows[n]>>1 | even[n]&high16>>8 | odd[n]&high16
	}
}
