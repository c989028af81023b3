package train

import (
	"math/rand/v2"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// loader puts the views of a batch into the device sections' inputs.
type loader struct {
	w       *workers
	set     *dataset.Set
	shape   topology.Shape
	augment Augment
	seed    uint64
	sources []*rand.PCG // per worker
	draws   []*rand.Rand

	net     *network
	batch   *batch
	epoch   int
	varied  bool
	viewRow func(worker, unit int)
}

func newLoader(w *workers, set *dataset.Set, shape topology.Shape, augment Augment, seed uint64) *loader {
	l := &loader{w: w, set: set, shape: shape, augment: augment, seed: seed}
	for range w.count {
		source := rand.NewPCG(0, 0)
		l.sources = append(l.sources, source)
		l.draws = append(l.draws, rand.New(source))
	}
	l.viewRow = l.loadRow
	return l
}

// plain loads the views as they are.
func (l *loader) plain(n *network, b *batch) { l.load(n, b, false, 0) }

// vary loads the views with the variations of an epoch, each from a stream of
// its own.
func (l *loader) vary(n *network, b *batch, epoch int) { l.load(n, b, l.augment != (Augment{}), epoch) }

func (l *loader) load(n *network, b *batch, varied bool, epoch int) {
	l.net, l.batch, l.varied, l.epoch = n, b, varied, epoch
	rows := 0
	for _, section := range b.deviceRows {
		rows += len(section)
	}
	l.w.each(rows, rows*l.shape.Size(), l.viewRow)
}

// loadRow loads one of the rows of all sections, one section after another.
func (l *loader) loadRow(worker, row int) {
	section := 0
	for row >= len(l.batch.deviceRows[section]) {
		row -= len(l.batch.deviceRows[section])
		section++
	}
	v := l.batch.deviceRows[section][row]
	sample := l.batch.samples[v.slot]
	dst := l.net.input[section][row*l.shape.Size():][:l.shape.Size()]
	pixels := l.set.View(sample, v.view)
	if !l.varied {
		loadView(dst, pixels)
		return
	}
	seedStream(l.sources[worker], l.seed, purposeAugment, l.epoch, sample*len(l.set.Views)+v.view)
	l.augment.loadVaried(dst, pixels, l.shape, l.draws[worker])
}

// seenViews is the set of views of each sample that the presence rule finds in
// the original pixels.
func seenViews(set *dataset.Set, presence topology.Presence) []uint64 {
	seen := make([]uint64, set.Len())
	for sample := range seen {
		for view := range set.Views {
			if presence.Present(set.View(sample, view)) {
				seen[sample] |= 1 << view
			}
		}
	}
	return seen
}
