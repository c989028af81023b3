package bits

// bankFilters is the number of filters of a bank: the lanes, of 8 bits, of two
// uint64s.
const bankFilters = 16

// chunkChannels is the number of channels that are looked up at a time: three
// bytes or six nibbles. The matches of one chunk at the three taps of a row fit
// 8 bits.
const chunkChannels = 24

// narrowChannels is the number of channels whose matches at all nine taps fit
// 8 bits together with the limit "never": 9*28 + 1 < 256.
const narrowChannels = 28

// tableBytes bounds the tables of a convolution that are indexed by whole bytes
// of channels. Larger ones are indexed by halves of bytes, which is slower and
// takes an eighth.
const tableBytes = 512 << 10

// entry is the number of matches of one value of a few channels of one pixel
// with the weights of the filters of a bank for these channels and one row of
// taps, in lanes of 8 bits: two words for each kx.
type entry [6]uint64

// table is the entries of the weights of a bank for one row of taps ky, over all
// channels, eight or four at a time. Exactly one of the two is used.
type table struct {
	bytes   [][256]entry // by bits 8*i to 8*i+7 of the channels
	nibbles [][16]entry  // by bits 4*i to 4*i+3, for whole chunks
}

// weights is what the convolutions of bits share: tables of the weights
// [filter, channel, ky, kx].
type weights struct {
	channels, filters int
	banks             int
	wide              bool    // matches are summed in lanes of 16 bits, not 8
	nibbles           bool    // the tables are indexed by nibbles, not bytes
	tables            []table // [bank, ky]
}

func newWeights(channels, filters int, packed []byte, wide bool) weights {
	w := weights{
		channels: channels,
		filters:  filters,
		wide:     wide,
		banks:    (filters + bankFilters - 1) / bankFilters,
	}
	groups := (channels + 7) / 8
	w.nibbles = w.banks*3*groups*256*entryBytes > tableBytes
	w.tables = make([]table, w.banks*3)
	for i := range w.tables {
		bank, ky := i/3, i%3
		t := &w.tables[i]
		if w.nibbles {
			t.nibbles = make([][16]entry, (channels+chunkChannels-1)/chunkChannels*chunkChannels/4)
			for g := range t.nibbles {
				w.fill(t.nibbles[g][:], packed, bank, ky, 4*g, 4)
			}
			continue
		}
		t.bytes = make([][256]entry, groups)
		for g := range t.bytes {
			w.fill(t.bytes[g][:], packed, bank, ky, 8*g, 8)
		}
	}
	return w
}

// fill makes the entries of the n channels from first on. A bit that is no
// channel matches nothing, whatever its value.
func (w *weights) fill(dst []entry, packed []byte, bank, ky, first, n int) {
	var one, zero [8]entry // of each channel alone, for a bit that is 1 or 0
	for c := first; c < min(first+n, w.channels); c++ {
		for lane := range min(bankFilters, w.filters-bank*bankFilters) {
			f := bank*bankFilters + lane
			for kx := range 3 {
				word, match := 2*kx+lane>>3, uint64(1)<<uint(lane&7*8)
				if bit(packed, ((f*w.channels+c)*3+ky)*3+kx) == 1 {
					one[c-first][word] += match
				} else {
					zero[c-first][word] += match
				}
			}
		}
	}
	for v := range dst {
		for c := range n {
			e := &zero[c]
			if v>>c&1 == 1 {
				e = &one[c]
			}
			for i := range e {
				dst[v][i] += e[i]
			}
		}
	}
}

func (w *weights) tableBytes() int {
	n := 0
	for i := range w.tables {
		n += (256*len(w.tables[i].bytes) + 16*len(w.tables[i].nibbles)) * entryBytes
	}
	return n
}

const (
	entryBytes = 6 * 8
	limitBytes = (classes*4 + 8) * 8
)

// count adds to dst the matches of one row of taps ky of a bank with a row of
// pixels, whose bits of a chunk of the channels are px. dst[c+1] is pixel c of
// the output row that lies 1-ky rows below; dst[0], left of the map, is written
// and has no meaning.
func (w *weights) count(dst [][2]uint64, px []uint64, bank, ky, chunk int) {
	t := &w.tables[bank*3+ky]
	if w.nibbles {
		countNibbles(dst, px, (*[6][16]entry)(t.nibbles[6*chunk:]))
		return
	}
	switch groups := t.bytes[3*chunk:]; len(groups) {
	default:
		countBytes3(dst, px, (*[3][256]entry)(groups))
	case 2:
		countBytes2(dst, px, (*[2][256]entry)(groups))
	case 1:
		countBytes1(dst, px, (*[1][256]entry)(groups))
	}
}

// A pixel is a neighbour of three pixels of a row of output: right of the one
// at c-1 (kx = 2), at c (kx = 1), left of the one at c+1 (kx = 0). The loops
// below pass over each pixel once, so they hold the sums of c and of c+1.

func countBytes3(dst [][2]uint64, px []uint64, t *[3][256]entry) {
	dst = dst[:len(px)+1]
	var at0, at1, next0, next1 uint64
	for c, v := range px {
		x, y, z := &t[0][v&255], &t[1][v>>8&255], &t[2][v>>16&255]
		sum := &dst[c]
		sum[0] += at0 + x[4] + y[4] + z[4]
		sum[1] += at1 + x[5] + y[5] + z[5]
		at0 = next0 + x[2] + y[2] + z[2]
		at1 = next1 + x[3] + y[3] + z[3]
		next0 = x[0] + y[0] + z[0]
		next1 = x[1] + y[1] + z[1]
	}
	dst[len(px)][0] += at0
	dst[len(px)][1] += at1
}

func countBytes2(dst [][2]uint64, px []uint64, t *[2][256]entry) {
	dst = dst[:len(px)+1]
	var at0, at1, next0, next1 uint64
	for c, v := range px {
		x, y := &t[0][v&255], &t[1][v>>8&255]
		sum := &dst[c]
		sum[0] += at0 + x[4] + y[4]
		sum[1] += at1 + x[5] + y[5]
		at0 = next0 + x[2] + y[2]
		at1 = next1 + x[3] + y[3]
		next0 = x[0] + y[0]
		next1 = x[1] + y[1]
	}
	dst[len(px)][0] += at0
	dst[len(px)][1] += at1
}

func countBytes1(dst [][2]uint64, px []uint64, t *[1][256]entry) {
	dst = dst[:len(px)+1]
	var at0, at1, next0, next1 uint64
	for c, v := range px {
		x := &t[0][v&255]
		sum := &dst[c]
		sum[0] += at0 + x[4]
		sum[1] += at1 + x[5]
		at0, at1 = next0+x[2], next1+x[3]
		next0, next1 = x[0], x[1]
	}
	dst[len(px)][0] += at0
	dst[len(px)][1] += at1
}

func countNibbles(dst [][2]uint64, px []uint64, t *[6][16]entry) {
	dst = dst[:len(px)+1]
	var at0, at1, next0, next1 uint64
	for c, v := range px {
		x, y, z := &t[0][v&15], &t[1][v>>4&15], &t[2][v>>8&15]
		sum := &dst[c]
		sum0 := at0 + x[4] + y[4] + z[4]
		sum1 := at1 + x[5] + y[5] + z[5]
		at0 = next0 + x[2] + y[2] + z[2]
		at1 = next1 + x[3] + y[3] + z[3]
		next0 = x[0] + y[0] + z[0]
		next1 = x[1] + y[1] + z[1]
		x, y, z = &t[3][v>>12&15], &t[4][v>>16&15], &t[5][v>>20&15]
		sum[0] += sum0 + x[4] + y[4] + z[4]
		sum[1] += sum1 + x[5] + y[5] + z[5]
		at0 += x[2] + y[2] + z[2]
		at1 += x[3] + y[3] + z[3]
		next0 += x[0] + y[0] + z[0]
		next1 += x[1] + y[1] + z[1]
	}
	dst[len(px)][0] += at0
	dst[len(px)][1] += at1
}
