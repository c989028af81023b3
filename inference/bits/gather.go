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
		if each == 4 {
			group[0] |= w & 0xffff << (shift & 63)
			group[1] |= w >> 16 & 0xffff << (shift & 63)
			group[2] |= w >> 32 & 0xffff << (shift & 63)
			group[3] |= w >> 48 << (shift & 63)
		} else {
			for i := range group {
				group[i] |= w & mask << (shift & 63)
				w >>= uint(n) & 63
			}
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
// words hold: a transposition of nibbles, by joining them to ever longer lanes.
func interleave4(px *[16]uint64, w *[6]uint64) {
	const nibbles = 0x0f0f0f0f0f0f0f0f
	lanes8((*[15]uint64)(px[:]),
		w[0]&nibbles|w[1]&nibbles<<4, w[2]&nibbles|w[3]&nibbles<<4, w[4]&nibbles|w[5]&nibbles<<4)
	lanes8((*[15]uint64)(px[1:]),
		w[0]>>4&nibbles|w[1]&^nibbles, w[2]>>4&nibbles|w[3]&^nibbles, w[4]>>4&nibbles|w[5]&^nibbles)
}

// lanes8 sets every other pixel from the bytes of three pairs of sources.
func lanes8(px *[15]uint64, a, b, c uint64) {
	const pairs = 0x0000ffff0000ffff
	ab, cc := a&even8|b&even8<<8, c&even8
	x, y := ab&pairs|cc&pairs<<16, ab>>16&pairs|cc&^pairs
	px[0], px[8] = x&0xffffffff, x>>32
	px[4], px[12] = y&0xffffffff, y>>32
	ab, cc = a>>8&even8|b&^even8, c>>8&even8
	x, y = ab&pairs|cc&pairs<<16, ab>>16&pairs|cc&^pairs
	px[2], px[10] = x&0xffffffff, x>>32
	px[6], px[14] = y&0xffffffff, y>>32
}
