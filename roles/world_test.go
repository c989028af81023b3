package roles

import (
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// world is a whole site in one thread: nodes that run the step machines, a network that
// delays and loses, and a membership that learns late. The same seed gives the same run.
type world struct {
	t      testing.TB
	seed   uint64
	rng    *rand.Rand
	now    Instant
	queue  events
	number int
	nodes  []*actor
	byPeer map[Peer]*actor
	top    *topology.Topology
	bundle *Bundled
	last   map[[2]Peer]Instant
	faults faults
	said   map[SampleID][]*Published // every publication that any holder made
	asked  []SampleID                // on demand
	period time.Duration
	count  Beat
}

// faults is what the network does to frames.
type faults struct {
	way    time.Duration // of a frame, at least
	jitter time.Duration
	loss   float64       // of a frame, which is then late by a retransmission
	again  time.Duration // the retransmission
	gossip float64       // of publications that a node never hears
	spares time.Duration // more from the node that is pinned to another without a view
	// unfenced makes devices store every seal: a planted fault, which the world must find.
	unfenced bool
	// unasked makes claims decide without waiting for answers: another.
	unasked bool
}

type event struct {
	at     Instant
	number int
	do     func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].number < e[j].number
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) } //nolint:errcheck,forcetypeassert // nothing else is pushed
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (w *world) after(d time.Duration, do func()) {
	w.number++
	heap.Push(&w.queue, event{w.now.Add(d), w.number, do})
}

func (w *world) run(until time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= at(until) {
		e := heap.Pop(&w.queue).(event) //nolint:errcheck,forcetypeassert // nothing else is in it
		w.now = e.at
		e.do()
	}
}

// actor is one node: what package node will be, without its threads.
type actor struct {
	w       *world
	peer    Peer
	views   uint64
	dead    bool
	paused  bool
	waiting []func() // what happened while it was paused
	broken  map[Peer]bool
	claims  map[Role]*Claimant
	device  *Device
	aggs    []*Aggregator // [group]; nil: another has it
	coord   *Coordinator
	cloud   *CloudTier
	log     *Log
	elected []Assignment
	scene   Scene
	pinned  KindSet
}

// plain is a network whose answers are a pure function of what it gets, sure of some
// samples and not of others.
type plain struct{}

func (plain) Local(_ int, scores [][]float32, seen uint64) []float32 {
	out := make([]float32, 3)
	for v := range each(seen) {
		for c := range out {
			out[c] = max(out[c], scores[v][c])
		}
	}
	return out
}

func (plain) Edge(_ int, features [][]byte, seen uint64) ([]byte, []float32) {
	out := make([]byte, 128)
	for v := range each(seen) {
		for i := range out {
			out[i] ^= features[v][i%len(features[v])]
		}
	}
	return out, []float32{0, 0, 0}
}

func (plain) Cloud(features [][]byte, seen uint64) []float32 {
	sum := sha256.New()
	for v := range each(seen) {
		sum.Write(features[v])
	}
	h := sum.Sum(nil)
	return []float32{float32(h[0]), float32(h[1]), float32(h[2])}
}

// encodeForTest writes all of a verdict; maps are printed in the order of their keys.
func encodeForTest(v *Verdict) []byte { return fmt.Appendf(nil, "%+v", *v) }

func newWorld(t testing.TB, seed uint64, preset string, cameras, spares int, f faults) *world {
	t.Helper()
	w := &world{
		t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 11)), byPeer: map[Peer]*actor{}, last: map[[2]Peer]Instant{},
		faults: f, said: map[SampleID][]*Published{}, period: 20 * ms, count: 150,
	}
	top, err := topology.Preset(preset, topology.Base{
		Views: topology.ViewNames(cameras), Classes: []string{"car", "bus", "person"},
	})
	if err != nil {
		t.Fatal(err)
	}
	exits := map[topology.Exit][]float64{}
	for _, e := range top.Exits()[:len(top.Exits())-1] {
		exits[e] = []float64{0.5}
	}
	thresholds, err := inference.NewThresholds(top, exits)
	if err != nil {
		t.Fatal(err)
	}
	w.top, w.bundle = top, &Bundled{Topology: top, Thresholds: thresholds, Network: plain{}}
	for i := range cameras + spares {
		n := &actor{w: w, peer: Peer(fmt.Sprintf("n%d", i)), broken: map[Peer]bool{}, claims: map[Role]*Claimant{}, log: NewLog(), aggs: make([]*Aggregator, len(top.Groups))}
		if i < cameras {
			n.views = 1 << i
			n.device = NewDevice(n.peer, hall, n.views, top.Groups, false, 4<<20)
		}
		w.nodes = append(w.nodes, n)
		w.byPeer[n.peer] = n
	}
	for _, n := range w.nodes {
		w.after(time.Duration(w.rng.Int64N(int64(100*ms))), n.tick)
		w.after(time.Duration(w.rng.Int64N(int64(100*ms))), n.meet)
	}
	return w
}

func (w *world) catalog(inference.BundleID, uint64) *Bundled { return w.bundle }

// send carries a message in the order of its link; a lost one holds up those behind it.
func (w *world) send(from *actor, to Peer, m Message) {
	target := w.byPeer[to]
	if to == from.peer {
		target.receive(from.peer, m)
		return
	}
	if from.dead || target.dead || from.broken[to] {
		return
	}
	late := w.faults.way + time.Duration(w.rng.Int64N(int64(w.faults.jitter)+1))
	if w.rng.Float64() < w.faults.loss {
		late += w.faults.again
	}
	if from.pinned != 0 && target.views == 0 {
		late += w.faults.spares
	}
	link := [2]Peer{from.peer, to}
	arrives := max(w.now.Add(late), w.last[link])
	w.last[link] = arrives
	w.after(arrives.Sub(w.now), func() {
		if !target.broken[from.peer] {
			target.awake(func() { target.receive(from.peer, m) })
		}
	})
}

// crash ends a node; everyone's connection to it breaks within milliseconds.
func (w *world) crash(n *actor) {
	if n == nil || n.dead {
		return
	}
	n.dead = true
	for _, other := range w.nodes {
		w.after(time.Duration(2+w.rng.IntN(4))*ms, func() {
			other.awake(func() {
				other.broken[n.peer] = true
				other.do(func(fx *Effects) { other.linked(n.peer, false, fx) })
				for _, role := range other.roles() {
					other.act(role, other.claims[role].Broken(w.now, n.peer))
				}
				other.elect()
			})
		})
	}
}

// pause stops a node as SIGSTOP does: what arrives waits for it.
func (w *world) pause(n *actor, d time.Duration) {
	if n == nil || n.dead {
		return
	}
	n.paused = true
	w.after(d, func() {
		n.paused = false
		waiting := n.waiting
		n.waiting = nil
		// Its own timers come first, as in a process that is continued.
		for _, do := range waiting {
			do()
		}
	})
}

// awake runs something at a node, now or once it is awake.
func (n *actor) awake(do func()) {
	switch {
	case n.dead:
	case n.paused:
		n.waiting = append(n.waiting, do)
	default:
		do()
	}
}

// holder is the node whose claim to a role is in force at itself and highest.
func (w *world) holder(role Role) *actor {
	var best *actor
	var epoch Epoch
	for _, n := range w.nodes {
		if c := n.claims[role]; c != nil && !n.dead {
			if claim, mine := c.Mine(); mine && epoch.Below(claim.Epoch) {
				best, epoch = n, claim.Epoch
			}
		}
	}
	return best
}

func (n *actor) roles() []Role {
	var out []Role
	for r := range n.claims {
		out = append(out, r)
	}
	slices.SortFunc(out, Role.Compare)
	return out
}

// held is the aggregators that the node runs.
func (n *actor) held() []*Aggregator {
	return slices.DeleteFunc(slices.Clone(n.aggs), func(a *Aggregator) bool { return a == nil })
}

// tick is a node's timer.
func (n *actor) tick() {
	n.w.after(10*ms, func() { n.tick() })
	n.awakeTick()
}

func (n *actor) awakeTick() {
	if n.dead || n.paused {
		return
	}
	now := n.w.now
	for _, role := range n.roles() {
		n.act(role, n.claims[role].Tick(now))
	}
	n.do(func(fx *Effects) {
		if n.device != nil {
			n.device.Tick(now, fx)
		}
		for _, a := range n.held() {
			a.Tick(now, fx)
		}
		if n.cloud != nil {
			n.cloud.Tick(now, fx)
		}
		if n.coord != nil {
			n.coord.Tick(now, fx)
			if run, _ := n.coord.Running(now); run == nil && now > at(3*time.Second) {
				n.coord.Start(now, RunRecord{Run: run7, Period: n.w.period, Count: n.w.count, Entries: []Entry{{}}})
			}
		}
	})
}

// meet is what gossip does: it learns of the others' claims and fills gaps of the log.
func (n *actor) meet() {
	n.w.after(100*ms, func() { n.meet() })
	if n.dead || n.paused {
		return
	}
	n.elect()
	for _, other := range n.w.nodes {
		if other.dead || other == n {
			continue
		}
		for _, id := range other.log.Runs() {
			n.log.Floor(n.w.now, id, other.log.runs[id].floor)
		}
		for _, span := range n.log.Gaps(hall, run7, 8) {
			lines, _, _ := other.log.Range(hall, span, 100)
			for _, p := range lines {
				n.heard(p)
			}
		}
	}
}

// heard takes a publication.
func (n *actor) heard(p *Published) {
	if n.coord == nil {
		n.log.Append(n.w.now, p)
		return
	}
	n.do(func(fx *Effects) { n.coord.Reconcile(n.w.now, p, fx) })
}

// do runs a step and carries out its effects.
func (n *actor) do(step func(fx *Effects)) {
	var fx Effects
	step(&fx)
	for _, s := range fx.Sends {
		n.w.send(n, s.To, s.Message)
	}
	for _, c := range fx.Captures {
		n.w.after(ms, func() { n.awake(func() { n.capture(c.Sample) }) })
	}
	for _, p := range fx.Published {
		n.w.said[p.Sealed.Sample] = append(n.w.said[p.Sealed.Sample], p)
		for _, other := range n.w.nodes {
			if other != n && n.w.rng.Float64() >= n.w.faults.gossip {
				n.w.after(n.w.faults.way, func() { other.awake(func() { other.heard(p) }) })
			}
		}
	}
}

// capture runs the device section, as far as this test goes: what it makes follows from
// the sample and the view.
func (n *actor) capture(id SampleID) {
	o := &Observation{Sample: id, Captured: n.w.now}
	for v := range each(n.views) {
		h := sha256.Sum256(binary.BigEndian.AppendUint64([]byte{byte(v)}, uint64(id.Beat)^uint64(id.Request)))
		r := ViewResult{View: v, Seen: h[0] > 60}
		if r.Seen {
			r.Features = slices.Repeat(h[:16], n.w.top.ViewSentUpBytes()/16)
			r.Scores = []float32{float32(h[1]) / 64, float32(h[2]) / 64, float32(h[3]) / 64}
		}
		o.Views = append(o.Views, r)
	}
	n.do(func(fx *Effects) { n.device.Captured(n.w.now, o, fx) })
}

func (n *actor) receive(from Peer, m Message) {
	if n.dead {
		return
	}
	now := n.w.now
	switch m := m.(type) {
	case *Heartbeat:
		n.hears(from, m.Claim)
	case *Claiming:
		n.hears(from, m.Claim)
	case *HeartbeatAck:
		if c := n.claims[m.Role]; c != nil && from != n.peer {
			c.Accepted(m.Epoch)
		}
	case *Stale:
		if c := n.claims[m.Role]; c != nil {
			n.act(m.Role, c.Stale(now, m.Epoch))
		}
	case *StillHeard:
		if c := n.claims[m.Role]; c != nil {
			hears, promised := c.StillHears(now, m.Epoch, true)
			n.w.send(n, from, &StillHeardAnswer{m.Role, m.Epoch, hears, promised})
		}
	case *StillHeardAnswer:
		if c := n.claims[m.Role]; c != nil {
			n.act(m.Role, c.Answered(now, from, m.Asked, m.Hears, m.Promised))
		}
	}
	n.do(func(fx *Effects) {
		if n.device != nil {
			n.deviceReceives(from, m, fx)
		} else {
			n.witness(from, m, fx)
		}
		for _, a := range n.held() {
			a.Receive(now, from, m, fx)
		}
		if n.cloud != nil {
			n.cloud.Receive(now, from, m, fx)
		}
		if n.coord != nil {
			n.coord.Receive(now, from, m, fx)
		}
	})
}

func (n *actor) deviceReceives(from Peer, m Message, fx *Effects) {
	if b, ok := m.(*SealBatch); ok && n.w.faults.unfenced && b.Epoch.Below(n.device.memory.Promised()) {
		fx.send(from, &SealAck{Role: b.Role, Epoch: b.Epoch, Number: b.Number})
		return
	}
	n.device.Receive(n.w.now, from, m, fx)
}

// witness is a standby without views: it stores seals as a device does.
func (n *actor) witness(from Peer, m Message, fx *Effects) {
	if n.device == nil {
		n.device = NewDevice(n.peer, hall, 0, n.w.top.Groups, true, 1<<20)
	}
	n.deviceReceives(from, m, fx)
}

// hears takes a holder's claim.
func (n *actor) hears(from Peer, claim Claim) {
	c := n.claims[claim.Role]
	if c == nil || from == n.peer {
		return
	}
	before := c.Promised()
	ok, actions := c.Heard(n.w.now, claim)
	n.act(claim.Role, actions)
	if !ok && !claim.Lonely {
		n.w.send(n, from, &Stale{claim.Role, c.Promised()})
	}
	if before != c.Promised() {
		n.setScene()
	}
}
