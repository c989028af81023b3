package bits

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/topology"
)

// TestByteConv compares the kernel with the definition, over every number of
// channels, odd sides, extreme pixels (all 0, all 255, sums at the limits of
// the lanes) and thresholds.
func TestByteConv(t *testing.T) {
	for _, tc := range []struct {
		in      topology.Shape
		filters int
	}{
		{topology.Shape{Channels: 3, Rows: 32, Cols: 32}, 4},
		{topology.Shape{Channels: 1, Rows: 28, Cols: 28}, 8},
		{topology.Shape{Channels: 2, Rows: 7, Cols: 13}, 5},
		{topology.Shape{Channels: 4, Rows: 33, Cols: 5}, 16},
		{topology.Shape{Channels: 3, Rows: 64, Cols: 64}, 3},
		{topology.Shape{Channels: 1, Rows: 65, Cols: 4}, 1},
		{topology.Shape{Channels: 4, Rows: 4, Cols: 256}, 64},
		{topology.Shape{Channels: 3, Rows: 1, Cols: 1}, 2},
		{topology.Shape{Channels: 3, Rows: 2, Cols: 9}, 9},
	} {
		for _, pool := range pools {
			t.Run(fmt.Sprintf("%+v to %d, pool %d", tc.in, tc.filters, pool), func(t *testing.T) {
				r := rand.New(rand.NewPCG(3, uint64(tc.in.Size())))
				b := topology.Block{Filters: tc.filters, Pool: pool}
				for _, fill := range []string{"random", "zero", "white", "extremes", "weights"} {
					checkByteConv(t, r, tc.in, b, fill)
				}
			})
		}
	}
}

func checkByteConv(t *testing.T, r *rand.Rand, in topology.Shape, b topology.Block, fill string) {
	t.Helper()
	w := randomSigns(r, ConvBits(in.Channels, b.Filters))
	most := in.Channels * 9 * 255
	th := randomThresholds(r, b.Filters, most)
	if fill == "weights" { // the first and the last filter reach the largest sum
		for i := range in.Channels * 9 {
			w[i], w[len(w)-1-i] = 1, 1
		}
		th[len(th)-1].At = math.MaxInt32
		th[0].At = int32(most)
	}
	pixels := make([]byte, in.Size())
	x := make([]int, in.Size())
	for i := range pixels {
		switch fill {
		case "random":
			pixels[i] = byte(r.Uint32())
		case "white", "weights":
			pixels[i] = 255
		case "extremes":
			pixels[i] = byte(255 * r.IntN(2))
		}
		x[i] = int(pixels[i])
	}
	k := NewByteConv(in, b, bitString(w), th)
	got := make([]uint64, Words(k.Out()))
	scratch := NewScratch(k)
	for range 2 { // the second time with a used scratch
		k.Apply(got, pixels, scratch)
		want := memory(k.Out(), naiveConv(in, b, x, w, th))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s pixels: output differs (-want +got):\n%s", fill, diff)
		}
	}
}
