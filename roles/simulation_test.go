package roles

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"
)

// contradicted is the samples with two final verdicts that do not know of one another.
func (w *world) contradicted() []SampleID {
	var out []SampleID
	for id, all := range w.said {
		if slices.ContainsFunc(all, func(p *Published) bool { return p.Sealed.Hash != all[0].Sealed.Hash }) {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, SampleID.Compare)
	return out
}

// check reports every broken invariant of the run.
func (w *world) check() []string {
	var out []string
	for _, id := range w.contradicted() {
		out = append(out, fmt.Sprintf("%s has two final verdicts", id))
	}
	answered := 0
	for _, id := range w.asked {
		if len(w.said[id]) > 0 {
			answered++
		}
	}
	// What the holder alone knew of dies with it: at most the one it had just been asked.
	if answered < len(w.asked)-1 {
		out = append(out, fmt.Sprintf("%d of %d requests are answered", answered, len(w.asked)))
	}
	for _, n := range w.nodes {
		if n.dead {
			continue
		}
		for b := range w.count {
			if n.log().Survivor(beatOf(b)) == nil {
				out = append(out, fmt.Sprintf("%s does not know the verdict of beat %d", n.peer, b))
				break
			}
		}
		if tally := n.log().Tally(w.now, run7, Budget+Grace, true); tally.Lost+tally.Open > 0 || tally.Due != uint64(w.count) {
			out = append(out, fmt.Sprintf("%s counts %+v", n.peer, tally))
		}
		if got := n.node.Device().Retention().Counts(); got.Retained > 0 {
			out = append(out, fmt.Sprintf("%s still retains %+v", n.peer, got))
		}
	}
	return out
}

// exits counts what became of the samples.
func (w *world) exits() map[string]int {
	out := map[string]int{}
	for _, all := range w.said {
		switch s := all[0].Sealed; {
		case s.Outcome != Answered:
			out["none"]++
		case s.StoppedEarly:
			out["stopped early"]++
		default:
			out["answered"]++
		}
	}
	return out
}

func lan() faults {
	return faults{way: 200 * time.Microsecond, jitter: 2 * ms, again: 200 * ms, gossip: 0.2}
}

// pins moves the roles every 150 ms, while their holders work, to one node after another.
func pins(w *world) {
	for i := range 8 {
		w.after(time.Duration(3400+150*i)*ms, func() { w.pin(w.nodes[i%len(w.nodes)]) })
	}
}

// pinSpares does so among the nodes without a view.
func pinSpares(w *world) {
	var spares []*actor
	for _, n := range w.nodes {
		if n.node.Views() == 0 {
			spares = append(spares, n)
		}
	}
	for i := range 12 {
		w.after(time.Duration(3400+200*i)*ms, func() { w.pin(spares[i%len(spares)]) })
	}
}

// pin makes a node the operator's choice for every role.
func (w *world) pin(n *actor) {
	for _, other := range w.nodes {
		other.node.Pinned = 0
	}
	n.node.Pinned = Kinds(AggregatorKind, CloudKind)
}

// seeds is how many runs each scenario has.
var seeds = flag.Uint64("seeds", 3, "runs of each simulated scenario")

// The simulation is worth nothing if it would not notice: with a safeguard taken away it
// must find two verdicts of one sample, within a few seeds.
func TestSimulationFindsPlantedFaults(t *testing.T) {
	tests := []struct {
		name  string
		plant func(f *faults)
	}{
		{"devices store the seals of lower claims", func(f *faults) { f.unfenced = true }},
		{"a claim decides before it has heard", func(f *faults) { f.unasked = true }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(100) {
				f := lan()
				f.spares = 60 * ms
				tt.plant(&f)
				w := newWorld(t, seed, "c", 4, 4, f)
				pinSpares(w)
				w.run(8 * time.Second)
				if len(w.contradicted()) > 0 {
					t.Logf("found with seed %d", seed)
					return
				}
			}
			t.Error("not found in 100 runs")
		})
	}
}

// TestSimulation runs whole sites through faults, each with many seeds: every sample is
// decided, none twice, everyone ends with the same log and no device with anything left.
func TestSimulation(t *testing.T) {
	coordinator := func(w *world) *actor { return w.holder(CoordinatorOf(hall, len(w.top.Groups))) }
	cloud := func(w *world) *actor { return w.holder(CloudRole()) }
	tests := []struct {
		name    string
		preset  string
		cameras int
		spares  int
		faults  func(f *faults)
		script  func(w *world)
	}{
		{"no fault", "c", 4, 2, nil, nil},
		{"one node holds everything", "b", 1, 0, nil, nil},
		{"cloud only", "a", 3, 1, nil, nil},
		{"an edge", "e", 4, 2, nil, nil},
		{"two groups with edges", "f", 4, 2, nil, nil},
		{"5 % loss", "c", 4, 2, func(f *faults) { f.loss = 0.05 }, nil},
		{"50 ms each way", "c", 4, 2, func(f *faults) { f.way = 50 * ms }, nil},
		{"samples on demand, and the aggregator dies", "c", 4, 2, nil, func(w *world) {
			for i := range 40 {
				w.after(time.Duration(3300+20*i)*ms, func() {
					if n := coordinator(w); n != nil && n.coord() != nil {
						n.do(func(fx *Effects) {
							if n.node.Order(w.now, Capture{Sample: requestOf(RequestID(i + 1)), Ref: -1}, fx) {
								w.asked = append(w.asked, requestOf(RequestID(i+1)))
							}
						})
					}
				})
			}
			w.after(3705*ms, func() { w.crash(coordinator(w)) })
		}},
		{"the aggregator dies", "c", 4, 2, nil, func(w *world) {
			w.after(3700*ms, func() { w.crash(coordinator(w)) })
		}},
		{"the cloud dies", "c", 4, 2, nil, func(w *world) {
			w.after(3700*ms, func() { w.crash(cloud(w)) })
		}},
		{"both die, and a camera", "c", 4, 3, nil, func(w *world) {
			w.after(3700*ms, func() {
				w.crash(coordinator(w))
				w.crash(cloud(w))
				w.crash(w.nodes[2])
			})
		}},
		{"one aggregator after the other", "c", 4, 3, func(f *faults) { f.loss = 0.02 }, func(w *world) {
			for _, d := range []time.Duration{3400 * ms, 3650 * ms, 4900 * ms} {
				w.after(d, func() { w.crash(coordinator(w)) })
			}
		}},
		{"the aggregator stands still for 1 s", "c", 4, 2, nil, func(w *world) {
			w.after(3700*ms, func() { w.pause(coordinator(w), time.Second) })
		}},
		{"the coordinator of two groups dies", "f", 4, 3, nil, func(w *world) {
			w.after(3700*ms, func() { w.crash(coordinator(w)) })
		}},
		{"challengers take over from holders at work", "c", 4, 3, nil, pins},
		{"and the coordinator of two groups moves", "f", 4, 3, nil, pins},
		{"holders hear late of their successors", "c", 4, 4, func(f *faults) { f.spares = 60 * ms }, pinSpares},
		{"40 ms more to the last tier and back", "c", 4, 2, func(f *faults) { f.cloudDelay = 40 * ms }, nil},
		{"a camera stands still for 1 s", "c", 4, 2, nil, func(w *world) {
			w.after(3700*ms, func() { w.pause(w.nodes[1], time.Second) })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range *seeds {
				f := lan()
				if tt.faults != nil {
					tt.faults(&f)
				}
				w := newWorld(t, seed, tt.preset, tt.cameras, tt.spares, f)
				if tt.script != nil {
					tt.script(w)
				}
				w.run(14 * time.Second)
				for _, fault := range w.check() {
					t.Errorf("seed %d: %s", seed, fault)
				}
				if seed == 0 {
					t.Logf("%v", w.exits())
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}
