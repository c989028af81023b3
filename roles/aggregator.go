package roles

import (
	"slices"
	"time"

	"ganglion/inference/topology"
)

// Aggregator gathers the scores of one group's views and proposes what the local exit says
// to the coordinator; where the topology has an edge tier it runs the group's edge section
// as well. It proposes and never decides, so that any number of them do no harm. It has
// one owner.
type Aggregator struct {
	self    Peer
	site    Site
	group   int
	views   []int // of the group
	catalog Catalog
	scene   Scene
	epoch   Epoch // of this holder
	links   links
	open    map[SampleID]*aggregation
	order   []SampleID // of open, as opened
	done    *ring      // proposed to the present coordinator; when they were opened
	ends    *[GatherEnds]uint64
	edge    *upper // idle where the topology has no edge tier: nobody sends it features
}

// aggregation is the gather of one sample.
type aggregation struct {
	gather  *Gather
	first   *Observation
	spoken  [MaxViews]*Observation // that a view is of; nil: it has not spoken
	results [MaxViews]*ViewResult
}

// NewAggregator is the aggregator of a group under the claim epoch.
func NewAggregator(self Peer, site Site, group int, views []int, epoch Epoch, catalog Catalog) *Aggregator {
	return &Aggregator{
		self: self, site: site, group: group, views: views, epoch: epoch, catalog: catalog,
		links: links{}, open: map[SampleID]*aggregation{}, done: newRing(MaxOpen), ends: new([GatherEnds]uint64),
		edge: newUpper(self, topology.ExitEdge, AggregatorOf(site, group), epoch, catalog),
	}
}

// SetEpoch says that the holder's own claim has become another.
func (a *Aggregator) SetEpoch(e Epoch) { a.epoch, a.edge.epoch = e, e }

// SetScene tells who plays which part. To a new coordinator everything is proposed again
// that the devices have no seal of: they send it on its claim.
func (a *Aggregator) SetScene(s Scene) {
	if s.Coordinator != a.scene.Coordinator {
		a.done = newRing(MaxOpen)
	}
	a.scene = s
	wanted := func(p Peer) bool { return slices.Contains(s.Views, p) }
	a.links.keep(wanted)
	a.edge.setHolders(s.Views)
}

// Link says whether a peer is connected, and its round trip.
func (a *Aggregator) Link(now Instant, p Peer, connected bool, trip time.Duration, fx *Effects) {
	if a.scene.viewsOf(p) == 0 {
		return
	}
	a.links.of(p).Connected(connected)
	a.links.of(p).RoundTrip(trip)
	a.edge.link(p, connected, trip)
	if !connected {
		for _, id := range a.order {
			a.open[id].gather.GiveUp(a.scene.viewsOf(p))
		}
	}
	a.Tick(now, fx)
}

// Receive takes a message of another machine.
func (a *Aggregator) Receive(now Instant, from Peer, m Message, fx *Effects) {
	switch m := m.(type) {
	case *Scores:
		if m.Site == a.site && m.Group == a.group {
			a.scores(now, from, m)
		}
	case *Features:
		if own := a.ownFeatures(m); own != nil {
			a.edge.receive(now, from, own, fx)
		}
	case *Ask:
		if m.Tier == topology.ExitCloud {
			a.edge.sendUp(from, m, a.group, fx)
		}
	}
	a.Tick(now, fx)
}

// ownFeatures is the part of a message that is for this group's edge; nil where none is. A
// device of several groups sends one message to a node that aggregates several.
func (a *Aggregator) ownFeatures(m *Features) *Features {
	if m.Tier != topology.ExitEdge {
		return nil
	}
	own := *m
	own.Items = nil
	for _, item := range m.Items {
		if item.Sample.Site == a.site && slices.Contains(a.views, item.Source) {
			own.Items = append(own.Items, item)
		}
	}
	if own.Items == nil {
		return nil
	}
	return &own
}

func (a *Aggregator) scores(now Instant, from Peer, m *Scores) {
	for _, o := range m.Items {
		if opened, done := a.done.at(o.Sample); done && !m.Again {
			a.late(now, from, opened, o)
			continue
		}
		s := a.open[o.Sample]
		if s == nil {
			if len(a.open) >= MaxOpen {
				return // the devices have it, and will send it again
			}
			s = a.begin(now, o)
		}
		for i := range o.Views {
			v := o.Views[i].View
			if !a.holds(from, v) {
				continue
			}
			if !m.Again {
				a.links.of(from).Spoke(now, s.gather.Opened)
			}
			if s.gather.Speak(v) {
				s.spoken[v], s.results[v] = o, &o.Views[i]
			}
		}
	}
}

// late notes a frame of a sample that went on without it: the seal will tell the device, and
// whoever is in time is waited for again.
func (a *Aggregator) late(now Instant, from Peer, opened Instant, o *Observation) {
	for i := range o.Views {
		if v := o.Views[i].View; a.holds(from, v) {
			a.links.of(from).Spoke(now, opened)
		}
	}
}

// holds reports whether a view of this group is a peer's.
func (a *Aggregator) holds(p Peer, v int) bool {
	return v >= 0 && v < len(a.scene.Views) && a.scene.Views[v] == p && slices.Contains(a.views, v)
}

// most is an observation of the bundle and the settings that most views were captured for, of
// equals the one that came first: a device that has missed a change speaks for itself alone.
func (s *aggregation) most(views []int) *Observation {
	best, most := s.first, s.capturedFor(s.first, views)
	for _, v := range views {
		if o := s.spoken[v]; o != nil && o.model() != best.model() {
			if n := s.capturedFor(o, views); n > most {
				best, most = o, n
			}
		}
	}
	return best
}

// element is what the data set that some views replay names for a sample of this bundle, and its
// label: of the first view that names one, whoever spoke first. Negative: none, all are live.
func (s *aggregation) element(views []int, of *Observation) (ref, label int) {
	for _, v := range views {
		if o := s.spoken[v]; o != nil && o.Ref >= 0 && o.model() == of.model() {
			return o.Ref, o.Label
		}
	}
	return of.Ref, of.Label
}

// capturedFor is how many views were captured for what an observation is of.
func (s *aggregation) capturedFor(o *Observation, views []int) (n int) {
	for _, v := range views {
		if of := s.spoken[v]; of != nil && s.results[v].Reason == NotMissing && of.model() == o.model() {
			n++
		}
	}
	return n
}

func (a *Aggregator) begin(now Instant, first *Observation) *aggregation {
	var sources uint64
	for _, v := range a.views {
		if v < len(a.scene.Views) && a.scene.Views[v] != "" {
			sources |= 1 << v
		}
	}
	s := &aggregation{first: first}
	s.gather = NewGather(now, sources, 0, func(v int) *Punctuality { return a.links.of(a.scene.Views[v]) })
	a.open[first.Sample] = s
	a.order = append(a.order, first.Sample)
	return s
}

// Tick proposes the samples for which nobody is waited for any more.
func (a *Aggregator) Tick(now Instant, fx *Effects) {
	a.edge.tick(now, fx)
	if a.scene.Coordinator.Peer == "" {
		return // they stay open until there is one to propose to
	}
	var items []*Proposed
	a.order = slices.DeleteFunc(a.order, func(id SampleID) bool {
		s := a.open[id]
		late := s.gather.Expire(now)
		for v := range each(late) {
			a.links.of(a.scene.Views[v]).Missed(now, s.gather.Opened)
		}
		if !s.gather.Done() || now < a.hopes(s) {
			return false
		}
		a.ends[s.gather.End]++
		items = append(items, a.propose(s))
		delete(a.open, id)
		a.done.add(id, s.gather.Opened)
		return true
	})
	for some := range slices.Chunk(items, SealsInFrame) {
		fx.send(a.scene.Coordinator.Peer, &Proposals{
			Tier: topology.ExitLocal, Site: a.site, Group: a.group,
			Role: AggregatorOf(a.site, a.group), Epoch: a.epoch, Items: some,
		})
	}
}

// Next is when Tick has something to do that no message brings.
func (a *Aggregator) Next() Instant {
	next := a.edge.next()
	if a.scene.Coordinator.Peer == "" {
		return next
	}
	for _, id := range a.order {
		s := a.open[id]
		at := s.gather.Next()
		if s.gather.Done() {
			at = a.hopes(s)
		}
		next = min(next, at)
	}
	return next
}

// hopes is until when a gather stays open in which no view has spoken, but a device that is
// connected may: within the budget of the sample, whatever it missed before. What opened it may
// be of a device that holds no view, as one that was just restarted.
func (a *Aggregator) hopes(s *aggregation) Instant {
	if s.gather.Spoken != 0 {
		return 0
	}
	for _, v := range a.views {
		if v < len(a.scene.Views) && a.scene.Views[v] != "" && !a.links.of(a.scene.Views[v]).broken {
			return s.gather.Opened.Add(Budget)
		}
	}
	return 0
}

func (a *Aggregator) propose(s *aggregation) *Proposed {
	of := s.most(a.views)
	p := &Proposed{
		Sample: of.Sample, Bundle: of.Bundle, Settings: of.Settings, Reasons: map[int]Reason{},
	}
	p.Ref, p.Label = s.element(a.views, of)
	b := a.catalog.network(of.Bundle)
	scores := make([][]float32, MaxViews)
	for _, v := range a.views {
		r := s.results[v]
		switch {
		case r == nil:
			p.Reasons[v] = a.why(v)
		case r.Reason != NotMissing:
			p.Reasons[v] = r.Reason
		case s.spoken[v].model() != of.model():
			p.Reasons[v] = NoBundle
		case !r.Seen:
			p.Nothing |= 1 << v
		case b == nil || !b.hasView(a.group, v) || b.Topology.Local != nil && len(r.Scores) != len(b.Topology.Classes):
			p.Reasons[v] = Faulty
		default:
			p.Seen |= 1 << v
			scores[v] = r.Scores
		}
	}
	if b != nil && b.Topology.Local != nil && p.Seen != 0 {
		out := b.Network.Local(a.group, scores[:len(b.Topology.Views)], p.Seen)
		p.Exit = propose(topology.ExitLocal, a.group, p.Seen, out)
	}
	return p
}

// why is the reason for which a view did not speak.
func (a *Aggregator) why(v int) Reason {
	switch {
	case v >= len(a.scene.Views) || a.scene.Views[v] == "":
		return Unheld
	case a.links.of(a.scene.Views[v]).broken:
		return Broken
	}
	return Silent
}
