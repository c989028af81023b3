package roles

import (
	"slices"
	"time"
)

// links is what a machine knows of the connections to its peers, and how punctual each is.
type links map[Peer]*Punctuality

func (l links) of(p Peer) *Punctuality {
	if l[p] == nil {
		l[p] = &Punctuality{}
	}
	return l[p]
}

// keep forgets all peers but those that the function keeps.
func (l links) keep(wanted func(Peer) bool) {
	for p := range l { // all of them: the order does not matter
		if !wanted(p) {
			delete(l, p)
		}
	}
}

// round is a question to several peers that ends when all have answered, except those
// whose connection is broken, that missed three, or that were silent for wait beyond their
// round trip. Where no other node is left to wait for, although some are connected, one of them
// has to answer: as long as others may be there, what one knows alone is not enough.
type round struct {
	asked Instant
	self  Peer
	peers []roundPeer
	any   bool // the first answer of another node is enough
}

type roundPeer struct {
	Peer
	until Instant
}

// newRound opens a round of a node; a peer that is not awaited is asked all the same, by whoever
// opens it.
func newRound(now Instant, self Peer, peers []Peer, wait time.Duration, l links) round {
	r := round{asked: now, self: self}
	others := false
	for _, p := range peers {
		if of := l.of(p); of.Awaited() {
			r.peers = append(r.peers, roundPeer{p, now.Add(wait + of.trip)})
			others = others || p != self
		}
	}
	if others {
		return r
	}
	for _, p := range peers {
		if of := l.of(p); p != self && !of.broken {
			r.any = true
			r.peers = append(r.peers, roundPeer{p, now.Add(wait + of.trip)})
		}
	}
	return r
}

// answered notes an answer.
func (r *round) answered(p Peer) {
	if r.any && p != r.self {
		r.peers = slices.DeleteFunc(r.peers, func(q roundPeer) bool { return q.Peer != r.self })
	}
	r.giveUp(p)
}

// giveUp ends the wait for a peer.
func (r *round) giveUp(p Peer) {
	for i := range r.peers {
		if r.peers[i].Peer == p {
			r.peers = append(r.peers[:i:i], r.peers[i+1:]...)
			return
		}
	}
}

// done ends the waits that are over, and reports whether none is left.
func (r *round) done(now Instant, l links) bool {
	var left []roundPeer
	for _, p := range r.peers {
		if now >= p.until {
			l.of(p.Peer).Missed(now, now) // each counts: what is sealed is not to wait for long
			continue
		}
		left = append(left, p)
	}
	r.peers = left
	return len(left) == 0
}

// batches remembers when the last questions were asked, by their numbers: an answer that comes
// when nobody waits for it any more tells all the same that its peer is punctual again.
type batches [512]struct {
	number uint64
	asked  Instant
}

func (b *batches) add(number uint64, asked Instant) {
	at := &b[number%uint64(len(b))]
	at.number, at.asked = number, asked
}

// spoke notes the answer of a peer to a question, if it came while the question was waited for or
// would have been: one that is always later than that is not punctual.
func (b *batches) spoke(now Instant, number uint64, wait time.Duration, of *Punctuality) {
	at := &b[number%uint64(len(b))]
	if at.number == number && number > 0 && now.Sub(at.asked) <= wait+of.trip {
		of.Spoke(now, at.asked)
	}
}

// ring remembers the last of many samples, and an instant of each.
type ring struct {
	set   map[SampleID]Instant
	order []SampleID
	next  int
	most  int
}

func newRing(most int) *ring { return &ring{set: map[SampleID]Instant{}, most: most} }

func (r *ring) at(id SampleID) (at Instant, there bool) {
	at, there = r.set[id]
	return at, there
}

func (r *ring) add(id SampleID, at Instant) {
	if _, there := r.set[id]; there {
		return
	}
	if len(r.order) < r.most {
		r.order = append(r.order, id)
	} else {
		delete(r.set, r.order[r.next])
		r.order[r.next] = id
		r.next = (r.next + 1) % len(r.order)
	}
	r.set[id] = at
}
