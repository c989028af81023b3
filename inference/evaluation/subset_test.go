package evaluation

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every claim about missing views is over these sets: each must be there, once.
func TestSubsets(t *testing.T) {
	tests := []struct {
		name  string
		set   uint64
		size  int
		limit int
		want  []uint64
	}{
		{"singles", 0b1011, 1, 0, []uint64{0b0001, 0b0010, 0b1000}},
		{"pairs", 0b1011, 2, 0, []uint64{0b0011, 0b1001, 0b1010}},
		{"all", 0b1011, 3, 0, []uint64{0b1011}},
		{"none of them", 0b1011, 0, 0, []uint64{0}},
		{"more than there are", 0b1011, 4, 0, nil},
		{"of nothing", 0, 1, 0, nil},
		{"the last view", 1 << 63, 1, 0, []uint64{1 << 63}},
		{"exactly the limit", 0b1011, 2, 3, []uint64{0b0011, 0b1001, 0b1010}},
		{"all 64 views", ^uint64(0), 64, 0, []uint64{^uint64(0)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := subsets(tt.set, tt.size, tt.limit, rand.NewPCG(1, 1))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("subsets (-want +got):\n%s", diff)
			}
		})
	}
	if got := len(subsets(ones(64), 2, 0, nil)); got != 64*63/2 {
		t.Errorf("%d pairs of 64 views, want %d", got, 64*63/2)
	}
}

// Where sets are drawn they must be different, of the right size, and the same every
// time: figures would not be comparable otherwise.
func TestDrawnSubsets(t *testing.T) {
	all := ones(40) << 3
	for size := 2; size < 40; size++ {
		got := subsets(all, size, sampledSets, rand.NewPCG(subsetSeed, 0))
		seen := map[uint64]bool{}
		for _, s := range got {
			if bits.OnesCount64(s) != size || s&^all != 0 || seen[s] {
				t.Fatalf("size %d: %#x is of another size, not a subset, or there twice", size, s)
			}
			seen[s] = true
		}
		if len(got) != sampledSets {
			t.Errorf("size %d: %d sets, want %d", size, len(got), sampledSets)
		}
		again := subsets(all, size, sampledSets, rand.NewPCG(subsetSeed, 0))
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("size %d: drawn again (-first +second):\n%s", size, diff)
		}
	}
}

// The limit decides between all and some: it must not be off by one, nor overflow.
func TestExceeds(t *testing.T) {
	for _, tt := range []struct {
		n, size, limit int
		want           bool
	}{
		{6, 2, 15, false},
		{6, 2, 14, true},
		{6, 0, 1, false},
		{6, 6, 1, false},
		{6, 5, 5, true},
		{64, 32, 1 << 30, true},
		{64, 63, 64, false},
	} {
		if got := exceeds(tt.n, tt.size, tt.limit); got != tt.want {
			t.Errorf("exceeds(%d, %d, %d) = %v, want %v", tt.n, tt.size, tt.limit, got, tt.want)
		}
	}
}
