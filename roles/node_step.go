package roles

import (
	"slices"
	"time"

	"ganglion/inference/topology"
)

// Receive takes a message of another node.
func (n *Node) Receive(now Instant, from Peer, m Message, fx *Effects) {
	n.run(now, fx, func(fx *Effects) {
		n.heardFrom(now, fx)
		if !n.holdBack(now, from, m) {
			n.receive(now, from, m, fx)
		}
		n.electMoved(now, fx)
	})
}

func (n *Node) electMoved(now Instant, fx *Effects) {
	if n.moved {
		n.elect(now, fx)
	}
}

func (n *Node) receive(now Instant, from Peer, m Message, fx *Effects) {
	n.given(now, m)
	if _, ok := m.(*Leaving); ok {
		n.leaves(now, from, fx)
		return
	}
	n.claimant(now, from, m, fx)
	site, ok := siteOf(m)
	if !ok { // of the mesh's cloud alone, or of several sites
		if f, ok := m.(*Features); ok {
			n.features(now, from, f, fx)
		}
		return
	}
	at := n.known(site)
	if at == nil {
		return
	}
	if n.ignores(from, m) {
		return
	}
	if h, ok := m.(*Heartbeat); ok && h.Run != nil && !h.Claim.Epoch.Below(at.device.memory.Promised()) {
		at.log.Floor(now, h.Run.Run, h.Floor)
	}
	at.device.Receive(now, from, m, fx)
	for _, a := range at.held() {
		a.Receive(now, from, m, fx)
	}
	if at.coord != nil {
		at.coord.Receive(now, from, m, fx)
	}
}

// ignores reports whether a message is of a claim of the coordinator that no election here
// prefers, as a lonely one is: nobody follows it. Of a claim that is to be followed the first
// word is a Claiming or a Heartbeat.
func (n *Node) ignores(from Peer, m Message) bool {
	var claim Claim
	switch m := m.(type) {
	case *Heartbeat:
		claim = m.Claim
	case *Claiming:
		claim = m.Claim
	case *Ask:
		claim = Claim{Role: m.Role, Epoch: m.Epoch}
	case *SealBatch:
		claim = Claim{Role: m.Role, Epoch: m.Epoch}
	case *Request:
		claim = Claim{Role: m.Role, Epoch: m.Epoch}
	}
	c := n.claims[claim.Role]
	if from == n.Self || c == nil {
		return false
	}
	return claim.Lonely && c.promised != claim.Epoch || c.promised.Below(claim.Epoch)
}

// features go to the tier that wants them; those of an edge carry their site in each sample.
func (n *Node) features(now Instant, from Peer, m *Features, fx *Effects) {
	if m.Tier == topology.ExitCloud {
		n.standIn()
		if n.cloud != nil {
			n.cloud.Receive(now, from, m, fx)
		}
		return
	}
	if len(m.Items) == 0 {
		return
	}
	if at := n.sites[m.Items[0].Sample.Site]; at != nil {
		for _, a := range at.held() {
			a.Receive(now, from, m, fx)
		}
	}
}

// standIn has this node answer for the last tier without its role: whoever sends features here
// found the holder silent or gone. To answer does no harm.
func (n *Node) standIn() {
	if c := n.claims[CloudRole()]; n.cloud == nil && n.Eligible.Has(CloudKind) && c != nil && !c.promised.IsZero() {
		n.cloud = NewCloudTier(n.Self, c.promised, n.Catalog)
		for p := range n.links { // each is told once: the order does not matter
			n.linkQuietly(p)
		}
	}
}

// claimant is what a message is to the node's claims.
func (n *Node) claimant(now Instant, from Peer, m Message, fx *Effects) {
	switch m := m.(type) {
	case *Heartbeat:
		n.hears(now, from, m.Claim, m.Resting, fx)
	case *Claiming:
		n.hears(now, from, m.Claim, false, fx)
	case *HeartbeatAck:
		if c := n.claims[m.Role]; c != nil && from != n.Self {
			c.Accepted(m.Epoch)
		}
	case *ClaimAnswer:
		if c := n.claims[m.Role]; c != nil && from != n.Self {
			c.Accepted(m.Epoch)
		}
	case *Stale:
		if c := n.claims[m.Role]; c != nil {
			n.act(now, m.Role, c.Stale(now, m.Epoch), fx)
			n.moved = true
		}
	case *StillHeard:
		if c := n.claims[m.Role]; c != nil {
			hears, promised := c.StillHears(now, m.Epoch, n.Acknowledged(m.Epoch.Peer))
			fx.send(from, &StillHeardAnswer{m.Role, m.Epoch, hears, promised})
			c.Wonders(now, from, m.Epoch)
		}
	case *StillHeardAnswer:
		if c := n.claims[m.Role]; c != nil {
			n.act(now, m.Role, c.Answered(now, from, m.Asked, m.Hears, m.Promised), fx)
		}
	case *HandOver:
		if c := n.claims[m.Role]; c != nil && from == m.Epoch.Peer {
			n.act(now, m.Role, c.HandedOver(now, m.Epoch), fx)
		}
	}
}

// hears takes a holder's claim.
func (n *Node) hears(now Instant, from Peer, claim Claim, resting bool, fx *Effects) {
	c := n.claims[claim.Role]
	if c == nil || from == n.Self || from != claim.Epoch.Peer {
		return
	}
	before := c.Promised()
	ok, actions := c.Heard(now, claim, resting)
	n.act(now, claim.Role, actions, fx)
	switch {
	case !ok && (!claim.Lonely || c.void()):
		fx.send(from, &Stale{claim.Role, c.Promised()})
	case ok && claim.Lonely && n.coordinated(claim.Role) == nil:
		fx.send(from, &HeartbeatAck{Role: claim.Role, Epoch: claim.Epoch}) // in company from now on
	}
	n.remember(now, claim, resting)
	if own, mine := c.Mine(); before != c.Promised() || mine && own.Lonely && !claim.Lonely {
		n.moved = true
	}
}

// remember keeps a heard claim for the elections of the next moments.
func (n *Node) remember(now Instant, claim Claim, resting bool) {
	until := now.Add(heardClaimLasts)
	if resting {
		until = until.Add(RestInterval)
	}
	for i := range n.heard {
		if h := &n.heard[i]; h.claim.Role == claim.Role && h.claim.Epoch.Peer == claim.Epoch.Peer {
			if !claim.Epoch.Below(h.claim.Epoch) {
				*h = heardClaim{claim, until}
			}
			return
		}
	}
	n.heard = append(n.heard, heardClaim{claim, until})
}

// siteOf is the site that a message is about; false where it is about none.
func siteOf(m Message) (Site, bool) {
	var role Role
	switch m := m.(type) {
	case *Scores:
		return m.Site, true
	case *Proposals:
		return m.Site, true
	case *Request:
		return m.Sample.Site, true
	case *Heartbeat:
		role = m.Claim.Role
	case *HeartbeatAck:
		role = m.Role
	case *Ask:
		role = m.Role
	case *SealBatch:
		role = m.Role
	case *SealAck:
		role = m.Role
	case *Stale:
		role = m.Role
	case *Claiming:
		role = m.Claim.Role
	case *ClaimAnswer:
		role = m.Role
	}
	return role.Site, role.Site != ""
}

// Captured takes what came of samples that the node was to capture.
func (n *Node) Captured(now Instant, of []*Observation, fx *Effects) {
	n.run(now, fx, func(fx *Effects) { n.Device().Captured(now, of, fx) })
}

// Heard takes publications of a site's verdicts that another node made or kept, and the
// oldest beat of their run that is not final.
func (n *Node) Heard(now Instant, site Site, of []*Published, run RunID, floor Beat, fx *Effects) {
	at := n.known(site)
	if at == nil {
		return
	}
	n.run(now, fx, func(fx *Effects) {
		for _, p := range of {
			if at.coord != nil {
				at.coord.Reconcile(now, p, fx)
			} else {
				if news, _ := at.log.Append(now, p); news {
					fx.Logged = append(fx.Logged, p)
				}
			}
		}
		fx.Logged = append(fx.Logged, at.log.marked()...)
		if run != 0 {
			at.log.Floor(now, run, floor)
		}
	})
}

// Order opens a sample on demand at the site's coordinator, under the settings that are in
// force there. It returns false where the part is not this node's, or there is too much in
// work: who asked is to ask again.
func (n *Node) Order(now Instant, c Capture, fx *Effects) (taken bool) {
	at := n.sites[c.Sample.Site]
	if at == nil || at.coord == nil {
		return false
	}
	c.Settings = n.inForce(now, at, c.Bundle)
	n.run(now, fx, func(fx *Effects) { taken = at.coord.Request(now, c, fx) })
	return taken
}

// StartRun begins a run at the site's coordinator, in the place of any other. It returns
// false where the part is not this node's, or not yet.
func (n *Node) StartRun(now Instant, run RunRecord, fx *Effects) (RunID, bool) {
	at := n.sites[run.Site]
	if at == nil || at.coord == nil || at.coord.stopped || at.coord.claiming {
		return 0, false
	}
	run.Run = n.NewRun()
	n.run(now, fx, func(fx *Effects) {
		at.coord.Start(now, run)
		at.coord.Tick(now, fx)
	})
	return run.Run, true
}

// Tick does what is due. It is called at Next, and after every event or some of them.
func (n *Node) Tick(now Instant, fx *Effects) {
	n.due = false
	n.run(now, fx, func(fx *Effects) {
		for _, role := range n.order {
			n.act(now, role, n.claims[role].Tick(now), fx)
		}
		if n.busy() {
			n.worked = now
		}
		if slices.ContainsFunc(n.heard, func(h heardClaim) bool { return now > h.until }) {
			n.moved = true // a holder's word is worth no more than its record now
		}
		n.electMoved(now, fx)
		n.looksAround(now, fx)
		n.stays(now, fx)
		n.compare(now, fx)
		n.release(now, fx)
		for _, site := range n.names {
			at := n.sites[site]
			at.device.Tick(now, fx)
			for _, a := range at.held() {
				a.Tick(now, fx)
			}
			if at.coord != nil {
				n.follow(now, at)
				at.coord.Tick(now, fx)
			}
		}
		if n.cloud != nil {
			n.cloud.Tick(now, fx)
		}
	})
}

// compareEvery is the time between two comparisons of this node's log with another's.
const compareEvery = 5 * time.Second

// compare has the log of the node's own site compared with that of one node of the site after
// the other: what gossip dropped of a reconciliation leaves no gap that could be seen.
func (n *Node) compare(now Instant, fx *Effects) {
	if now < n.compared.Add(compareEvery) {
		return
	}
	n.compared = now
	for range n.others {
		n.turn = (n.turn + 1) % len(n.others)
		if m := &n.others[n.turn]; m.Site == n.Site && n.links[m.Peer].connected {
			fx.Compare = append(fx.Compare, SitePeer{n.Site, m.Peer})
			return
		}
	}
}

// Next is when Tick has something to do that no event brings: the node may sleep until then,
// or until an event. One that wakes much later than it promises by this has stalled.
func (n *Node) Next(now Instant) Instant {
	if n.due {
		return n.rests(now, now)
	}
	next := min(n.compared.Add(compareEvery), n.company.wakes)
	for _, h := range n.held {
		next = min(next, h.at)
	}
	for _, h := range n.heard {
		next = min(next, h.until+1)
	}
	for _, site := range n.names {
		at := n.sites[site]
		next = min(next, at.device.Next())
		for _, a := range at.held() {
			next = min(next, a.Next())
		}
		if at.coord != nil {
			next = min(next, at.coord.Next(now))
		}
	}
	if n.cloud != nil {
		next = min(next, n.cloud.upper.next())
	}
	return n.rests(now, next)
}

// Resign gives up every role, tells who is next, and everyone that the node leaves: its last
// words. Nobody waits for it any more, so that it need not take anything more.
func (n *Node) Resign(now Instant, fx *Effects) {
	n.run(now, fx, func(fx *Effects) {
		for _, role := range n.order {
			e := n.claims[role].Promised()
			next, actions := n.claims[role].Resign()
			n.act(now, role, actions, fx)
			fx.send(next, &HandOver{Role: role, Epoch: e})
		}
		for i := range n.others {
			if p := n.others[i].Peer; p != n.Self && n.links[p].connected {
				fx.send(p, &Leaving{})
			}
		}
		n.Eligible = 0
		n.elect(now, fx)
	})
}

// heldBack is a message on the added way to or from the last tier.
type heldBack struct {
	at   Instant
	from Peer // who sent it to this node; empty: it goes out
	send Send
}

// holdBack keeps features for the last tier for half of the added round trip.
func (n *Node) holdBack(now Instant, from Peer, m Message) bool {
	f, ok := m.(*Features)
	if !ok || f.Tier != topology.ExitCloud || n.CloudDelay <= 0 {
		return false
	}
	n.held = append(n.held, heldBack{now.Add(n.CloudDelay / 2), from, Send{To: n.Self, Message: m}})
	return true
}

// holdAnswer keeps an answer of the last tier for as long.
func (n *Node) holdAnswer(now Instant, s Send) bool {
	p, ok := s.Message.(*Proposals)
	if !ok || s.released || p.Tier != topology.ExitCloud || n.CloudDelay <= 0 {
		return false
	}
	n.held = append(n.held, heldBack{now.Add(n.CloudDelay / 2), "", s})
	return true
}

// release delivers what was held back for long enough.
func (n *Node) release(now Instant, fx *Effects) {
	var due []heldBack
	n.held = slices.DeleteFunc(n.held, func(h heldBack) bool {
		if h.at <= now {
			due = append(due, h)
		}
		return h.at <= now
	})
	for _, h := range due {
		switch {
		case h.from != "":
			n.receive(now, h.from, h.send.Message, fx)
		case h.send.To == n.Self:
			n.receive(now, n.Self, h.send.Message, fx)
		default:
			h.send.released = true
			fx.Sends = append(fx.Sends, h.send)
		}
	}
}
