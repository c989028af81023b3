package roles

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a fault leaves behind, beyond its end.
const (
	afterTouch   = 2500 * ms       // until pairs that were out of touch answer in time, and are known to
	afterRestart = 3 * time.Second // until a node that began anew is a device to all
)

// commands is the faults by name. arguments are as written; times and shares last.
func commands() map[string]func(a *arguments) func(w *world) {
	return map[string]func(a *arguments) func(w *world){
		"crash":       func(a *arguments) func(w *world) { return each1(a.one(), func(_ *world, n *actor) { n.crash() }) },
		"leave":       func(a *arguments) func(w *world) { return leave(a.one(), a.lasts("for")) },
		"restart":     func(a *arguments) func(w *world) { return restart(a.one(), a.lasts("after")) },
		"pause":       func(a *arguments) func(w *world) { return pause(a.one(), a.lasts("for")) },
		"slow":        func(a *arguments) func(w *world) { return slow(a.one(), a.duration(), a.lasts("for")) },
		"partition":   func(a *arguments) func(w *world) { return partition(a.groups("|"), true, a.lasts("for")) },
		"cut":         func(a *arguments) func(w *world) { return partition(a.groups("->"), false, a.lasts("for")) },
		"unlink":      func(a *arguments) func(w *world) { return unlink(a.one(), a.one(), a.lasts("for")) },
		"corrupt":     func(a *arguments) func(w *world) { return corrupt(a.one(), a.one()) },
		"replace":     func(a *arguments) func(w *world) { return replace(a.one(), a.one()) },
		"loss":        func(a *arguments) func(w *world) { return loss(a.share(), a.lasts("for")) },
		"way":         func(a *arguments) func(w *world) { return farther(a.duration(), a.lasts("measured"), a.lasts("for")) },
		"jitter":      func(a *arguments) func(w *world) { return jitter(a.duration(), a.lasts("for")) },
		"learn-late":  func(a *arguments) func(w *world) { return learnLate(a.share(), a.lasts("for")) },
		"false-death": func(a *arguments) func(w *world) { return falseDeath(a.one(), a.groups("at")[1], a.lasts("for")) },
		"pin":         func(a *arguments) func(w *world) { return each1(a.one(), pin) },
		"clone":       func(a *arguments) func(w *world) { return clone(a.one(), a.lasts("for")) },
		"request":     func(*arguments) func(w *world) { return request },
		"set":         func(a *arguments) func(w *world) { return set(a.one(), a.one()) },
		"run":         func(*arguments) func(w *world) { return run },
		"measure":     func(a *arguments) func(w *world) { return measure(a.lasts("for")) },
	}
}

func parseFault(name string, words []string) (do func(w *world), err error) {
	c := commands()[name]
	if c == nil {
		return nil, fmt.Errorf("no such fault: %s", name)
	}
	a := &arguments{words: words}
	do = c(a)
	if a.err == nil && len(a.words) > 0 {
		a.err = fmt.Errorf("too much: %s", strings.Join(a.words, " "))
	}
	return do, a.err
}

// arguments are taken one by one; the first error stays.
type arguments struct {
	words []string
	err   error
}

func (a *arguments) one() string {
	if len(a.words) == 0 {
		a.err = fmt.Errorf("a node is missing")
		return ""
	}
	w := a.words[0]
	a.words = a.words[1:]
	return w
}

func (a *arguments) duration() time.Duration {
	d, err := time.ParseDuration(a.one())
	if err != nil {
		a.err = err
	}
	return d
}

func (a *arguments) share() float64 {
	f, err := strconv.ParseFloat(a.one(), 64)
	if err != nil {
		a.err = err
	}
	return f
}

// lasts is the duration behind a word; 0 where there is none.
func (a *arguments) lasts(word string) time.Duration {
	if len(a.words) > 0 && a.words[0] == word {
		a.words = a.words[1:]
		return a.duration()
	}
	return 0
}

// groups is two or more lists of nodes, parted by a sign; they end at "for".
func (a *arguments) groups(sign string) [][]string {
	out := [][]string{nil}
	for len(a.words) > 0 && a.words[0] != "for" {
		if w := a.one(); w == sign {
			out = append(out, nil)
		} else {
			out[len(out)-1] = append(out[len(out)-1], w)
		}
	}
	if len(out) < 2 {
		a.err = fmt.Errorf("the sign %s is missing", sign)
		out = append(out, nil)
	}
	return out
}

// find is the node of a name, or the holder of a role, or the first standby of one; nil
// where there is none just now.
func (w *world) find(name string) *actor {
	role, standby := strings.CutPrefix(name, "standby-of-")
	var holder *actor
	switch role {
	case "aggregator":
		holder = w.holder(AggregatorOf(hall, 0))
	case "coordinator":
		holder = w.holder(w.coordinator())
	case "cloud":
		holder = w.holder(CloudRole())
	default:
		return w.node(name)
	}
	if !standby || holder == nil {
		return holder
	}
	for _, a := range holder.node.Assignments() {
		if a.Role.Kind.String() == role && len(a.Standbys()) > 0 {
			return w.node(string(a.Standbys()[0]))
		}
	}
	return nil
}

func each1(name string, do func(w *world, n *actor)) func(w *world) {
	return func(w *world) {
		if n := w.find(name); n != nil {
			if name != string(n.peer) {
				w.note("   which is %s", n)
			}
			do(w, n)
		}
	}
}

// leave hands over and, as a process does that ends in order, takes nothing more: its
// connections stay for a while all the same.
func leave(name string, d time.Duration) func(w *world) {
	return each1(name, func(w *world, n *actor) {
		if !n.up || n.paused {
			return
		}
		n.do(func(now Instant, fx *Effects) { n.node.Resign(now, fx) })
		n.deaf = true
		life := n.life
		w.after(max(d, 30*ms), func() {
			if n.life == life {
				n.crash()
			}
		})
	})
}

func restart(name string, d time.Duration) func(w *world) {
	return each1(name, func(w *world, n *actor) {
		n.crash()
		w.troubled(d + afterRestart)
		w.after(max(d, 10*ms), func() {
			if !n.up {
				n.start()
			}
		})
	})
}

func pause(name string, d time.Duration) func(w *world) {
	return each1(name, func(w *world, n *actor) {
		n.pause(d)
		w.troubled(d + afterTouch)
	})
}

func slow(name string, each, d time.Duration) func(w *world) {
	return each1(name, func(w *world, n *actor) {
		n.slow = each
		w.troubled(d + afterTouch)
		w.after(d, func() { n.slow = 0 })
	})
}

// partition cuts the nodes of each list off from those of every other; one-way from the
// first to the others.
func partition(groups [][]string, both bool, d time.Duration) func(w *world) {
	return func(w *world) {
		w.troubled(d + afterTouch)
		var ends []func()
		for i, g := range groups {
			for j, h := range groups {
				if i == j || !both && i > j {
					continue
				}
				for _, a := range g {
					for _, b := range h {
						from, to := w.find(a), w.find(b)
						if from == nil || to == nil || from == to {
							continue
						}
						l := w.link(from, to)
						l.cut(from)
						ends = append(ends, func() { l.heal(from) })
					}
				}
			}
		}
		w.after(d, func() {
			for _, end := range ends {
				end()
			}
		})
	}
}

// unlink keeps two nodes from connecting, while gossip goes round by others.
func unlink(a, b string, d time.Duration) func(w *world) {
	return func(w *world) {
		from, to := w.find(a), w.find(b)
		if from == nil || to == nil || from == to {
			return
		}
		w.troubled(d + afterTouch)
		l := w.link(from, to)
		l.apart++
		l.breaks(0, 5*ms)
		w.after(d, func() {
			l.apart--
			w.connect(from, to, w.upTo(500*ms))
		})
	}
}

// corrupt has the next frame refused, which ends the stream; none is accepted for a second.
func corrupt(a, b string) func(w *world) {
	return func(w *world) { unlink(a, b, time.Second)(w) }
}

func replace(a, b string) func(w *world) {
	return func(w *world) {
		from, to := w.find(a), w.find(b)
		if from != nil && to != nil && from != to {
			w.troubled(afterTouch) // for a moment each takes the other for broken
			w.link(from, to).replace()
		}
	}
}

func loss(share float64, d time.Duration) func(w *world) {
	return func(w *world) {
		w.net.loss = share
		w.troubled(d + afterTouch)
		w.after(d, func() { w.net.loss = w.base.loss })
	}
}

func jitter(most, d time.Duration) func(w *world) {
	return func(w *world) {
		w.net.jitter = most
		w.troubled(d + afterTouch)
		w.after(d, func() { w.net.jitter = w.base.jitter })
	}
}

// farther has every frame be on its way for longer, from one moment to the next. Links go on
// to tell the best round trip of late for some time, and each node asks them every second.
func farther(way, measured, d time.Duration) func(w *world) {
	return func(w *world) {
		set := func(way, measured time.Duration) {
			w.net.way = way
			w.after(measured, func() {
				w.measured = 2 * way
				for _, n := range w.running() {
					w.after(w.upTo(time.Second), func() { n.awake(n.tripsTold) })
				}
			})
		}
		w.troubled(d + measured + afterTouch)
		set(way, measured)
		w.after(d, func() { set(w.base.way, 0) })
	}
}

// tripsTold tells the node what links have measured.
func (n *actor) tripsTold() {
	for _, other := range n.w.actors { // in their order
		if n.route[other.peer] == other {
			n.do(func(now Instant, fx *Effects) { n.node.Link(now, other.peer, true, n.w.trip(), fx) })
		}
	}
}

func learnLate(share float64, d time.Duration) func(w *world) {
	return func(w *world) {
		w.net.late = share
		w.faulted = max(w.faulted, w.now+d)
		w.after(d, func() { w.net.late = w.base.late })
	}
}

func falseDeath(of string, at []string, d time.Duration) func(w *world) {
	return func(w *world) {
		target := w.find(of)
		if target == nil {
			return
		}
		w.faulted = max(w.faulted, w.now+d)
		for _, n := range w.running() {
			if slices.Contains(at, "all") || slices.Contains(at, string(n.peer)) {
				n.falseDeath(target, d)
			}
		}
	}
}

// pin makes a node the operator's choice for every role.
func pin(w *world, n *actor) {
	for _, other := range w.actors {
		other.pinned = 0
		if other.node != nil {
			other.node.Pinned = 0
		}
	}
	n.pinned = Kinds(AggregatorKind, CloudKind)
	if n.up {
		n.node.Pinned = n.pinned
		n.awake(func() { n.do(func(now Instant, fx *Effects) { n.node.SetViews(now, n.views, fx) }) })
	}
}

// clone starts a second process with the identity, the disk and the views of a node, which
// the others' links find instead of it, or not.
func clone(name string, d time.Duration) func(w *world) {
	return each1(name, func(w *world, n *actor) {
		c := &actor{w: w, id: len(w.actors), peer: n.peer, original: n, part: n.part, views: n.views, claims: maps.Clone(n.claims), reserved: n.reserved}
		w.troubled(d + afterRestart + afterTouch)
		w.actors = append(w.actors, c)
		c.start()
		w.after(d, c.crash)
	})
}

// run starts another run, as long as the first, as soon as somebody coordinates.
func run(w *world) {
	w.starting = true
	if n := w.find("coordinator"); n != nil {
		n.awake(n.startRun)
	}
}

// measure tells how often the nodes wake, and how many frames they send: a second, from now
// on.
func measure(d time.Duration) func(w *world) {
	return func(w *world) {
		var woke, sent []int
		for _, n := range w.actors {
			woke, sent = append(woke, n.woke), append(sent, n.sent)
		}
		w.after(d, func() {
			w.note("-- measured for %v", d)
			for i, n := range w.actors[:len(woke)] {
				w.note("   %s wakes %.1f times a second, sends %.1f frames", n,
					float64(n.woke-woke[i])/d.Seconds(), float64(n.sent-sent[i])/d.Seconds())
			}
		})
	}
}

// request asks for a sample on demand, of whoever coordinates, until it is answered.
func request(w *world) {
	w.wishes++
	w.ask(requestOf(RequestID(w.wishes)))
}

func (w *world) ask(id SampleID) {
	if len(w.said[id]) > 0 || w.now > w.faulted+restWithin {
		return
	}
	w.after(time.Second, func() { w.ask(id) })
	n := w.find("coordinator")
	if n == nil || n.paused || n.coord() == nil {
		return
	}
	n.do(func(now Instant, fx *Effects) { n.node.Order(now, Capture{Sample: id, Ref: -1}, fx) })
}
