package bits

// run is one application of a convolution of bits. It takes the rows of the
// input from top to bottom; each contributes to three rows of output, which
// are summed in a ring and leave it when their last row of input has been
// added.
type run struct {
	w      *weights
	pooler *pooler
	limits []limit // [bank]
	dst    []uint64
	r      int // row of input

	pairs [][2]uint64 // [bank, row mod 3, 1 + col]: sums in lanes of 8 bits; if wide, [1 + col]: those of one chunk
	quads [][4]uint64 // [bank, row mod 3, col]: sums in lanes of 16 bits, if wide
	ring  []uint64    // the pooler's
	row   []uint64    // bits of one octet
}

// need is the scratch of a run.
func (w *weights) need(p *pooler) need {
	n := need{words: p.ringWords() + p.words}
	if w.wide {
		n.pairs = p.in.Cols + 1
		n.quads = w.banks * 3 * p.in.Cols
	} else {
		n.pairs = w.banks * 3 * (p.in.Cols + 1)
	}
	return n
}

func newRun(w *weights, p *pooler, limits []limit, dst []uint64, s *Scratch) run {
	need := w.need(p)
	ring := s.words[:p.ringWords()]
	run := run{
		w: w, pooler: p, limits: limits, dst: dst,
		pairs: s.pairs[:need.pairs],
		quads: s.quads[:need.quads],
		ring:  ring,
		row:   s.words[len(ring):][:p.words],
	}
	clear(run.ring)
	run.start(0)
	return run
}

// begin starts row r of the input.
func (u *run) begin(r int) {
	u.r = r
	if r+1 < u.pooler.in.Rows {
		u.start(r + 1)
	}
}

// start sets the sums of row r of the output to what they start from.
func (u *run) start(r int) {
	n := u.pooler.in.Cols
	class := edge(r, u.pooler.in.Rows) * 4
	for bank := range u.limits {
		start := (*[4][4]uint64)(u.limits[bank].start[class:])
		if u.w.wide {
			row := u.quad(bank, r, n)
			for c := range row {
				row[c] = start[edge(c, n)]
			}
			continue
		}
		row := u.pair(bank, r, n+1)[1:]
		if class == 0 {
			clear(row)
		} else {
			for c := range row {
				row[c] = [2]uint64(start[0][:2])
			}
		}
		row[0] = [2]uint64(start[edge(0, n)][:2])
		row[n-1] = [2]uint64(start[edge(n-1, n)][:2])
	}
}

func (u *run) pair(bank, r, n int) [][2]uint64 { return u.pairs[(bank*3+r%3)*n:][:n] }
func (u *run) quad(bank, r, n int) [][4]uint64 { return u.quads[(bank*3+r%3)*n:][:n] }

// add adds a chunk of the channels of the row, weight times.
func (u *run) add(px []uint64, chunk int, weight uint64) {
	n := len(px)
	for bank := range u.w.banks {
		for ky := range 3 {
			// The row of input is tap ky of the row of output r+1-ky.
			r := u.r + 1 - ky
			if r < 0 || r >= u.pooler.in.Rows {
				continue
			}
			if !u.w.wide {
				u.w.count(u.pair(bank, r, n+1), px, bank, ky, chunk)
				continue
			}
			sums := u.pairs
			clear(sums)
			u.w.count(sums, px, bank, ky, chunk)
			addWide(u.quad(bank, r, n), sums[1:], weight)
		}
	}
}

// addWide adds weight times the lanes of 8 bits of src to the lanes of 16 bits
// of dst.
func addWide(dst [][4]uint64, src [][2]uint64, weight uint64) {
	src = src[:len(dst)]
	for c := range dst {
		d, s := &dst[c], &src[c]
		d[0] += s[0] & even8 * weight
		d[1] += s[0] >> 8 & even8 * weight
		d[2] += s[1] & even8 * weight
		d[3] += s[1] >> 8 & even8 * weight
	}
}

// end ends the row of input: the row of output above it is complete.
func (u *run) end() {
	if u.r > 0 {
		u.complete(u.r - 1)
	}
}

// finish ends the input.
func (u *run) finish() { u.complete(u.r) }

// complete compares the sums of output row r with the limits and hands the bits
// to the pooler.
func (u *run) complete(r int) {
	n := u.pooler.in.Cols
	for octet := range u.pooler.octets {
		bank, w := octet>>1, octet&1
		if u.w.wide {
			compareWide(u.row, u.quad(bank, r, n), w, &u.limits[bank])
		} else {
			compareNarrow(u.row, u.pair(bank, r, n+1)[1:], w, &u.limits[bank])
		}
		u.pooler.push(u.dst, u.ring, octet, r, u.row)
	}
}

// compareNarrow sets out, a row of one octet, to where word w of the sums
// reaches its limit. The bit of pixel c of eight comes to bit c of each byte,
// one for each filter, before they are turned.
func compareNarrow(out []uint64, sums [][2]uint64, w int, l *limit) {
	not, low := l.not[w&1], l.low[w&1]
	whole := len(sums) / 8
	for i := range out[:whole] {
		e := (*[8][2]uint64)(sums[8*i:])
		bits := reach(e[0][w&1], not, low, high8) & high8
		bits = bits>>1 | reach(e[1][w&1], not, low, high8)&high8
		bits = bits>>1 | reach(e[2][w&1], not, low, high8)&high8
		bits = bits>>1 | reach(e[3][w&1], not, low, high8)&high8
		bits = bits>>1 | reach(e[4][w&1], not, low, high8)&high8
		bits = bits>>1 | reach(e[5][w&1], not, low, high8)&high8
		bits = bits>>1 | reach(e[6][w&1], not, low, high8)&high8
		bits = bits>>1 | reach(e[7][w&1], not, low, high8)&high8
		out[i] = transpose(bits)
	}
	if rest := sums[8*whole:]; len(rest) > 0 {
		var bits uint64
		for c := range rest {
			bits = bits>>1 | reach(rest[c][w&1], not, low, high8)&high8
		}
		out[whole] = transpose(bits >> (uint(8-len(rest)) & 7))
	}
}

// compareWide is compareNarrow for words 2*w and 2*w+1 of sums in lanes of 16
// bits.
func compareWide(out []uint64, sums [][4]uint64, w int, l *limit) {
	w = 2 * w & 2
	for i := range out {
		eight := sums[8*i : min(8*i+8, len(sums))]
		var bits uint64
		for c := range eight {
			even := reach(eight[c][w], l.not[w], l.low[w], high16) & high16
			odd := reach(eight[c][w+1], l.not[w+1], l.low[w+1], high16) & high16
			bits = bits>>1 | even>>8 | odd
		}
		out[i] = transpose(bits >> (uint(8-len(eight)) & 7))
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
