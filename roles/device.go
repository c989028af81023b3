package roles

import (
	"slices"
	"time"

	"ganglion/inference/topology"
)

// The times and sizes of a device.
const (
	ResendAfter = 1500 * time.Millisecond // an observation without a seal is sent again: budget + 1 s
	resendEvery = 250 * time.Millisecond  // looks for those
	lateBeats   = 32                      // that a replay catches up with in one step
	beatGrain   = 4 * time.Millisecond    // beats that fall closer together are captured, and spoken of, together
	runIsNew    = time.Second             // a replay that hears of a run within it plays it from beat 0, and a camera captures the present beat; else the next one is the first
)

// Device is what a node does with its views of a site's samples: it follows the beat, says
// when to capture, retains what came of it, speaks to its aggregators and stores seals. It
// has one owner.
type Device struct {
	self    Peer
	site    Site
	views   uint64
	groups  [][]int
	live    bool
	scene   Scene
	memory  *Retention
	clock   *BeatClock
	floor   Beat
	beating Role // of which the heartbeat has the beat
	resent  Instant
	beaten  Instant              // when beats were looked for last
	sent    map[SampleID]sending // of the observations that are retained
	payload Payload
	catalog Catalog // nil: every sample is of a topology without an edge tier
}

// Payload is what a device has sent up, as section III-E of the paper counts it: scores and
// features, without what carries them.
type Payload struct {
	Bytes     uint64 // the first time
	Again     uint64 // once more: nobody answered, or somebody else has the role now
	SeenViews uint64 // for which scores or, where there is no local exit, a presence was sent first
}

// sending is what of an observation was sent.
type sending struct {
	at     Instant // the last time
	spoken uint64  // views of which the scores were
	lifted uint64  // views of which the features were
}

// Payload is what the device has sent up since it started.
func (d *Device) Payload() Payload { return d.payload }

// NewDevice is a device of the views in a set; of none it is a standby's, which stores
// seals and captures nothing. live says that a beat that was missed is
// gone: a camera, not a replay.
func NewDevice(self Peer, site Site, views uint64, groups [][]int, live bool, retentionBytes int) *Device {
	return &Device{
		self: self, site: site, views: views, groups: groups, live: live,
		memory: NewRetention(retentionBytes), beating: CoordinatorOf(site, len(groups)),
		sent: map[SampleID]sending{},
	}
}

// Retention is what the device remembers, to be read.
func (d *Device) Retention() *Retention { return d.memory }

// Clock is where the device is in its run; nil before it heard of one.
func (d *Device) Clock() *BeatClock { return d.clock }

// SetScene tells the device who plays which part. What it retains is sent to an aggregator
// that is new.
func (d *Device) SetScene(now Instant, s Scene, fx *Effects) {
	before := d.scene
	d.scene = s
	if d.clock != nil && before.Coordinator != s.Coordinator {
		d.clock.HolderChanged()
	}
	for g, a := range s.Aggregators {
		if a.Peer != "" && (g >= len(before.Aggregators) || before.Aggregators[g] != a) {
			d.push(now, g, d.memory.Unsealed(now, MaxOpen), true, fx)
		}
	}
}

// Captured takes what came of samples that the device was to capture. Where retention is
// full a sample is refused, and said to be.
func (d *Device) Captured(now Instant, of []*Observation, fx *Effects) {
	said := slices.Clone(of)
	for i, o := range of {
		if !d.memory.Capture(o) {
			refused := *o
			refused.Views = slices.Clone(o.Views)
			for i := range refused.Views {
				refused.Views[i] = ViewResult{View: o.Views[i].View, Reason: Refused}
			}
			said[i] = &refused
		}
	}
	for g := range d.groups {
		d.push(now, g, said, false, fx)
	}
}

// push sends what the device has of a group's views, without features.
func (d *Device) push(now Instant, group int, of []*Observation, again bool, fx *Effects) {
	if group >= len(d.scene.Aggregators) || d.scene.Aggregators[group].Peer == "" {
		return
	}
	to := d.scene.Aggregators[group]
	var items []*Observation
	for _, o := range of {
		bare := *o
		bare.Views = nil
		sent := d.sent[o.Sample]
		for _, v := range o.Views {
			if slices.Contains(d.groups[group], v.View) {
				v.Features = nil
				bare.Views = append(bare.Views, v)
				d.spoken(group, &v, &sent)
			}
		}
		if len(bare.Views) > 0 {
			items = append(items, &bare)
			if d.memory.Observation(o.Sample) != nil {
				sent.at = now
				d.sent[o.Sample] = sent
			}
		}
	}
	for batch := range slices.Chunk(items, samplesInFrame) {
		fx.send(to.Peer, &Scores{Site: d.site, Group: group, Epoch: to.Epoch, Items: batch, Again: again})
	}
}

// spoken counts a view of which the scores are sent.
func (d *Device) spoken(group int, v *ViewResult, sent *sending) {
	var bytes uint64
	if len(d.groups[group]) > 1 { // else the aggregator is this very node
		bytes = 4 * uint64(len(v.Scores))
	}
	if v.Seen && sent.spoken>>v.View&1 == 0 {
		d.payload.SeenViews++
	}
	d.payload.count(bytes, v.View, &sent.spoken)
}

// count counts bytes of a view, which are the first where it is not in the set of those
// that went before.
func (p *Payload) count(bytes uint64, view int, before *uint64) {
	if *before>>view&1 == 1 {
		p.Again += bytes
		return
	}
	p.Bytes += bytes
	*before |= 1 << view
}

// Tick says what to capture by now, and sends again what has no seal although it is old.
func (d *Device) Tick(now Instant, fx *Effects) {
	if d.clock != nil && d.views != 0 && now >= d.beaten.Add(beatGrain) {
		d.beaten = now
		first, n := d.clock.Due(now, lateBeats)
		for b := first; b < first+Beat(n); b++ {
			if d.live && b != first+Beat(n)-1 {
				continue // gone
			}
			e := d.clock.Run().At(b)
			fx.Captures = append(fx.Captures, Capture{
				Sample: SampleID{Site: d.site, Run: d.clock.Run().Run, Beat: b},
				Bundle: e.Bundle, Settings: e.Settings, Ref: -1,
			})
		}
	}
	if now < d.resent.Add(resendEvery) {
		return
	}
	d.resent = now
	var old []*Observation
	for _, o := range d.memory.Unsealed(now.Add(-ResendAfter), MaxOpen) {
		if d.sent[o.Sample].at.Add(ResendAfter) <= now && len(old) < samplesInFrame {
			old = append(old, o)
		}
	}
	for g := range d.groups {
		d.push(now, g, old, true, fx)
	}
	for id := range d.sent { // all that are gone: the order does not matter
		if d.memory.Observation(id) == nil {
			delete(d.sent, id)
		}
	}
}

// busy reports whether the device retains anything, or has to forget what it sent.
func (d *Device) busy() bool { return d.memory.Counts().Retained > 0 || len(d.sent) > 0 }

// Next is when Tick has something to do that no message brings.
func (d *Device) Next() Instant {
	next := Never
	if d.busy() {
		next = d.resent.Add(resendEvery)
	}
	if d.clock != nil && d.views != 0 {
		next = min(next, max(d.clock.NextAt(), d.beaten.Add(beatGrain)))
	}
	return next
}

// Receive takes a message of another machine, which may be one of the same node.
func (d *Device) Receive(now Instant, from Peer, m Message, fx *Effects) {
	switch m := m.(type) {
	case *Heartbeat:
		d.heartbeat(now, from, m, fx)
	case *Ask:
		d.ask(from, m, fx)
	case *Request:
		if d.views != 0 && d.promise(from, m.Role, m.Epoch, fx) {
			fx.Captures = append(fx.Captures, m.Capture)
		}
	case *SealBatch:
		d.seal(from, m, fx)
	case *Claiming:
		d.claimed(now, from, m, fx)
	}
}

func (d *Device) heartbeat(now Instant, from Peer, m *Heartbeat, fx *Effects) {
	if m.Claim.Role != d.beating || !d.promise(from, m.Claim.Role, m.Claim.Epoch, fx) {
		return
	}
	fx.send(from, &HeartbeatAck{Role: m.Claim.Role, Epoch: m.Claim.Epoch, Number: m.Number})
	if m.Run == nil {
		return
	}
	if d.clock == nil || d.clock.Run().Run != m.Run.Run {
		first := m.Run.BeatAt(m.Since) + 1
		switch {
		case m.Since >= runIsNew:
		case d.live:
			first-- // the present beat, a little late: else nobody would have the first of a run
		default:
			first = 0
		}
		d.clock, d.floor = NewBeatClock(*m.Run, first), 0
	}
	d.clock.Heartbeat(now, *m.Run, m.Since, m.Trip)
	d.floor = max(d.floor, m.Floor)
	d.memory.Final(m.Run.Run, m.Floor, m.Published)
}

// promise follows a claim of the site's coordinator, or answers that it is stale.
func (d *Device) promise(from Peer, r Role, e Epoch, fx *Effects) bool {
	if d.memory.Promise(e) {
		return true
	}
	fx.send(from, &Stale{Role: r, Epoch: d.memory.Promised()})
	return false
}

// ask sends features. They stay retained until the seal is stored.
func (d *Device) ask(from Peer, m *Ask, fx *Effects) {
	if !d.promise(from, m.Role, m.Epoch, fx) {
		return
	}
	var items []FeatureItem
	for _, w := range m.Items {
		o := d.memory.Observation(w.Sample)
		if o == nil || m.Tier == topology.ExitCloud && d.edged(o) {
			continue // the edge is asked, which may be on this very node
		}
		sent := d.sent[w.Sample]
		for _, v := range o.Views {
			if v.Seen && w.Expect>>v.View&1 == 1 {
				items = append(items, FeatureItem{
					Sample: o.Sample, Bundle: o.Bundle, Settings: o.Settings, Expect: w.Expect,
					Source: v.View, Views: 1 << v.View, Features: v.Features,
				})
				d.payload.count(uint64(len(v.Features)), v.View, &sent.lifted)
			}
		}
		d.sent[w.Sample] = sent
	}
	for batch := range slices.Chunk(items, samplesInFrame) {
		fx.send(m.To, &Features{Tier: m.Tier, Epoch: m.ToEpoch, AnswerTo: from, Items: batch})
	}
}

// edged reports whether an edge tier stands between this device and the cloud.
func (d *Device) edged(o *Observation) bool {
	if d.catalog == nil {
		return false
	}
	b := d.catalog.network(o.Bundle)
	return b != nil && b.Topology.Edge != nil
}

func (d *Device) seal(from Peer, m *SealBatch, fx *Effects) {
	if !d.promise(from, m.Role, m.Epoch, fx) {
		return
	}
	for _, s := range m.Seals {
		if !d.memory.Store(m.Epoch, s) {
			return // full: who is not acknowledged takes this device for silent
		}
	}
	fx.send(from, &SealAck{Role: m.Role, Epoch: m.Epoch, Number: m.Number})
}

// claimed answers a claim with all that this device knows, and speaks again of what has no
// seal: to the claimant, if it is an aggregator.
func (d *Device) claimed(now Instant, from Peer, m *Claiming, fx *Effects) {
	role, e := m.Claim.Role, m.Claim.Epoch
	if role == d.beating {
		if !d.promise(from, role, e, fx) {
			return
		}
		d.answer(now, from, role, e, fx)
	}
	if role.Kind == AggregatorKind && role.Group < len(d.scene.Aggregators) && d.scene.Aggregators[role.Group].Epoch.Below(e) {
		d.scene.Aggregators = slices.Clone(d.scene.Aggregators)
		d.scene.Aggregators[role.Group] = Holding{from, e}
	}
	for g := range d.groups {
		if role == d.beating || role == AggregatorOf(d.site, g) {
			d.push(now, g, d.memory.Unsealed(now, MaxOpen), true, fx)
		}
	}
}

func (d *Device) answer(now Instant, to Peer, role Role, e Epoch, fx *Effects) {
	last := &ClaimAnswer{Role: role, Epoch: e, Last: true}
	if d.clock != nil {
		run := *d.clock.Run()
		last.Run, last.Floor = &run, d.floor
		last.Since, _ = d.clock.Since(now)
	}
	for seals := range slices.Chunk(d.memory.Seals(), SealsInFrame) {
		fx.send(to, &ClaimAnswer{Role: role, Epoch: e, Seals: seals})
	}
	var ids []SampleID
	for _, o := range d.memory.Unsealed(now, MaxOpen) {
		ids = append(ids, o.Sample)
	}
	for some := range slices.Chunk(ids, samplesInFrame) {
		fx.send(to, &ClaimAnswer{Role: role, Epoch: e, Unsealed: some})
	}
	fx.send(to, last)
}
