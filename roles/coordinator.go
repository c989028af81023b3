package roles

import (
	"slices"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// The times of a coordinator.
const (
	Budget      = 500 * time.Millisecond // of a sample, beyond the round trips
	TierWait    = 100 * time.Millisecond // that the tier above is given, beyond the round trip; its standby as much
	SealWait    = 100 * time.Millisecond // for an acknowledgement, beyond the round trip
	ClaimWait   = 100 * time.Millisecond // for an answer to a claim, beyond the round trip
	Grace       = time.Second            // beyond the budget until a sample that is not decided is lost
	bundleWait  = 100 * time.Millisecond // between two looks for a sample's bundle that is not loaded
	groupWait   = mostWait + FeatureWait // for a group's proposal, beyond the round trips
	beatsInStep = 1024                   // that are opened in one step
)

// Codec encodes a verdict: the bytes that are sealed, hashed and published.
type Codec func(*Verdict) []byte

// Coordinator opens, seals and publishes the samples of one site. It is made when this
// node claims the role, and is of no use once the role is another's. It has one owner.
type Coordinator struct {
	self    Peer
	site    Site
	groups  int
	role    Role
	epoch   Epoch
	lonely  bool
	catalog Catalog
	encode  Codec
	log     *Log
	scene   Scene
	links   links
	byGroup []Punctuality // of proposals, whoever the aggregator is
	stopped bool          // a higher claim is known: nothing is emitted any more
	takeover

	work  map[SampleID]*work
	order []SampleID // of work, as opened
	fresh []*work    // decided, to be sealed at the end of this step
	seals []*sealBatch
	batch uint64 // number of the last
	asked batches
	seq   uint64 // of the last publication

	run       *RunRecord
	origin    Instant // t0
	next      Beat    // the first that has not been opened
	opened    Instant // when beats were opened last
	floor     Beat
	beat      uint64     // number of the last heartbeat
	pace      pace       // of heartbeats
	published []SampleID // on demand, not yet told in a heartbeat; the last otherSeals
	follow    []Peer     // who has acknowledged a heartbeat under this claim
	told      []Peer     // who has answered the claim
}

// work is a sample that is not published.
type work struct {
	id      SampleID
	opened  Instant
	spoke   Instant // when the first frame came; 0: none has
	groups  *Gather
	local   []*Proposed // [group]
	edges   []*Proposed // [group]
	asked   topology.Exit
	asks    int  // peers that were asked at this tier
	of      Peer // who was asked last for the answer of the last tier
	expect  uint64
	until   Instant // the answer of the tier asked
	retry   Instant // not before it another look for the bundle, which is not loaded here
	edging  *Gather
	faulty  uint64  // sources whose features fit no bundle, as the last tier says
	left    uint64  // views whose device went since it spoke
	leftAt  Instant // when the last of them did
	sealed  *Sealed // decided
	sealing bool
}

type sealBatch struct {
	number uint64
	work   []*work
	round  round
}

// CoordinatorConfig is what a coordinator is made of.
type CoordinatorConfig struct {
	Self    Peer
	Site    Site
	Groups  int // of the topology
	Epoch   Epoch
	Lonely  bool // the claim, see Claim
	Catalog Catalog
	Encode  Codec
	Log     *Log                     // the node's, of this site; the coordinator appends what it publishes
	Before  Peer                     // who is at work under the claim before; it is asked too. Empty: nobody
	Trip    func(Peer) time.Duration // the round trip, as measured last
}

// NewCoordinator claims: it asks everyone what they know, and decides nothing before they
// have answered.
func NewCoordinator(now Instant, c CoordinatorConfig, s Scene, fx *Effects) *Coordinator {
	out := &Coordinator{
		self: c.Self, site: c.Site, groups: c.Groups, role: CoordinatorOf(c.Site, c.Groups), epoch: c.Epoch,
		lonely: c.Lonely, catalog: c.Catalog, encode: c.Encode, log: c.Log, scene: s, links: links{},
		work: map[SampleID]*work{}, byGroup: make([]Punctuality, c.Groups), pace: pace{worked: now},
	}
	for _, p := range append(s.audience(sealStandbys), c.Before) {
		out.links.of(p).RoundTrip(c.Trip(p))
	}
	out.claim(now, fx, c.Before)
	return out
}

// Stop ends the claim: a higher one is known. Nothing is published under it any more, and
// what is not decided is its successor's to count: as much of it as anyone still knows of.
func (c *Coordinator) Stop() {
	c.stopped = true
	for _, id := range c.order {
		c.log.unknow(id)
	}
}

// Confirm asks again under the same claim, after a stall: what is gathered is dropped, and
// nothing is emitted before the devices have answered.
func (c *Coordinator) Confirm(now Instant, fx *Effects) {
	c.order = slices.DeleteFunc(c.order, func(id SampleID) bool {
		if c.work[id].sealed != nil {
			return false
		}
		delete(c.work, id)
		return true
	})
	c.next = c.floor // what was dropped is opened again
	c.claim(now, fx, "")
}

// SetScene tells who plays which part.
func (c *Coordinator) SetScene(now Instant, s Scene) {
	c.pace.work(now)
	var left uint64
	for v, p := range c.scene.Views {
		if p != "" && (v >= len(s.Views) || s.Views[v] != p) {
			left |= 1 << v
		}
	}
	c.leave(now, left)
	c.scene = s
	audience := append(s.audience(heartbeatStandbys), s.Cloud.Peer, s.CloudStandby.Peer)
	for _, a := range s.Aggregators {
		audience = append(audience, a.Peer)
	}
	c.links.keep(func(p Peer) bool { return slices.Contains(audience, p) })
	gone := func(p Peer) bool { return !slices.Contains(audience, p) }
	c.follow, c.told = slices.DeleteFunc(c.follow, gone), slices.DeleteFunc(c.told, gone)
}

// Link says whether a peer is connected, and its round trip.
func (c *Coordinator) Link(now Instant, p Peer, connected bool, trip time.Duration, fx *Effects) {
	c.links.of(p).Connected(connected)
	c.links.of(p).RoundTrip(trip)
	if !connected {
		c.leave(now, c.scene.viewsOf(p)) // it may be back, anew, before anyone takes it out of the scene
		c.asking.giveUp(p)
		for _, b := range c.seals {
			b.round.giveUp(p)
		}
		for _, id := range c.order {
			if w := c.work[id]; w.sealed == nil && w.asked == topology.ExitCloud && p == w.of {
				w.until = now
			}
		}
	}
	c.Tick(now, fx)
}

// leave notes that the device of some views went: whether it has what it spoke of still is known
// when it speaks of it again.
func (c *Coordinator) leave(now Instant, views uint64) {
	if views == 0 {
		return
	}
	for _, id := range c.order {
		w := c.work[id]
		w.left, w.leftAt = w.left|views, now
	}
}

// Start begins a run at beat 0 now. It takes the place of any other, whose open samples are
// finished.
func (c *Coordinator) Start(now Instant, run RunRecord) {
	run.Site, run.Starter = c.site, c.epoch
	c.run, c.origin, c.next, c.floor = &run, now, 0, 0
	c.pace = pace{beat: now.Add(-HeartbeatInterval), worked: now} // the devices hear of it at once
}

// Enter appends an entry to the run: samples are of that bundle and those settings from a
// beat at least EntryLead ahead on. It returns false where there is no run, or no room for
// an entry.
func (c *Coordinator) Enter(now Instant, bundle inference.BundleID, settings uint64) bool {
	if c.run == nil {
		return false
	}
	run, ok := c.run.With(bundle, settings, now.Sub(c.origin), c.floor)
	if ok {
		c.run = &run
	}
	return ok
}

// End ends the run at its present beat; what is open of it is finished.
func (c *Coordinator) End() {
	if c.run != nil && !c.run.Ended(c.next) {
		run := *c.run
		run.Count = max(c.next, 1)
		c.run = &run
	}
}

// Request opens a sample on demand and has the devices capture it. It returns false where
// there is too much in work, or the claim is not yet heard: who asked is to ask again.
func (c *Coordinator) Request(now Instant, r Capture, fx *Effects) bool {
	if c.stopped || c.claiming {
		return false
	}
	if c.work[r.Sample] != nil || c.log.Had(r.Sample) {
		return true
	}
	if c.open(now, r.Sample) == nil {
		return false
	}
	c.pace.work(now)
	for _, p := range c.scene.audience(0) {
		of := r
		if r.Inputs != nil {
			mine := c.scene.viewsOf(p)
			of.Inputs = slices.DeleteFunc(slices.Clone(r.Inputs), func(in Input) bool { return mine>>in.View&1 == 0 })
		}
		fx.send(p, &Request{Role: c.role, Epoch: c.epoch, Capture: of})
	}
	return true
}

// Floor is the oldest beat of the run that is not final: what every batch of publications
// names, so that who hears it finds its gaps.
func (c *Coordinator) Floor() (RunID, Beat) {
	if c.run == nil {
		return 0, 0
	}
	return c.run.Run, c.floor
}

// Published is the claim and how many publications were made under it.
func (c *Coordinator) Published() (Epoch, uint64) { return c.epoch, c.seq }

// Running is the run and the time since its t0; nil where there is none.
func (c *Coordinator) Running(now Instant) (*RunRecord, time.Duration) {
	return c.run, now.Sub(c.origin)
}

// Receive takes a message of another machine.
func (c *Coordinator) Receive(now Instant, from Peer, m Message, fx *Effects) {
	if c.stopped {
		return
	}
	switch m := m.(type) {
	case *Proposals:
		if m.Site == c.site {
			c.proposals(now, from, m, fx)
		}
	case *SealAck:
		c.acknowledged(now, from, m)
	case *HeartbeatAck:
		c.followed(from, m, fx)
	case *ClaimAnswer:
		c.answer(now, from, m)
	case *Stale:
		if m.Role == c.role && c.epoch.Below(m.Epoch) {
			c.Stop()
			return
		}
	}
	c.Tick(now, fx)
}

// proposals takes what exits say. A sample that is final is sealed again for who speaks of
// it: some device has missed the seal.
func (c *Coordinator) proposals(now Instant, from Peer, m *Proposals, fx *Effects) {
	for _, p := range m.Items {
		if done := c.log.Survivor(p.Sample); done != nil {
			c.remind(p, done.Sealed, fx)
			continue
		}
		w := c.work[p.Sample]
		if w == nil {
			if c.finalElsewhere(p.Sample) {
				b := uint64(p.Sample.Beat)
				fx.Missing = append(fx.Missing, SiteSpan{c.site, Span{p.Sample.Run, b, b + 1}})
				continue
			}
			if w = c.open(now, p.Sample); w == nil {
				continue
			}
		}
		if w.spoke == 0 {
			w.spoke = now
		}
		if w.sealed == nil {
			c.take(now, from, w, m, p)
		}
	}
}

// finalElsewhere reports whether a sample is final although the log does not have it: it is to
// be had from another node, and not to be decided again.
func (c *Coordinator) finalElsewhere(id SampleID) bool {
	return c.run != nil && id.Run == c.run.Run && id.Beat < c.floor
}

// remind seals a final sample again for the devices whose views are spoken of.
func (c *Coordinator) remind(p *Proposed, s *Sealed, fx *Effects) {
	if c.claiming {
		return // they will speak of it again
	}
	var told []Peer
	for v, peer := range c.scene.Views {
		spoke := (p.Seen|p.Nothing)>>v&1 == 1
		switch p.Reasons[v] {
		case NoBundle, Faulty, Skipped, Refused: // as the device says, or what it said
			spoke = true
		default:
		}
		if spoke && peer != "" && !slices.Contains(told, peer) {
			told = append(told, peer)
			fx.send(peer, &SealBatch{Role: c.role, Epoch: c.epoch, Seals: []*Sealed{s}})
		}
	}
}

// open begins the work on a sample; nil where there is too much of it.
func (c *Coordinator) open(now Instant, id SampleID) *work {
	if len(c.work) >= MaxOpen {
		return nil
	}
	w := &work{id: id, opened: now, local: make([]*Proposed, c.groups), edges: make([]*Proposed, c.groups)}
	w.groups = NewGather(now, 1<<c.groups-1, groupWait+c.longest(), c.ofGroup)
	c.work[id] = w
	c.order = append(c.order, id)
	c.log.Know(now, id)
	return w
}

// ofGroup is how punctual a group's proposals are.
func (c *Coordinator) ofGroup(g int) *Punctuality {
	p := &c.byGroup[g]
	p.broken = true
	if g < len(c.scene.Aggregators) && c.scene.Aggregators[g].Peer != "" {
		of := c.links.of(c.scene.Aggregators[g].Peer)
		p.trip, p.broken = of.trip, of.broken
	}
	return p
}

// longest is the longest round trip to a device.
func (c *Coordinator) longest() time.Duration {
	var d time.Duration
	for _, p := range c.scene.Views {
		if p != "" {
			d = max(d, c.links.of(p).trip)
		}
	}
	return d
}

// take notes what an exit says of a sample that is not decided.
func (c *Coordinator) take(now Instant, from Peer, w *work, m *Proposals, p *Proposed) {
	if m.Tier == topology.ExitLocal {
		p = p.within(c.ofSite())
		if now >= w.leftAt.Add(Budget+c.longest()) { // what it said before may come until then
			w.left &^= p.Seen
		}
	}
	switch {
	case m.Tier == topology.ExitLocal && m.Group < c.groups && p.Seen != 0 && w.died():
		w.local[m.Group] = p // of who has it still, and spoke too late the first time
		w.asked, w.retry = topology.ExitNone, 0
	case m.Tier == topology.ExitLocal && m.Group < c.groups && w.asked == topology.ExitNone:
		w.local[m.Group] = p
		c.byGroup[m.Group].Spoke(now, w.opened)
		w.groups.Speak(m.Group)
	case m.Tier == topology.ExitEdge && m.Group < c.groups && w.asked == topology.ExitEdge:
		w.edges[m.Group] = p
		w.edging.Speak(m.Group)
		w.notesFaulty(p)
	case m.Tier == topology.ExitEdge && m.Group < c.groups && w.asked == topology.ExitCloud && w.expect == 0:
		c.lateEdge(now, w, m.Group, p)
	case m.Tier == topology.ExitCloud && w.asked == topology.ExitCloud && p.Exit != nil && !c.claiming && c.answers(w, p):
		v := c.explain(w, p)
		v.Cloud = from
		c.decide(w, v)
	case m.Tier == topology.ExitCloud && w.asked == topology.ExitCloud:
		w.until = now // it got nothing that it could use
		w.notesFaulty(p)
	}
}

// notesFaulty notes of which views a tier got features that it could not use.
func (w *work) notesFaulty(p *Proposed) {
	for v, r := range p.Reasons {
		if r == Faulty && v >= 0 && v < MaxViews {
			w.faulty |= 1 << v
		}
	}
}

// lateEdge takes the answer of an edge that came when every edge had been given up, so that
// there was nothing to ask the cloud about: the ways have become longer than was measured. The
// other groups are waited for once more, as they are as late.
func (c *Coordinator) lateEdge(now Instant, w *work, group int, p *Proposed) {
	w.edges[group] = p
	var rest uint64
	for g, p := range w.local {
		if p != nil && p.Seen != 0 && w.edges[g] == nil {
			rest |= 1 << g
		}
	}
	w.asked, w.until = topology.ExitEdge, now.Add(FeatureWait+c.longest())
	w.edging = NewGather(now, rest, FeatureWait, c.ofGroup)
}

// Tick does what is due: beats, deadlines, seals, heartbeats. It is called after every
// message and at Next.
func (c *Coordinator) Tick(now Instant, fx *Effects) {
	if c.stopped {
		return
	}
	c.heartbeat(now, fx)
	if c.claiming && !c.claimed(now) {
		return
	}
	c.openBeats(now)
	for _, id := range c.order {
		if w := c.work[id]; w.sealed == nil {
			c.advance(now, w, fx)
		}
	}
	c.sealFresh(now, fx)
	c.publish(now, fx)
}

// Next is when Tick has something to do that no message brings.
func (c *Coordinator) Next(now Instant) Instant {
	if c.stopped {
		return Never
	}
	next := c.pace.next()
	if c.claiming { // what else is due waits for the answers
		for _, p := range c.asking.peers {
			next = min(next, p.until)
		}
		return max(next, now)
	}
	if c.run != nil && !c.run.Ended(c.next) {
		next = min(next, max(c.origin.Add(c.run.Offset(c.next)), c.opened.Add(beatGrain)))
	}
	for _, id := range c.order {
		switch w := c.work[id]; {
		case w.sealed != nil:
		case w.retry > now:
			next = min(next, w.retry)
		case w.asked == topology.ExitNone:
			next = min(next, w.groups.Next())
		default:
			next = min(next, w.until)
		}
	}
	for _, b := range c.seals {
		for _, p := range b.round.peers {
			next = min(next, p.until)
		}
	}
	return max(next, now)
}
