package bits

import (
	"math/rand/v2"
	"testing"

	"ganglion/inference/topology"
)

// deployed is the sections of the default topology, of the paper's shapes, with
// random weights and inputs.
type deployed struct {
	device      *ByteConv
	deviceExit  *Linear
	first, next *BitConv
	exit        *Linear
	pixels      []byte
	sources     [][]uint64
	features    []uint64
	a, b        []uint64
	scores      []int32
	scratch     *Scratch
}

func newDeployed() *deployed {
	r := rand.New(rand.NewPCG(5, 5))
	random := func(n int) []byte { return bitString(randomSigns(r, n)) }
	t := func(n int) []Threshold { return make([]Threshold, n) }
	view := topology.Shape{Channels: 3, Rows: 32, Cols: 32}
	features := topology.Shape{Channels: 4, Rows: 16, Cols: 16}
	hidden := topology.Shape{Channels: 16, Rows: 16, Cols: 16}
	cloud := topology.Block{Filters: 16, Pool: topology.Stride1}
	d := &deployed{
		device:     NewByteConv(view, topology.Block{Filters: 4, Pool: topology.Stride2}, random(ConvBits(3, 4)), t(4)),
		deviceExit: NewLinear(features, 3, random(LinearBits(features, 3))),
		first:      NewBitConv(features, 6, cloud, random(ConvBits(24, 16)), t(16)),
		next:       NewBitConv(hidden, 1, cloud, random(ConvBits(16, 16)), t(16)),
		exit:       NewLinear(hidden, 3, random(LinearBits(hidden, 3))),
		pixels:     make([]byte, view.Size()),
		features:   make([]uint64, Words(features)),
		a:          make([]uint64, Words(hidden)),
		b:          make([]uint64, Words(hidden)),
		scores:     make([]int32, 3),
	}
	for i := range d.pixels {
		d.pixels[i] = byte(r.Uint32())
	}
	for range 6 {
		d.sources = append(d.sources, memory(features, randomSigns(r, features.Size())))
	}
	copy(d.a, memory(hidden, randomSigns(r, hidden.Size())))
	d.scratch = NewScratch(d.device, d.first, d.next)
	return d
}

func (d *deployed) runDevice() {
	d.device.Apply(d.features, d.pixels, d.scratch)
	d.deviceExit.Apply(d.scores, d.features)
}

func (d *deployed) runCloud(seen uint64) {
	d.first.Apply(d.a, d.sources, seen, d.scratch)
	d.next.Apply(d.b, [][]uint64{d.a}, 1, d.scratch)
	d.exit.Apply(d.scores, d.b)
}

// BenchmarkKernels is one sample of the deployed shapes on one thread.
func BenchmarkKernels(b *testing.B) {
	d := newDeployed()
	for _, bm := range []struct {
		name string
		run  func()
	}{
		{"device/conv", func() { d.device.Apply(d.features, d.pixels, d.scratch) }},
		{"device/exit", func() { d.deviceExit.Apply(d.scores, d.features) }},
		{"device/all", d.runDevice},
		{"cloud/conv1", func() { d.first.Apply(d.b, d.sources, 63, d.scratch) }},
		{"cloud/conv2", func() { d.next.Apply(d.b, [][]uint64{d.a}, 1, d.scratch) }},
		{"cloud/exit", func() { d.exit.Apply(d.scores, d.a) }},
		{"cloud/all-6-seen", func() { d.runCloud(63) }},
		{"cloud/all-3-seen", func() { d.runCloud(0b101010) }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bm.run()
			}
		})
	}
}
