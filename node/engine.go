package node

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ganglion/mesh"
	"ganglion/mesh/link"
	"ganglion/node/chaos"
	"ganglion/node/metrics"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// The sizes and times of the engine.
const (
	inboundParcels = 1024 // that wait for the engine; then their links wait
	pendingCalls   = 256  // of the control API and other goroutines
	turnMost       = 256  // parcels in one turn, before what came of them is sent
)

// inbound is a parcel that a peer sent, decoded and checked.
type inbound struct {
	from     roles.Peer
	messages []roles.Message
}

// linkChange is what became of the link to a peer since the engine looked.
type linkChange struct {
	broke bool // it went down, even if it is up again
	died  bool // the other end or the network ended it
}

// engine is the goroutine that owns the step machines; see the package documentation. Its
// fields below the line are that goroutine's.
type engine struct {
	config  *Config
	log     *slog.Logger
	mesh    *mesh.Mesh
	self    roles.Peer
	start   time.Time
	parcels chan inbound
	calls   chan func()
	wake    chan struct{}  // links changed
	ended   chan struct{}  // closed when the engine takes no more calls
	group   sync.WaitGroup // goroutines that the engine has started

	linksMu sync.Mutex
	links   map[roles.Peer]linkChange

	counters counters
	reaching atomic.Int32     // members that are dialled because they asked
	metrics  *metrics.Metrics // nil: nothing is counted
	arrivals *arrivals
	events   *events
	body     *chaos.Body // nil: the node takes no faults

	// --------------------------------------------------------------------------

	roles    *roles.Node
	fx       roles.Effects
	filled   []*roles.Published // that are new in the logs because they were asked for, and not among fx.Logged
	outbox   outbox
	catalog  catalog
	views    viewBook
	members  []memberState
	gossip   gossiper
	gaps     gapFiller
	orders   orders
	reserved *reservation
	plan     planner
	watching watching
	audience audience
	before   carried       // by step machines that were made anew since
	trips    roles.Instant // when round trips were taken last
}

// now is the time on the engine's clock.
func (e *engine) now() roles.Instant { return roles.Instant(time.Since(e.start)) }

// run is the loop. It returns when ctx is done and the roles are handed over.
func (e *engine) run(ctx context.Context) error {
	membersChanged, stopMembers := e.mesh.Watch()
	defer stopMembers()
	settingsChanged, stopSettings := e.mesh.Settings().Watch()
	defer stopSettings()
	timer := time.NewTimer(0)
	defer timer.Stop()
	e.refreshSettings(ctx)
	e.refreshMembers(ctx)
	for {
		select {
		case <-ctx.Done():
			e.resign(ctx)
			return nil
		case in := <-e.parcels:
			e.take(in)
			e.takeMore()
		case call := <-e.calls:
			call()
		case <-e.wake:
			e.refreshLinks()
		case <-membersChanged:
			e.refreshMembers(ctx)
		case <-settingsChanged:
			e.refreshSettings(ctx)
		case <-timer.C:
		}
		e.turn(ctx)
		next := min(e.roles.Next(e.now()), e.gossip.next(), e.gaps.wakes(e.now()))
		timer.Reset(max(0, next.Sub(e.now())))
	}
}

// takeMore takes what waits beside the parcel that woke the engine, so that one frame
// carries what came of all of it.
func (e *engine) takeMore() {
	for range turnMost {
		select {
		case in := <-e.parcels:
			e.take(in)
		default:
			return
		}
	}
}

func (e *engine) take(in inbound) {
	now := e.now()
	for _, m := range in.messages {
		e.watching.hears(m)
		e.roles.Receive(now, in.from, m, &e.fx)
	}
}

// turn does what is due and carries out all effects.
func (e *engine) turn(ctx context.Context) {
	now := e.now()
	e.metrics.Turned()
	e.roles.Tick(now, &e.fx)
	for len(e.fx.Captures) > 0 { // what was captured may cause more
		captures := e.fx.Captures
		e.fx.Captures = nil
		if seen := e.capture(now, captures); len(seen) > 0 {
			e.roles.Captured(now, seen, &e.fx)
		}
	}
	e.reserved.claimed(ctx, e.fx.Claimed, e.group.Go)
	e.metrics.Claimed(e.fx.Claimed)
	for _, s := range e.fx.Sends {
		e.watching.says(now, s.Message)
		e.outbox.add(s)
	}
	e.logged(now)
	e.gossip.add(e.fx.Published)
	e.metrics.Published(e.fx.Published)
	e.gaps.published(e.fx.Published)
	e.gaps.want(e.fx.Missing)
	for _, c := range e.fx.Compare {
		e.gaps.logs.add(c.Site, c.Peer)
	}
	for _, m := range e.fx.Lacks {
		e.lack(ctx, m)
	}
	e.fx = roles.Effects{Sends: clearSends(e.fx.Sends)}
	e.outbox.flush(e.self, e.send)
	e.chores(ctx, now)
}

// clearSends keeps the room of a list for the next turn.
func clearSends(sends []roles.Send) []roles.Send {
	clear(sends)
	return sends[:0]
}

// chores are what is done now and then: each has its own pace.
func (e *engine) chores(ctx context.Context, now roles.Instant) {
	e.refreshTrips(now)
	e.gossip.tick(now)
	e.gaps.tick(ctx, now)
	e.orders.tick(now)
	e.watching.tick(now)
	e.plan.tick(ctx, now)
}

// logged tells everyone who follows of verdicts that are new here.
func (e *engine) logged(now roles.Instant) {
	live, filled := e.fx.Logged, e.filled
	e.filled = nil
	if len(live) == 0 && len(filled) == 0 {
		return
	}
	e.arrivals.add(live, filled)
	of := append(live, filled...) //nolint:gocritic // the turn is over for what was live
	e.audience.logged(of)
	e.metrics.Logged(of)
	e.orders.answer(of)
	e.watching.verdicts(now, of)
}

// send sends one frame of a parcel. What is not sent is sent again by the step machines,
// or given up by them: nothing here waits.
func (e *engine) send(to roles.Peer, kind mesh.Kind, payload []byte) (taken bool) {
	err := e.mesh.Send(mesh.MemberID(to), kind, payload)
	if err == nil {
		return true
	}
	e.counters.unsent.Add(1)
	if errors.Is(err, link.ErrQueueFull) {
		e.counters.full.Add(1)
	}
	e.log.Debug("parcel not sent", "peer", string(to), "error", err)
	return false
}

// do runs a function in the engine and waits for it. The error is the context's, or
// errEnded; then the function has not run and never will, so that what it would have
// written is the caller's again.
func (e *engine) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	var taken atomic.Bool // by the engine, or back by the caller
	giveUp := func(err error) error {
		if taken.CompareAndSwap(false, true) {
			return err
		}
		<-done // it runs just now
		return nil
	}
	select {
	case e.calls <- func() {
		if taken.CompareAndSwap(false, true) {
			f()
			close(done)
		}
	}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.ended:
		return errEnded
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return giveUp(context.Cause(ctx))
	case <-e.ended:
		return giveUp(errEnded)
	}
}

// resign hands every role over and waits until what was said is heard.
func (e *engine) resign(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resignWait)
	defer cancel()
	e.roles.Resign(e.now(), &e.fx)
	e.turn(ctx)
	e.gossip.flush(e.now())
	close(e.ended)
	if err := e.mesh.Flush(ctx); err != nil {
		e.log.Debug("leaving before all is heard", "error", err)
	}
}

// resignWait bounds how long the last words of a node may take.
const resignWait = 500 * time.Millisecond

// received has a frame's messages taken by the engine. It is called by the link's reader,
// which waits while the engine is behind.
func (e *engine) received(m mesh.Message, features bool) {
	messages, err := wire.Ends{From: roles.Peer(m.From), To: e.self}.DecodeParcel(m.Payload, e.catalog.limits())
	if err != nil {
		e.counters.refuse(m.From, err)
		return
	}
	for _, message := range messages {
		if wire.IsFeatures(message) != features {
			e.counters.refuse(m.From, errMisplaced)
			return
		}
	}
	select {
	case e.parcels <- inbound{roles.Peer(m.From), messages}:
	case <-e.ended:
	}
}

// linkChanged notes a change of a link; it does not block.
func (e *engine) linkChanged(p mesh.MemberID, up, died bool) {
	if !up {
		e.metrics.LinkLost(died)
	}
	e.linksMu.Lock()
	c := e.links[roles.Peer(p)]
	c.broke = c.broke || !up
	c.died = c.died || !up && died
	e.links[roles.Peer(p)] = c
	e.linksMu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// refreshLinks tells the step machines of links that changed.
func (e *engine) refreshLinks() {
	e.linksMu.Lock()
	changes := e.links
	e.links = map[roles.Peer]linkChange{}
	e.linksMu.Unlock()
	now := e.now()
	for p, c := range changes { // each is another peer: the order does not matter
		if c.died {
			e.watching.broke(now, p)
		}
		if c.broke {
			e.roles.Link(now, p, false, e.tripTo(p), &e.fx)
		}
		if e.mesh.Up(mesh.MemberID(p)) {
			e.roles.Link(now, p, true, e.tripTo(p), &e.fx)
			e.gaps.logs.sync(p)
		}
	}
}

// tripPace is how often round trips are taken from the links anew.
const tripPace = time.Second

// refreshTrips tells the step machines of round trips.
func (e *engine) refreshTrips(now roles.Instant) {
	if now.Sub(e.trips) < tripPace {
		return
	}
	e.trips = now
	e.plan.data = e.replayed()
	for i := range e.members {
		if m := &e.members[i]; !m.self && e.mesh.Up(m.ID) {
			m.up = true
			e.roles.Link(now, m.peer, true, e.tripTo(m.peer), &e.fx)
		} else {
			m.up = m.self
		}
	}
}

// tripTo is the round trip to a peer, as links measured it.
func (e *engine) tripTo(p roles.Peer) time.Duration {
	return e.mesh.Health(mesh.MemberID(p)).RoundTrip.Best
}
