package roles

import (
	"slices"
	"time"

	"ganglion/inference"
)

// The membership's own times, as package mesh/membership has them on a local network.
const (
	gossipLook  = 100 * ms
	deathFound  = 2 * time.Second // a member that nobody reaches is reported dead after it
	deathStands = 500 * ms        // before it is believed of a member that is linked
)

// sight is what one process knows of another by gossip.
type sight struct {
	record  *Member
	present bool          // listed as alive
	out     time.Duration // when it was reported dead
	missed  time.Duration // since when it is out of reach; 0: it is not
	due     time.Duration // when its death is found
	refuted time.Duration // when a false death is
}

// gossip is one look of the membership at everyone.
func (w *world) gossip() {
	w.after(gossipLook, w.gossip)
	w.moments()
	records := make([]*Member, len(w.actors))
	for i, n := range w.actors {
		if n.up && !n.paused {
			records[i] = &Member{
				Peer: n.peer, Site: hall, Views: n.node.Views(), Eligible: n.node.Eligible, Class: 5, Stands: true,
				Pinned: n.node.Pinned, Claims: n.node.Claims(), Feeds: n.node.Feeds,
				Bundles: []inference.BundleID{{}}, Settings: n.setting.settings,
			}
		}
	}
	w.spreadSettings()
	for _, n := range w.actors {
		if !n.up || n.paused {
			continue
		}
		for _, other := range w.actors {
			if other != n && other.peer != n.peer {
				n.look2(other, records[other.id])
			}
		}
		n.tellMembers()
	}
}

// look2 learns what gossip has of another process.
func (n *actor) look2(other *actor, record *Member) {
	w := n.w
	for len(n.sights) <= other.id {
		n.sights = append(n.sights, nil)
	}
	s := n.sights[other.id]
	if s == nil {
		s = &sight{}
		n.sights[other.id] = s
	}
	if other.up && w.together(n, other) {
		s.missed = 0
		switch {
		case record == nil: // it stands still: nothing new, and soon reported dead
		case w.now < s.refuted:
		case s.record != nil && sameMember(s.record, record) && s.present:
		case w.rng.Float64() < w.net.late:
		case s.out == 0 || s.present || n.route[other.peer] == other || w.rng.IntN(5) == 0:
			// Who was dead joins again: soon where there is a link.
			s.record, s.present = record, true
		}
		if !other.paused {
			return
		}
	}
	if s.missed == 0 {
		s.missed, s.due = w.now, w.now+deathFound+w.upTo(500*ms)
	}
	if s.present && w.now >= s.due {
		s.present, s.out = false, w.now
	}
}

func sameMember(a, b *Member) bool {
	return a.Views == b.Views && a.Eligible == b.Eligible && a.Pinned == b.Pinned && slices.Equal(a.Claims, b.Claims) && a.Settings == b.Settings
}

// falseDeath has a process hear that a live one is dead, which that one soon refutes.
func (n *actor) falseDeath(of *actor, d time.Duration) {
	if !n.up || of == n || of.id >= len(n.sights) || n.sights[of.id] == nil || !n.sights[of.id].present {
		return
	}
	s := n.sights[of.id]
	s.present, s.out, s.refuted = false, n.w.now, n.w.now+d
	life := n.life
	n.w.after(d, func() {
		if n.life == life && n.up {
			if n.w.together(n, of) && of.up {
				s.present = true
			}
			n.awake(n.tellMembers)
		}
	})
	n.awake(n.tellMembers)
}

// counts judges a member as the membership does: a death is believed at once where the
// link is down too, else when it has stood for a while.
func (s *sight) counts(n *actor, of *actor) bool {
	switch {
	case s == nil || s.record == nil:
		return false
	case s.present:
		return true
	}
	return n.route[of.peer] == of && s.out > 0 && n.w.now-s.out < deathStands && !n.w.loose.believing
}

// tellMembers tells the node who is there, where that has changed. Of two processes with
// one identity the record of the one that it is linked with counts.
func (n *actor) tellMembers() {
	var others []Member
	for _, other := range n.w.actors {
		if other.id >= len(n.sights) || !n.sights[other.id].counts(n, other) {
			continue
		}
		i := slices.IndexFunc(others, func(m Member) bool { return m.Peer == other.peer })
		switch record := *n.sights[other.id].record; {
		case i < 0:
			others = append(others, record)
		case n.route[other.peer] == other:
			others[i] = record
		}
	}
	if slices.EqualFunc(others, n.told, func(a, b Member) bool { return a.Peer == b.Peer && sameMember(&a, &b) }) {
		return
	}
	n.told = others
	n.do(func(now Instant, fx *Effects) { n.node.SetMembers(now, others, fx) })
}

// together reports whether two live processes are in one part of the network, over others
// where the way between them is cut.
func (w *world) together(a, b *actor) bool {
	if w.changed {
		w.changed = false
		w.reach = make([]int, len(w.actors))
		for i := range w.reach {
			w.reach[i] = i
		}
		for _, n := range w.actors {
			for _, m := range w.actors[n.id+1:] {
				if n.up && m.up && w.inTouch(n, m) && w.reach[n.id] != w.reach[m.id] {
					from, to := w.reach[m.id], w.reach[n.id]
					for i := range w.reach {
						if w.reach[i] == from {
							w.reach[i] = to
						}
					}
				}
			}
		}
	}
	return w.reach[a.id] == w.reach[b.id]
}

// inTouch reports whether packets pass between two processes both ways.
func (w *world) inTouch(a, b *actor) bool {
	l := w.links[pairOf(a, b)]
	return l == nil || l.ways[0].cut+l.ways[1].cut == 0
}
