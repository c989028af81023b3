package roles

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// actor is one process: what package node is, without its threads. Its clock has an origin
// and a speed of its own.
type actor struct {
	w        *world
	id       int
	peer     Peer
	original *actor // whose identity it has taken; nil: its own
	part     part
	views    uint64
	claims   map[Role]Epoch // its highest, of all its lives
	reserved uint64         // on disk: no claim has a higher counter
	pinned   KindSet

	life    int // counts starts: what belongs to an earlier one is void
	up      bool
	deaf    bool // it leaves, and takes nothing more
	born    time.Duration
	origin  Instant
	node    *Node
	route   map[Peer]*actor // to whom its link with a peer goes
	sights  []*sight        // [actor]
	told    []Member        // the members that the node was told last
	timer   time.Duration   // of the next tick
	paused  bool
	halted  time.Duration   // since when
	waiting []func()        // what happened while it was paused
	slow    time.Duration   // that each step takes
	busy    time.Duration   // until when
	setting sharedSetting   // on disk
	knows   map[uint64]bool // settings of which it knows the thresholds, in memory
	lacked  map[uint64]bool // those that it did not, when it needed them
	highest map[Role]Epoch
	next    int        // member to ask for what its log lacks
	heardOf Seq        // the last number of the claim that was heard of
	woke    int        // ticks and frames taken, in all lives
	sent    int        // frames
	learnt  []learning // verdicts that were new to its log, in all lives
	spins   int        // ticks in a row after which it wanted another at once
}

// learning is a verdict that came into a log.
type learning struct {
	at time.Duration
	id SampleID
}

// clock is the time on the process's own clock.
func (n *actor) clock() Instant {
	return n.origin.Add(n.w.now + time.Duration(int64(n.w.now)/1_000_000*n.part.ppm))
}

// wait is how long something takes that takes d by the process's own clock.
func (n *actor) wait(d time.Duration) time.Duration {
	return d - time.Duration(int64(d)/1_000_000*n.part.ppm) + 1
}

// reservedAhead is how many claims are reserved on disk at once.
const reservedAhead = 16

// start begins a life: with what is on disk, and nothing else of an earlier one.
func (n *actor) start() {
	w := n.w
	n.life++
	n.up, n.deaf, n.paused, n.waiting, n.slow, n.busy, n.born = true, false, false, nil, 0, 0, w.now
	n.origin = at(w.upTo(1000 * time.Hour))
	n.timer, n.route, n.told, n.highest, n.heardOf = 0, map[Peer]*actor{}, nil, map[Role]Epoch{}, Seq{}
	n.sights = make([]*sight, len(w.actors))
	retention := n.part.retention
	if retention == 0 {
		retention = 4 << 20
	}
	n.node = NewNode(n.clock(), NodeConfig{
		Self: n.peer, Site: hall, Mesh: "m", Groups: w.top.Groups, Eligible: anyRole, Class: 5, Pinned: n.pinned,
		RetentionBytes: retention, CloudDelay: w.net.cloud, Catalog: n.catalog, Encode: w.encode, Reserved: n.reserved,
		NewRun: w.newRun, Acknowledged: n.acknowledged, Feeds: n.views != 0,
	})
	n.reserved += reservedAhead
	w.changed = true
	n.knows = map[uint64]bool{}
	if n.lacked == nil {
		n.lacked = map[uint64]bool{}
	}
	n.wants(n.setting)
	if n.views != 0 {
		n.do(func(now Instant, fx *Effects) { n.node.SetViews(now, n.views, fx) })
	}
	for _, other := range w.actors {
		if other != n && other.up {
			w.connect(n, other, w.between(5*ms, 50*ms))
		}
	}
	life := n.life
	w.after(w.upTo(25*ms), func() { n.tick(life) })
	w.after(w.upTo(gapLook), func() { n.fillGaps(life) })
}

// crash ends the process; everyone's connection to it breaks within milliseconds.
func (n *actor) crash() {
	if n == nil || !n.up {
		return
	}
	n.up, n.paused, n.waiting = false, false, nil
	n.w.changed = true
	n.w.mourn(n)
	knows := func(other *actor) bool {
		return other.up && !other.paused && (other.born == 0 || n.w.now-other.born > afterRestart)
	}
	if len(n.w.runs) > 0 && !n.w.forgot && !slices.ContainsFunc(n.w.actors, knows) {
		n.w.forgot = true
		n.w.note("nobody is left that was there for long: memory is all that there is")
	}
	for _, other := range n.w.actors {
		if l := n.w.links[pairOf(n, other)]; l != nil && l.up {
			l.breaks(2*ms, 6*ms)
		}
	}
}

// pause stops the process as SIGSTOP does: what arrives waits for it.
func (n *actor) pause(d time.Duration) {
	if n == nil || !n.up || n.paused {
		return
	}
	n.paused, n.halted = true, n.w.now
	n.w.changed = true
	life := n.life
	n.w.after(d, func() {
		if n.life != life || !n.up {
			return
		}
		n.paused, n.w.changed = false, true
		waiting := n.waiting
		n.waiting = nil
		if n.w.rng.IntN(2) == 0 { // a select takes either first
			n.tick(life)
		}
		for _, do := range waiting {
			do()
		}
		n.tick(life)
	})
}

// awake runs something at the process, in this life: now, once it is awake, or once it has
// time for it.
func (n *actor) awake(do func()) {
	life := n.life
	switch {
	case !n.up, n.deaf:
	case n.paused:
		n.waiting = append(n.waiting, func() {
			if n.up && n.life == life {
				do()
			}
		})
	case n.slow > 0 || n.busy > n.w.now:
		n.busy = max(n.busy, n.w.now) + n.slow
		n.w.at(n.busy, func() {
			if n.up && n.life == life {
				do()
			}
		})
	default:
		do()
	}
}

// coord is the coordinator of the hall, where this process is.
func (n *actor) coord() *Coordinator { return n.node.Coordinator(hall) }

func (n *actor) log() *Log { return n.node.Log(hall) }

// tick is the engine's timer, at the time that the node asks for.
func (n *actor) tick(life int) {
	if n.life != life || !n.up || n.paused || n.deaf {
		return
	}
	n.timer = time.Duration(Never)
	n.woke++
	n.do(func(now Instant, fx *Effects) { n.node.Tick(now, fx) })
	n.startRun()
	if now := n.clock(); n.node != nil && n.node.Next(now) <= now {
		// The time between two ticks is the simulator's: a real node would spin.
		if n.spins++; n.spins == spinsMost {
			n.w.breaks("nodes sleep", "%s has something to do at every tick from %v on", n, n.w.now)
		}
		return
	}
	n.spins = 0
}

// spinsMost is how many ticks in a row a node may want the next one at once.
const spinsMost = 50

// startRun starts the run that is wanted, where the process can.
func (n *actor) startRun() {
	if !n.w.starting || n.coord() == nil {
		return
	}
	n.do(func(now Instant, fx *Effects) {
		run := RunRecord{Site: hall, Period: n.w.period, Count: n.w.count, Entries: []Entry{{}}}
		if id, ok := n.node.StartRun(now, run, fx); ok {
			n.w.starting = false
			n.w.beats = max(n.w.beats, n.w.now+time.Duration(n.w.count)*n.w.period)
			n.w.note("%s starts run %d", n, id-run7)
		}
	})
}

func (n *actor) tickAt(life int, t time.Duration) {
	if n.timer == t {
		n.tick(life)
	}
}

// arm sets the timer to what the node asks for.
func (n *actor) arm() {
	now := n.clock()
	next := n.w.now + max(n.wait(n.node.Next(now).Sub(now)), 100*time.Microsecond)
	if next < n.timer {
		n.timer = next
		life := n.life
		n.w.at(next, func() { n.tickAt(life, next) })
	}
}

// do runs a step and carries out its effects.
func (n *actor) do(step func(now Instant, fx *Effects)) {
	var fx Effects
	step(n.clock(), &fx)
	n.loosen()
	n.grow(&fx)
	n.send(fx.Sends)
	for _, p := range fx.Logged {
		n.learnt = append(n.learnt, learning{n.w.now, p.Sealed.Sample})
	}
	for _, c := range fx.Captures {
		n.w.after(ms, func() { n.awake(func() { n.capture(c) }) })
	}
	if len(fx.Published) > 0 {
		n.publish(fx.Published)
	}
	for _, c := range fx.Compare {
		if other := n.route[c.Peer]; other != nil {
			n.sync(other)
		}
	}
	for _, m := range fx.Missing {
		n.askFor(m.Span)
	}
	for _, m := range fx.Lacks {
		n.askThresholds(m.Settings)
	}
	if n.up && n.timer != 0 {
		n.arm()
	}
}

// grow holds that epochs only grow, and notes claims.
func (n *actor) grow(fx *Effects) {
	for _, c := range fx.Claimed {
		if !n.claims[c.Role].Below(c.Epoch) {
			n.w.breaks("epochs only grow", "%s claims %s as %s after %s", n, c.Role, c.Epoch, n.claims[c.Role])
		}
		n.claims[c.Role] = c.Epoch
		if c.Epoch.Counter > n.reserved {
			n.reserved = c.Epoch.Counter + reservedAhead
		}
		n.w.claims = append(n.w.claims, claiming{n.w.now, n, c})
		n.w.note("%s claims %s as %d", n, shortRole(c.Role), c.Epoch.Counter)
	}
	for _, role := range n.node.order {
		if e := n.node.claims[role].promised; e != n.highest[role] {
			if before := n.highest[role]; e.Below(before) && before.Peer != n.peer { // its own may be void
				n.w.breaks("epochs only grow", "%s follows %s %s after %s", n, role, e, n.highest[role])
			}
			n.highest[role] = e
		}
	}
}

// shortRole is a role without the site: there is one.
func shortRole(r Role) string {
	if r.Kind == AggregatorKind && r.Group > 0 {
		return "aggregator of group 1"
	}
	return r.Kind.String()
}

// publish tells everyone, some of whom do not hear it.
func (n *actor) publish(of []*Published) {
	w := n.w
	for _, p := range of {
		id := p.Sealed.Sample
		if len(w.said[id]) == 0 {
			w.order = append(w.order, id)
		}
		w.said[id] = append(w.said[id], &statement{p, n, w.now})
	}
	n.spread(of)
}

// spread sends publications to everyone in reach, and how far the run and the claim are.
func (n *actor) spread(of []*Published) {
	w := n.w
	c := n.coord()
	if c == nil {
		return
	}
	run, floor := c.Floor()
	epoch, last := c.Published()
	if own := (Seq{epoch, last}); n.heardOf.Compare(own) < 0 {
		n.heardOf = own
	}
	first := last + 1
	if len(of) > 0 {
		first = of[0].Seq.N
	}
	for _, other := range w.actors {
		if other == n || !other.up || w.rng.Float64() < w.net.gossip || !w.together(n, other) {
			continue
		}
		life, mine := other.life, n.life
		w.after(w.net.way+w.upTo(20*ms), func() {
			if other.life == life && n.up && n.life == mine { // who dies takes it along
				other.awake(func() {
					other.do(func(now Instant, fx *Effects) { other.node.Heard(now, hall, of, run, floor, fx) })
					other.numbered(n, epoch, first, last)
				})
			}
		})
	}
}

// capture looks at the moment and runs the device section, as far as this test goes: what
// it makes follows from the sample and the view. It refuses what the border refuses.
func (n *actor) capture(c Capture) {
	o := &Observation{Sample: c.Sample, Settings: c.Settings, Captured: n.clock(), Ref: -1, Label: -1}
	for v := range each(n.node.Views()) {
		o.Views = append(o.Views, n.look(v, c.Sample))
	}
	if len(o.Views) == 0 {
		return
	}
	n.w.capturedFor(o)
	n.do(func(now Instant, fx *Effects) { n.node.Captured(now, []*Observation{o}, fx) })
	if n.node.Device().Retention().Observation(c.Sample) == nil {
		return // refused, or sealed already
	}
	if n.w.captured[c.Sample] == nil {
		n.w.captured[c.Sample] = map[int]capturing{}
	}
	for _, r := range o.Views {
		n.w.captured[c.Sample][r.View] = capturing{n, n.life, n.w.now, r.Seen}
	}
	if n.w.loose.forgetful {
		n.node.Device().memory.release(c.Sample)
	}
}

func (n *actor) look(view int, id SampleID) ViewResult {
	of := uint64(id.Beat) ^ uint64(id.Request)
	if n.part.camera == "stuck" {
		of = 1
	}
	h := sha256.Sum256(binary.BigEndian.AppendUint64([]byte{byte(view)}, of))
	r := ViewResult{View: view, Seen: h[0] > 60}
	switch {
	case n.part.camera == "nan":
		return ViewResult{View: view, Reason: Faulty}
	case n.part.camera == "odd": // wrong sizes, which only the next tiers can see
		r.Seen = true
		r.Features, r.Scores = h[:7], []float32{1}
	case r.Seen:
		r.Features = slices.Repeat(h[:16], n.w.top.ViewSentUpBytes()/16)
		r.Scores = []float32{float32(h[1]) / 64, float32(h[2]) / 64, float32(h[3]) / 64}
	}
	return r
}

// receive takes a frame.
func (n *actor) receive(from Peer, frame []Message) {
	n.woke++
	n.do(func(now Instant, fx *Effects) {
		for _, m := range frame {
			if n.w.loose.unfenced {
				n.node.Device().memory.promised = Epoch{}
				if _, ok := m.(*Stale); ok {
					continue
				}
			}
			if _, ok := m.(*ClaimAnswer); ok && n.w.loose.unasked {
				continue
			}
			n.mistake(m)
			n.node.Receive(now, from, m, fx)
		}
	})
}

// loosen takes away the safeguards that are planted as missing.
func (n *actor) loosen() {
	c := n.coord()
	if c != nil && n.w.loose.unasked {
		c.asking.peers = nil
	}
	if c != nil && n.w.loose.unsealed {
		for _, b := range c.seals {
			b.round.peers = nil
		}
	}
	if c != nil && n.w.loose.hasty {
		c.hurry(n.clock())
	}
	if !n.w.loose.endless {
		return
	}
	forever := func(g *Gather) {
		for s := range each(g.Waiting) {
			g.until[s] = Never
		}
	}
	if c != nil {
		for _, id := range c.order {
			forever(c.work[id].groups)
		}
	}
	for _, a := range n.node.sites[hall].held() {
		for _, id := range a.order {
			forever(a.open[id].gather)
		}
	}
}
