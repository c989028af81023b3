package roles

import (
	"cmp"
	"slices"
)

// HeldView is a node's claim to a view of its site. Counter is 1 more than the highest that
// the node had seen when it took the view, so that the older claim has the lower one
// (Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978).
type HeldView struct {
	View    int
	Counter uint64 // from 1
}

// Viewer is what a node of a site says of its views.
type Viewer struct {
	Peer  Peer
	Held  []HeldView
	Wants int // sources that would take any view
}

// Settlement is who has which view of a site, the same at every node that knows of the
// same viewers.
type Settlement struct {
	Holders []Peer           // [view]; empty: it is free
	Lost    map[int]Peer     // views that this node claims and an older claim has: whose that is
	Take    []HeldView       // views that this node is to take for sources that want any
	Spare   int              // sources of this node for which no view is left
	claims  map[int]HeldView // of the holders
}

// Free is the views that nobody holds, ascending.
func (s *Settlement) Free() []int {
	var out []int
	for v, p := range s.Holders {
		if p == "" {
			out = append(out, v)
		}
	}
	return out
}

// Counter is the number under which a view is taken next.
func (s *Settlement) Counter() uint64 {
	var highest uint64
	for _, c := range s.claims { // a maximum does not depend on the order
		highest = max(highest, c.Counter)
	}
	return highest + 1
}

// SettleViews says who has which of a site's views. Of two claims to a view the older one
// has it: the lower counter and, of claims that did not know of one another, the lower
// peer. Free views go to the sources that want any: to the nodes in the order of their
// peers, the lowest views first, so that nodes that start together do not reach for the
// same view.
func SettleViews(self Peer, viewers []Viewer, views int) Settlement {
	s := Settlement{Holders: make([]Peer, views), Lost: map[int]Peer{}, claims: map[int]HeldView{}}
	viewers = slices.SortedFunc(slices.Values(viewers), func(a, b Viewer) int { return cmp.Compare(a.Peer, b.Peer) })
	for i := range viewers {
		for _, h := range viewers[i].Held {
			if h.View < 0 || h.View >= views {
				continue
			}
			if s.Holders[h.View] == "" || h.Counter < s.claims[h.View].Counter {
				s.Holders[h.View], s.claims[h.View] = viewers[i].Peer, h
			}
		}
	}
	counter := s.Counter()
	free := s.Free()
	for i := range viewers {
		v := &viewers[i]
		n := min(v.Wants, len(free))
		if v.Peer == self {
			for _, view := range free[:n] {
				s.Take = append(s.Take, HeldView{view, counter})
			}
			s.Spare = v.Wants - n
			for _, h := range v.Held {
				if h.View >= 0 && h.View < views && s.Holders[h.View] != self {
					s.Lost[h.View] = s.Holders[h.View]
				}
			}
		}
		free = free[n:]
	}
	return s
}
