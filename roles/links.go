package roles

import "time"

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
// round trip.
type round struct {
	asked Instant
	peers []roundPeer
}

type roundPeer struct {
	Peer
	until Instant
}

// newRound opens a round; a peer that is not awaited is asked all the same, by whoever
// opens it.
func newRound(now Instant, peers []Peer, wait time.Duration, l links) round {
	r := round{asked: now}
	for _, p := range peers {
		if of := l.of(p); of.Awaited() {
			r.peers = append(r.peers, roundPeer{p, now.Add(wait + of.trip)})
		}
	}
	return r
}

// answered notes an answer.
func (r *round) answered(now Instant, p Peer, l links) {
	l.of(p).Spoke(now, r.asked)
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

// ring remembers the last of many samples.
type ring struct {
	set   map[SampleID]bool
	order []SampleID
	next  int
	most  int
}

func newRing(most int) *ring { return &ring{set: map[SampleID]bool{}, most: most} }

func (r *ring) has(id SampleID) bool { return r.set[id] }

func (r *ring) add(id SampleID) {
	if r.set[id] {
		return
	}
	if len(r.order) < r.most {
		r.order = append(r.order, id)
	} else {
		delete(r.set, r.order[r.next])
		r.order[r.next] = id
		r.next = (r.next + 1) % len(r.order)
	}
	r.set[id] = true
}
