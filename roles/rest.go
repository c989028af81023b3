package roles

import "time"

// maxRest is how long a node sleeps at most while nothing calls for it: so late, at worst,
// is noticed what no deadline tells.
const maxRest = 100 * time.Millisecond

// next is when a Tick may have something to do; at or before now: nothing is known of.
func (c *Claimant) next() Instant {
	next := c.deadline // Never, unless there is a question
	add := func(at Instant) {
		if at > c.ticked {
			next = min(next, at)
		}
	}
	add(c.retry)
	if !c.inTouch {
		add(c.started.Add(StartQuiet))
	}
	switch {
	case c.mine && len(c.hearers) > 0:
		add(c.beat.Add(HeartbeatInterval))
	case c.listens:
		add(c.silence.Until().Add(time.Duration(max(0, c.rank)) * StandbyPatience))
	}
	return next
}

// rest says that the node sleeps until then, unless an event wakes it: to wake on time is no
// stall.
func (c *Claimant) rest(until Instant) { c.ticked = max(c.ticked, until) }

// rests is what Next returns: no claimant takes the sleep until then for a stall.
func (n *Node) rests(now, next Instant) Instant {
	for _, role := range n.order {
		if at := n.claims[role].next(); at > now {
			next = min(next, at)
		}
	}
	next = min(max(next, now), now.Add(maxRest))
	for _, role := range n.order {
		n.claims[role].rest(next)
	}
	return next
}
