package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/mesh"
	"ganglion/mesh/link"
	"ganglion/node/bundles"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// The settings of the mesh that this package knows.
const (
	settingBundle = "bundle" // ID of the published bundle, in hexadecimal
	settingRate   = "rate/"  // and a site: its beats a second

	settingThresholds = "thresholds/" // and the ID of a bundle: the text of its thresholds; empty: its own
)

// The times of a plan.
const (
	fetchWait    = 3 * time.Second // for one chunk
	fetchAgain   = 2 * time.Second // after a fetch that failed
	fetchBytes   = 64 << 10        // of one chunk's answer
	drainMost    = 5 * time.Second // that samples in work may hold up a new topology
	publishQuiet = 3 * time.Second // before a node makes the bundle of its --model the mesh's
)

// checkSetting says which settings there may be.
func checkSetting(key string, value []byte) error {
	if key == settingBundle {
		_, err := parseBundleID(string(value))
		return err
	}
	if id, ok := strings.CutPrefix(key, settingThresholds); ok {
		return checkThresholds(id, string(value))
	}
	site, ok := strings.CutPrefix(key, settingRate)
	if !ok {
		return fmt.Errorf("setting %q: there are bundle, denied, rate/SITE and thresholds/BUNDLE", key)
	}
	if err := roles.Site(site).Validate(); err != nil {
		return err
	}
	_, err := parseRate(string(value))
	return err
}

func parseBundleID(text string) (id inference.BundleID, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("bundle %.80q: an ID has %d hexadecimal digits", text, 2*len(id))
	}
	copy(id[:], b)
	return id, nil
}

// parseRate reads beats a second.
func parseRate(text string) (time.Duration, error) {
	rate, err := strconv.ParseFloat(text, 64)
	const slowest = 1.0 / 3600
	if err != nil || !(rate >= slowest && rate <= MaxRate) {
		return 0, fmt.Errorf("rate %.40q: beats a second, up to %d and at least one an hour", text, MaxRate)
	}
	return time.Duration(float64(time.Second) / rate), nil
}

// planner sees to it that the node has the bundle that the mesh wants, and tells the step
// machines what is wanted.
type planner struct {
	engine *engine
	log    *slog.Logger
	store  *bundles.Store
	group  *sync.WaitGroup
	shared atomic.Pointer[inference.Bundle] // current, for other goroutines

	current *inference.Bundle  // whose topology the step machines have
	wanted  inference.BundleID // by the mesh or, where it wants none, by this node
	named   bool               // the mesh wants it
	since   roles.Instant      // when it came to be wanted
	period  time.Duration
	data    [32]byte // that all live views of the site replay; zero: none
	offer   bool     // wanted is of --model, to be published where nothing else is

	fetching bool
	retry    roles.Instant
	fault    string        // why the wanted bundle is not in use
	draining roles.Instant // since when a new topology waits; 0: none does
	stands   bool
	told     []byte // the record, as told last
	toldAt   roles.Instant

	chosen   map[inference.BundleID]uint64 // the mesh's thresholds as settings of a bundle
	chosenAt roles.Instant                 // when those changed last
	lacking  lacking
}

// refreshSettings takes the mesh's settings anew.
func (e *engine) refreshSettings(ctx context.Context) {
	p := &e.plan
	p.period = time.Second / DefaultRate
	if s, ok := e.mesh.Settings().Get(settingRate + string(e.config.Site)); ok {
		if d, err := parseRate(string(s.Value)); err == nil {
			p.period = d
		}
	}
	if s, ok := e.mesh.Settings().Get(settingBundle); ok {
		if id, err := parseBundleID(string(s.Value)); err == nil && (id != p.wanted || !p.named) {
			p.wanted, p.named, p.offer, p.retry, p.fault = id, true, false, 0, ""
			p.since = e.now()
			p.log.InfoContext(ctx, "the mesh wants a bundle", "bundle", id.Short())
		}
	}
	p.choose(ctx)
	p.pursue(ctx, e.now())
}

// membersChanged looks again for whoever has the wanted bundle.
func (p *planner) membersChanged(ctx context.Context) {
	if p.fault != "" {
		p.retry = 0
	}
	p.pursue(ctx, p.engine.now())
}

// tick does what is due.
func (p *planner) tick(ctx context.Context, now roles.Instant) {
	e := p.engine
	if !p.stands && now >= roles.Instant(roles.ClassStands) {
		p.stands = true
		e.roles.SetStands(now, true, &e.fx)
	}
	if p.offer && now >= roles.Instant(publishQuiet) {
		p.offer = false
		if err := e.mesh.Settings().Set(settingBundle, []byte(p.wanted.String())); err != nil {
			p.log.WarnContext(ctx, "bundle of --model not published", "error", err)
		}
	}
	e.views.tick(now)
	p.pursue(ctx, now)
	e.roles.SetPlan(p.plan())
	e.tell(ctx, now)
}

// plan is what is wanted of the site now. While a new topology waits for what is in work no
// run begins, to be ended in the same breath.
func (p *planner) plan() roles.Plan {
	return roles.Plan{
		Auto: p.engine.config.Run == RunAuto && p.draining == 0, Period: p.period, Data: p.data,
		Bundle: p.wanted, Settings: p.settings(p.wanted),
	}
}

// pursue takes the next step towards the wanted bundle.
func (p *planner) pursue(ctx context.Context, now roles.Instant) {
	if p.current.ID() == p.wanted {
		p.draining = 0
		return
	}
	b := p.store.Get(p.wanted)
	if b == nil {
		p.draining = 0
		p.fetch(ctx, now)
		return
	}
	e := p.engine
	e.catalog.load(b, p.current.ID())
	if sameShape(p.current.Topology(), b.Topology()) {
		p.use(ctx, b)
		return
	}
	// Another topology: what is in work is finished under the old one.
	if p.draining == 0 {
		p.draining = max(now, 1)
	}
	e.roles.SetPlan(p.plan())
	e.roles.EndRuns()
	if e.roles.Drained() || now.Sub(p.draining) > drainMost {
		p.use(ctx, b)
		e.rebuild(now)
	}
}

// use goes over to a bundle that is loaded.
func (p *planner) use(ctx context.Context, b *inference.Bundle) {
	p.current, p.fault, p.draining = b, "", 0
	p.store.Use(b.ID())
	p.shared.Store(b)
	e := p.engine
	e.views.fit(b.Topology())
	e.views.serve(b)
	e.limitFrames()
	p.log.InfoContext(ctx, "bundle in use", "bundle", b.ID().Short(), "topology", b.Topology().Name)
	e.events.tell(eventBundle, fmt.Sprintf("bundle %s is in use", b.ID().Short()), "bundle", b.ID().String())
}

// sameShape reports whether a run can go over from one topology to the other at a beat.
func sameShape(a, b *topology.Topology) bool {
	return slices.Equal(a.Views, b.Views) && a.Input == b.Input &&
		slices.EqualFunc(a.Groups, b.Groups, slices.Equal[[]int])
}

// fits reports live sources that a topology has no place for: they would be spares.
func (e *engine) fits(t *topology.Topology) error {
	now := e.plan.current.Topology()
	for i := range e.members {
		m := &e.members[i]
		record := m.record
		if m.self {
			record = e.ownRecord()
		}
		if record == nil || !m.alive() {
			continue
		}
		for _, h := range record.Views {
			name := e.views.name(h.View)
			switch {
			case viewIndex(t, name) < 0:
				return fmt.Errorf("the model does not fit the mesh: it has no view %s, which %s feeds (it has %s): stop that source, or publish with --force and it feeds nothing",
					name, m.name(), strings.Join(t.Views, ", "))
			case record.Data != [32]byte{} && t.Input != now.Input:
				return fmt.Errorf("the model does not fit the mesh: its views are %v, %s replays %v: stop that source, or publish with --force and it feeds nothing",
					t.Input, m.name(), now.Input)
			}
		}
	}
	return nil
}

// fetch gets the wanted bundle from whoever has it.
func (p *planner) fetch(ctx context.Context, now roles.Instant) {
	e := p.engine
	peers := e.has(p.wanted)
	if p.fetching || now < p.retry || len(peers) == 0 {
		if len(peers) == 0 && p.fault == "" {
			p.fault = fmt.Sprintf("bundle %s is wanted, and no node here has it: publish it again with 'ganglion model publish'", p.wanted.Short())
		}
		return
	}
	p.fetching = true
	id := p.wanted
	var from []bundles.Peer
	for _, peer := range peers {
		from = append(from, bundles.Peer(peer))
	}
	p.group.Go(func() {
		b, err := p.get(ctx, id, from)
		e.later(func() {
			p.fetching = false
			if unkept := (*bundles.UnkeptError)(nil); errors.As(err, &unkept) {
				e.events.tell(eventWarning, unkept.Error()) // in memory it is as good
				err = nil
			}
			if err != nil {
				p.retry, p.fault = e.now().Add(fetchAgain), err.Error()
				p.log.WarnContext(ctx, "bundle not fetched; trying again", "bundle", id.Short(), "error", err)
				return
			}
			e.events.tell(eventBundle, fmt.Sprintf("model %s fetched from a peer: %d bytes, checked", b.ID().Short(), len(b.File())), "bundle", id.String(), "fetched", "yes")
			p.pursue(ctx, e.now())
		})
	})
}

// get fetches a bundle and keeps it. An *UnkeptError is no failure.
func (p *planner) get(ctx context.Context, id inference.BundleID, from []bundles.Peer) (*inference.Bundle, error) {
	ask := func(ctx context.Context, peer bundles.Peer, request []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, fetchWait)
		defer cancel()
		return p.engine.mesh.Request(ctx, mesh.MemberID(peer), kindChunk, request, fetchBytes)
	}
	b, blames, err := bundles.Fetch(ctx, id, from, ask, nil)
	for _, blame := range blames {
		p.log.WarnContext(ctx, "peer did not give a bundle", "peer", string(blame.Peer), "bundle", id.Short(), "error", blame.Err)
	}
	if err != nil {
		return nil, err
	}
	return p.store.Put(b.File())
}

// serveChunk answers for a piece of a bundle.
func (e *engine) serveChunk(m mesh.Message) {
	reply, err := e.plan.store.Serve(m.Payload)
	if err != nil {
		e.refuse(m, err.Error())
		return
	}
	e.reply(m, reply)
}

// loaded is the bundles that the node has ready, the one in use first.
func (p *planner) loaded() []inference.BundleID {
	out := []inference.BundleID{p.current.ID()}
	for _, id := range p.engine.catalog.order {
		if id != out[0] {
			out = append(out, id)
		}
	}
	return out
}

// limitFrames has the links refuse frames that no loaded bundle makes.
func (e *engine) limitFrames() {
	l := e.catalog.limits()
	most := link.PayloadBytesMax
	limit := func(kind mesh.Kind, bytes int) {
		if err := e.mesh.Limit(kind, min(bytes, most)); err != nil {
			e.log.Error("frame limit not set", "error", err)
		}
	}
	limit(kindParcel, max(parcelBytes, roles.SealsInFrame*verdictBytes(l))+featuresBeside)
	limit(kindFeatures, max(featuresBytes, l.Views*l.FeatureBytes)+featuresBeside)
	limit(kindOrder, l.Views*l.FeatureBytes+featuresBeside)
}

// verdictBytes is at most what a verdict takes, with every exit's scores in it.
func verdictBytes(l wire.Limits) int {
	const fixed, proposal, float, perView = 512, 32, 4, 8
	return fixed + (2*l.Groups+1)*(proposal+float*l.Classes) + perView*l.Views
}

// rebuild makes the step machines anew, for the topology of the current bundle. Claims and
// logs go on; what was in work is gone.
func (e *engine) rebuild(now roles.Instant) {
	logs := map[roles.Site]*roles.Log{}
	var known map[roles.Role]roles.Epoch
	if e.roles != nil {
		e.before.add(e.roles)
		for _, site := range e.roles.Sites() {
			logs[site] = e.roles.Log(site)
		}
		known = e.roles.Seen()
	}
	eligible, _ := kindsOf(e.config.Eligible) // checked by Validate
	pinned, _ := kindsOf(append([]string{}, e.config.Pinned...))
	e.roles = roles.NewNode(now, roles.NodeConfig{
		Self: e.self, Site: e.config.Site, Mesh: string(e.mesh.Fingerprint()), Groups: e.plan.current.Topology().Groups,
		Eligible: eligible, Pinned: pinned, Class: roles.Class(max(0, e.config.Class)), Live: e.views.live(), Feeds: len(e.config.Sources) > 0,
		RetentionBytes: e.config.RetentionBytes, CloudDelay: e.config.CloudDelay, Known: known, Reserved: e.reserved.before, Logs: logs,
		Catalog: e.catalog.find, Encode: e.decided, NewRun: newRunID, Acknowledged: e.acknowledged,
	})
	for i := range e.members {
		if m := &e.members[i]; !m.self && e.mesh.Up(m.ID) {
			e.roles.Link(now, m.peer, true, e.tripTo(m.peer), &e.fx)
		}
	}
	e.roles.SetViews(now, e.views.mask(), &e.fx) // those that it has already: settleViews tells of changes alone
	e.settleViews(now)
	e.roles.SetMembers(now, e.electors(), &e.fx)
	if e.plan.stands {
		e.roles.SetStands(now, true, &e.fx)
	}
}

// acknowledged reports whether this node's own frames to a peer are acknowledged in time.
func (e *engine) acknowledged(p roles.Peer) bool {
	h := e.mesh.Health(mesh.MemberID(p))
	return h.Up && (h.Waiting.IsZero() || time.Since(h.Waiting) < h.RoundTrip.Best+ackWait)
}

// ackWait is how long an acknowledgement may take beyond the round trip.
const ackWait = 300 * time.Millisecond
