package roles

import (
	"time"

	"ganglion/inference/topology"
)

// How long a node sleeps at most while nothing calls for it: so late, at worst, is noticed
// what no deadline tells. Of the step machines that is nothing; whoever drives them does
// now and then what has no deadline of its own.
const (
	maxRest   = 100 * time.Millisecond
	maxIdling = RestInterval // of a node that has had no work for RestAfter
)

// next is when a Tick may have something to do that the last one had not yet.
func (c *Claimant) next() Instant {
	next := Never
	add := func(at Instant) {
		if at > c.ticked {
			next = min(next, at)
		}
	}
	if c.asking {
		add(c.deadline)
		add(c.deadline.Add(LonePatience))
	}
	add(c.retry)
	if !c.inTouch {
		add(c.started.Add(StartQuiet))
	}
	switch {
	case c.mine && !c.coord && len(c.hearers) > 0:
		next = min(next, c.pace.next())
	case !c.mine:
		add(c.suspects())
		if c.listens {
			add(c.silence.Until()) // a challenger has no patience
		}
	}
	return next
}

// rest says at now that the node sleeps until then, unless an event wakes it: to wake on time is
// no stall. Where it has stood still already, since its last Tick, it has not slept.
func (c *Claimant) rest(now, until Instant) {
	if !c.stood(now) {
		c.asleep = until
	}
}

// rests is what Next returns: no claimant takes the sleep until then for a stall.
func (n *Node) rests(now, next Instant) Instant {
	for _, role := range n.order {
		next = min(next, n.claims[role].next())
	}
	most := maxRest
	if n.idle(now) {
		most = maxIdling
	}
	next = min(max(next, now), now.Add(most))
	for _, role := range n.order {
		n.claims[role].rest(now, next)
	}
	return next
}

// idle reports whether the node has had no work for RestAfter, and nothing has changed.
func (n *Node) idle(now Instant) bool { return now >= n.worked.Add(RestAfter) && !n.busy() }

// busy reports whether there is work at the node.
func (n *Node) busy() bool {
	for _, site := range n.names {
		at := n.sites[site]
		if at.device.busy() || at.coord != nil && at.coord.busy() {
			return true
		}
		for _, a := range at.aggs {
			if a != nil && (len(a.open) > 0 || len(a.edge.open) > 0) {
				return true
			}
		}
	}
	return len(n.held) > 0 || n.cloud != nil && len(n.cloud.upper.open) > 0
}

// works notes that this node has work for a role that may be its own.
func (n *Node) works(now Instant, role Role) {
	n.worked = now
	if c := n.claims[role]; c != nil && c.mine {
		c.Works(now)
		if at := n.coordinated(role); at != nil && at.coord != nil {
			at.coord.pace.work(now)
		}
	}
}

// given notes what a message gives this node to do.
func (n *Node) given(now Instant, m Message) {
	switch m := m.(type) {
	case *Heartbeat, *HeartbeatAck, *StillHeardAnswer:
		return
	case *Scores:
		n.works(now, AggregatorOf(m.Site, m.Group))
	case *Features:
		for _, role := range n.above(m) {
			n.works(now, role)
			if c := n.claims[role]; role.Kind == CloudKind && c != nil && !c.mine {
				c.Sent(now) // as its standby: who coordinates finds the holder silent
			}
		}
	case *StillHeard: // somebody has work for its holder, or misses it
		n.works(now, m.Role)
		if c := n.claims[m.Role]; c != nil && !c.mine && c.promised == m.Epoch {
			c.Sent(now)
		}
	}
	n.worked = now
}

// gave notes work that this node has sent, from an index on, to the holders of roles. The
// standbys of one that rests are asked whether they hear it still, so that they listen too.
func (n *Node) gave(now Instant, from int, fx *Effects) {
	sent := func(role Role, to Peer) {
		c := n.claims[role]
		if c == nil || c.mine || c.promised.Peer != to {
			return
		}
		if c.silence.resting {
			for _, p := range c.watchers() {
				fx.send(p, &StillHeard{role, c.promised})
			}
		}
		c.Sent(now)
	}
	for _, s := range fx.Sends[from:] {
		switch m := s.Message.(type) {
		case *Scores:
			sent(AggregatorOf(m.Site, m.Group), s.To)
		case *Features:
			for _, role := range n.above(m) {
				sent(role, s.To)
			}
		}
	}
}

// above is the roles that features are sent up to.
func (n *Node) above(m *Features) []Role {
	if m.Tier == topology.ExitCloud {
		return []Role{CloudRole()}
	}
	var out []Role
	for g := range n.Groups {
		if len(m.Items) > 0 {
			out = append(out, AggregatorOf(m.Items[0].Sample.Site, g))
		}
	}
	return out
}
