package bits

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/topology"
)

var pools = []topology.Pool{topology.NoPool, topology.Stride1, topology.Stride2}

// shapes of one source with the number of sources and of filters: the deployed
// ones, odd sides, sides of one and two pixels, rows that straddle words, every
// number of channels at which a kernel takes another way.
var convShapes = []struct {
	source           topology.Shape
	sources, filters int
}{
	{topology.Shape{Channels: 4, Rows: 16, Cols: 16}, 6, 16},
	{topology.Shape{Channels: 16, Rows: 16, Cols: 16}, 1, 16},
	{topology.Shape{Channels: 1, Rows: 1, Cols: 1}, 1, 1},
	{topology.Shape{Channels: 3, Rows: 1, Cols: 5}, 1, 2},
	{topology.Shape{Channels: 3, Rows: 5, Cols: 1}, 2, 2},
	{topology.Shape{Channels: 2, Rows: 2, Cols: 2}, 3, 9},
	{topology.Shape{Channels: 5, Rows: 7, Cols: 13}, 3, 7},
	{topology.Shape{Channels: 28, Rows: 9, Cols: 8}, 1, 8},
	{topology.Shape{Channels: 29, Rows: 8, Cols: 9}, 1, 17},
	{topology.Shape{Channels: 8, Rows: 28, Cols: 28}, 2, 4},
	{topology.Shape{Channels: 4, Rows: 33, Cols: 5}, 2, 33},
	{topology.Shape{Channels: 1, Rows: 64, Cols: 64}, 4, 3},
	{topology.Shape{Channels: 2, Rows: 65, Cols: 3}, 2, 5},
	{topology.Shape{Channels: 4, Rows: 3, Cols: 256}, 1, 2},
	{topology.Shape{Channels: 64, Rows: 4, Cols: 4}, 3, 64},
	{topology.Shape{Channels: 33, Rows: 4, Cols: 3}, 5, 20},
	{topology.Shape{Channels: 4, Rows: 5, Cols: 32}, 8, 12},
	{topology.Shape{Channels: 1, Rows: 4, Cols: 4}, 64, 3},
	{topology.Shape{Channels: 64, Rows: 3, Cols: 3}, 64, 2},
}

// TestBitConv compares the kernel with the definition: every pool, random
// thresholds and their extremes, all masks of few sources and some of many.
func TestBitConv(t *testing.T) {
	for _, tc := range convShapes {
		for _, pool := range pools {
			name := fmt.Sprintf("%dx%+v to %d, pool %d", tc.sources, tc.source, tc.filters, pool)
			t.Run(name, func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, uint64(tc.source.Size())))
				b := topology.Block{Filters: tc.filters, Pool: pool}
				for _, seen := range masks(r, tc.sources) {
					checkBitConv(t, r, tc.source, tc.sources, b, seen)
				}
			})
		}
	}
}

// masks is every set of up to four sources, or some sets of more.
func masks(r *rand.Rand, sources int) []uint64 {
	all := ^uint64(0) >> (64 - sources)
	if sources > 4 {
		return []uint64{all, 0, 1, all &^ 1, r.Uint64() & all, r.Uint64() & all}
	}
	var list []uint64
	for m := uint64(0); m <= all; m++ {
		list = append(list, m)
	}
	return list
}

func checkBitConv(t *testing.T, r *rand.Rand, source topology.Shape, sources int, b topology.Block, seen uint64) {
	t.Helper()
	in := source
	in.Channels *= sources
	w := randomSigns(r, ConvBits(in.Channels, b.Filters))
	th := randomThresholds(r, b.Filters, in.Channels*9)
	k := NewBitConv(source, sources, b, bitString(w), th)

	x := make([]int, in.Size())
	src := make([][]uint64, sources)
	for s := range sources {
		if seen>>s&1 == 1 {
			v := randomSigns(r, source.Size())
			copy(x[s*source.Size():], v)
			src[s] = memory(source, v)
		}
	}
	got := make([]uint64, Words(k.Out()))
	scratch := NewScratch(k)
	for range 2 { // the second time with a used scratch
		k.Apply(got, src, seen, scratch)
		want := memory(k.Out(), naiveConv(in, b, x, w, th))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seen %#x: output differs (-want +got):\n%s", seen, diff)
		}
	}
}

// TestBitConvSaturated has every weight and every element agree, or disagree,
// and thresholds at the sums that are then reached inside, on an edge and in a
// corner, where an overflowing lane would show in its neighbour.
func TestBitConvSaturated(t *testing.T) {
	for _, channels := range []int{narrowChannels, narrowChannels + 1, 64} {
		for _, sources := range []int{1, 64} {
			source := topology.Shape{Channels: channels / sources, Rows: 4, Cols: 4}
			if source.Channels == 0 {
				source.Channels = channels
			}
			n := source.Channels * sources
			for _, x := range []int{-1, 1} {
				checkSaturated(t, source, sources, n, x)
			}
		}
	}
}

func checkSaturated(t *testing.T, source topology.Shape, sources, n, x int) {
	t.Helper()
	var th []Threshold
	for _, m := range []int{9 * n, 6 * n, 4 * n} {
		for d := -1; d <= 1; d++ {
			th = append(th, Threshold{At: int32(m + d)}, Threshold{At: int32(-m + d)})
		}
	}
	th = append(th, Threshold{At: math.MaxInt32}, Threshold{At: math.MinInt32})
	in := topology.Shape{Channels: n, Rows: source.Rows, Cols: source.Cols}
	b := topology.Block{Filters: len(th)}
	w, all := fill(ConvBits(n, len(th)), 1), fill(in.Size(), x)
	k := NewBitConv(source, sources, b, bitString(w), th)
	src := make([][]uint64, sources)
	for i := range src {
		src[i] = memory(source, all[:source.Size()])
	}
	got := make([]uint64, Words(k.Out()))
	k.Apply(got, src, k.all(), NewScratch(k))
	want := memory(k.Out(), naiveConv(in, b, all, w, th))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%d channels from %d sources, all %+d: output differs (-want +got):\n%s", n, sources, x, diff)
	}
}

func fill(n, v int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = v
	}
	return x
}

// TestSumConv compares the kernel with the definition on the sum of the seen
// maps, for every number of seen sources.
func TestSumConv(t *testing.T) {
	for _, tc := range []struct {
		source           topology.Shape
		sources, filters int
	}{
		{topology.Shape{Channels: 4, Rows: 16, Cols: 16}, 6, 16},
		{topology.Shape{Channels: 5, Rows: 7, Cols: 13}, 7, 3},
		{topology.Shape{Channels: 3, Rows: 2, Cols: 1}, 9, 17},
		{topology.Shape{Channels: 64, Rows: 3, Cols: 4}, 64, 18},
	} {
		for _, pool := range pools {
			t.Run(fmt.Sprintf("%dx%+v to %d, pool %d", tc.sources, tc.source, tc.filters, pool), func(t *testing.T) {
				r := rand.New(rand.NewPCG(2, uint64(tc.source.Size())))
				b := topology.Block{Filters: tc.filters, Pool: pool}
				for n := 1; n <= tc.sources; n++ {
					checkSumConv(t, r, tc.source, tc.sources, b, n)
				}
			})
		}
	}
}

func checkSumConv(t *testing.T, r *rand.Rand, source topology.Shape, sources int, b topology.Block, n int) {
	t.Helper()
	w := randomSigns(r, ConvBits(source.Channels, b.Filters))
	lists := make([][]Threshold, sources)
	for i := range lists {
		lists[i] = randomThresholds(r, b.Filters, source.Channels*9*(i+1))
	}
	k := NewSumConv(source, sources, b, bitString(w), lists)

	x := make([]int, source.Size())
	src := make([][]uint64, sources)
	var seen uint64
	for _, s := range r.Perm(sources)[:n] {
		seen |= 1 << s
		v := randomSigns(r, source.Size())
		if r.IntN(4) == 0 { // maps that agree give the largest sums
			for i := range v {
				v[i] = w[0]
			}
		}
		for i := range v {
			x[i] += v[i]
		}
		src[s] = memory(source, v)
	}
	got := make([]uint64, Words(k.Out()))
	k.Apply(got, src, seen, NewScratch(k))
	want := memory(k.Out(), naiveConv(source, b, x, w, lists[n-1]))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%d seen: output differs (-want +got):\n%s", n, diff)
	}
}
