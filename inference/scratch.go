package inference

import "ganglion/inference/bits"

// Scratch is the working memory of one sample at a time, owned by its caller. It
// fits the model that made it, and must not be used by two goroutines at once.
type Scratch struct {
	maps     [2][]uint64 // packed maps between two blocks
	sources  [][]uint64  // [source] packed maps, parts of unpacked
	unpacked []uint64
	one      [1][]uint64 // a map as the only source of a convolution
	kernels  *bits.Scratch

	floats   [2][]float32 // maps of float sections
	sums     []int32      // [class]
	scores   []float32    // [view, class], for CC of scores
	features [][]byte     // [view of a group]
	cloud    Output       // of the cloud section, around its caller's scores
}

// scratchSizes is what a set of sections needs of a scratch, in elements.
type scratchSizes struct {
	maps, sources, unpacked, floats, classes int
	kernels                                  []bits.Kernel
}

// NewScratch is room for every section of the model.
func (m *Model) NewScratch() *Scratch {
	s := newScratch(append(append([]section{m.cloud}, m.devices...), m.edges...))
	t := m.topology
	s.scores = make([]float32, len(t.Views)*len(t.Classes))
	s.features = make([][]byte, len(t.Views))
	return s
}

// NewDeviceScratch is room for the device sections alone: what a small device
// needs.
func (m *Model) NewDeviceScratch() *Scratch { return newScratch(m.devices) }

func newScratch(sections []section) *Scratch {
	var sizes scratchSizes
	for _, s := range sections {
		s.demand(&sizes)
	}
	return &Scratch{
		maps:     [2][]uint64{make([]uint64, sizes.maps), make([]uint64, sizes.maps)},
		sources:  make([][]uint64, sizes.sources),
		unpacked: make([]uint64, sizes.unpacked),
		kernels:  bits.NewScratch(sizes.kernels...),
		floats:   [2][]float32{make([]float32, sizes.floats), make([]float32, sizes.floats)},
		sums:     make([]int32, sizes.classes),
	}
}

// Bytes is the memory that the scratch holds.
func (s *Scratch) Bytes() int {
	const slice, word = 24, 8 // of a slice header, of a uint64
	return s.kernels.Bytes() +
		word*(len(s.maps[0])+len(s.maps[1])+len(s.unpacked)) + slice*(len(s.sources)+len(s.features)) +
		4*(len(s.floats[0])+len(s.floats[1])+len(s.sums)+len(s.scores))
}
