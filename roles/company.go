package roles

import (
	"maps"
	"slices"
	"time"
)

// AlonePatience is what a node that hears from nobody waits for an answer, beyond
// StillHeardWait, before it finds itself cut off.
const AlonePatience = 400 * time.Millisecond

// mostHailed is how many peers such a node asks for a sign of life.
const mostHailed = 8

// company is whether anybody is in touch with this node. Of one peer that is silent the peer
// may be dead, or stand still. Where all are, all at once, it is this node's own network that is
// down, or as good as down: its connections stand, and nothing comes of them for as long as TCP
// goes on hoping.
//
// A node that is alone takes all its connections for broken, until something comes from anyone:
// it answers by itself, from its own views, under claims that are lonely. So to be wrong about
// it costs little: a lonely claim takes no role from those that are in touch, and is void as
// soon as one of them is heard. The question makes it rare.
type company struct {
	alone  bool
	heard  Instant // when a message came last, from anyone
	asking bool
	until  Instant // the question is open
	wakes  Instant // when looksAround has something to find out; Never: there is no doubt
}

// silentHolder is a role whose holder ought to be heard here and is not; false where there is
// none.
func (n *Node) silentHolder(now Instant) (Role, bool) {
	for _, role := range n.order {
		c := n.claims[role]
		if !c.mine && c.listens && c.met && n.links[c.promised.Peer].connected && now >= c.silence.Until() {
			return role, true
		}
	}
	return Role{}, false
}

// looksAround asks whether anybody is there, where a holder is silent and nothing comes from the
// others either, and finds out that nobody is. A node whose loop stood still has its claimants
// expect their holders anew, and so has no doubt yet.
func (n *Node) looksAround(now Instant, fx *Effects) {
	c := &n.company
	c.wakes = Never
	role, silent := n.silentHolder(now)
	quiet := c.heard.Add(leastSilence)
	switch {
	case c.alone:
	case !silent:
		c.asking = false
	case now < quiet:
		c.asking, c.wakes = false, quiet
	case !c.asking:
		c.asking = true
		c.until = now.Add(StillHeardWait + n.longestTrip() + AlonePatience)
		c.wakes = c.until
		n.hail(role, fx)
	case now >= c.until:
		n.setAlone(now, true, fx)
	default:
		c.wakes = c.until
	}
}

// hail asks some peers whether they hear a role's holder: any answer will do.
func (n *Node) hail(role Role, fx *Effects) {
	asked := 0
	for i := range n.others {
		if p := n.others[i].Peer; asked < mostHailed && p != n.Self && n.links[p].connected {
			asked++
			fx.send(p, &StillHeard{role, n.claims[role].promised})
		}
	}
}

// heardFrom notes that something came from a peer: who was alone is so no longer.
func (n *Node) heardFrom(now Instant, fx *Effects) {
	n.company.heard, n.company.asking = now, false
	if n.company.alone {
		n.setAlone(now, false, fx)
	}
}

// setAlone takes all connections for broken, or for what they are. The election comes first, so
// that a claim that is made now is known to be lonely.
func (n *Node) setAlone(now Instant, alone bool, fx *Effects) {
	n.company.alone, n.company.asking = alone, false
	n.worked = now
	var changed []Peer
	for _, p := range slices.Sorted(maps.Keys(n.links)) { // who is no member any more may be one again
		l := n.links[p]
		if before := l.connected; before != n.isConnected(now, l) {
			l.connected = !before
			n.links[p] = l
			changed = append(changed, p)
		}
	}
	longest := n.longestTrip()
	for _, role := range n.order {
		n.claims[role].RoundTrip(longest)
	}
	n.elect(now, fx)
	for _, p := range changed {
		if alone {
			for _, role := range n.order {
				n.act(now, role, n.claims[role].Broken(now, p), fx)
			}
		} else {
			fx.Compare = append(fx.Compare, SitePeer{n.Site, p}) // the others have gone on
		}
		n.tellLink(now, p, fx)
	}
	n.electMoved(now, fx)
}

// isConnected reports whether a link counts: it is up, the peer has not said that it leaves, and
// this node is not alone.
func (n *Node) isConnected(now Instant, l link) bool {
	return l.up && now >= l.left && !n.company.alone
}
