package node

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"ganglion/roles"
)

// partedBeat is the verdict of a beat, as its coordinator published it.
func partedBeat(b int) *roles.Published {
	id := roles.SampleID{Site: partedSite, Run: partedRun, Beat: roles.Beat(b)}
	epoch := roles.Epoch{Counter: 2, Peer: "one"}
	s := roles.Seal(&roles.Verdict{Sample: id, Epoch: epoch}, fmt.Append(nil, b))
	s.Outcome, s.Used = roles.Answered, 2
	return &roles.Published{Seq: roles.Seq{Epoch: epoch, N: uint64(b + 1)}, Sealed: s}
}

// gapPeers are nodes whose logs have dropped the beats below kept, and hold those up to end.
func gapPeers(names []roles.Peer, kept, end int) map[roles.Peer]*partedNode {
	peers := map[roles.Peer]*partedNode{}
	for _, name := range names {
		n := newPartedNode(name, "one", 0)
		l := n.engine.roles.Log(partedSite)
		for b := range end {
			at := roles.Instant(0)
			if b >= kept {
				at = at.Add(roles.LogAge / 2)
			}
			l.Append(at, partedBeat(b))
		}
		l.Append(roles.Instant(0).Add(roles.LogAge+time.Second), partedBeat(end))
		l.Floor(0, partedRun, roles.Beat(end+1))
		peers[name] = n
	}
	return peers
}

// fillGaps has a node ask its peers for what it lacks until it asks for no more. It returns how
// many questions and verdicts went, and how long it took where an answer takes no time.
func fillGaps(t *testing.T, n *partedNode, peers map[roles.Peer]*partedNode) (questions, lines int, took time.Duration) {
	t.Helper()
	g, now := &n.engine.gaps, roles.Instant(0)
	for p := range peers { // whom it asks first does not matter
		n.engine.members = append(n.engine.members, memberState{peer: p, up: true})
	}
	for idle := 0; idle < 3; {
		idle++
		g.look()
		for len(g.wanted) > 0 {
			idle = 0
			now = max(now, g.free)
			q := g.wanted[0]
			g.wanted = g.wanted[1:]
			q.to = g.member()
			a := peers[q.to].answerTo(q)
			questions++
			lines += len(a.Published)
			q.done(now, q.to, a)
			n.engine.fx, n.engine.filled = roles.Effects{}, nil
			if questions > 10_000 {
				t.Fatalf("10,000 questions, %d verdicts, and it asks on: for %+v", lines, q.query.Span)
			}
		}
	}
	return questions, lines, time.Duration(now)
}

// A node that was restarted fetches each verdict of its peers once, at a pace that leaves room
// for live samples, and gives up what all have dropped soon, however long the run is. It fetched
// at full speed, and crept through what was dropped a hundred thousand beats at a time.
func TestGapsOfARestartedNode(t *testing.T) {
	names := []roles.Peer{"a", "b", "c"}
	const kept, end = 1000, 3000
	peers := gapPeers(names, kept, end)
	n := newPartedNode("n", "one", 0)
	n.engine.arrivals = newArrivals()
	l := n.engine.roles.Log(partedSite)
	l.Floor(0, partedRun, end+1)
	questions, lines, took := fillGaps(t, n, peers)
	if l.Len() != end+1-kept || lines > end+1-kept+gapLines || questions > lines/gapLines+2+gapAttempts*(len(names)+1) {
		t.Errorf("%d of %d verdicts, by %d questions and %d verdicts sent", l.Len(), end+1-kept, questions, lines)
	}
	if least := time.Duration(end-kept-gapLines) * gapVerdict; took < least {
		t.Errorf("it took %v, want %v at least: samples go on meanwhile", took, least)
	}
	if gaps := l.Gaps(partedSite, partedRun, 1); gaps != nil {
		t.Errorf("gaps are left: %v", gaps)
	}

	// A run of ten days, of which the last is left, is no more work.
	far := peers["a"].engine.roles.Log(partedSite)
	const later = 200_000_000
	for _, p := range peers { // each gets the same
		l := p.engine.roles.Log(partedSite)
		for b := later; b < later+gapLines; b++ {
			l.Append(roles.Instant(0).Add(2*roles.LogAge+time.Minute), partedBeat(b))
		}
		l.Floor(0, partedRun, later+gapLines)
	}
	if far.Len() != gapLines {
		t.Fatalf("%d verdicts are kept, want %d", far.Len(), gapLines)
	}
	l.Floor(0, partedRun, later+gapLines)
	n.engine.members = nil
	if questions, lines, _ = fillGaps(t, n, peers); l.Len() != end+1-kept+gapLines || questions > 3*gapAttempts*(len(names)+1) || lines > 2*gapLines {
		t.Errorf("%d verdicts, by %d questions and %d verdicts sent; want %d of the last day", l.Len(), questions, lines, gapLines)
	}
}

// A peer that did not answer is left alone for a while, and may have what all others lack: that is
// not given up, and comes when the peer is asked again.
func TestGapsWaitForWhoIsSilent(t *testing.T) {
	peers := gapPeers([]roles.Peer{"has"}, 0, 400)
	peers["lacks"] = newPartedNode("lacks", "one", 0)
	peers["lacks"].engine.roles.Log(partedSite).Floor(0, partedRun, 401)
	n := newPartedNode("n", "one", 0)
	n.engine.start, n.engine.arrivals = time.Now(), newArrivals()
	for p := range peers { // whom it asks first does not matter
		n.engine.members = append(n.engine.members, memberState{peer: p, up: true})
	}
	l := n.engine.roles.Log(partedSite)
	l.Floor(0, partedRun, 401)
	g := &n.engine.gaps
	g.silent["has"] = roles.Instant(time.Hour)
	g.look()
	for len(g.wanted) > 0 {
		q := g.wanted[0]
		g.wanted = g.wanted[1:]
		if q.to = g.member(); q.to != "lacks" {
			t.Fatalf("%s is asked, which did not answer a while ago", q.to)
		}
		q.done(0, q.to, peers[q.to].answerTo(q))
	}
	if l.Gaps(partedSite, partedRun, 1) == nil || n.engine.arrivals.end() != (place{}) {
		t.Error("what a silent peer may have is given up")
	}
	g.silent["lacks"] = roles.Instant(time.Hour)
	if a, b := g.member(), g.member(); a == b || a == "" || b == "" {
		t.Errorf("where nobody answers %q and %q are asked, want one after the other", a, b)
	}
	clear(g.silent)
	n.engine.members = nil
	if fillGaps(t, n, peers); l.Len() != 401 {
		t.Errorf("%d verdicts, want 401", l.Len())
	}
}

// A verdict that says that it lost to one that nobody has is no reason to fetch it for ever: it
// was fetched anew five times a second, and real gaps behind it were never asked for.
func TestGapsOfALostSurvivor(t *testing.T) {
	names := []roles.Peer{"a", "b", "c"}
	peers := gapPeers(names, 0, 400)
	lost := partedBeat(100)
	lost.SupersededBy = roles.Hash{1}
	for _, p := range peers { // each gets the same
		p.engine.roles.Log(partedSite).Append(roles.Instant(0).Add(roles.LogAge+time.Second), lost)
	}
	n := newPartedNode("n", "one", 0)
	n.engine.log = slog.New(slog.DiscardHandler)
	n.engine.arrivals = newArrivals()
	l := n.engine.roles.Log(partedSite)
	l.Append(0, lost)
	l.Floor(0, partedRun, 401)
	_, lines, _ := fillGaps(t, n, peers)
	if l.Len() < 401 || lines > 401+gapLines+gapAttempts*(len(names)+1) {
		t.Errorf("%d of 401 verdicts, %d were sent", l.Len(), lines)
	}
}
