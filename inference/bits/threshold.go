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

// High bits of the lanes of a uint64, and its even bytes.
const (
	high8  = 0x8080808080808080
	high16 = 0x8000800080008000
	even8  = 0x00ff00ff00ff00ff
)

// limit is the least numbers of matches of the 16 filters of a bank, a lane
// each: 8 bits in two words or 16 bits in four, of which each two hold eight
// filters, the even ones in the first and the odd ones in the second.
//
// The least number depends on the border class of a pixel. Instead of being
// compared with its own, a pixel on the border starts from the difference to
// that of a pixel inside. Of two classes, the one with d more taps on the map
// has a least number that is no smaller, and larger by at most d ([leastMatches]
// rises by 0 or 1 with n). So the start is never negative, and start and matches
// together do not exceed the number of all taps: no lane overflows.
type limit struct {
	start [classes][4]uint64
	not   [4]uint64 // complement of the least numbers inside
	low   [4]uint64 // least numbers inside, without the high bit of each lane
}

// set sets lane i from the least number of each border class.
func (l *limit) set(i int, least *[classes]int, wide bool) {
	word, shift, ones := i>>3, uint(i&7)*8, uint64(0xff)
	if wide {
		word, shift, ones = i>>3*2+i&1, uint(i&7)>>1*16, 0xffff
	}
	inside := uint64(least[0])
	l.not[word] |= (ones &^ inside) << shift
	l.low[word] |= inside & (ones >> 1) << shift
	for class := range least {
		l.start[class][word] |= uint64(least[0]-least[class]) << shift
	}
}

// reach compares the lanes of q with those of a limit: the high bit of a lane of
// the result says q >= limit, its other bits say nothing. The difference of the
// lower bits decides where the high bits agree; with a guard bit set in q and
// none in low, no lane borrows from the next.
func reach(q, not, low, high uint64) uint64 {
	diff := (q | high) - low
	return q&not | (q|not)&diff
}
