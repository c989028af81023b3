package roles

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// pause is the longest time between two samples of which a process's log learnt for the first
// time, and from when: what somebody sees who follows that node.
func (n *actor) pauseIn(from, to time.Duration) (longest, since time.Duration) {
	known := map[SampleID]bool{}
	last := from
	for _, l := range n.learnt {
		fresh := !known[l.id]
		known[l.id] = true
		if !fresh || l.at < from || l.at > to {
			continue
		}
		if l.at-last > longest {
			longest, since = l.at-last, last
		}
		last = l.at
	}
	if to-last > longest {
		longest, since = to-last, last
	}
	return longest, since
}

// A camera that is cut off from all others answers by itself within 1.5 s, although its
// connections stand; and so do the others. When it is back no role moves but those that it had
// itself: what it claimed was lonely. It once took 4 s, and longer the lower its rank.
func TestCutOffAnswersAlone(t *testing.T) {
	const most = 1500 * ms
	for _, deployment := range []string{"c, 4 cameras, 2 spares", "c, 3 cameras, 0 spares", "f, 4 cameras, 2 spares"} {
		for _, weather := range []string{"", "net loss 0.05 way 50ms", "net jitter 45ms"} {
			for seed := range uint64(6) {
				text := fmt.Sprintf("deployment %s\nbeats 500 every 20ms\nnet gossip 0\n%s\nat 5s partition n0 | n1 n2 n3 n4 n5 for 6s\n", deployment, weather)
				w := replay(t, seed, text, looseness{})
				alone := w.node("n0")
				if longest, from := alone.pauseIn(5*time.Second, 10*time.Second); longest > most || len(w.broken) > 0 {
					t.Errorf("seed %d: n0 has no verdict for %v from %v: %v\n%s%s", seed, longest, from, w.broken, text, w.transcript())
				}
				holders := map[Role]*actor{} // before the cut; to claim a role again is not to move it
				for _, c := range w.claims {
					if c.at < 5*time.Second {
						holders[c.claim.Role] = c.by
					} else if c.by != alone && c.at > 9*time.Second && c.by != holders[c.claim.Role] && holders[c.claim.Role] != alone {
						t.Errorf("seed %d: %s claims %s at %v\n%s%s", seed, c.by, c.claim.Role, c.at, text, w.transcript())
					}
				}
				for role, holder := range holders { // each is looked at: the order does not matter
					if holder != alone && w.holder(role) != holder {
						t.Errorf("seed %d: %s had %s, and %s has it\n%s%s", seed, holder, role, w.holder(role), text, w.transcript())
					}
				}
			}
		}
	}
}

// A holder that hears everyone and is heard by nobody has lost its role to another. It claims the
// role again where its connections break one by one, and nobody answers its questions: that claim is
// lonely, so it takes nothing back when it is heard again. It once took the role each time, before it
// knew who the devices are, and decided up to half a second without a view. It does still where the
// other members are gone by then and the connection to the new holder is the last to break: that
// looks like a mesh of two, in which the holder stands still.
func TestNotHeardTakesNothingBack(t *testing.T) {
	const most = 4
	back := 0
	for _, weather := range []string{"", "net jitter 10ms"} {
		for seed := range uint64(12) {
			text := fmt.Sprintf("deployment c, 6 cameras, 2 spares\nbeats 1000 every 10ms\n%s\nat 4s cut aggregator -> n0 n1 n2 n3 n4 n5 n6 n7 for 6s\n", weather)
			w := replay(t, seed, text, looseness{})
			had := w.claims[slices.IndexFunc(w.claims, func(c claiming) bool { return c.claim.Role.Kind == AggregatorKind })]
			if had.by == w.holder(had.claim.Role) {
				back++
				continue
			}
			for _, id := range w.order {
				if w.verdict(id).Answer.Seen == 0 || len(w.broken) > 0 {
					t.Errorf("seed %d: %s has no view: %v\n%s%s", seed, id, w.broken, text, w.transcript())
					break
				}
			}
		}
	}
	if back > most {
		t.Errorf("%d of 24 took the role back, more than %d", back, most)
	}
	t.Logf("%d of 24 took the role back", back)
}

// Nothing comes from anyone for a second where holders rest. One that is cut off then finds out
// all the same, 3 s after the last that it heard.
func TestCutOffAtRest(t *testing.T) {
	const most = 3 * time.Second
	for seed := range uint64(6) {
		w := replay(t, seed, "deployment c, 3 cameras, 2 spares\nbeats 50 every 20ms\nat 12s partition n0 | n1 n2 n3 n4 for 8s\nat 16s request\n", looseness{})
		claimed := time.Duration(0)
		for _, c := range w.claims {
			if c.by == w.node("n0") && c.at > 12*time.Second && claimed == 0 {
				claimed = c.at - 12*time.Second
			}
		}
		if claimed == 0 || claimed > most || len(w.broken) > 0 {
			t.Errorf("seed %d: n0 claims after %v: %v\n%s", seed, claimed, w.broken, w.transcript())
		}
	}
}

// Where a mesh heals that was parted, nobody waits: whoever follows a node, on either side, has
// a verdict at least each half second. At 20 samples a second.
func TestHealingCostsNothing(t *testing.T) {
	const most = 500 * ms
	for _, deployment := range []string{"c, 6 cameras, 2 spares", "f, 6 cameras, 2 spares"} {
		for _, lasts := range []time.Duration{2 * time.Second, 9 * time.Second, 35 * time.Second} {
			for seed := range uint64(2) {
				heals := 4*time.Second + lasts
				text := fmt.Sprintf("deployment %s\nbeats %d every 50ms\nat 4s partition n0 n1 n2 n6 | n3 n4 n5 n7 for %v\n",
					deployment, (lasts+8*time.Second)/(50*ms), lasts)
				w := replay(t, seed, text, looseness{})
				for _, n := range w.running() {
					if longest, from := n.pauseIn(heals-500*ms, heals+6*time.Second); longest > most || len(w.broken) > 0 {
						t.Errorf("seed %d: %s has no verdict for %v from %v: %v\n%s%s", seed, n, longest, from, w.broken, text, w.transcript())
					}
				}
			}
		}
	}
}
