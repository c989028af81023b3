package train

import "ganglion/inference/topology"

// example is one sample of a batch with a set of seen views. A sample may stand
// in a batch with several sets, as it does in validation; its device sections
// run once all the same.
type example struct {
	slot int    // of the sample in the batch
	seen uint64 // bit v for view v; not empty
}

// viewOf names one view of one sample of a batch.
type viewOf struct {
	slot, view int
}

// batch says which rows each section runs on. Only what is seen becomes a row:
// an unseen view costs nothing and is in no statistics.
type batch struct {
	topo        *topology.Topology
	maxSamples  int
	maxExamples int

	samples  []int     // [slot]: index into the data set
	first    []int     // [slot]: its first example; one more at the end
	examples []example // by slot

	deviceRows [][]viewOf // [device section][row]
	deviceRow  []int      // [slot, view]: row in the view's device section, or none
	edgeRows   [][]int    // [group][row]: index into examples; empty without an edge tier
	edgeRow    []int      // [example, group]: row, or none
}

// none marks a view or a group without a row.
const none = -1

func newBatch(topo *topology.Topology, maxSamples, maxExamples int) *batch {
	b := &batch{
		topo: topo, maxSamples: maxSamples, maxExamples: maxExamples,
		samples:    make([]int, 0, maxSamples),
		first:      make([]int, 0, maxSamples+1),
		examples:   make([]example, 0, maxExamples),
		deviceRows: make([][]viewOf, topo.DeviceSections()),
		deviceRow:  make([]int, 0, maxSamples*len(topo.Views)),
		edgeRows:   make([][]int, len(topo.Groups)),
		edgeRow:    make([]int, 0, maxExamples*len(topo.Groups)),
	}
	for s := range b.deviceRows {
		b.deviceRows[s] = make([]viewOf, 0, maxDeviceRows(topo, maxSamples))
	}
	for g := range b.edgeRows {
		b.edgeRows[g] = make([]int, 0, maxExamples)
	}
	b.reset()
	return b
}

// maxDeviceRows is how many rows a device section can get from some samples.
func maxDeviceRows(topo *topology.Topology, samples int) int {
	if topo.Device.Shared {
		return samples * len(topo.Views)
	}
	return samples
}

// reset empties the batch.
func (b *batch) reset() {
	b.samples, b.examples = b.samples[:0], b.examples[:0]
	b.first = append(b.first[:0], 0)
	b.deviceRow, b.edgeRow = b.deviceRow[:0], b.edgeRow[:0]
	for s := range b.deviceRows {
		b.deviceRows[s] = b.deviceRows[s][:0]
	}
	for g := range b.edgeRows {
		b.edgeRows[g] = b.edgeRows[g][:0]
	}
}

// add puts a sample into the batch, once for each set of seen views, and reports
// whether there was room. No set may be empty.
func (b *batch) add(sample int, sets ...uint64) bool {
	if len(b.samples) == b.maxSamples || len(b.examples)+len(sets) > b.maxExamples {
		return false
	}
	slot := len(b.samples)
	b.samples = append(b.samples, sample)
	var union uint64
	for _, seen := range sets {
		union |= seen
		b.addExample(example{slot: slot, seen: seen})
	}
	b.first = append(b.first, len(b.examples))
	for view := range b.topo.Views {
		row := none
		if union>>view&1 == 1 {
			s := b.topo.DeviceSection(view)
			row = len(b.deviceRows[s])
			b.deviceRows[s] = append(b.deviceRows[s], viewOf{slot: slot, view: view})
		}
		b.deviceRow = append(b.deviceRow, row)
	}
	return true
}

func (b *batch) addExample(e example) {
	for g := range b.topo.Groups {
		row := none
		if b.topo.Edge != nil && e.seen&b.topo.GroupMask(g) != 0 {
			row = len(b.edgeRows[g])
			b.edgeRows[g] = append(b.edgeRows[g], len(b.examples))
		}
		b.edgeRow = append(b.edgeRow, row)
	}
	b.examples = append(b.examples, e)
}
