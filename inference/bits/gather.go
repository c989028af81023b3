package bits

import "ganglion/inference/topology"

// chunk is up to chunkChannels of the channels of all sources.
type chunk []piece

// piece is a run of channels of one source and where they go in a chunk.
type piece struct {
	source, first, n int
	shift            uint
}

func newChunks(channels, sources int) []chunk {
	total := channels * sources
	chunks := make([]chunk, (total+chunkChannels-1)/chunkChannels)
	for c := 0; c < total; {
		i, shift := c/chunkChannels, c%chunkChannels
		first := c % channels
		n := min(channels-first, chunkChannels-shift)
		chunks[i] = append(chunks[i], piece{source: c / channels, first: first, n: n, shift: uint(shift)})
		c += n
	}
	return chunks
}

// gather sets px, one word a pixel, to the bits of a chunk in row r of the
// seen maps of shape s; those of others are 0.
func gather(px []uint64, src [][]uint64, seen uint64, ch chunk, s topology.Shape, r int) {
	if s.Channels == 4 && s.Cols%16 == 0 {
		gather4(px, src, seen, ch, r)
		return
	}
	clear(px)
	pos := r * s.Cols * s.Channels
	for _, p := range ch {
		switch {
		case seen>>p.source&1 == 0:
		case p.n == s.Channels && 64%p.n == 0 && pos&63 == 0:
			gatherWords(px, src[p.source][pos>>6:], p.n, p.shift)
		default:
			gatherBits(px, src[p.source], pos+p.first, s.Channels, p.n, p.shift)
		}
	}
}

// gatherBits adds to px n bits of each pixel, shifted. The first is bit pos of
// m, and a pixel has stride bits.
func gatherBits(px, m []uint64, pos, stride, n int, shift uint) {
	for c := range px {
		px[c] |= get(m, pos, n) << (shift & 63)
		pos += stride
	}
}

// gatherWords adds to px all n bits of each pixel, shifted, where the first
// word of m begins with the first pixel and no pixel straddles two words.
func gatherWords(px, m []uint64, n int, shift uint) {
	mask := ^uint64(0) >> uint(64-n)
	each := 64 / n
	for len(px) > each {
		group, w := px[:each], m[0]
		for i := range group {
			group[i] |= w & mask << (shift & 63)
			w >>= uint(n) & 63
		}
		px, m = px[each:], m[1:]
	}
	w := m[0]
	for i := range px {
		px[i] |= w & mask << (shift & 63)
		w >>= uint(n) & 63
	}
}

// gather4 is gather for sources of four channels, the paper's, whose rows are
// whole words of 16 pixels.
func gather4(px []uint64, src [][]uint64, seen uint64, ch chunk, r int) {
	for c := 0; c+16 <= len(px); c += 16 {
		word := (r*len(px) + c) >> 4
		var w [chunkChannels / 4]uint64
		for i, p := range ch {
			if i < len(w) && seen>>p.source&1 == 1 {
				w[i] = src[p.source][word]
			}
		}
		interleave4((*[16]uint64)(px[c:]), &w)
	}
}

// interleave4 makes the 24 bits of 16 pixels of the four bits of each that six
// words hold: a transposition of nibbles, by exchanging ever larger blocks.
func interleave4(px *[16]uint64, w *[6]uint64) {
	const (
		nibbles = 0x0f0f0f0f0f0f0f0f
		pairs   = 0x0000ffff0000ffff
	)
	// Bytes of two channels' nibbles: of the even pixels, and of the odd ones.
	even01, odd01 := w[0]&nibbles|w[1]&nibbles<<4, w[0]>>4&nibbles|w[1]&^nibbles
	even23, odd23 := w[2]&nibbles|w[3]&nibbles<<4, w[2]>>4&nibbles|w[3]&^nibbles
	even45, odd45 := w[4]&nibbles|w[5]&nibbles<<4, w[4]>>4&nibbles|w[5]&^nibbles
	for parity := range 2 {
		// Lanes of 16 bits of four sources: of pixels 0, 4, 8, 12 and 2, 6, 10,
		// 14, then lanes of 32 bits.
		a, b := even01&even8|even23&even8<<8, even01>>8&even8|even23&^even8
		c, d := even45&even8, even45>>8&even8
		for i, q := range [2][2]uint64{{a, c}, {b, d}} {
			low, high := q[0]&pairs|q[1]&pairs<<16, q[0]>>16&pairs|q[1]&^pairs
			at := parity + 2*i
			px[at], px[at+8] = low&0xffffffff, low>>32
			px[at+4], px[at+12] = high&0xffffffff, high>>32
		}
		even01, even23, even45 = odd01, odd23, odd45
	}
}
