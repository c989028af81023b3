package bits

// Threshold turns the integer sum S of one filter at one pixel into a bit:
// (S >= At) before the pool and, after the pool, the exclusive or with Flip.
//
// It is batch normalization and sign in one comparison. Batch normalization is
// monotone in S; where it rises, sign(BN(max S)) is the OR of [S >= At]. Where
// gamma < 0 it falls, so that the largest S decides against +1:
// sign(BN(max S)) = NOT OR [S >= At], which is Flip.
type Threshold struct {
	At   int32 // math.MinInt32: always; math.MaxInt32: never
	Flip bool  // the bit is inverted after the pool
}

// taps is the number of weights of one filter for one channel.
const taps = 9

// classes is the number of border classes of a pixel: row class * 4 + column
// class, where bit 0 of either says that the pixel has no neighbour before it
// and bit 1 that it has none after it.
const classes = 16

// edge is the row class or the column class of index i of n.
func edge(i, n int) int {
	class := 0
	if i == 0 {
		class = 1
	}
	if i == n-1 {
		class |= 2
	}
	return class
}

// inside reports whether tap [ky, kx] of a pixel of a border class lies on the
// map.
func inside(class, ky, kx int) bool {
	row, col := class>>2, class&3
	return (ky != 0 || row&1 == 0) && (ky != 2 || row&2 == 0) &&
		(kx != 0 || col&1 == 0) && (kx != 2 || col&2 == 0)
}

// insideTaps is the number of taps of a pixel of a border class that lie on the
// map.
func insideTaps(class int) int {
	n := 0
	for tap := range taps {
		if inside(class, tap/3, tap%3) {
			n++
		}
	}
	return n
}

// leastMatches is the least number of matches q, out of n, for which
// 2*q - n >= at; n+1 if there is none.
func leastMatches(n int, at int32) int {
	q := (int64(n) + int64(at) + 1) >> 1
	return int(min(max(q, 0), int64(n)+1))
}

// High bits of the lanes of a uint64 and the multiplier that collects those of
// eight byte lanes into the top byte, lane i to bit i of it.
const (
	high8   = 0x8080808080808080
	high16  = 0x8000800080008000
	even8   = 0x00ff00ff00ff00ff
	collect = 0x0002040810204081
)

// limit is the comparison of 16 lanes, one per filter of a bank, with a least
// number of matches each, prepared as [limit.reach] wants it. Lanes of 8 bits
// take two words, lanes of 16 bits four.
type limit struct {
	not [4]uint64 // complement of the limits
	low [4]uint64 // limits without the high bit of each lane
}

// setNarrow sets lane i, of 8 bits, to at.
func (l *limit) setNarrow(i, at int) {
	word, shift := i>>3, uint(i&7)*8
	l.not[word] |= uint64(^uint8(at)) << shift
	l.low[word] |= uint64(at&0x7f) << shift
}

// setWide sets lane i, of 16 bits, to at. The even filters of a group of eight
// are in its first word, the odd ones in its second.
func (l *limit) setWide(i, at int) {
	word, shift := i>>3*2+i&1, uint(i&7)>>1*16
	l.not[word] |= uint64(^uint16(at)) << shift
	l.low[word] |= uint64(at&0x7fff) << shift
}

// narrowBits is bit i set where lane i of q, of 8 bits, is at least its limit.
func narrowBits(q, not, low uint64) uint64 {
	return (reach(q, not, low, high8) & high8) * collect >> 56
}

// wideBits is bit i set where filter i of a group of eight is at least its
// limit; q and r hold the even and the odd filters.
func wideBits(q, r uint64, l *limit, word int) uint64 {
	even := reach(q, l.not[word&3], l.low[word&3], high16) & high16
	odd := reach(r, l.not[(word+1)&3], l.low[(word+1)&3], high16) & high16
	return (even>>8 | odd) * collect >> 56
}

// reach compares the lanes of q with a limit: the high bit of a lane of the
// result says q >= limit, its other bits say nothing. The difference of the
// lower bits decides where the high bits agree; with a guard bit set in q and
// none in low, no lane borrows from the next.
func reach(q, not, low, high uint64) uint64 {
	diff := (q | high) - low
	return q&not | (q|not)&diff
}
