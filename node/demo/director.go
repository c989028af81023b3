package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"ganglion/node/control"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// The times of a demo.
const (
	upWait    = 15 * time.Second       // for all nodes to answer
	hearWait  = time.Second            // for some node to hear another, once all are up
	readyWait = 25 * time.Second       // for everything to be in its place
	readyTold = 5 * time.Second        // after which what is lacking is told
	startWait = 5 * time.Second        // for a run to begin
	tailWait  = 15 * time.Second       // for the last verdicts, once the last sample has come
	lastWait  = 2 * time.Second        // for the last figures of a demo that was ended
	steadyFor = 300 * time.Millisecond // that everything stays in its place

	upPace     = 20 * time.Millisecond
	readyPace  = 150 * time.Millisecond
	runPace    = 100 * time.Millisecond
	statusPace = time.Second
	newsKept   = 256 // that wait to be told
)

// Teller is told how a demo goes, by one goroutine.
type Teller interface {
	// Tell takes one thing that happened.
	Tell(e Event)
	// Progress takes how many samples have a verdict, of how many; of is 0 where they do
	// not end.
	Progress(done, of int)
	// Waits takes what is not yet as it should be, while the nodes come together.
	Waits(lacks string)
}

// ErrNotReady says that the nodes did not come together in time.
var ErrNotReady = errors.New("the nodes did not come together")

// director runs one demo. What it has is its goroutine's alone, but for the channels.
type director struct {
	config   *Config
	stage    *stage
	launcher *launch.Launcher
	teller   Teller
	narrator *narrator
	begun    time.Time

	members []*member
	under   bool // way: a node that ends is told, and the others go on
	died    []string

	exits   chan *member
	news    chan news
	lines   chan heard
	moved   chan string
	hearing sync.WaitGroup
	run     string  // that the figures are of
	ledger  *Ledger // of it
	acting  *acting // nil: no act has begun
}

// heard is one line of the verdicts of the site, of whichever run.
type heard struct {
	at   time.Time
	line *controlpb.VerdictsResponse
}

// tell tells of things that have just happened.
func (d *director) tell(lines ...line) {
	for _, l := range lines {
		d.teller.Tell(Event{Since: time.Since(d.begun), Kind: l.kind, Text: l.text})
	}
}

func (d *director) say(kind Kind, format string, args ...any) {
	d.tell(line{kind, fmt.Sprintf(format, args...)})
}

// pump takes what comes until check, which is asked at every pace, says that it is done.
func (d *director) pump(ctx context.Context, pace time.Duration, check func() (done bool, err error)) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		if done, err := check(); done || err != nil {
			return err
		}
		if err := d.until(ctx, tick.C); err != nil {
			return err
		}
	}
}

// until takes what comes until the next tick.
func (d *director) until(ctx context.Context, tick <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case m := <-d.exits:
			if err := d.exited(m); err != nil {
				return err
			}
		case n := <-d.news:
			d.hear(n)
		case l := <-d.lines:
			d.take(l)
		case text := <-d.moved:
			if d.under {
				d.say(Warned, "%s", text)
			}
		case <-tick:
			return nil
		}
	}
}

// hear takes what a node tells. In the act the timeline makes a story of what is about a
// node that was killed.
func (d *director) hear(n news) {
	lines := d.narrator.take(n)
	if d.acting != nil {
		if entries := d.acting.timeline.Event(n.at, n.node, n.event); len(entries) > 0 {
			d.recount(entries, len(lines) > 0)
			return
		}
	}
	d.tell(lines...)
}

// take takes one line of the verdicts. Whoever follows one run is told of every run of the
// site, so that a late one of the run before comes in the act too.
func (d *director) take(l heard) {
	if g := l.line.GetGap(); g != nil {
		d.say(Warned, "no node has the verdicts of samples %d to %d: %s", g.GetFrom(), g.GetTo()-1, g.GetReason())
		return
	}
	v := l.line.GetVerdict()
	run := control.RunOf(v)
	if d.config.heard != nil {
		d.config.heard(run, v)
	}
	switch {
	case d.acting != nil && run == d.acting.run:
		d.recount(d.acting.heard(l.at, v), true)
	case run == d.run:
		d.ledger.Add(v)
	}
}

// exited takes a process that has ended.
func (d *director) exited(gone *member) error {
	if gone.leaves {
		return nil
	}
	if !d.under {
		return fmt.Errorf("start the nodes: %w", gone.Failure())
	}
	d.died = append(d.died, gone.part.Name)
	d.tell(d.narrator.died(gone.part.Name, gone.How())...)
	if !slices.ContainsFunc(d.members, func(m *member) bool { return m.Running() }) {
		return fmt.Errorf("all nodes have ended: %w", gone.Failure())
	}
	return nil
}

// gather starts the nodes and sees that they hear one another.
func (d *director) gather(ctx context.Context, parts []Part) error {
	if err := d.raise(ctx, parts, ""); err != nil {
		return err
	}
	heard := time.Now().Add(hearWait)
	err := d.pump(ctx, upPace, func() (bool, error) { return len(d.narrator.there) > 0 || time.Now().After(heard), nil })
	if err != nil || len(d.narrator.there) > 0 {
		return err
	}
	d.say(Warned, "no node hears another: this machine passes no broadcast on its loopback. Starting anew, with the address of the first")
	for _, m := range d.members {
		m.leaves = true
	}
	d.launcher.Stop(nil)
	d.members = nil
	if err := d.raise(ctx, parts[:1], ""); err != nil {
		return err
	}
	join, err := control.JoinAddress(d.members[0].status)
	if err != nil {
		return err
	}
	return d.raise(ctx, parts[1:], join)
}

// raise starts nodes and waits until all of them answer. It goes on to listen to them.
func (d *director) raise(ctx context.Context, parts []Part, join string) error {
	for _, p := range parts {
		if err := d.start(ctx, p, join); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	deadline := time.Now().Add(upWait)
	return d.pump(ctx, upPace, func() (bool, error) {
		waits, err := d.reach(ctx)
		if err == nil && waits != nil && time.Now().After(deadline) {
			return false, &SilentError{Name: waits.part.Name, Log: waits.Tail()}
		}
		return waits == nil, err
	})
}

// start starts a node, and waits for its end beside.
func (d *director) start(ctx context.Context, p Part, join string) error {
	started, err := d.launcher.Start(launch.Command{Name: p.Name, Args: d.stage.arguments(d.config, p, join)})
	if err != nil {
		return err
	}
	m := &member{Process: started, part: p}
	d.members = append(d.members, m)
	d.hearing.Go(func() {
		select {
		case <-m.Ended():
		case <-ctx.Done():
			return
		}
		select {
		case d.exits <- m:
		case <-ctx.Done():
		}
	})
	return nil
}

// reach finds the nodes that have come up since, by their run files, and returns one that
// has not; nil: none.
func (d *director) reach(ctx context.Context) (waits *member, err error) {
	files, err := control.RunFiles()
	if err != nil {
		return nil, fmt.Errorf("%w: name another directory with GANGLION_RUN_DIR", err)
	}
	here := map[int]bool{}
	for _, f := range files {
		here[f.PID] = true
	}
	for _, m := range d.members {
		if m.node != nil {
			continue
		}
		if here[m.PID()] {
			m.node, _ = control.Finder{}.Find(ctx, strconv.Itoa(m.PID())) // it is asked again
		}
		if m.node == nil { // it may be about to answer
			waits = m
			continue
		}
		m.status = m.node.Status
		d.narrator.names[m.node.Status.GetPeer()] = m.part.Name
		d.hearing.Go(func() { listen(ctx, m, d.news) })
	}
	return waits, nil
}

// SilentError says that a node did not answer in time.
type SilentError struct {
	Name string
	Log  []string // the last lines of its log
}

// Error is one line.
func (e *SilentError) Error() string {
	return fmt.Sprintf("%s did not come up within %v", e.Name, upWait)
}

// settle waits until every node is in its place, and publishes the model on the way.
func (d *director) settle(ctx context.Context) error {
	begun := time.Now()
	told, published := false, !d.config.Publish
	var steady time.Time
	lacks := ""
	return d.pump(ctx, readyPace, func() (bool, error) {
		nodes := outlooks(ctx, d.members)
		if !published && allSeeAll(nodes) {
			published = true
			return false, d.publish(ctx)
		}
		w := wants{bundle: d.config.Bundle.ID().String(), data: fmt.Sprintf("%x", d.config.Set.Hash)}
		for _, m := range d.members {
			if m.Running() {
				w.views += m.part.Views
			}
		}
		if lacks = w.lacks(nodes); lacks != "" || !published {
			steady = time.Time{}
		} else if steady.IsZero() {
			steady = time.Now()
		}
		d.teller.Waits(lacks)
		if lacks != "" && !told && time.Since(begun) > readyTold {
			told = true
			d.say(Warned, "after %v it is not yet as it should be: %s", readyTold, lacks)
		}
		switch {
		case !steady.IsZero() && time.Since(steady) >= steadyFor:
			return true, nil
		case time.Since(begun) > readyWait:
			return false, fmt.Errorf("%w within %v: %s", ErrNotReady, readyWait, lacks)
		}
		return false, nil
	})
}

func allSeeAll(nodes []outlook) bool {
	for i := range nodes {
		if aliveIn(nodes[i].members) < len(nodes) {
			return false
		}
	}
	return len(nodes) > 0
}

// publish makes the model the mesh's, through one node: the others fetch it from peers.
func (d *director) publish(ctx context.Context) error {
	for _, m := range slices.Backward(d.members) {
		if !m.up() {
			continue
		}
		b := d.config.Bundle
		if _, err := m.node.Publish(ctx, &controlpb.PublishRequest{File: b.File()}); err != nil {
			return fmt.Errorf("publish the model: %w", m.node.Explain(err))
		}
		d.say(Bundled, "%s is given model %s (%d bytes); the others are to fetch it from peers", m.part.Name, b.ID().Short(), len(b.File()))
		return nil
	}
	return errors.New("publish the model: no node answers")
}
