package train

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/topology"
)

// Every unit runs once and no two at a time share a worker's scratch, for jobs
// on both sides of the size at which others are woken.
func TestWorkersRunEachUnitOnce(t *testing.T) {
	for _, count := range []int{1, 2, 5} {
		w := testWorkers(t, count)
		for _, units := range []int{0, 1, 2, 7, 1000} {
			for _, size := range []int{0, inlineElements} {
				ran := make([]atomic.Int32, units)
				inUse := make([]atomic.Int32, count)
				w.each(units, size, func(worker, unit int) {
					if inUse[worker].Add(1) != 1 {
						t.Errorf("worker %d has two units at a time", worker)
					}
					ran[unit].Add(1)
					inUse[worker].Add(-1)
				})
				for u := range ran {
					if got := ran[u].Load(); got != 1 {
						t.Fatalf("%d workers, %d units: unit %d ran %d times", count, units, u, got)
					}
				}
			}
		}
	}
}

// Streams must differ in each of their four coordinates, neighbours too, and a
// stream must not depend on what was drawn before.
func TestStreamsAreIndependent(t *testing.T) {
	source := rand.NewPCG(0, 0)
	seen := make(map[uint64]string)
	for seed := range uint64(4) {
		for p := purposeInit; p <= purposeSubsets; p++ {
			for epoch := range 4 {
				for index := range 4 {
					seedStream(source, seed, p, epoch, index)
					name := fmt.Sprint(seed, p, epoch, index)
					first := source.Uint64()
					if other, ok := seen[first]; ok {
						t.Fatalf("streams %s and %s begin alike", other, name)
					}
					seen[first] = name
					source.Uint64()
					seedStream(source, seed, p, epoch, index)
					if again := source.Uint64(); again != first {
						t.Fatalf("stream %s begins with %x and %x", name, first, again)
					}
				}
			}
		}
	}
}

// One seen view stays at least, no unseen one appears, and each is dropped as
// often as was asked for.
func TestDropViews(t *testing.T) {
	const draws, views = 20000, 6
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		seen        uint64
		probability float64
		want        float64 // share of the seen views that stay
	}{
		{0b110101, 0, 1},
		{0b110101, 0.3, 0.7 + 0.3*0.3*0.3*0.3/4},
		{0b000100, 0.9, 1},
		{0, 0.5, 0},
	} {
		stayed := 0
		for range draws {
			kept := dropViews(c.seen, c.probability, views, r)
			if kept&^c.seen != 0 || (kept == 0) != (c.seen == 0) {
				t.Fatalf("dropViews(%06b) = %06b", c.seen, kept)
			}
			stayed += bits.OnesCount64(kept)
		}
		got := float64(stayed) / draws / float64(max(bits.OnesCount64(c.seen), 1))
		if got < c.want-0.01 || got > c.want+0.01 {
			t.Errorf("dropViews(%06b, %v): share %v stays, want %v", c.seen, c.probability, got, c.want)
		}
	}
}

// augmentShape is the shape of the views that these tests vary.
var augmentShape = topology.Shape{Channels: 1, Rows: 3, Cols: 4}

func TestAugmentNothing(t *testing.T) {
	pixels := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255}
	plain, got := make([]float32, 12), make([]float32, 12)
	loadView(plain, pixels)
	var a Augment
	a.loadVaried(got, pixels, augmentShape, rand.New(rand.NewPCG(1, 2)))
	for i := range plain {
		if diff := plain[i] - got[i]; diff > 1e-6 || diff < -1e-6 {
			t.Errorf("pixel %d: %v without variations, want %v", i, got[i], plain[i])
		}
	}
	if plain[11] != 1 || plain[1] != float32(1)/255 {
		t.Errorf("pixels 255 and 1 enter as %v and %v", plain[11], plain[1])
	}
}

// varied is a 3x4 view after a shift and a mirroring, by definition.
func varied(pixels []byte, down, right int, flip bool) []float32 {
	out := make([]float32, 12)
	for r := range 3 {
		for c := range 4 {
			from, at := r-down, c-right
			if from < 0 || from > 2 || at < 0 || at > 3 {
				continue
			}
			if flip {
				at = 3 - at
			}
			out[4*r+c] = float32(pixels[4*from+at]) / 255
		}
	}
	return out
}

// cutOut is a 3x4 view without a square of two pixels that begins before row and
// col.
func cutOut(pixels []byte, row, col int) []float32 {
	out := varied(pixels, 0, 0, false)
	for r := max(row-1, 0); r < min(row+1, 3); r++ {
		for c := max(col-1, 0); c < min(col+1, 4); c++ {
			out[4*r+c] = 0
		}
	}
	return out
}

// Each variation alone, against every result that it may have.
func TestAugmentVariations(t *testing.T) {
	pixels := []byte{10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120}
	var shifts, cuts [][]float32
	for down := -1; down <= 1; down++ {
		for right := -1; right <= 1; right++ {
			shifts = append(shifts, varied(pixels, down, right, false))
		}
	}
	for row := range 3 {
		for col := range 4 {
			cuts = append(cuts, cutOut(pixels, row, col))
		}
	}
	plain, flipped := varied(pixels, 0, 0, false), varied(pixels, 0, 0, true)
	for _, c := range []struct {
		name    string
		augment Augment
		want    [][]float32
	}{
		{"shift", Augment{Shift: 1}, shifts},
		{"flip", Augment{Flip: 1}, [][]float32{flipped}},
		{"sometimes flip", Augment{Flip: 0.5}, [][]float32{flipped, plain}},
		{"cutout", Augment{Cutout: 2}, cuts},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			met := make([]bool, len(c.want))
			for range 500 {
				got := make([]float32, 12)
				c.augment.loadVaried(got, pixels, augmentShape, r)
				at := slices.IndexFunc(c.want, func(want []float32) bool {
					return cmp.Equal(want, got, cmp.Comparer(func(a, b float32) bool { return a-b < 1e-6 && b-a < 1e-6 }))
				})
				if at < 0 {
					t.Fatalf("%v is none of the results that the variation may have", got)
				}
				met[at] = true
			}
			if at := slices.Index(met, false); at >= 0 {
				t.Errorf("never made %v", c.want[at])
			}
		})
	}
}

// Light changes within its bounds, alike for all pixels of a view; black, which
// is also what surrounds a crop, stays black.
func TestAugmentLight(t *testing.T) {
	pixels := []byte{0, 0, 100, 100, 100, 100, 100, 100, 100, 100, 255, 255}
	a := Augment{Gain: 0.5, Offset: 0.2}
	r := rand.New(rand.NewPCG(5, 6))
	low, high := float32(1), float32(0)
	for range 1000 {
		got := make([]float32, 12)
		a.loadVaried(got, pixels, augmentShape, r)
		if got[0] != 0 {
			t.Fatalf("black became %v", got[0])
		}
		if got[2] != got[9] {
			t.Fatalf("equal pixels became %v and %v", got[2], got[9])
		}
		for _, v := range got {
			if v < 0 || v > 1 {
				t.Fatalf("a pixel became %v, beyond 0 to 1", v)
			}
		}
		low, high = min(low, got[2]), max(high, got[2])
	}
	const mid = 100.0 / 255
	if low < 0.5*mid-0.2-1e-6 || high > 1.5*mid+0.2+1e-6 || low > 0.1 || high < 0.7 {
		t.Errorf("a pixel of %v became %v to %v", mid, low, high)
	}
}

// Rows are what is seen in any set of a sample, and nothing else; a batch that
// is full says so and stays as it was.
func TestBatchRows(t *testing.T) {
	topo := smallTopology(t, "f", 4) // groups {0, 1} and {2, 3}
	b := newBatch(topo, 2, 3)
	if !b.add(7, 0b0101, 0b0001) || !b.add(9, 0b1000) {
		t.Fatal("no room")
	}
	if b.add(10, 0b1) {
		t.Error("a third sample has room in a batch of two")
	}
	want := batch{
		samples:    []int{7, 9},
		first:      []int{0, 2, 3},
		examples:   []example{{0, 0b0101}, {0, 0b0001}, {1, 0b1000}},
		deviceRows: [][]viewOf{{{0, 0}}, {}, {{0, 2}}, {{1, 3}}},
		deviceRow:  []int{0, none, 0, none, none, none, none, 0},
		edgeRows:   [][]int{{0, 1}, {0, 2}},
		edgeRow:    []int{0, 0, 1, none, none, 1},
	}
	got := fmt.Sprint(b.samples, b.first, b.examples, b.deviceRows, b.deviceRow, b.edgeRows, b.edgeRow)
	if w := fmt.Sprint(want.samples, want.first, want.examples, want.deviceRows, want.deviceRow, want.edgeRows, want.edgeRow); got != w {
		t.Errorf("batch is\n%s, want\n%s", got, w)
	}
	b.reset()
	if !b.add(1, 1, 2, 4) {
		t.Error("an emptied batch has no room")
	}
	if b.reset(); b.add(1, 1, 2, 4, 8) {
		t.Error("four sets have room in a batch of three examples")
	}
}

// Validation looks at all views first, then at sets with one to three hidden, the
// same at every validation.
func TestSubsets(t *testing.T) {
	topo := smallTopology(t, "c", 6)
	set, split := quickData(t, topo)
	for _, seed := range []uint64{1, 1} {
		cfg := quick()
		cfg.Seed = seed
		tr, err := newTrainer(cfg, set, split, topo)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tr.close)
		before := fmt.Sprint(tr.subsets)
		for i, sets := range tr.subsets {
			seen := tr.seen[tr.validation[i]]
			if sets[0] != seen || len(sets) != 1+subsetsPerSample {
				t.Fatalf("sample %d: %d sets, the first %b; want %d, the first %b", i, len(sets), sets[0], 1+subsetsPerSample, seen)
			}
			for _, s := range sets[1:] {
				hidden := bits.OnesCount64(seen &^ s)
				if s == 0 || s&^seen != 0 || hidden < 1 || hidden > mostHidden {
					t.Errorf("sample %d that sees %06b is looked at with %06b", i, seen, s)
				}
			}
		}
		tr.drawSubsets()
		if after := fmt.Sprint(tr.subsets); after != before {
			t.Error("the sets differ when drawn again")
		}
	}
}

func TestNth(t *testing.T) {
	for n, want := range []int{0, 2, 5, 63} {
		if got := nth(1<<63|0b100101, n); got != want {
			t.Errorf("set bit %d is at %d, want %d", n, got, want)
		}
	}
}

// Hand-computed: errors and cross-entropies count alike, exits and conditions too;
// the devices' own exits and heads that nobody asked do not.
func TestScore(t *testing.T) {
	full := Figures{
		HeadDevice: {Count: 10, Correct: 0, Loss: 100},
		HeadLocal:  {Count: 4, Correct: 3, Loss: 2},
		HeadCloud:  {Count: 4, Correct: 4, Loss: 1},
	}
	missing := Figures{HeadLocal: {Count: 2, Correct: 1, Loss: 2}}
	if got, want := score(full, missing), (0.75+0.25+1.5)/3; got != want {
		t.Errorf("score %v, want %v", got, want)
	}
}
