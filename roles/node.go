package roles

import (
	"maps"
	"slices"
	"time"
)

// NodeConfig is what a Node is made of. All of it but the functions is a value.
type NodeConfig struct {
	Self     Peer
	Site     Site
	Mesh     string  // fingerprint of the mesh, for the election
	Groups   [][]int // of the topology: the views of each group
	Eligible KindSet // CloudKind and AggregatorKind, as the configuration allows
	Pinned   KindSet
	Class    Class
	Feeds    bool // it has sources
	Live     bool // its sources are cameras: a beat that was missed is gone

	RetentionBytes int
	CloudDelay     time.Duration  // added round trip to the last tier: half on features that come in, half on answers
	Known          map[Role]Epoch // claims that the machines knew that were there before these
	Reserved       uint64         // counters up to it may be claims of the node in an earlier life
	Logs           map[Site]*Log  // that there are already

	Catalog      Catalog
	Encode       Codec
	NewRun       func() RunID
	Acknowledged func(Peer) bool // whether this node's own frames to a peer are acknowledged in time
}

// Node is everything that one node does with samples: a Claimant of every role, and the
// machines of those that it holds, joined. It is pure, as they are: events and a time in,
// effects out, the same for the same. It has one owner.
type Node struct {
	NodeConfig
	views   uint64
	stands  bool // the class has not changed for ClassStands
	plan    Plan
	others  []Member      // as told by SetMembers
	heard   []heardClaim  // by heartbeat, of late
	links   map[Peer]link // whoever is not in it was never connected
	claims  map[Role]*Claimant
	order   []Role // of claims
	elected []Assignment
	sites   map[Site]*post
	names   []Site // of sites, in their order
	cloud   *CloudTier
	held    []heldBack // by CloudDelay, as they are due
	moved   bool       // elections are to be held anew
	worked  Instant    // when there was work last, or something changed
	due     bool       // the plan is another: a Tick is to follow it
	company company
	ends    [GatherEnds]uint64

	compared Instant // when logs were compared last
	turn     int     // of others, with whom
}

// link is the connection to a peer.
type link struct {
	connected bool // it counts, see isConnected
	up        bool
	left      Instant // until when its word that it leaves counts; 0: it gave none
	trip      time.Duration
}

// leftLasts is for how long a peer that says that it leaves counts as gone while the
// connection to it is still up: its process ends, or is stuck.
const leftLasts = 5 * time.Second

// heardClaim is a claim that a heartbeat told of: records are slower.
type heardClaim struct {
	claim Claim
	until Instant
}

// heardClaimLasts is for how long a heartbeat's word counts beside the record's; that of a
// holder that rests lasts until the next and as long again.
const heardClaimLasts = 2 * time.Second

// post is what the node does for one site.
type post struct {
	site   Site
	scene  Scene
	device *Device // of the node's views, or of none: a standby's
	aggs   []*Aggregator
	coord  *Coordinator // nil: the part is another's
	log    *Log
}

// NewNode is a node that starts at now, without members or connections.
func NewNode(now Instant, c NodeConfig) *Node {
	n := &Node{
		NodeConfig: c, links: map[Peer]link{}, claims: map[Role]*Claimant{}, sites: map[Site]*post{},
		company: company{wakes: Never},
	}
	n.post(c.Site)
	n.elect(now, &Effects{})
	return n
}

// post is the machines of a site, made where there are none.
func (n *Node) post(site Site) *post {
	if p := n.sites[site]; p != nil {
		return p
	}
	log := n.Logs[site]
	if log == nil {
		log = NewLog()
	}
	p := &post{site: site, log: log, aggs: make([]*Aggregator, len(n.Groups))}
	p.device = NewDevice(n.Self, site, 0, n.Groups, n.Live, n.RetentionBytes)
	p.device.memory.logged, p.device.catalog = log.Had, n.Catalog
	n.sites[site] = p
	n.names = slices.Sorted(maps.Keys(n.sites))
	return p
}

// maxSites bounds the sites of a mesh.
const maxSites = 64

// known is the machines of a site; nil where there are maxSites others, and for the cloud,
// which is of no site.
func (n *Node) known(site Site) *post {
	if site == "" || n.sites[site] == nil && len(n.sites) >= maxSites {
		return nil
	}
	return n.post(site)
}

// Sites is the sites that the node knows of, in their order.
func (n *Node) Sites() []Site { return n.names }

// Scene is who plays which part for a site, as this node has it.
func (n *Node) Scene(site Site) Scene {
	if p := n.sites[site]; p != nil {
		return p.scene
	}
	return Scene{}
}

// Log is the verdict log of a site; nil where the node knows of no such site.
func (n *Node) Log(site Site) *Log {
	if p := n.sites[site]; p != nil {
		return p.log
	}
	return nil
}

// Device is the device of the node's own views.
func (n *Node) Device() *Device { return n.sites[n.Site].device }

// Gathers is how many gathers of the node's aggregators came to each end.
func (n *Node) Gathers() [GatherEnds]uint64 { return n.ends }

// Coordinator is the coordinator of a site; nil where the part is another's.
func (n *Node) Coordinator(site Site) *Coordinator {
	if p := n.sites[site]; p != nil {
		return p.coord
	}
	return nil
}

// Views is the views that the node holds.
func (n *Node) Views() uint64 { return n.views }

// Assignments is the result of the last election.
func (n *Node) Assignments() []Assignment { return n.elected }

// Claims is the node's own claims in force, for its record.
func (n *Node) Claims() []Claim {
	var out []Claim
	for _, role := range n.order {
		if c, mine := n.claims[role].Mine(); mine {
			out = append(out, c)
		}
	}
	return out
}

// SetStands says whether the class has stood for ClassStands.
func (n *Node) SetStands(now Instant, stands bool, fx *Effects) {
	n.run(now, fx, func(fx *Effects) {
		n.stands = stands
		n.elect(now, fx)
	})
}

// SetViews says which views the node holds.
func (n *Node) SetViews(now Instant, views uint64, fx *Effects) {
	n.run(now, fx, func(fx *Effects) {
		n.views = views
		n.Device().views = views
		n.elect(now, fx)
	})
}

// SetMembers says who else is in the mesh and alive; each view has one holder.
func (n *Node) SetMembers(now Instant, others []Member, fx *Effects) {
	n.run(now, fx, func(fx *Effects) {
		n.others = others
		n.elect(now, fx)
	})
}

// Link says whether a peer is connected, and its round trip as measured.
func (n *Node) Link(now Instant, p Peer, connected bool, trip time.Duration, fx *Effects) {
	n.run(now, fx, func(fx *Effects) {
		if connected && !n.links[p].up && n.company.alone {
			n.heardFrom(now, fx) // to connect takes two
		}
		l := n.links[p]
		l.up, l.trip = connected, trip
		if !connected {
			l.left = 0
		}
		n.setLink(now, p, l, fx)
	})
}

// setLink notes what has become of a link.
func (n *Node) setLink(now Instant, p Peer, l link, fx *Effects) {
	before := n.links[p]
	l.connected = n.isConnected(now, l)
	n.links[p] = l
	longest := n.longestTrip()
	for _, role := range n.order {
		n.claims[role].RoundTrip(longest)
	}
	if before.connected && !l.connected {
		for _, role := range n.order {
			n.act(now, role, n.claims[role].Broken(now, p), fx)
		}
	}
	if before.connected != l.connected {
		n.worked = now
		n.elect(now, fx)
	}
	n.tellLink(now, p, fx)
}

// leaves notes that a peer ends in order: it takes nothing more, and is waited for no longer,
// as if the connection to it had broken.
func (n *Node) leaves(now Instant, p Peer, fx *Effects) {
	if l, ok := n.links[p]; ok && l.up && p != n.Self {
		l.left = now.Add(leftLasts)
		n.setLink(now, p, l, fx)
	}
}

// stays takes back that a peer left whose connection is up after all that time.
func (n *Node) stays(now Instant, fx *Effects) {
	for i := range n.others {
		p := n.others[i].Peer
		if l := n.links[p]; l.left != 0 && now >= l.left {
			l.left = 0
			n.setLink(now, p, l, fx)
		}
	}
}

// Forget drops what is known of peers that are not members any more.
func (n *Node) Forget(wanted func(Peer) bool) {
	for p := range n.links { // all of them: the order does not matter
		if !wanted(p) {
			delete(n.links, p)
		}
	}
}

// longestTrip is the longest measured round trip to a connected peer.
func (n *Node) longestTrip() time.Duration {
	var d time.Duration
	for _, l := range n.links { // a maximum does not depend on the order
		if l.connected {
			d = max(d, l.trip)
		}
	}
	return d
}

// tellLink tells every machine of a connection. The added round trip to the last tier is
// part of that to whoever holds it.
func (n *Node) tellLink(now Instant, p Peer, fx *Effects) {
	l := n.links[p]
	for _, site := range n.names {
		at := n.sites[site]
		for _, a := range at.held() {
			a.Link(now, p, l.connected, l.trip, fx)
		}
		if at.coord != nil {
			at.coord.Link(now, p, l.connected, n.tripFor(at, p), fx)
		}
	}
	if n.cloud != nil {
		n.cloud.Link(now, p, l.connected, l.trip, fx)
	}
}

func (n *Node) tripFor(at *post, p Peer) time.Duration {
	trip := n.links[p].trip
	if p == at.scene.Cloud.Peer || p == at.scene.CloudStandby.Peer {
		trip += n.CloudDelay
	}
	return trip
}

// EndRuns ends the runs that this node coordinates, before it is made anew for another
// topology.
func (n *Node) EndRuns() {
	for _, site := range n.names {
		if c := n.sites[site].coord; c != nil {
			c.End()
		}
	}
}

// Drained reports whether the node has no sample in work and retains none.
func (n *Node) Drained() bool {
	for _, site := range n.names {
		at := n.sites[site]
		if at.device.memory.Counts().Retained > 0 || at.coord != nil && len(at.coord.work) > 0 {
			return false
		}
	}
	return true
}

// Seen is the highest claim of each role that the node knows of, to make it anew with.
func (n *Node) Seen() map[Role]Epoch {
	out := map[Role]Epoch{}
	for _, role := range n.order {
		out[role] = higher(n.claims[role].seen, n.claims[role].promised)
	}
	return out
}

// held is the aggregators of the site that the node runs.
func (p *post) held() []*Aggregator {
	return slices.DeleteFunc(slices.Clone(p.aggs), func(a *Aggregator) bool { return a == nil })
}

// run does a step, what its messages to the node itself cause, and what changed roles ask
// for.
func (n *Node) run(now Instant, fx *Effects, step func(fx *Effects)) {
	from := len(fx.Sends)
	step(fx)
	n.settle(now, from, fx)
	fx.Sends = append(fx.Sends[:from], slices.DeleteFunc(fx.Sends[from:], n.refusesAlone)...)
	n.gave(now, from, fx)
}

// refusesAlone reports whether a message refuses another's claim for the sake of this node's own
// that is lonely. Who has the role in company goes on, and this node follows with an election.
func (n *Node) refusesAlone(s Send) bool {
	m, ok := s.Message.(*Stale)
	if !ok || n.claims[m.Role] == nil {
		return false
	}
	own, mine := n.claims[m.Role].Mine()
	return mine && own.Lonely && own.Epoch == m.Epoch
}

// settle delivers the messages from an index on that are to the node itself, and what these
// cause, in their order; what goes to others stays.
func (n *Node) settle(now Instant, from int, fx *Effects) {
	for i := from; i < len(fx.Sends); i++ {
		s := fx.Sends[i]
		held := n.holdAnswer(now, s)
		if !held && s.To != n.Self {
			continue
		}
		fx.Sends[i].Message = nil // before it is read: what comes of it is not added to it
		if !held && !n.holdBack(now, n.Self, s.Message) {
			n.receive(now, n.Self, s.Message, fx)
		}
	}
	out := slices.DeleteFunc(fx.Sends[from:], func(s Send) bool { return s.Message == nil })
	fx.Sends = fx.Sends[:from+len(out)]
}
