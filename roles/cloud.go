package roles

import (
	"slices"
	"time"

	"ganglion/inference/topology"
)

// CloudTier is the machine of the mesh's last tier: it gathers features and answers the
// coordinator that asked for them. Like an aggregator it proposes and never decides. It
// has one owner.
type CloudTier struct{ upper *upper }

// NewCloudTier is the cloud under the claim epoch.
func NewCloudTier(self Peer, epoch Epoch, catalog Catalog) *CloudTier {
	return &CloudTier{newUpper(self, topology.ExitCloud, CloudRole(), epoch, catalog)}
}

// SetEpoch says that the holder's own claim has become another.
func (c *CloudTier) SetEpoch(e Epoch) { c.upper.epoch = e }

// Link says whether a peer is connected, and its round trip.
func (c *CloudTier) Link(now Instant, p Peer, connected bool, trip time.Duration, fx *Effects) {
	c.upper.link(p, connected, trip)
	c.upper.tick(now, fx)
}

// Receive takes a message of another machine.
func (c *CloudTier) Receive(now Instant, from Peer, m Message, fx *Effects) {
	if f, ok := m.(*Features); ok && f.Tier == topology.ExitCloud {
		c.upper.receive(now, from, f, fx)
	}
}

// Tick answers what is gathered by now.
func (c *CloudTier) Tick(now Instant, fx *Effects) { c.upper.tick(now, fx) }

// upper gathers features for a tier above the devices, runs its section and proposes what
// it says.
type upper struct {
	self    Peer
	tier    topology.Exit
	role    Role
	epoch   Epoch
	catalog Catalog
	links   links
	holders []Peer // [view]; nil: whoever sends
	open    map[SampleID]*ascent
	order   []SampleID
	kept    map[SampleID]FeatureItem // edge features, in case the cloud is asked
	keeping []SampleID
}

// ascent is the gather of one sample at a tier above. Sources that have not spoken are
// waited for as one: who they are is known by their frames alone.
type ascent struct {
	answerTo Peer
	first    FeatureItem
	asked    uint64
	spoken   uint64
	views    uint64
	until    Instant
	features [][]byte
	faulty   uint64
}

func newUpper(self Peer, tier topology.Exit, role Role, epoch Epoch, catalog Catalog) *upper {
	return &upper{
		self: self, tier: tier, role: role, epoch: epoch, catalog: catalog, links: links{},
		open: map[SampleID]*ascent{}, kept: map[SampleID]FeatureItem{},
	}
}

func (u *upper) setHolders(views []Peer) { u.holders = views }

func (u *upper) link(p Peer, connected bool, trip time.Duration) {
	if !connected {
		delete(u.links, p)
		return
	}
	u.links.of(p).RoundTrip(trip)
}

// receive takes features. The frame of one under a claim that this holder has not reached
// is served all the same: to answer does no harm.
func (u *upper) receive(now Instant, from Peer, m *Features, fx *Effects) {
	if !m.Epoch.IsZero() && m.Epoch.Below(u.epoch) && m.Epoch.Peer != u.epoch.Peer {
		fx.send(m.AnswerTo, &Stale{Role: u.role, Epoch: u.epoch})
	}
	for i := range m.Items {
		item := &m.Items[i]
		s := u.open[item.Sample]
		if s == nil || s.answerTo != m.AnswerTo {
			if s == nil && len(u.open) >= MaxOpen {
				return
			}
			if s == nil {
				u.order = append(u.order, item.Sample)
			}
			s = u.begin(now, from, m.AnswerTo, item)
		}
		u.take(s, from, item)
	}
	u.tick(now, fx)
}

func (u *upper) begin(now Instant, from, answerTo Peer, item *FeatureItem) *ascent {
	longest := u.links.of(from).trip
	for _, p := range u.links { // a maximum does not depend on the order
		longest = max(longest, p.trip)
	}
	s := &ascent{
		answerTo: answerTo, first: *item, asked: item.Expect, until: now.Add(FeatureWait + longest),
		features: make([][]byte, MaxViews),
	}
	u.open[item.Sample] = s
	return s
}

// take notes the features of one source, once they fit.
func (u *upper) take(s *ascent, from Peer, item *FeatureItem) {
	v := item.Source
	if v < 0 || v >= MaxViews || s.asked>>v&1 == 0 || s.spoken>>v&1 == 1 {
		return
	}
	if u.holders != nil && (v >= len(u.holders) || u.holders[v] != from) {
		return
	}
	s.spoken |= 1 << v
	b := u.catalog.network(item.Bundle)
	if b == nil || item.Bundle != s.first.Bundle || !u.isSource(b, item) || len(item.Features) != u.sourceBytes(b.Topology) {
		s.faulty |= 1 << v
		return
	}
	s.features[v] = item.Features
	s.views |= item.Views
}

// isSource reports whether this tier of the bundle takes what a source sends, by where it is from
// and by the views that it rests on.
func (u *upper) isSource(b *Bundled, item *FeatureItem) bool {
	t := b.Topology
	switch {
	case u.tier == topology.ExitEdge:
		return t.Edge != nil && b.hasView(u.role.Group, item.Source) && item.Views == 1<<item.Source
	case t.Edge != nil:
		return item.Source < len(t.Groups) && item.Views&^t.GroupMask(item.Source) == 0
	}
	return item.Source < len(t.Views) && item.Views == 1<<item.Source
}

// sourceBytes is the size of what one source sends to this tier.
func (u *upper) sourceBytes(t *topology.Topology) int {
	switch {
	case t.Device.Raw:
		return t.RawBytes()
	case u.tier == topology.ExitCloud && t.Edge != nil:
		return t.EdgeFeatureBytes()
	}
	return t.FeatureBytes()
}

// tick proposes what is gathered by now.
func (u *upper) tick(now Instant, fx *Effects) {
	u.order = slices.DeleteFunc(u.order, func(id SampleID) bool {
		s := u.open[id]
		if s.spoken != s.asked && now < s.until {
			return false
		}
		delete(u.open, id)
		fx.send(s.answerTo, &Proposals{
			Tier: u.tier, Site: id.Site, Group: u.role.Group, Role: u.role, Epoch: u.epoch,
			Items: []*Proposed{u.run(s)},
		})
		return true
	})
}

// next is when tick has something to do that no message brings.
func (u *upper) next() Instant {
	next := Never
	for _, id := range u.order {
		next = min(next, u.open[id].until)
	}
	return next
}

func (u *upper) run(s *ascent) *Proposed {
	p := &Proposed{
		Sample: s.first.Sample, Bundle: s.first.Bundle, Settings: s.first.Settings,
		Seen: s.views, Reasons: map[int]Reason{},
	}
	for v := range each(s.asked &^ s.spoken) {
		p.Reasons[v] = Silent
	}
	b := u.catalog.network(s.first.Bundle)
	for v := range each(s.faulty) {
		p.Reasons[v] = Faulty
		if b == nil {
			p.Reasons[v] = NoBundle // here, not there
		}
	}
	seen := s.spoken &^ s.faulty
	if b == nil || seen == 0 {
		return p
	}
	if u.tier == topology.ExitCloud {
		n := len(b.Topology.Views)
		if b.Topology.Edge != nil {
			n = len(b.Topology.Groups)
		}
		p.Exit = propose(topology.ExitCloud, 0, s.views, b.Network.Cloud(s.features[:n], seen))
		return p
	}
	out, scores := b.Network.Edge(u.role.Group, s.features[:len(b.Topology.Views)], seen)
	if scores != nil {
		p.Exit = propose(topology.ExitEdge, u.role.Group, s.views, scores)
	}
	u.keep(FeatureItem{
		Sample: p.Sample, Bundle: p.Bundle, Settings: p.Settings, Source: u.role.Group, Views: s.views, Features: out,
	})
	return p
}

// keep holds edge features for the cloud, the oldest making room: the devices have what
// they were made from.
func (u *upper) keep(item FeatureItem) {
	if _, ok := u.kept[item.Sample]; !ok {
		if len(u.keeping) == MaxOpen {
			delete(u.kept, u.keeping[0])
			u.keeping = u.keeping[1:]
		}
		u.keeping = append(u.keeping, item.Sample)
	}
	u.kept[item.Sample] = item
}

// sendUp sends edge features that the coordinator wants at the cloud.
func (u *upper) sendUp(from Peer, m *Ask, group int, fx *Effects) {
	var items []FeatureItem
	for _, w := range m.Items {
		if item, ok := u.kept[w.Sample]; ok && w.Expect>>group&1 == 1 {
			item.Expect = w.Expect
			items = append(items, item)
		}
	}
	for some := range slices.Chunk(items, samplesInFrame) {
		fx.send(m.To, &Features{Tier: m.Tier, Epoch: m.ToEpoch, AnswerTo: from, Items: some})
	}
}
