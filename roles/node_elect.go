package roles

import (
	"slices"
	"time"
)

// elect evaluates the election of what the node knows, and sets the parts.
func (n *Node) elect(now Instant, fx *Effects) {
	n.moved = false
	n.elected = Elect(n.electorate(now))
	for i := range n.elected {
		a := &n.elected[i]
		c := n.claims[a.Role]
		if c == nil {
			c = NewClaimant(now, n.Self, a.Role, higher(n.Known[a.Role], n.earlier()), false)
			c.coord = n.coordinated(a.Role) != nil
			n.claims[a.Role] = c
			n.order = append(n.order, a.Role)
			slices.SortFunc(n.order, Role.Compare)
			c.RoundTrip(n.longestTrip())
		}
		c.device = n.views != 0 && (a.Role.Kind == CloudKind || a.Role.Site == n.Site)
		n.act(now, a.Role, c.Elected(now, *a, n.hearers(a)), fx)
	}
	n.setScenes(now, fx)
}

// earlier is the highest claim that the node may have made in an earlier life.
func (n *Node) earlier() Epoch {
	if n.Reserved == 0 {
		return Epoch{}
	}
	return Epoch{Counter: n.Reserved, Peer: n.Self}
}

// electorate is the members that this node finds alive, itself among them, with what
// heartbeats told of their claims since their records were written.
func (n *Node) electorate(now Instant) *Electorate {
	e := &Electorate{Mesh: n.Mesh, Groups: n.Groups, Down: map[Peer]bool{}}
	n.heard = slices.DeleteFunc(n.heard, func(h heardClaim) bool { return now > h.until })
	for _, m := range n.others {
		if m.Peer == n.Self {
			continue
		}
		for _, h := range n.heard {
			if h.claim.Epoch.Peer == m.Peer {
				m.Claims = withClaim(m.Claims, h.claim)
			}
		}
		e.Members = append(e.Members, m)
		if !n.links[m.Peer].connected {
			e.Down[m.Peer] = true
		}
	}
	e.Members = append(e.Members, Member{
		Peer: n.Self, Site: n.Site, Views: n.views, Feeds: n.Feeds, Eligible: n.Eligible, Pinned: n.Pinned,
		Class: n.Class, Stands: n.stands, Claims: n.Claims(),
	})
	return e
}

// withClaim is the claims with one that is newer than that of the same role, if it is.
func withClaim(claims []Claim, c Claim) []Claim {
	i := slices.IndexFunc(claims, func(d Claim) bool { return d.Role == c.Role })
	switch {
	case i < 0:
		return append(slices.Clone(claims), c)
	case claims[i].Epoch.Below(c.Epoch) || claims[i].Epoch == c.Epoch && claims[i].Lonely && !c.Lonely:
		claims = slices.Clone(claims)
		claims[i] = c
	}
	return claims
}

// hearers is who gets a role's heartbeat where this node has it, or takes it from another:
// the devices, of its site where it has one, and the first standbys.
func (n *Node) hearers(a *Assignment) []Peer {
	var out []Peer
	standbys := slices.DeleteFunc(slices.Clone(a.Order), func(p Peer) bool { return p == n.Self })
	standbys = standbys[:min(len(standbys), heartbeatStandbys)]
	for i := range n.others {
		m := &n.others[i]
		device := m.Views != 0 && (a.Role.Kind == CloudKind || m.Site == a.Role.Site)
		if m.Peer != n.Self && n.links[m.Peer].connected && (device || slices.Contains(standbys, m.Peer)) {
			out = append(out, m.Peer)
		}
	}
	return out
}

// act carries out what a claimant wants.
func (n *Node) act(now Instant, role Role, actions []Action, fx *Effects) {
	for _, a := range actions {
		switch a.Kind {
		case AskHolder:
			for _, p := range a.To {
				fx.send(p, &StillHeard{role, a.Epoch})
			}
		case ConfirmRole:
			if at := n.coordinated(role); at != nil && at.coord != nil {
				at.coord.Confirm(now, fx)
			}
		case BeatRole:
			if n.coordinated(role) == nil {
				n.beatRole(role, a.To, a.Resting, fx)
			}
		case TakeRole:
			n.take(now, role, a.Epoch, fx)
		case YieldRole:
			if at := n.coordinated(role); at != nil && a.Void {
				at.device.memory.unpromise(a.Epoch)
			}
			n.yield(role)
			n.moved = true
		}
	}
}

// beatRole sends the heartbeat of a role without a run.
func (n *Node) beatRole(role Role, to []Peer, resting bool, fx *Effects) {
	claim, _ := n.claims[role].Mine()
	for _, p := range to {
		fx.send(p, &Heartbeat{Claim: claim, Resting: resting})
	}
}

// coordinated is the site whose coordinator's claim is the role's; nil where it is a
// claim of another part.
func (n *Node) coordinated(role Role) *post {
	if role.Kind == CloudKind || role != CoordinatorOf(role.Site, len(n.Groups)) {
		return nil
	}
	return n.known(role.Site)
}

// take makes the machines of a role that this node has claimed.
func (n *Node) take(now Instant, role Role, e Epoch, fx *Effects) {
	fx.Claimed = append(fx.Claimed, Claim{Role: role, Epoch: e})
	switch at := n.known(role.Site); {
	case role.Kind == CloudKind && n.cloud != nil:
		n.cloud.SetEpoch(e)
	case role.Kind == CloudKind:
		n.cloud = NewCloudTier(n.Self, e, n.Catalog)
	case at == nil:
		return
	case role.Kind == AggregatorKind && at.aggs[role.Group] != nil:
		at.aggs[role.Group].SetEpoch(e)
	case role.Kind == AggregatorKind:
		at.aggs[role.Group] = NewAggregator(n.Self, role.Site, role.Group, n.Groups[role.Group], e, n.Catalog)
		at.aggs[role.Group].ends = &n.ends
	}
	n.moved = true
	if at := n.coordinated(role); at != nil {
		n.setScene(now, at, fx)
		lonely := n.claims[role].lonely
		at.coord = NewCoordinator(now, CoordinatorConfig{
			Self: n.Self, Site: role.Site, Groups: len(n.Groups), Epoch: e, Lonely: lonely,
			Catalog: n.Catalog, Encode: n.Encode, Log: at.log, Before: n.connected(n.claims[role].from),
			Trip: func(p Peer) time.Duration { return n.tripFor(at, p) },
		}, at.scene, fx)
	} else if role.Kind != CloudKind {
		n.setScene(now, n.known(role.Site), fx)
	}
	n.beatIfOther(role, fx)
	for p := range n.links { // each is told once: the order does not matter
		n.linkQuietly(p)
	}
}

// connected is the peer, or nobody where there is no connection to it.
func (n *Node) connected(p Peer) Peer {
	if n.links[p].connected {
		return p
	}
	return ""
}

// beatIfOther announces a claim that no coordinator announces, at once.
func (n *Node) beatIfOther(role Role, fx *Effects) {
	if n.coordinated(role) == nil {
		n.beatRole(role, n.claims[role].hearers, false, fx)
	}
}

// linkQuietly tells machines that were just made of a connection, without a step.
func (n *Node) linkQuietly(p Peer) {
	l := n.links[p]
	for _, site := range n.names {
		at := n.sites[site]
		if at.coord != nil {
			at.coord.links.of(p).Connected(l.connected)
			at.coord.links.of(p).RoundTrip(n.tripFor(at, p))
		}
		for _, a := range at.held() {
			if a.scene.viewsOf(p) != 0 {
				a.links.of(p).Connected(l.connected)
				a.links.of(p).RoundTrip(l.trip)
			}
			a.edge.link(p, l.connected, l.trip)
		}
	}
	if n.cloud != nil {
		n.cloud.upper.link(p, l.connected, l.trip)
	}
}

// yield drops the machines of a role that is another's now.
func (n *Node) yield(role Role) {
	if role.Kind == CloudKind {
		n.cloud = nil
		return
	}
	at := n.sites[role.Site]
	if at == nil {
		return
	}
	if role.Kind == AggregatorKind {
		at.aggs[role.Group] = nil
	}
	if n.coordinated(role) != nil && at.coord != nil {
		at.coord.Stop()
		at.coord = nil
	}
}

// setScenes puts what this node knows of roles together, for every site.
func (n *Node) setScenes(now Instant, fx *Effects) {
	for _, a := range n.elected {
		if a.Role.Kind != CloudKind {
			n.known(a.Role.Site)
		}
	}
	for _, site := range n.names {
		n.setScene(now, n.sites[site], fx)
	}
}

func (n *Node) setScene(now Instant, at *post, fx *Effects) {
	s := n.sceneOf(at.site)
	if sameScene(&s, &at.scene) {
		return
	}
	n.worked = now
	at.scene = s
	at.device.SetScene(now, s, fx)
	for _, a := range at.held() {
		a.SetScene(s)
	}
	if at.coord != nil {
		at.coord.SetScene(now, s)
	}
	for p := range n.links { // each is told once: the order does not matter
		n.linkQuietly(p)
	}
}

func sameScene(a, b *Scene) bool {
	return slices.Equal(a.Views, b.Views) && slices.Equal(a.Aggregators, b.Aggregators) && a.Coordinator == b.Coordinator &&
		slices.Equal(a.Standbys, b.Standbys) && a.Cloud == b.Cloud && a.CloudStandby == b.CloudStandby
}

func (n *Node) sceneOf(site Site) Scene {
	views := 0
	for _, g := range n.Groups {
		views += len(g)
	}
	s := Scene{Views: make([]Peer, views)}
	hold := func(set uint64, p Peer) {
		for v := range each(set) {
			if v < views {
				s.Views[v] = p
			}
		}
	}
	for i := range n.others {
		if m := &n.others[i]; m.Site == site && n.links[m.Peer].connected {
			hold(m.Views, m.Peer)
		}
	}
	if site == n.Site {
		hold(n.views, n.Self)
	}
	for g := range n.Groups {
		s.Aggregators = append(s.Aggregators, n.holding(AggregatorOf(site, g)))
	}
	coordinator := CoordinatorOf(site, len(n.Groups))
	s.Coordinator, s.Cloud = n.holding(coordinator), n.holding(CloudRole())
	for i := range n.elected {
		a := &n.elected[i]
		if a.Role != coordinator && a.Role != CloudRole() {
			continue
		}
		holder := n.holding(a.Role).Peer
		standbys := slices.DeleteFunc(slices.Clone(a.Order), func(p Peer) bool { return p == holder })
		if a.Role == CloudRole() {
			if len(standbys) > 0 {
				s.CloudStandby = Holding{Peer: standbys[0]}
			}
			continue
		}
		s.Standbys = slices.DeleteFunc(standbys, func(p Peer) bool { return p == n.Self })
	}
	return s
}

// holding is who has a role, by the highest claim that the node follows; nobody where the
// connection to that peer is broken.
func (n *Node) holding(r Role) Holding {
	c := n.claims[r]
	if c == nil || c.Promised().IsZero() {
		return Holding{}
	}
	p := c.Promised().Peer
	if p == n.Self {
		if _, mine := c.Mine(); !mine {
			return Holding{}
		}
	} else if !n.links[p].connected {
		return Holding{}
	}
	return Holding{p, c.Promised()}
}
