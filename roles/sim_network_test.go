package roles

import (
	"slices"
	"time"
)

// The network's own times.
const (
	gapLook    = 200 * ms // between two looks for gaps of a log
	ackWait    = 150 * ms // that an acknowledgement may take beyond the round trip
	heldFrames = 4096     // that a link queues while it is silent
)

// link2 is the link of two processes: one connection at a time, whose frames arrive in the
// order of sending, or not at all.
type link2 struct {
	w       *world
	ends    [2]*actor // the lower number first
	up      bool
	stream  int // number: frames of an earlier one are lost with it
	old     int // that the present one replaced while the link stayed up
	ways    [2]way
	apart   int  // faults that keep the two from connecting
	dialing bool // an attempt is under way
}

// way is one direction of a link.
type way struct {
	cut   int           // faults that hold its frames
	since time.Duration // when the first of them began
	last  time.Duration // when the last frame arrives
	held  []frame
}

// frame is what one step sends to one peer.
type frame struct {
	messages []Message
	stream   int
}

func pairOf(a, b *actor) [2]int { return [2]int{min(a.id, b.id), max(a.id, b.id)} }

// link is that of two processes.
func (w *world) link(a, b *actor) *link2 {
	key := pairOf(a, b)
	l := w.links[key]
	if l == nil {
		l = &link2{w: w, ends: [2]*actor{w.actors[key[0]], w.actors[key[1]]}}
		w.links[key] = l
	}
	return l
}

// from is the direction in which an end sends.
func (l *link2) from(n *actor) *way {
	if l.ends[0] == n {
		return &l.ways[0]
	}
	return &l.ways[1]
}

func (l *link2) other(n *actor) *actor {
	if l.ends[0] == n {
		return l.ends[1]
	}
	return l.ends[0]
}

// connect brings a link up after a while, and keeps trying.
func (w *world) connect(a, b *actor, d time.Duration) {
	l := w.link(a, b)
	if l.dialing || a.peer == b.peer {
		return
	}
	l.dialing = true
	w.after(d, func() {
		l.dialing = false
		if l.up || !a.up || !b.up {
			return
		}
		if l.apart > 0 || l.ways[0].cut+l.ways[1].cut > 0 || a.paused || b.paused {
			w.connect(a, b, w.between(100*ms, time.Second))
			return
		}
		l.up, l.old = true, 0
		l.stream += 2
		w.changed = true
		for i, n := range l.ends {
			other := l.ends[1-i]
			l.ways[i] = way{last: w.now}
			if before := n.route[other.peer]; before != nil { // its identity's other process
				w.link(n, before).breaks(0, 5*ms)
			}
			n.route[other.peer] = other
			l.tell(n, true, w.upTo(5*ms))
		}
	})
}

// tell has an end notice that the link is up or down, as it was then.
func (l *link2) tell(n *actor, up bool, late time.Duration) {
	w, life, other := l.w, n.life, l.other(n)
	w.after(late, func() {
		if n.life != life {
			return
		}
		n.awake(func() {
			if up && n.route[other.peer] != other || !up && n.route[other.peer] != nil {
				return // it has changed since
			}
			if up && n.node.links[other.peer].up { // it broke in between, as an engine notes too
				n.do(func(now Instant, fx *Effects) { n.node.Link(now, other.peer, false, w.trip(), fx) })
			}
			n.do(func(now Instant, fx *Effects) { n.node.Link(now, other.peer, up, w.trip(), fx) })
			if up {
				n.sync(other)
			}
		})
	})
}

// trip is the round trip as links measure it: the best of late.
func (w *world) trip() time.Duration { return w.measured }

// breaks ends the connection; both ends notice, and one dials again.
func (l *link2) breaks(least, most time.Duration) {
	if !l.up {
		return
	}
	w := l.w
	l.up = false
	w.changed = true
	for i, n := range l.ends {
		l.ways[i].held = nil
		if other := l.ends[1-i]; n.route[other.peer] == other {
			delete(n.route, other.peer)
		}
		l.tell(n, false, w.between(least, most))
	}
	w.connect(l.ends[0], l.ends[1], most+w.between(100*ms, 500*ms))
}

// send carries what a step sends: one frame to each peer.
func (n *actor) send(sends []Send) {
	w := n.w
	var order []Peer
	var frames [][]Message
	for _, s := range sends {
		i := slices.Index(order, s.To)
		if i < 0 {
			i = len(order)
			order, frames = append(order, s.To), append(frames, nil)
		}
		frames[i] = append(frames[i], s.Message)
	}
	for i, to := range order {
		if target := n.route[to]; target != nil {
			l := w.link(n, target)
			n.sent++
			l.carry(n, target, frame{messages: frames[i], stream: l.stream})
		}
	}
}

// carry puts a frame on its way.
func (l *link2) carry(from, to *actor, f frame) {
	w, way := l.w, l.from(from)
	if way.cut > 0 {
		if len(way.held) < heldFrames {
			way.held = append(way.held, f)
		}
		return
	}
	late := w.net.way + w.upTo(w.net.jitter)
	if w.net.loss > 0 && w.rng.Float64() < w.net.loss {
		late += w.net.again
	}
	if w.net.spares > 0 && from.node.Pinned != 0 && to.node.Views() == 0 {
		late += w.net.spares
	}
	way.last = max(w.now+late, way.last)
	life := to.life
	w.at(way.last, func() {
		if to.life == life && to.up && l.up {
			l.arrive(from, to, f)
		}
	})
}

// arrive hands a frame over, unless its stream is gone.
func (l *link2) arrive(from, to *actor, f frame) {
	hand := func() {
		if l.up {
			to.awake(func() { to.receive(from.peer, f.messages) })
		}
	}
	switch way := l.from(from); {
	case way.cut > 0:
		way.held = append(way.held, f)
	case f.stream == l.stream:
		hand()
	case f.stream == l.old: // of a stream that another has replaced
		for range 1 + l.w.rng.IntN(2) {
			life := to.life
			l.w.after(l.w.upTo(30*ms), func() {
				if to.life == life {
					hand()
				}
			})
		}
	}
}

// cut holds the frames of one direction; after a while the connection is given up.
func (l *link2) cut(from *actor) {
	way := l.from(from)
	if way.cut++; way.cut == 1 {
		way.since = l.w.now
	}
	l.w.changed = true
	stream := l.stream
	l.w.after(l.w.between(1500*ms, 6*time.Second), func() {
		if l.up && l.stream == stream && way.cut > 0 {
			l.breaks(0, 100*ms)
		}
	})
}

// heal ends one cut; what was held arrives by retransmission.
func (l *link2) heal(from *actor) {
	way := l.from(from)
	if way.cut--; way.cut > 0 {
		return
	}
	l.w.changed = true
	held := way.held
	way.held = nil
	way.last = max(way.last, l.w.now+l.w.between(ms, 400*ms))
	for _, f := range held {
		l.carry(from, l.other(from), f)
	}
}

// replace has a new stream take the place of the old one, whose last frames arrive after
// the first of the new one, or twice, or as they would have.
func (l *link2) replace() {
	if !l.up {
		return
	}
	w := l.w
	l.old = l.stream
	l.stream++
	for i, n := range l.ends {
		l.ways[i].last = w.now
		other, life := l.ends[1-i], n.life
		w.after(w.upTo(3*ms), func() {
			if n.life != life {
				return
			}
			n.awake(func() {
				for _, up := range []bool{false, true} {
					n.do(func(now Instant, fx *Effects) { n.node.Link(now, other.peer, up, w.trip(), fx) })
				}
				n.sync(other)
			})
		})
	}
}

// acknowledged reports whether this process's own frames to a peer are acknowledged in time.
func (n *actor) acknowledged(p Peer) bool {
	to := n.route[p]
	if to == nil {
		return false
	}
	l, late := n.w.link(n, to), ackWait+n.w.trip()
	if to.paused && n.w.now-to.halted > late {
		return false
	}
	for i := range l.ways {
		if l.ways[i].cut > 0 && n.w.now-l.ways[i].since > late {
			return false
		}
	}
	return l.up
}

// fillGaps asks others for what the log lacks.
func (n *actor) fillGaps(life int) {
	if n.life != life || !n.up {
		return
	}
	n.w.after(gapLook, func() { n.fillGaps(life) })
	if n.paused {
		return
	}
	n.spread(nil)
	for _, run := range n.log().Runs() {
		for _, span := range n.log().Gaps(hall, run, 8) {
			n.askFor(span)
		}
	}
}

// askFor asks the next linked member for a span of its log.
func (n *actor) askFor(span Span) {
	for range n.w.actors {
		n.next = (n.next + 1) % len(n.w.actors)
		other := n.w.actors[n.next]
		if n.route[other.peer] == other && n.w.inTouch(n, other) {
			n.fetch(other, func() []*Published {
				lines, _, _ := other.log().Range(hall, span, 256)
				return lines
			})
			return
		}
	}
}

// numbered notes publications of a claim: numbers that were passed over are asked for.
func (n *actor) numbered(from *actor, e Epoch, first, last uint64) {
	before := n.heardOf
	switch {
	case before.Epoch.IsZero():
		before = Seq{e, last} // what was before is had by comparing
	case before.Epoch.Below(e):
		before = Seq{e, 0}
	case before.Epoch != e || last <= before.N:
		return
	}
	n.heardOf = Seq{e, last}
	if first > before.N+1 {
		n.fetch(from, func() []*Published { return from.log().After(before, 256) })
	}
}

// fetch is a question to a peer's log, and the answer.
func (n *actor) fetch(other *actor, lines func() []*Published) {
	w, life, theirs := n.w, n.life, other.life
	w.after(w.trip()+w.upTo(w.net.jitter), func() {
		if !other.up || other.life != theirs || other.paused || !n.up || n.life != life || !w.inTouch(n, other) {
			return
		}
		if of := lines(); len(of) > 0 {
			n.awake(func() { n.do(func(now Instant, fx *Effects) { n.node.Heard(now, hall, of, 0, 0, fx) }) })
		}
	})
}

// sync compares the logs of two processes whose link has come up.
func (n *actor) sync(other *actor) {
	n.fetch(other, func() []*Published {
		var out []*Published
		for _, run := range other.log().Runs() {
			if run != 0 {
				n.log().Floor(n.clock(), run, other.log().FloorOf(run))
			}
			for _, span := range n.log().Lacks(run, other.log().Blocks(run)) {
				lines, _, _ := other.log().Range(hall, span, 1024)
				out = append(out, lines...)
			}
		}
		return out
	})
}
