package bits

import "ganglion/inference/topology"

// pooler takes the rows of pre-pool bits of a block from top to bottom, pools
// them, flips what is to be flipped and writes the output map.
//
// A row comes as bytes, one per pixel, of the eight filters of an octet (a
// group of eight filters; bit i for filter 8*octet+i), eight pixels to a
// uint64. The maximum of a window of signs is the OR of its bits, and a pad,
// being ignored, is 0.
type pooler struct {
	in      topology.Shape // before the pool; Channels is the number of filters
	out     topology.Shape
	pool    topology.Pool
	octets  int
	words   int                             // uint64s of one row of one octet
	flip    [topology.MaxFilters / 8]uint64 // bits to invert, per octet
	invalid uint64                          // bytes of the last word of a row that are no pixels
}

func newPooler(in topology.Shape, b topology.Block, t []Threshold) pooler {
	p := pooler{in: in, out: b.Out(in), pool: b.Pool}
	p.in.Channels = b.Filters
	p.octets = (b.Filters + 7) / 8
	p.words = (in.Cols + 7) / 8
	if n := in.Cols % 8; n != 0 {
		p.invalid = ^uint64(0) << uint(8*n)
	}
	p.flip = flips(t)
	return p
}

// flips is the filters whose thresholds flip, bit i of element o for filter
// 8*o+i.
func flips(t []Threshold) (flip [topology.MaxFilters / 8]uint64) {
	for f, v := range t {
		if v.Flip {
			flip[f>>3] |= 1 << uint(f&7)
		}
	}
	return flip
}

// ringWords is the length of the rows that the pooler keeps.
func (p *pooler) ringWords() int { return p.octets * 4 * p.words }

// push takes row r of an octet. ring is the pooler's memory of ringWords, all
// zero before the first row; dst is the output map, all zero before.
func (p *pooler) push(dst, ring []uint64, octet, r int, row []uint64) {
	row = row[:p.words]
	row[len(row)-1] &^= p.invalid
	if p.pool == topology.NoPool {
		p.emit(dst, octet, r, row)
		return
	}
	ring = ring[octet*4*p.words:][:4*p.words]
	widen(ring[r%3*p.words:][:p.words], row)
	// The three rows of the ring are now the window around row r-1.
	if r > 0 {
		p.window(dst, ring, octet, r-1)
	}
	if r == p.in.Rows-1 {
		clear(ring[(r+1)%3*p.words:][:p.words])
		p.window(dst, ring, octet, r)
	}
}

// window emits the output row whose window is centred on row r, if there is
// one.
func (p *pooler) window(dst, ring []uint64, octet, r int) {
	if p.pool == topology.Stride2 {
		if r&1 != 0 {
			return
		}
		r >>= 1
	}
	n := p.words
	a, b, c, or := ring[:n], ring[n:2*n], ring[2*n:3*n], ring[3*n:4*n]
	for i := range or {
		or[i] = a[i] | b[i] | c[i]
	}
	p.emit(dst, octet, r, or)
}

// widen sets dst to the OR of each pixel of row with its neighbours in the row.
func widen(dst, row []uint64) {
	dst = dst[:len(row)]
	var before uint64
	for i, x := range row {
		v := x | x<<8 | x>>8 | before>>56
		if i+1 < len(row) {
			v |= row[i+1] << 56
		}
		dst[i] = v
		before = x
	}
}

// emit writes output row r of an octet from a row of pooled bits, which it
// uses up.
func (p *pooler) emit(dst []uint64, octet, r int, row []uint64) {
	if p.pool == topology.Stride2 {
		row = halve(row)
	}
	filters := p.out.Channels
	n := min(8, filters-8*octet)
	mask := (uint64(1)<<uint(n) - 1) * ones8
	flip := p.flip[octet] * ones8
	pos := r*p.out.Cols*filters + 8*octet
	for left := p.out.Cols; left > 0; left -= 8 {
		pixels := min(left, 8)
		v := (row[0] ^ flip) & mask
		row = row[1:]
		switch {
		case filters == 4:
			put(dst, pos, 4*pixels, squeeze4(v)&(1<<uint(4*pixels)-1))
		case filters == 8 && pixels == 8:
			put(dst, pos, 64, v)
		case filters == 16 && pixels == 8:
			put(dst, pos, 56, spread16(v))
			put(dst, pos+64, 56, spread16(v>>32))
		default:
			for i := range pixels {
				put(dst, pos+i*filters, n, v&0xff)
				v >>= 8
			}
		}
		pos += 8 * filters
	}
}

// ones8 is a 1 in every byte.
const ones8 = 0x0101010101010101

// halve moves the pixels of even columns of a row to its front.
func halve(row []uint64) []uint64 {
	for i, x := range row {
		x &= even8
		x = (x | x>>8) & 0x0000ffff0000ffff
		x = (x | x>>16) & 0x00000000ffffffff
		if i&1 == 0 {
			row[i>>1] = x
		} else {
			row[i>>1] |= x << 32
		}
	}
	return row[:(len(row)+1)/2]
}

// squeeze4 moves the low halves of the bytes of x next to each other.
func squeeze4(x uint64) uint64 {
	x &= 0x0f0f0f0f0f0f0f0f
	x = (x | x>>4) & even8
	x = (x | x>>8) & 0x0000ffff0000ffff
	return (x | x>>16) & 0x00000000ffffffff
}

// spread16 moves the low four bytes of x to the low halves of four lanes of 16
// bits.
func spread16(x uint64) uint64 {
	x &= 0x00000000ffffffff
	x = (x | x<<16) & 0x0000ffff0000ffff
	return (x | x<<8) & even8
}
