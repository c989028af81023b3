package train

import (
	"ganglion/inference/dataset"
)

// objective is the joint loss (DDNN paper, section III-D): the sum over heads of a weight times the mean cross-entropy over the rows of that head. A
// device's row counts where its view has a label, a group's where it sees
// anything. Labels are used here and nowhere else in a pass.
type objective struct {
	weights   [Heads]float64
	smoothing float64
	set       *dataset.Set
}

// scoredRow is one vector of scores, its label and where its gradient goes.
type scoredRow struct {
	scores, grad []float32
	label        int
}

// evaluate returns the tallies of the network's last forward, and sets the
// gradients of all scores if gradients is set.
func (o *objective) evaluate(n *network, gradients bool) (tallies Figures) {
	for head := range Heads {
		o.rows(n, head, func(r scoredRow) {
			clear(r.grad)
			if r.label != dataset.NotPresent {
				tallies[head].Count++
			}
		})
	}
	for head := range Heads {
		t := &tallies[head]
		if t.Count == 0 {
			continue
		}
		weight := o.weights[head] / float64(t.Count)
		o.rows(n, head, func(r scoredRow) {
			if r.label == dataset.NotPresent {
				return
			}
			grad := r.grad
			if !gradients {
				grad = nil
			}
			t.Loss += crossEntropy(r.scores, r.label, o.smoothing, weight, grad)
			if argMax(r.scores) == r.label {
				t.Correct++
			}
		})
	}
	return tallies
}

// total is the joint loss of some tallies.
func (o *objective) total(tallies Figures) float64 {
	var sum float64
	for head, t := range tallies {
		if t.Count > 0 {
			sum += o.weights[head] * t.Loss / float64(t.Count)
		}
	}
	return sum
}

// rows calls f for every vector of scores of one head, in a fixed order.
func (o *objective) rows(n *network, head Head, f func(scoredRow)) {
	b, classes := n.batch, len(n.topo.Classes)
	at := func(scores, grads []float32, row, label int) {
		f(scoredRow{scores[row*classes:][:classes], grads[row*classes:][:classes], label})
	}
	switch head {
	case HeadDevice:
		if n.topo.Local == nil {
			return
		}
		for s, rows := range b.deviceRows {
			for row, v := range rows {
				at(n.deviceScores[s], n.dDeviceScores[s], row, o.set.ViewLabel(b.samples[v.slot], v.view))
			}
		}
	case HeadLocal:
		for g := range n.localScores {
			for e, ex := range b.examples {
				label := dataset.NotPresent
				if ex.seen&n.topo.GroupMask(g) != 0 {
					label = o.set.Labels[b.samples[ex.slot]]
				}
				at(n.localScores[g], n.dLocalScores[g], e, label)
			}
		}
	case HeadEdge:
		if n.topo.Edge == nil || !n.topo.Edge.Exit {
			return
		}
		for g, rows := range b.edgeRows {
			for row, e := range rows {
				at(n.edgeScores[g], n.dEdgeScores[g], row, o.set.Labels[b.samples[b.examples[e].slot]])
			}
		}
	default: // HeadCloud
		for e, ex := range b.examples {
			at(n.cloudScores, n.dCloudScores, e, o.set.Labels[b.samples[ex.slot]])
		}
	}
}

// argMax is the class with the largest score, the first of equals.
func argMax(scores []float32) int {
	best := 0
	for k, s := range scores {
		if s > scores[best] {
			best = k
		}
	}
	return best
}
