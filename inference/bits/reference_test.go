package bits

import (
	"math"
	"math/rand/v2"

	"ganglion/inference/topology"
)

// The reference: loops straight from the definitions over elements as ints, no
// bit of which is shared with the kernels.

// naiveConv is a block on elements [channel, row, col] of any integer value,
// with weights [filter, channel, ky, kx] of -1 and +1. It decides as the float
// formula does: the sign of a monotone function of the pooled maximum.
func naiveConv(in topology.Shape, b topology.Block, x, w []int, t []Threshold) []int {
	out := b.Out(in)
	y := make([]int, out.Size())
	for f := range b.Filters {
		sums := make([]int, in.Pixels())
		for r := range in.Rows {
			for c := range in.Cols {
				sums[r*in.Cols+c] = naiveSum(in, x, w[f*in.Channels*9:], r, c)
			}
		}
		for r := range out.Rows {
			for c := range out.Cols {
				m := naivePool(in, b.Pool, sums, r, c)
				sign := -1
				if (int64(m) >= int64(t[f].At)) != t[f].Flip {
					sign = 1
				}
				y[(f*out.Rows+r)*out.Cols+c] = sign
			}
		}
	}
	return y
}

func naiveSum(in topology.Shape, x, w []int, r, c int) int {
	sum := 0
	for ch := range in.Channels {
		for ky := range 3 {
			for kx := range 3 {
				rr, cc := r+ky-1, c+kx-1
				if rr >= 0 && rr < in.Rows && cc >= 0 && cc < in.Cols {
					sum += w[(ch*3+ky)*3+kx] * x[(ch*in.Rows+rr)*in.Cols+cc]
				}
			}
		}
	}
	return sum
}

func naivePool(in topology.Shape, pool topology.Pool, sums []int, r, c int) int {
	if pool == topology.NoPool {
		return sums[r*in.Cols+c]
	}
	m := math.MinInt
	for rr := r*int(pool) - 1; rr <= r*int(pool)+1; rr++ {
		for cc := c*int(pool) - 1; cc <= c*int(pool)+1; cc++ {
			if rr >= 0 && rr < in.Rows && cc >= 0 && cc < in.Cols {
				m = max(m, sums[rr*in.Cols+cc])
			}
		}
	}
	return m
}

// wire is the packed form of elements [channel, row, col] of -1 and +1.
func wire(s topology.Shape, x []int) []byte {
	packed := make([]byte, s.PackedBytes())
	for ch := range s.Channels {
		for p := range s.Pixels() {
			if x[ch*s.Pixels()+p] == 1 {
				i := p*s.Channels + ch
				packed[i/8] |= 1 << (i % 8)
			}
		}
	}
	return packed
}

// memory is the map in memory of elements [channel, row, col] of -1 and +1.
func memory(s topology.Shape, x []int) []uint64 {
	m := make([]uint64, Words(s))
	Unpack(m, wire(s, x))
	return m
}

// elements is the opposite of memory.
func elements(s topology.Shape, m []uint64) []int {
	x := make([]int, s.Size())
	for ch := range s.Channels {
		for r := range s.Rows {
			for c := range s.Cols {
				x[(ch*s.Rows+r)*s.Cols+c] = At(m, s, ch, r, c)
			}
		}
	}
	return x
}

// bitString packs weights of -1 and +1 in their order.
func bitString(w []int) []byte {
	packed := make([]byte, (len(w)+7)/8)
	for i, v := range w {
		if v == 1 {
			packed[i/8] |= 1 << (i % 8)
		}
	}
	return packed
}

func randomSigns(r *rand.Rand, n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = 2*r.IntN(2) - 1
	}
	return x
}

// randomThresholds draws thresholds in and a little out of the range of sums
// [-most, most], most of them near zero where sums are common, and the extremes.
func randomThresholds(r *rand.Rand, filters, most int) []Threshold {
	t := make([]Threshold, filters)
	for f := range t {
		t[f].Flip = r.IntN(2) == 1
		switch r.IntN(12) {
		case 0:
			t[f].At = math.MinInt32
		case 1:
			t[f].At = math.MaxInt32
		case 2:
			t[f].At = int32(most + r.IntN(3))
		case 3:
			t[f].At = int32(-most - r.IntN(3))
		case 4:
			t[f].At = int32(r.IntN(2*most+1) - most)
		default:
			spread := int(2*math.Sqrt(float64(most))) + 1
			t[f].At = int32(r.IntN(2*spread+1) - spread)
		}
	}
	return t
}
