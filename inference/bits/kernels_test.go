package bits

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"ganglion/inference/topology"
)

// TestNoAllocations: a sample costs the garbage collector nothing.
func TestNoAllocations(t *testing.T) {
	d := newDeployed()
	sum := NewSumConv(topology.Shape{Channels: 4, Rows: 16, Cols: 16}, 6, topology.Block{Filters: 16},
		make([]byte, ConvBits(4, 16)/8), slices.Repeat([][]Threshold{make([]Threshold, 16)}, 6))
	scratch := NewScratch(sum)
	for _, tc := range []struct {
		name string
		run  func()
	}{
		{"device", d.runDevice},
		{"cloud, all seen", func() { d.runCloud(63) }},
		{"cloud, changing masks", func() { d.runCloud(9); d.runCloud(17) }},
		{"sum", func() { sum.Apply(d.a, d.sources, 0b110101, scratch) }},
		{"or", func() { Or(d.features, d.sources, 0b110101) }},
		{"pack", func() { Pack(make([]byte, 128), d.features) }},
	} {
		if n := testing.AllocsPerRun(20, tc.run); n != 0 {
			t.Errorf("%s: %v allocations, want none", tc.name, n)
		}
	}
}

// TestConcurrentUse has goroutines share kernels, each with its own scratch and
// mask; the race detector and the results both watch.
func TestConcurrentUse(t *testing.T) {
	d := newDeployed()
	var want [4][]int32
	for i := range want {
		d.runCloud(uint64(i + 1))
		want[i] = slices.Clone(d.scores)
	}
	var wg sync.WaitGroup
	for i := range want {
		wg.Go(func() {
			own := *d
			own.a, own.b, own.scores = make([]uint64, len(d.a)), make([]uint64, len(d.b)), make([]int32, len(d.scores))
			own.scratch = NewScratch(d.first, d.next)
			for range 20 {
				own.runCloud(uint64(i + 1))
				if !slices.Equal(own.scores, want[i]) {
					t.Errorf("mask %d: scores %v, want %v", i+1, own.scores, want[i])
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestScratchShared: a cache of limits for one convolution must not serve
// another one that shares the scratch.
func TestScratchShared(t *testing.T) {
	a := newRivals(4, 6)
	c := NewBitConv(topology.Shape{Channels: 4, Rows: 16, Cols: 16}, 6, topology.Block{Filters: 16},
		make([]byte, ConvBits(24, 16)/8), make([]Threshold, 16))
	scratch := NewScratch(a.tables, c)
	got, want := make([]uint64, 64), make([]uint64, 64)
	c.Apply(want, a.src, 5, NewScratch(c))
	a.tables.Apply(got, a.src, 5, scratch)
	c.Apply(got, a.src, 5, scratch)
	if !slices.Equal(got, want) {
		t.Errorf("with a shared scratch %x, want %x", got, want)
	}
}

// TestDeviceMemory holds a device to its budget: weights with the exit under
// 2 KB, working memory under 6 KB, all under 8 KB.
func TestDeviceMemory(t *testing.T) {
	d := newDeployed()
	weights := d.device.WeightBytes() + d.deviceExit.WeightBytes()
	if weights >= 2<<10 {
		t.Errorf("weights take %d bytes, want under 2 KB", weights)
	}
	if n := d.device.ScratchBytes(); n >= 6<<10 {
		t.Errorf("scratch takes %d bytes, want under 6 KB", n)
	}
	if got, want := NewScratch(d.device).Bytes(), d.device.ScratchBytes(); got != want {
		t.Errorf("a scratch for the device holds %d bytes, want %d", got, want)
	}
}

// TestPanics: what only a programmer can do wrong is found at once, with a
// message, and not as a wrong verdict.
func TestPanics(t *testing.T) {
	d := newDeployed()
	in := topology.Shape{Channels: 4, Rows: 16, Cols: 16}
	block := topology.Block{Filters: 2}
	weights := make([]byte, ConvBits(4, 2)/8)
	two := make([]Threshold, 2)
	sum := NewSumConv(in, 2, block, weights, [][]Threshold{two, two})
	out := make([]uint64, Words(sum.Out()))
	for _, tc := range []struct {
		name string
		run  func()
		want string
	}{
		{"no thresholds", func() { NewBitConv(in, 1, block, weights, nil) }, "0 thresholds, want 2"},
		{"short weights", func() { NewBitConv(in, 1, block, weights[:8], two) }, "72 bits take 9 bytes, not 8"},
		{"no sources", func() { NewBitConv(in, 0, block, weights, two) }, "0 sources"},
		{"too many channels", func() { NewByteConv(topology.Shape{Channels: 5, Rows: 4, Cols: 4}, block, nil, two) }, "out of range"},
		{"unknown pool", func() { NewByteConv(in, topology.Block{Filters: 2, Pool: 3}, weights, two) }, "out of range"},
		{"too few lists", func() { NewSumConv(in, 2, block, weights, [][]Threshold{two}) }, "1 lists of thresholds, want 2"},
		{"no classes", func() { NewLinear(in, 0, nil) }, "0 classes"},
		{"short output", func() { d.device.Apply(d.features[1:], d.pixels, d.scratch) }, "15 words of the output, want 16"},
		{"short pixels", func() { d.device.Apply(d.features, d.pixels[1:], d.scratch) }, "3071 pixels, want 3072"},
		{"small scratch", func() { d.device.Apply(d.features, d.pixels, NewScratch()) }, "scratch was not made for this kernel"},
		{"missing source", func() { d.first.Apply(d.a, d.sources[:5], 31, d.scratch) }, "5 sources, want 6"},
		{"empty source", func() { d.first.Apply(d.a, make([][]uint64, 6), 1, d.scratch) }, "0 words of a source, want 16"},
		{"unknown source", func() { d.first.Apply(d.a, d.sources, 64, d.scratch) }, "mask 0x40"},
		{"nothing seen", func() { sum.Apply(out, d.sources[:2], 0, NewScratch(sum)) }, "no source was seen"},
		{"short map", func() { d.exit.Apply(d.scores, d.features) }, "16 words of the map, want 64"},
		{"unknown map", func() { Or(d.features, d.sources[:2], 4) }, "mask 0x4"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, tc.want) {
					t.Errorf("panicked with %q, want %q in it", got, tc.want)
				}
			}()
			tc.run()
		})
	}
}
