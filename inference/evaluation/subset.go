package evaluation

import (
	"math/bits"
	"math/rand/v2"
)

// ExhaustiveViews is the largest number of views of which every subset is tried.
const ExhaustiveViews = 8

// sampledSets is how many subsets of one size are drawn where not all are tried.
const sampledSets = 24

// subsetSeed fixes the draws.
const subsetSeed = 0x766965777365 // "viewse"

// subsets lists the subsets of set that have size members, bit by bit as sets of
// views are: all of them, in ascending order, or limit different ones drawn by r
// where there are more than that. A limit of 0 is none.
func subsets(set uint64, size, limit int, r *rand.PCG) []uint64 {
	n := bits.OnesCount64(set)
	if size < 0 || size > n {
		return nil
	}
	var found []uint64
	if limit > 0 && exceeds(n, size, limit) {
		drawn := make(map[uint64]bool, limit)
		for len(found) < limit {
			s := scatter(draw(n, size, r), set)
			if !drawn[s] {
				drawn[s] = true
				found = append(found, s)
			}
		}
		return found
	}
	last := ones(size) << (n - size)
	for s := ones(size); ; s = next(s) {
		found = append(found, scatter(s, set))
		if s == last {
			return found
		}
	}
}

// exceeds reports whether n over size is more than limit.
func exceeds(n, size, limit int) bool {
	size = min(size, n-size)
	count := uint64(1)
	for i := 1; i <= size; i++ {
		count = count * uint64(n-size+i) / uint64(i) // exact: a product of i neighbours
		if count > uint64(limit) {
			return true
		}
	}
	return false
}

// ones is the set of the first n members.
func ones(n int) uint64 {
	if n == 0 {
		return 0
	}
	return ^uint64(0) >> (64 - n)
}

// next is the next larger number with as many bits set (Gosper's hack, HAKMEM item
// 175). s must not be 0.
func next(s uint64) uint64 {
	low := s & -s
	carried := s + low
	return carried | (s^carried)/low>>2
}

// scatter puts bit i of s at the i-th member of set.
func scatter(s, set uint64) uint64 {
	var out uint64
	for ; s != 0; s >>= 1 {
		low := set & -set
		if s&1 != 0 {
			out |= low
		}
		set &^= low
	}
	return out
}

// draw is a random set of size out of the first n members, each as likely (Floyd,
// Programming pearls, CACM 30, 1987).
func draw(n, size int, r *rand.PCG) uint64 {
	var out uint64
	for top := n - size; top < n; top++ {
		high, _ := bits.Mul64(r.Uint64(), uint64(top+1)) // 0 to top, on every architecture the same
		if out&(1<<high) != 0 {
			high = uint64(top)
		}
		out |= 1 << high
	}
	return out
}
