package main

import (
	"fmt"
	"strings"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// header stands above the lines of the results.
const header = "deployment           views groups tiers              samples  same   local    edge   cloud    none   bytes/view  formula"

// result is what came of a deployment.
type result struct {
	preset  string
	bundle  *inference.Bundle
	samples int
	same    int // verdicts that are what one process would have said, bit for bit
	partial int // those of them in which a tier did without a view that was seen
	late    int // verdicts in which a view is missing: this machine was too busy for it
	exits   map[string]int
	faults  []string // what the others differ in

	seen  int     // views that were seen, over all samples
	kept  int     // those of them whose features stayed on the device
	bytes float64 // that devices sent for each seen view, as they count it
}

// add counts a verdict.
func (r *result) add(v *controlpb.Verdict, judge *nodetest.Judge) {
	if r.exits == nil {
		r.exits = map[string]int{}
	}
	r.samples++
	r.exits[v.GetExit()]++
	switch what := judge.Differs(v); {
	case what != "":
		r.faults = append(r.faults, what)
	default:
		r.same++
		if judge.Partial(v) {
			r.partial++
		}
	}
	if len(v.GetMissing()) > 0 {
		r.late++
	}
	seen := len(v.GetSeen())
	r.seen += seen
	r.kept += seen - r.asked(v)
}

// asked is for how many views of a sample the features, or in deployment (a) the pixels,
// went up to the tier above: it is the number of views that the exit there rests on.
func (r *result) asked(v *controlpb.Verdict) (views int) {
	above := topology.ExitCloud
	if r.bundle.Topology().Edge != nil {
		above = topology.ExitEdge
	}
	for _, p := range v.GetProposals() {
		if p.GetExit() == above.String() {
			views += int(p.GetSeen())
		}
	}
	return views
}

// measure asks the devices what they sent.
func (r *result) measure(p *program, m *nodetest.Mesh) {
	var bytes, views uint64
	for _, name := range m.Names() {
		s, err := m.API(name).Status(p.ctx, &controlpb.StatusRequest{})
		if err != nil {
			p.Fatalf("status of %s: %v", name, err)
		}
		bytes += s.GetTraffic().GetPayloadSentBytes()
		views += s.GetTraffic().GetSeenViews()
	}
	r.bytes = float64(bytes) / float64(max(views, 1))
}

// formula is the communication cost of section III-E of the paper: 4|C| + (1 - l) f o / 8,
// with l as the share of seen views whose features stayed on the device.
func (r *result) formula() float64 {
	return r.bundle.Topology().PayloadPerView(float64(r.kept) / float64(max(r.seen, 1)))
}

// fault says what is wrong with the answers; nil: nothing.
func (r *result) fault() error {
	if len(r.faults) > 0 {
		return fmt.Errorf("%d of %d verdicts are not what one process says: %s", len(r.faults), r.samples, r.faults[0])
	}
	return nil
}

// String is a line of the table.
func (r *result) String() string {
	t := r.bundle.Topology()
	share := func(exit topology.Exit) string {
		if n := r.exits[exit.String()]; n > 0 {
			return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(max(r.samples, 1)))
		}
		return "-"
	}
	tiers := []string{"device"}
	if t.Edge != nil {
		tiers = append(tiers, "edge")
	}
	line := fmt.Sprintf("%-20s %5d %6d %-18s %7d %5d %7s %7s %7s %7s %12.1f %8.1f", t.Name, len(t.Views), len(t.Groups),
		strings.Join(append(tiers, "cloud"), ", "), r.samples, r.same,
		share(topology.ExitLocal), share(topology.ExitEdge), share(topology.ExitCloud), share(topology.ExitNone), r.bytes, r.formula())
	if r.partial > 0 {
		line += fmt.Sprintf("  (%d without a view that was late)", r.partial)
	}
	return line
}
