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
	patterns []uint8  // [filter, channel, ky]: signs of a row of taps, bit kx
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
		patterns: make([]uint8, block.Filters*in.Channels*3),
		bias:     make([]uint64, block.Filters),
	}
	for i := range k.patterns {
		for kx := range 3 {
			k.patterns[i] |= uint8(bit(weights, 3*i+kx) << kx)
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
		words: k.pooler.ringWords() + k.pooler.words,
		pairs: 3 * k.slot(),
	}
}

// slot is the length of the triples of one row of pixels: [channel, pattern,
// group of eight pixels].
func (k *ByteConv) slot() int { return k.in.Channels * 8 * k.pooler.words }

// Apply writes to dst, Words(Out()) long, the map of the pixels src [channel,
// row, col].
func (k *ByteConv) Apply(dst []uint64, src []byte, s *Scratch) {
	mustLen("words of the output", len(dst), Words(k.pooler.out))
	mustLen("pixels", len(src), k.in.Size())
	s.must(k.need())
	clear(dst)
	ring := s.words[:k.pooler.ringWords()]
	clear(ring)
	bits := s.words[len(ring):][:k.pooler.words]
	slot := k.slot()
	var rows [3][][2]uint64 // triples of the rows above, at and below a row of output
	for i := range rows {
		rows[i] = s.pairs[i*slot:][:slot]
	}
	clear(rows[1])
	k.expand(rows[2], src, 0)
	for r := range k.in.Rows {
		rows[0], rows[1], rows[2] = rows[1], rows[2], rows[0]
		if r+1 < k.in.Rows {
			k.expand(rows[2], src, r+1)
		} else {
			clear(rows[2])
		}
		for octet := range k.pooler.octets {
			clear(bits)
			for f := 8 * octet; f < min(8*octet+8, k.pooler.in.Channels); f++ {
				k.filter(bits, &rows, f)
			}
			for i, x := range bits {
				bits[i] = transpose(x)
			}
			k.pooler.push(dst, ring, octet, r, bits)
		}
	}
}

// expand makes the triples of row r of the pixels: for every channel and
// pattern of signs the sums of each pixel and its two neighbours, in lanes of
// 16 bits. The first word of a group of eight pixels has the even ones, the
// second the odd ones.
//
// A word is the exact integer sum of lane * 2^(16*lane), modulo 2^64, with
// negative lanes borrowing from those above: only a total in which every lane
// is positive, as the bias of [ByteConv.filter] makes it, can be taken apart.
func (k *ByteConv) expand(dst [][2]uint64, src []byte, r int) {
	n := k.pooler.words
	for c := range k.in.Channels {
		row := src[(c*k.in.Rows+r)*k.in.Cols:][:k.in.Cols]
		triples(dst[c*8*n:][:8*n], row, n)
	}
}

func triples(dst [][2]uint64, row []byte, n int) {
	t0, t1, t2, t3 := dst[:n], dst[n:][:n], dst[2*n:][:n], dst[3*n:][:n]
	t4, t5, t6, t7 := dst[4*n:][:n], dst[5*n:][:n], dst[6*n:][:n], dst[7*n:][:n]
	next, row := eight(row)
	var before uint64
	for i := range t0 {
		x := next
		next, row = eight(row)
		even, odd := x&even8, x>>8&even8
		left := odd<<16 | before>>56
		right := even>>16 | next&0xff<<48
		before = x

		sum, diff := left+odd, left-odd
		t7[i][0], t0[i][0] = even+sum, -even-sum
		t5[i][0], t2[i][0] = sum-even, even-sum
		t3[i][0], t4[i][0] = even+diff, -even-diff
		t1[i][0], t6[i][0] = diff-even, even-diff

		sum, diff = even+right, even-right
		t7[i][1], t0[i][1] = odd+sum, -odd-sum
		t5[i][1], t2[i][1] = sum-odd, odd-sum
		t3[i][1], t4[i][1] = odd+diff, -odd-diff
		t1[i][1], t6[i][1] = diff-odd, odd-diff
	}
}

// eight takes the next eight pixels of a row, with zeros beyond its end.
func eight(row []byte) (uint64, []byte) {
	if len(row) >= 8 {
		return binary.LittleEndian.Uint64(row), row[8:]
	}
	var x uint64
	for i, v := range row {
		x |= uint64(v) << uint(8*i)
	}
	return x, nil
}

// filter sets byte f%8 of each word of bits to the pre-pool bits of filter f
// for eight pixels.
func (k *ByteConv) filter(bits []uint64, rows *[3][][2]uint64, f int) {
	n := len(bits)
	patterns := k.patterns[f*k.in.Channels*3:][:k.in.Channels*3]
	shift := uint(f&7) * 8
	for i := range bits {
		even, odd := k.bias[f], k.bias[f]
		for c := range k.in.Channels {
			for ky, row := range rows {
				t := &row[(c*8+int(patterns[3*c+ky]))*n+i]
				even += t[0]
				odd += t[1]
			}
		}
		bits[i] |= (even&high16>>8 | odd&high16) * collect >> 56 << shift
	}
}

// transpose turns an 8x8 matrix of bits, byte i row i, about its diagonal.
func transpose(x uint64) uint64 {
	t := (x ^ x>>7) & 0x00aa00aa00aa00aa
	x ^= t ^ t<<7
	t = (x ^ x>>14) & 0x0000cccc0000cccc
	x ^= t ^ t<<14
	t = (x ^ x>>28) & 0x00000000f0f0f0f0
	return x ^ t ^ t<<28
}
