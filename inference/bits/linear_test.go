package bits

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/topology"
)

// TestLinear compares the kernel with the definition on maps that fill their
// words, that do not, and that leave blocks of words over.
func TestLinear(t *testing.T) {
	for _, tc := range []struct {
		in      topology.Shape
		classes int
	}{
		{topology.Shape{Channels: 16, Rows: 16, Cols: 16}, 3},
		{topology.Shape{Channels: 4, Rows: 16, Cols: 16}, 3},
		{topology.Shape{Channels: 1, Rows: 1, Cols: 1}, 1},
		{topology.Shape{Channels: 5, Rows: 7, Cols: 13}, 10},
		{topology.Shape{Channels: 64, Rows: 9, Cols: 3}, 256},
	} {
		t.Run(fmt.Sprintf("%+v to %d", tc.in, tc.classes), func(t *testing.T) {
			r := rand.New(rand.NewPCG(4, uint64(tc.in.Size())))
			w := randomSigns(r, LinearBits(tc.in, tc.classes))
			x := randomSigns(r, tc.in.Size())
			copy(w, x) // the first class reaches the largest sum
			want := make([]int32, tc.classes)
			for class := range want {
				for i, v := range x {
					want[class] += int32(v * w[class*len(x)+i])
				}
			}
			got := make([]int32, tc.classes)
			NewLinear(tc.in, tc.classes, bitString(w)).Apply(got, memory(tc.in, x))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sums differ (-want +got):\n%s", diff)
			}
		})
	}
}
