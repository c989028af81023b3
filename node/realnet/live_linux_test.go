package realnet

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// line is one of `ganglion verdicts --json`, and when it came.
type line struct {
	at           time.Time
	Beat         *uint64
	Class        *string
	Exit, Holder string
	Missing      []string
	SupersededBy *string `json:"superseded_by"`
	StoppedEarly bool    `json:"stopped_early"`
	Gap          *struct {
		From, To uint64
		Reason   string
	}
}

// follower is a process of `ganglion verdicts --follow --json`.
type follower struct {
	mu    sync.Mutex // guards what follows
	lines []line
	fault error
}

// follow has a person on the node's machine look at the verdicts, until the test ends.
func (n *node) follow(t *testing.T) *follower {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	cmd := n.machine.command(ctx, n.state, "verdicts", "--follow", "--last", "1", "--json", "--node", n.api)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = n.machine.begin(cmd)
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	f := &follower{}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			one := line{at: time.Now()}
			err := json.Unmarshal(lines.Bytes(), &one)
			f.mu.Lock()
			if f.lines = append(f.lines, one); err != nil && f.fault == nil {
				f.fault = fmt.Errorf("a line of verdicts is no JSON: %w: %s", err, lines.Text())
			}
			f.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		cancel()
		reading.Wait()
		_ = cmd.Wait() // it was killed
		if f.fault != nil {
			t.Error(f.fault)
		}
	})
	return f
}

// now is the lines so far.
func (f *follower) now() []line {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.lines)
}

// after waits for verdicts of beats that came a while after a moment.
func (f *follower) after(t *testing.T, moment time.Time, verdicts int) {
	t.Helper()
	within(t, "verdicts go on", func() bool {
		n := 0
		for _, l := range f.now() {
			if l.at.After(moment) && l.Beat != nil {
				n++
			}
		}
		return n >= verdicts
	})
}

// longest is the longest time without a verdict around a moment and afterwards.
func (f *follower) longest(moment time.Time) (longest time.Duration) {
	last := time.Time{}
	for _, l := range f.now() {
		if l.at.After(moment) && !last.IsZero() {
			longest = max(longest, l.at.Sub(last))
		}
		last = l.at
	}
	return longest
}

// liveMesh is a mesh with a device for each view, two nodes that only help, and one that
// has no role and sees all.
type liveMesh struct {
	t        *testing.T
	nodes    map[string]*node
	observer *node
	verdicts *follower
}

// holder is the node that has a role, as the observer sees it, once there is one.
func (l *liveMesh) holder(role string) *node {
	l.t.Helper()
	var found *node
	within(l.t, "somebody is "+role, func() bool {
		for _, m := range l.observer.members() {
			if one := l.nodes[m.GetName()]; one != nil && m.GetState() == "alive" && slices.Contains(m.GetRoles(), role) && !one.ended() {
				found = one
				return true
			}
		}
		return false
	})
	return found
}

// end ends the holder of a role by a signal. Verdicts go on under another.
func (l *liveMesh) end(role string, by syscall.Signal) *node {
	l.t.Helper()
	gone := l.holder(role)
	steady := l.verdicts.longest(time.Now().Add(-2 * time.Second))
	moment := time.Now()
	gone.signal(l.t, by)
	next := within(l.t, "another is "+role, func() bool { return l.holder(role) != gone })
	l.verdicts.after(l.t, moment, 40)
	l.t.Logf("%v of the %s, %s: %s took over after %.0f ms; the longest time without a verdict was %v (before: %v)",
		by, role, gone.name, l.holder(role).name, next.Sub(moment).Seconds()*1000,
		l.verdicts.longest(moment).Round(time.Millisecond), steady.Round(time.Millisecond))
	return gone
}

// freeze stops the holder of a role as a machine does that sleeps, and lets it go on when
// another has the role.
func (l *liveMesh) freeze(role string) {
	l.t.Helper()
	frozen := l.holder(role)
	signal := func(s syscall.Signal) {
		if err := frozen.cmd.Process.Signal(s); err != nil {
			l.t.Fatal(err)
		}
	}
	moment := time.Now()
	signal(syscall.SIGSTOP)
	defer signal(syscall.SIGCONT) // also when the wait fails
	next := within(l.t, "another is "+role, func() bool { return l.holder(role) != frozen })
	l.verdicts.after(l.t, next, 20)
	l.t.Logf("%s, the %s, was frozen: another took over after %.0f ms; the longest time without a verdict was %v",
		frozen.name, role, next.Sub(moment).Seconds()*1000, l.verdicts.longest(moment).Round(time.Millisecond))
	thawed := time.Now()
	signal(syscall.SIGCONT)
	l.verdicts.after(l.t, thawed, 20)
	back := within(l.t, "it is back", func() bool {
		return l.observer.listed(l.t)[frozen.name].State == "alive" && frozen.states()["alive"] == l.observer.states()["alive"]
	})
	l.t.Logf("it was back %.2f s after it went on", back.Sub(thawed).Seconds())
}

// TestLiveMesh lets a mesh of ten processes answer ten times a second, kills the holders of
// its roles, has one leave, and counts: whatever was due is decided, once.
func TestLiveMesh(t *testing.T) {
	const views, helpers = 6, 2
	n := newNetwork(t, views+helpers+1, wiring{})
	n.token = n.newToken()
	l := &liveMesh{t: t, nodes: map[string]*node{}}
	var all []*node
	for i, m := range n.machines {
		switch {
		case i < views:
			all = append(all, m.start(fmt.Sprint("camera", i), "--source", "street:samples=60,seed=3"))
		case i < views+helpers:
			all = append(all, m.start(fmt.Sprint("helper", i-views)))
		default:
			l.observer = m.start("observer", "--eligible", "none")
			all = append(all, l.observer)
		}
		l.nodes[all[i].name] = all[i]
	}
	started := time.Now()
	allSeeAll(t, all)
	l.verdicts = l.observer.follow(t)
	whole := within(t, "verdicts of all views come", func() bool {
		lines := l.verdicts.now()
		return len(lines) > 0 && lines[len(lines)-1].Beat != nil && len(lines[len(lines)-1].Missing) == 0
	})
	t.Logf("the first verdict with nothing missing %.2f s after the start", whole.Sub(started).Seconds())
	l.verdicts.after(t, whole, 20)
	if held := l.holder("aggregator"); !slices.Contains([]string{"helper0", "helper1"}, held.name) {
		t.Logf("the aggregator is %s, although nodes without views are there", held.name)
	}

	gone := l.end("aggregator", syscall.SIGKILL)
	l.check("after the aggregator was killed")
	back := gone.machine.start(gone.name, gone.given...)
	l.nodes[back.name] = back
	within(t, "it is back", func() bool { return l.observer.states()["alive"] == len(all) })
	l.end("cloud", syscall.SIGKILL)
	l.check("after the cloud was killed")
	l.freeze("aggregator")
	l.check("after the aggregator was frozen")
	left := l.end("aggregator", syscall.SIGTERM)
	if left.code != 0 {
		t.Errorf("a node that SIGTERM ends has exit code %d", left.code)
	}
	within(t, "it is listed as left", func() bool { return l.observer.listed(t)[left.name].State == "left" })
	l.check("after the aggregator has left")
	for _, one := range l.nodes {
		if one.ended() && one.code != 0 && one.code != -1 { // -1: killed
			t.Errorf("node %s ended with exit code %d", one.name, one.code)
		}
	}
}

// check counts at the observer: due = decided but for the youngest, none is lost, and of
// every beat there is one verdict that stands. A busy machine may take a while to get there.
func (l *liveMesh) check(when string) {
	t := l.t
	t.Helper()
	var wrong []string
	defer func() {
		if len(wrong) > 0 {
			t.Errorf("%s:\n%s", when, strings.Join(wrong, "\n"))
		}
	}()
	within(t, "what was due is decided, "+when, func() bool {
		wrong = l.miscount(when)
		return len(wrong) == 0
	})
}

// youngest is how many beats may be under way: two seconds of them.
const youngest = 20

// miscount says what does not add up at the observer.
func (l *liveMesh) miscount(when string) (wrong []string) {
	t := l.t
	t.Helper()
	tally := l.observer.status().GetTally()
	if tally.GetDue() == 0 || tally.GetLost() != 0 || tally.GetRefused() != 0 || tally.GetOpen() > youngest ||
		tally.GetDue() != tally.GetDecided()+tally.GetOpen() {
		wrong = append(wrong, fmt.Sprintf("the tally is %v", tally))
	}
	out := l.observer.machine.must("verdicts", "--from", "0", "--json", "--node", l.observer.api)
	stands := map[uint64]int{}
	early, last := 0, uint64(0)
	for text := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
		var one line
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		switch {
		case one.Gap != nil && one.Gap.Reason != "not final":
			wrong = append(wrong, "a gap in the verdicts: "+text)
		case one.Beat != nil && one.SupersededBy == nil:
			stands[*one.Beat]++
			last = max(last, *one.Beat)
			if one.StoppedEarly {
				early++
			}
		default:
		}
	}
	for beat := range last {
		if stands[beat] != 1 && beat+youngest < last {
			wrong = append(wrong, fmt.Sprintf("beat %d has %d verdicts that stand", beat, stands[beat]))
		}
	}
	if len(wrong) == 0 {
		t.Logf("%s: %v; %d without a view; one verdict for each of %d beats, %d of them stopped early", when, tally, tally.GetNoView(), last+1, early)
	}
	return wrong
}
