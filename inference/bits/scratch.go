package bits

// Kernel is a layer that works in a [Scratch].
type Kernel interface {
	// WeightBytes is the memory that the kernel itself takes: its weights,
	// expanded as it uses them, and its limits.
	WeightBytes() int
	// ScratchBytes is the memory of a Scratch made for this kernel alone.
	ScratchBytes() int

	need() need
}

// Scratch is the working memory of kernels. It holds nothing between two calls
// but a cache, so kernels that run one after the other share one. It must not
// be used by two calls at a time.
type Scratch struct {
	words  []uint64    // rows of bits, and the pooler's ring
	pixels []uint64    // channel bits of the pixels of one row, or its count planes
	strips []strip     // triples of three rows of pixels
	pairs  [][2]uint64 // sums of one bank in lanes of 8 bits
	quads  [][4]uint64 // sums of one bank in lanes of 16 bits
	limits []limit     // limits of the convolution below for the mask below

	limitsOf *BitConv
	seen     uint64
}

// NewScratch makes the working memory for any of the given kernels.
func NewScratch(kernels ...Kernel) *Scratch {
	var n need
	for _, k := range kernels {
		n = n.max(k.need())
	}
	return &Scratch{
		words:  make([]uint64, n.words),
		pixels: make([]uint64, n.pixels),
		strips: make([]strip, n.strips),
		pairs:  make([][2]uint64, n.pairs),
		quads:  make([][4]uint64, n.quads),
		limits: make([]limit, n.limits),
	}
}

// need is the lengths of the slices of a Scratch.
type need struct{ words, pixels, strips, pairs, quads, limits int }

func (n need) max(o need) need {
	return need{
		words:  max(n.words, o.words),
		pixels: max(n.pixels, o.pixels),
		strips: max(n.strips, o.strips),
		pairs:  max(n.pairs, o.pairs),
		quads:  max(n.quads, o.quads),
		limits: max(n.limits, o.limits),
	}
}

func (n need) bytes() int {
	return 8*(n.words+n.pixels) + stripBytes*n.strips + 16*n.pairs + 32*n.quads + limitBytes*n.limits
}

// must panics unless s has what a kernel needs.
func (s *Scratch) must(n need) {
	if len(s.words) < n.words || len(s.pixels) < n.pixels || len(s.strips) < n.strips ||
		len(s.pairs) < n.pairs || len(s.quads) < n.quads || len(s.limits) < n.limits {
		panic("bits: the scratch was not made for this kernel")
	}
}

// Bytes is the memory that the scratch holds.
func (s *Scratch) Bytes() int {
	return need{
		words:  len(s.words),
		pixels: len(s.pixels),
		strips: len(s.strips),
		pairs:  len(s.pairs),
		quads:  len(s.quads),
		limits: len(s.limits),
	}.bytes()
}
