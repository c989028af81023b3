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
	engine  *engine
	asking  int
	fetched []int // verdicts, by the second
}

// newPartedNode has in its log what its half has decided.
func newPartedNode(name roles.Peer, half string, beats int) *partedNode {
	e := &engine{config: &Config{}, log: slog.New(slog.DiscardHandler)}
	e.roles = roles.NewNode(0, roles.NodeConfig{Self: name, Site: partedSite, Groups: [][]int{{0}}})
	e.gaps = newGapFiller(e, linked, e.log)
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
		paced = 4_000
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
	if peak := peakOf(nodes); peak > paced { // samples fall at the same time, and are not to wait
		t.Errorf("a node fetched %d verdicts in a second, want %d at most", peak, paced)
	}
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
					for second := int(now / roles.Instant(time.Second)); len(n.fetched) <= second; {
						n.fetched = append(n.fetched, 0)
					}
					n.fetched[len(n.fetched)-1] += len(answer.Published)
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

// peakOf is the most verdicts that any node fetched in one second.
func peakOf(nodes map[roles.Peer]*partedNode) (most int) {
	for _, n := range nodes { // a maximum does not depend on the order
		most = max(most, slices.Max(n.fetched))
	}
	return most
}

// ask puts every question that the node's comparison has room for.
func (n *partedNode) ask(now roles.Instant, most int) (of []question) {
	n.engine.fx, n.engine.filled = roles.Effects{}, nil
	for len(of) < most && n.engine.gaps.logs.ask(now, func(q question) bool {
		of = append(of, q)
		return true
	}) {
	}
	return of
}

// answerTo is what a node says to a question.
func (n *partedNode) answerTo(q question) *wire.LogAnswer {
	return answerOf(n.engine.roles.Log(q.query.Site), &q.query, min(q.query.Most, gapLines))
}

// request is a published sample on demand, of the n-th place of 300.
func request(n int) *roles.Published {
	id := roles.SampleID{Site: partedSite, Request: roles.RequestID(uint64(n)%300<<48*200 + uint64(n) + 1)}
	epoch := roles.Epoch{Counter: 1, Peer: "one"}
	s := roles.Seal(&roles.Verdict{Sample: id, Epoch: epoch}, fmt.Append(nil, n))
	return &roles.Published{Seq: roles.Seq{Epoch: epoch, N: uint64(n + 1)}, Sealed: s}
}

// What one node has dropped and another has still, because it heard of it later, is handed over
// once more at most, and is no news then: two nodes that compare logs for ever would else hand
// it back and forth for ever.
func TestComparedLogsForget(t *testing.T) {
	const requests = 900
	n, peer := newPartedNode("one", "one", 0), newPartedNode("peer", "one", 0)
	for i := range requests {
		n.engine.roles.Log(partedSite).Append(0, request(i))
		peer.engine.roles.Log(partedSite).Append(roles.Instant(roles.LogAge/2), request(i))
	}
	now := roles.Instant(0).Add(roles.LogAge + time.Second)
	n.engine.roles.Log(partedSite).Append(now, request(requests))
	if got := n.engine.roles.Log(partedSite).Len(); got != 1 {
		t.Fatalf("%d lines after %v, want 1", got, roles.LogAge)
	}
	lines, after := 0, 0
	const comparisons = 100 // each asks for a few blocks in vain
	for i := range comparisons {
		n.engine.gaps.logs.add(partedSite, "peer")
		for of := n.ask(now, 1); len(of) > 0; of = n.ask(now, 1) {
			a := peer.answerTo(of[0])
			if lines += len(a.Published); i > comparisons/2 {
				after += len(a.Published)
			}
			of[0].done(now, "peer", a)
			if len(n.engine.filled) > 0 {
				t.Fatalf("%d verdicts that were dropped are news", len(n.engine.filled))
			}
			now = now.Add(comparePace)
		}
		now = now.Add(5 * time.Second)
	}
	if after > 0 || lines == 0 || lines > requests {
		t.Errorf("%d verdicts were sent, %d of them after %d comparisons; want each once at most", lines, after, comparisons/2)
	}
}

// A comparison that ends because its peer fell silent is over, whatever comes of the questions
// that are under way still; and it is taken up again. It once went on with one block, and then
// counted as done.
func TestComparisonThatIsOver(t *testing.T) {
	n, peer := newPartedNode("one", "one", 0), newPartedNode("peer", "one", 3000)
	logs := &n.engine.gaps.logs
	logs.add(partedSite, "peer")
	for range 2 { // what runs there are, and their blocks
		q := n.ask(0, 1)
		q[0].done(0, "peer", peer.answerTo(q[0]))
	}
	var under []question
	now := roles.Instant(0)
	for range comparePipe {
		under = append(under, n.ask(now, comparePipe)...)
		now = now.Add(comparePace)
	}
	if len(under) != comparePipe {
		t.Fatalf("%d questions are under way, want %d", len(under), comparePipe)
	}
	for range compareFaults - 1 {
		under[0].done(now, "peer", nil)
		now = now.Add(comparePace)
		under = append(under[1:], n.ask(now, 1)...)
	}
	under[0].done(now, "peer", nil)
	for _, q := range under[1:] { // half of what it asked for
		q.query.Most = blockLines / 2
		q.done(now, "peer", peer.answerTo(q))
	}
	if more := n.ask(now, 1); len(more) > 0 {
		t.Errorf("it goes on with %+v", more[0].query)
	}
	if got := n.engine.roles.Log(partedSite).Len(); got == 0 {
		t.Error("answers under way were not taken")
	}
	if later := n.ask(now.Add(compareRest), 1); len(later) != 1 || !later[0].query.Runs {
		t.Errorf("after %v it is not taken up again: %+v", compareRest, later)
	}
}

// blockLines is how many verdicts a block has here.
const blockLines = 256

// linked is a network in which all links are up.
func linked(roles.Peer) bool { return true }
