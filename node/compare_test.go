package node

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ganglion/roles"
	"ganglion/roles/wire"
)

const (
	partedRun  = roles.RunID(7)
	partedSite = roles.Site("hall")
)

// partedNode is one node of a mesh that was parted, without a network.
type partedNode struct {
	engine *engine
	asking int
}

// newPartedNode has in its log what its half has decided.
func newPartedNode(name roles.Peer, half string, beats int) *partedNode {
	e := &engine{config: &Config{}, log: slog.New(slog.DiscardHandler)}
	e.roles = roles.NewNode(0, roles.NodeConfig{Self: name, Site: partedSite, Groups: [][]int{{0}}})
	e.gaps = newGapFiller(e, e.log)
	rng := rand.New(rand.NewPCG(uint64(len(half)), 3))
	l := e.roles.Log(partedSite)
	for b := range beats {
		id := roles.SampleID{Site: partedSite, Run: partedRun, Beat: roles.Beat(b)}
		epoch := roles.Epoch{Counter: 2, Peer: roles.Peer(half)}
		s := roles.Seal(&roles.Verdict{Sample: id, Epoch: epoch}, fmt.Append(nil, b, half))
		s.Used = 1 + rng.IntN(3)
		l.Append(0, &roles.Published{Seq: roles.Seq{Epoch: epoch, N: uint64(b + 1)}, Sealed: s})
	}
	l.Floor(0, partedRun, roles.Beat(beats))
	return &partedNode{engine: e}
}

// Two halves of a mesh were apart for a minute of 200 samples a second, and have decided all of
// them twice. Healed, every node is to know within 15 s what stands, though one of twenty
// questions is not answered. It was not so while every peer was asked for all of it, 64
// verdicts after 64, and one answer that did not come ended it; nor while questions were
// dropped that nobody asked again.
func TestLogsOfHalvesReconcile(t *testing.T) {
	const (
		beats = 12_000
		each  = 4
		trip  = 20 * time.Millisecond
		most  = 15 * time.Second
	)
	nodes := map[roles.Peer]*partedNode{}
	var names []roles.Peer
	for i := range 2 * each {
		name, half := roles.Peer(fmt.Sprint("n", i)), []string{"one", "other"}[i/each]
		nodes[name] = newPartedNode(name, half, beats)
		names = append(names, name)
	}
	for i, name := range names {
		for k := range each {
			nodes[name].engine.gaps.logs.sync(names[(i/each*each+each+(i+k)%each)%(2*each)])
		}
	}
	lines := heal(t, nodes, names, trip, most)
	for _, name := range names {
		l := nodes[name].engine.roles.Log(partedSite)
		if got, want := l.Blocks(partedRun), nodes[names[0]].engine.roles.Log(partedSite).Blocks(partedRun); !slices.Equal(got, want) {
			t.Errorf("%s differs from %s after %v", name, names[0], most)
		}
		all, _, _ := l.Range(partedSite, roles.Span{Run: partedRun, To: beats}, 3*beats)
		standing := 0
		for _, p := range all {
			if p.SupersededBy == (roles.Hash{}) {
				standing++
			}
		}
		if len(all) != 2*beats || standing != beats {
			t.Errorf("%s has %d verdicts of which %d stand; want %d, %d", name, len(all), standing, 2*beats, beats)
		}
	}
	if most := 2 * each * 3 * beats; lines > most { // a node lacks as many as beats, and is told what it has beside them
		t.Errorf("%d verdicts were sent, want %d at most", lines, most)
	}
}

// heal has the nodes compare their logs until nothing is under way or that time is over. It
// returns how many verdicts were sent.
func heal(t *testing.T, nodes map[roles.Peer]*partedNode, names []roles.Peer, trip, most time.Duration) (lines int) {
	t.Helper()
	type event struct {
		at roles.Instant
		do func(now roles.Instant)
	}
	var events []event
	questions := 0
	for now := roles.Instant(0); now < roles.Instant(most); now = now.Add(trip / 4) {
		due := slices.DeleteFunc(slices.Clone(events), func(e event) bool { return e.at > now })
		events = slices.DeleteFunc(events, func(e event) bool { return e.at <= now })
		for _, e := range due {
			e.do(now)
		}
		for _, name := range names {
			n := nodes[name]
			n.engine.fx = roles.Effects{}
			for n.engine.gaps.logs.ask(now, func(q question) bool {
				if n.asking >= gapAskers {
					return false
				}
				n.asking++
				answer, wait := (*wire.LogAnswer)(nil), gapWait
				if questions++; questions%20 != 0 {
					answer, wait = answerOf(nodes[q.to].engine.roles.Log(q.query.Site), &q.query, min(q.query.Most, gapLines)), trip
					lines += len(answer.Published)
				}
				events = append(events, event{now.Add(wait), func(now roles.Instant) {
					n.asking--
					q.done(now, q.to, answer)
				}})
				return true
			}) {
			}
		}
	}
	return lines
}
