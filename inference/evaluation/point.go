package evaluation

import (
	"context"
	"fmt"
	"math/bits"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// Point is how the exit rule fares with some thresholds on some samples: what it
// gets right and what it costs.
type Point struct {
	LocalExit          Number   `json:"local_exit"`          // share of samples that exit locally
	EdgeExit           *Number  `json:"edge_exit,omitempty"` // at an edge; nil where the topology has no exit there
	Overall            Number   `json:"overall"`             // accuracy over samples with a view left
	Interval           Interval `json:"interval"`            // of Overall
	PayloadPerSeenView Number   `json:"payload_bytes_per_seen_view"`
	PayloadPerDevice   Number   `json:"payload_bytes_per_device"`
}

// answer is what the network makes of one sample with one set of views.
type answer struct {
	label     int // or dataset.NotPresent
	seen      uint64
	proposals []inference.Proposal // none where no view is seen
}

func (a *answer) scored() bool { return len(a.proposals) > 0 && a.label != dataset.NotPresent }

// tally counts what the exit rule does with answers.
type tally struct {
	samples int                            // answers
	scored  int                            // with a view left and a label
	right   int                            // of the scored
	exits   [topology.ExitCloud + 1]int    // answers by exit
	atExit  [topology.ExitCloud + 1][2]int // by exit: scored, right
	seen    int                            // seen views
	payload int64                          // bytes that devices sent
}

// add counts one answer by the exit rule with thresholds.
func (c *tally) add(t *topology.Topology, a *answer, thresholds inference.Thresholds) (class int) {
	c.samples++
	chosen := inference.Choose(a.proposals, thresholds)
	if chosen < 0 {
		c.exits[topology.ExitNone]++
		return -1
	}
	p := a.proposals[chosen]
	c.exits[p.Exit]++
	c.seen += bits.OnesCount64(a.seen)
	c.payload += devicePayload(t, a.seen, p.Exit)
	if a.label == dataset.NotPresent {
		return p.Class
	}
	c.scored++
	c.atExit[p.Exit][0]++
	if p.Class == a.label {
		c.right++
		c.atExit[p.Exit][1]++
	}
	return p.Class
}

// devicePayload is what the devices of one sample send up, in bytes, where seen
// views saw something and the sample was answered at exit: section III-E of the
// paper, per sample.
func devicePayload(t *topology.Topology, seen uint64, exit topology.Exit) int64 {
	var total int64
	for left := seen; left != 0; left &= left - 1 {
		total += int64(t.ViewScoreBytes(bits.TrailingZeros64(left)))
		if exit != topology.ExitLocal {
			total += int64(t.ViewSentUpBytes())
		}
	}
	return total
}

func (c *tally) point(t *topology.Topology) Point {
	p := Point{
		LocalExit:          share(c.exits[topology.ExitLocal], c.samples),
		Overall:            share(c.right, c.scored),
		Interval:           Wilson(c.right, c.scored),
		PayloadPerSeenView: share(float64(c.payload), float64(c.seen)),
		PayloadPerDevice:   share(float64(c.payload), float64(c.samples)*float64(len(t.Views))),
	}
	if t.Edge != nil && t.Edge.Exit {
		edge := share(c.exits[topology.ExitEdge], c.samples)
		p.EdgeExit = &edge
	}
	return p
}

// pointOf is the exit rule with thresholds on answers.
func pointOf(t *topology.Topology, answers []answer, thresholds inference.Thresholds) Point {
	var c tally
	for i := range answers {
		c.add(t, &answers[i], thresholds)
	}
	return c.point(t)
}

// tierOnly is the class if every sample exited at one tier: that of the tier's
// first proposal. ok is false where the tier proposes nothing.
func (a *answer) tierOnly(exit topology.Exit) (class int, ok bool) {
	for i := range a.proposals {
		if a.proposals[i].Exit == exit {
			return a.proposals[i].Class, true
		}
	}
	return -1, false
}

// At is how a network fares by the exit rule with thresholds on samples of a data
// set.
func At(m *inference.Model, set *dataset.Set, samples []int, thresholds inference.Thresholds) (Point, error) {
	if err := CheckFit(m.Topology(), set); err != nil {
		return Point{}, fmt.Errorf("evaluate: %w", err)
	}
	answers := make([]answer, len(samples))
	err := eachTrial(context.Background(), m, set, samples, func(place int, t *trial) {
		answers[place] = answer{set.Labels[samples[place]], t.devices.Seen, t.proposals(t.devices.Seen)}
	})
	if err != nil {
		return Point{}, fmt.Errorf("evaluate: %w", err)
	}
	return pointOf(m.Topology(), answers, thresholds), nil
}
