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

	// donors are the training samples whose views may stand in for another's,
	// [view, class]: those that have the class as their label in that view.
	donors [][]int

	net     *network
	batch   *batch
	epoch   int
	varied  bool
	viewRow func(worker, unit int)
}

// newLoader makes a loader of the views of a set, of which the given samples, with
// the views seen of each sample, may lend theirs to one another.
func newLoader(w *workers, set *dataset.Set, shape topology.Shape, augment Augment, seed uint64, samples []int, seen []uint64) *loader {
	l := &loader{w: w, set: set, shape: shape, augment: augment, seed: seed, donors: findDonors(set, samples, seen)}
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
	index := sample*len(l.set.Views) + v.view
	draw := l.draws[worker]
	if donors := l.donorsOf(sample, v.view); len(donors) > 0 {
		seedStream(l.sources[worker], l.seed, purposeExchange, l.epoch, index)
		if draw.Float64() < l.augment.Exchange {
			pixels = l.set.View(donors[draw.IntN(len(donors))], v.view)
		}
	}
	seedStream(l.sources[worker], l.seed, purposeAugment, l.epoch, index)
	l.augment.loadVaried(dst, pixels, l.shape, draw)
}

// donorsOf is the samples whose view of the same number may stand in for a sample's:
// those that share its label there. A view without a label has none.
func (l *loader) donorsOf(sample, view int) []int {
	label := l.set.ViewLabel(sample, view)
	if label == dataset.NotPresent {
		return nil
	}
	return l.donors[view*len(l.set.Classes)+label]
}

// findDonors sorts samples by the labels of their seen views.
func findDonors(set *dataset.Set, samples []int, seen []uint64) [][]int {
	donors := make([][]int, len(set.Views)*len(set.Classes))
	for _, sample := range samples {
		for view := range set.Views {
			if label := set.ViewLabel(sample, view); label != dataset.NotPresent && seen[sample]>>view&1 == 1 {
				at := view*len(set.Classes) + label
				donors[at] = append(donors[at], sample)
			}
		}
	}
	return donors
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
