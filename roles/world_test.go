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
	// cloudDelay is the added round trip to the last tier.
	cloudDelay time.Duration
	spares     time.Duration // more from the node that is pinned to another without a view
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

// actor is one node: what package node is, without its threads.
type actor struct {
	w       *world
	peer    Peer
	dead    bool
	paused  bool
	waiting []func() // what happened while it was paused
	node    *Node
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
		n := &actor{w: w, peer: Peer(fmt.Sprintf("n%d", i))}
		n.node = NewNode(0, NodeConfig{
			Self: n.peer, Site: hall, Mesh: "m", Groups: top.Groups, Eligible: Kinds(CloudKind, AggregatorKind), Class: 5,
			RetentionBytes: 4 << 20, CloudDelay: f.cloudDelay, Catalog: w.catalog, Encode: encodeForTest,
			NewRun: func() RunID { return run7 }, Acknowledged: func(Peer) bool { return true },
		})
		if i < cameras {
			n.do(func(fx *Effects) { n.node.SetViews(0, 1<<i, fx) })
		}
		w.nodes = append(w.nodes, n)
		w.byPeer[n.peer] = n
	}
	for _, n := range w.nodes {
		for _, other := range w.nodes {
			if other != n {
				n.do(func(fx *Effects) { n.node.Link(0, other.peer, true, 2*f.way, fx) })
			}
		}
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
	if from.dead || target.dead || !from.node.links[to].connected {
		return
	}
	late := w.faults.way + time.Duration(w.rng.Int64N(int64(w.faults.jitter)+1))
	if w.rng.Float64() < w.faults.loss {
		late += w.faults.again
	}
	if from.node.Pinned != 0 && target.node.Views() == 0 {
		late += w.faults.spares
	}
	link := [2]Peer{from.peer, to}
	arrives := max(w.now.Add(late), w.last[link])
	w.last[link] = arrives
	w.after(arrives.Sub(w.now), func() {
		if target.node.links[from.peer].connected {
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
				other.do(func(fx *Effects) { other.node.Link(w.now, n.peer, false, 2*w.faults.way, fx) })
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
		if c := n.node.claims[role]; c != nil && !n.dead {
			if claim, mine := c.Mine(); mine && epoch.Below(claim.Epoch) {
				best, epoch = n, claim.Epoch
			}
		}
	}
	return best
}

// coord is the coordinator of the hall, where this node is.
func (n *actor) coord() *Coordinator { return n.node.Coordinator(hall) }

func (n *actor) log() *Log { return n.node.Log(hall) }

// tick is a node's timer: when it asks for it, and every 10 ms.
func (n *actor) tick() {
	if n.dead {
		return
	}
	if !n.paused {
		now := n.w.now
		n.do(func(fx *Effects) { n.node.Tick(now, fx) })
		if c := n.coord(); c != nil && c.run == nil && now > at(3*time.Second) {
			n.do(func(fx *Effects) {
				n.node.StartRun(now, RunRecord{Site: hall, Period: n.w.period, Count: n.w.count, Entries: []Entry{{}}}, fx)
			})
		}
	}
	next := min(n.node.Next(n.w.now).Sub(n.w.now), 10*ms)
	n.w.after(max(next, 100*time.Microsecond), n.tick)
}

// meet is what gossip does: it learns of the others' claims and fills gaps of the log.
func (n *actor) meet() {
	n.w.after(100*ms, func() { n.meet() })
	if n.dead || n.paused {
		return
	}
	var others []Member
	for _, other := range n.w.nodes {
		if other == n {
			continue
		}
		others = append(others, Member{
			Peer: other.peer, Site: hall, Views: other.node.Views(), Eligible: other.node.Eligible, Class: 5, Stands: true,
			Pinned: other.node.Pinned, Claims: other.node.Claims(),
		})
	}
	n.do(func(fx *Effects) { n.node.SetMembers(n.w.now, others, fx) })
	for _, other := range n.w.nodes {
		if other.dead || other == n {
			continue
		}
		for _, id := range other.log().Runs() {
			n.log().Floor(n.w.now, id, other.log().runs[id].floor)
		}
		for _, span := range n.log().Gaps(hall, run7, 8) {
			lines, _, _ := other.log().Range(hall, span, 100)
			n.heard(lines...)
		}
	}
}

// heard takes publications.
func (n *actor) heard(of ...*Published) {
	n.do(func(fx *Effects) { n.node.Heard(n.w.now, hall, of, 0, 0, fx) })
}

// do runs a step and carries out its effects.
func (n *actor) do(step func(fx *Effects)) {
	var fx Effects
	step(&fx)
	if n.w.faults.unasked && n.coord() != nil {
		n.coord().asking.peers = nil
	}
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
	for v := range each(n.node.Views()) {
		h := sha256.Sum256(binary.BigEndian.AppendUint64([]byte{byte(v)}, uint64(id.Beat)^uint64(id.Request)))
		r := ViewResult{View: v, Seen: h[0] > 60}
		if r.Seen {
			r.Features = slices.Repeat(h[:16], n.w.top.ViewSentUpBytes()/16)
			r.Scores = []float32{float32(h[1]) / 64, float32(h[2]) / 64, float32(h[3]) / 64}
		}
		o.Views = append(o.Views, r)
	}
	n.do(func(fx *Effects) { n.node.Captured(n.w.now, []*Observation{o}, fx) })
}

func (n *actor) receive(from Peer, m Message) {
	if n.dead {
		return
	}
	n.do(func(fx *Effects) {
		if b, ok := m.(*SealBatch); ok && n.w.faults.unfenced && b.Epoch.Below(n.node.Device().memory.Promised()) {
			fx.send(from, &SealAck{Role: b.Role, Epoch: b.Epoch, Number: b.Number})
			return
		}
		n.node.Receive(n.w.now, from, m, fx)
	})
}
