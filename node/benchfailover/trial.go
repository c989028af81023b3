package benchfailover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ganglion/node/lab"
	"ganglion/node/launch"
)

// The times of a trial.
const (
	calmWait  = 2 * time.Minute        // for verdicts of all views to come: who is a second behind follows for long
	calmFor   = 40                     // verdicts, of which most have every view, before a fault
	calmLack  = 4                      // of these may lack one: the machine may be busy
	calmPace  = 20 * time.Millisecond  //
	mostPhase = 500 * time.Millisecond // by which the moment of a fault is drawn
	leastHold = 3 * time.Second        // that a kill is watched
	mostHold  = 15 * time.Second       // for roles to settle without those that were killed
	coda      = time.Second            // that is watched after the end of a fault
)

// errUnsettled says that nodes do not come to agree.
var errUnsettled = errors.New("the nodes are not in their places")

// trial is one time that a fault is had.
type trial struct {
	bench *bench
	run   string
	rate  float64

	places    places // when it began
	observers []*member
	victims   []*member
	restarted []*member
	watcher   *watcher
	marks     marks
	first     uint64 // beat of those that are judged: none had come to it when the trial began
	last      uint64 // the one behind the last of them
	unsettled bool   // those that live did not come to agree in time
	aside     []*member
	parted    bool // parts of the mesh went on by themselves, and decided the same beats
}

// holder is the node that has a role.
func (t *trial) holder(role string) *member {
	for _, name := range t.places.holders(role) {
		for _, one := range t.bench.mesh.members {
			if one.name == name {
				return one
			}
		}
	}
	return t.bench.mesh.members[0] // never: a trial begins when every role has its holder
}

// drawn is so many of some nodes, drawn from the seed.
func (t *trial) drawn(n int, of []*member) []*member {
	of = slices.Clone(of)
	t.bench.dice.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
	return of[:n]
}

// begin names who is going to be hit, begins to watch from the others or from those named,
// and waits until verdicts come as they should, and then a moment longer that is drawn.
func (t *trial) begin(ctx context.Context, victims []*member, observers ...*member) error {
	m := t.bench.mesh
	t.victims = victims
	if len(observers) == 0 {
		observers = t.drawn(1, m.except(victims...))
	}
	t.observers = observers
	var err error
	if t.first, err = m.beat(ctx); err != nil {
		return err
	}
	t.watcher = watch(ctx, t.run, t.first, observers, m.members)
	deadline := time.Now().Add(calmWait)
	need := min(calmFor, max(5, int(t.rate)))
	for {
		calm := true
		for _, one := range observers {
			calm = calm && whole(t.watcher.seen(one.name), need)
		}
		if calm {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("verdicts do not have every view within %v: %s; %s",
				calmWait, lackText(t.watcher.seen(observers[0].name), need), m.beats(ctx))
		}
		if err := launch.Pause(ctx, calmPace); err != nil {
			return err
		}
	}
	return launch.Pause(ctx, time.Duration(t.bench.dice.Int64N(int64(mostPhase))))
}

// whole tells whether nearly all of the last so many verdicts have every view.
func whole(of []arrival, last int) bool {
	if len(of) < last {
		return false
	}
	lacking := 0
	for _, a := range of[len(of)-last:] {
		if len(a.missing) > 0 {
			lacking++
		}
	}
	return lacking*calmFor <= calmLack*last
}

// lackText says which views the last verdicts lack, and why.
func lackText(of []arrival, last int) string {
	lacks := map[string]int{}
	of = of[max(0, len(of)-last):]
	for _, a := range of {
		for _, m := range a.missing {
			lacks[m.view+" ("+m.reason+")"]++
		}
	}
	parts := []string{fmt.Sprintf("of the last %d", len(of))}
	for _, what := range slices.Sorted(maps.Keys(lacks)) {
		parts = append(parts, fmt.Sprintf("%d lack %s", lacks[what], what))
	}
	return strings.Join(parts, ", ")
}

// strike does what the fault is.
func (t *trial) strike(act func() error) error {
	t.marks.struck = time.Now()
	return act()
}

// endFault takes the fault back.
func (t *trial) endFault(act func() error) error {
	t.marks.ends = time.Now()
	return act()
}

// kill kills nodes, watches the others until they have settled, and starts those again.
func (t *trial) kill(ctx context.Context, observers []*member, victims ...*member) error {
	if err := t.begin(ctx, victims, observers...); err != nil {
		return err
	}
	m := t.bench.mesh
	if err := t.strike(func() error { return m.kill(victims...) }); err != nil {
		return err
	}
	t.restarted = append(t.restarted, victims...)
	if err := launch.Pause(ctx, leastHold); err != nil {
		return err
	}
	if _, err := m.settleWithin(ctx, m.except(victims...), mostHold, 1); errors.Is(err, errUnsettled) {
		t.unsettled = true
	} else if err != nil {
		return err
	}
	t.marks.closed = time.Now()
	return t.restart(ctx, victims...)
}

// restart starts nodes again whose processes have ended.
func (t *trial) restart(ctx context.Context, of ...*member) error {
	for _, one := range of {
		if err := t.bench.mesh.start(one); err != nil {
			return err
		}
	}
	return t.bench.mesh.reach(ctx, of...)
}

// settle waits until all nodes are in their places, and closes the time in which gaps count,
// unless it was before.
func (t *trial) settle(ctx context.Context) error {
	m := t.bench.mesh
	p, err := m.settle(ctx, m.members)
	if t.bench.places = p; errors.Is(err, errUnsettled) {
		t.unsettled = true
	} else if err != nil {
		return err
	}
	if t.marks.closed.IsZero() {
		t.marks.closed = time.Now()
	}
	return nil
}

// finish ends watching, once everything is in its place and a little longer, and judges.
func (t *trial) finish(ctx context.Context) (*Trial, error) {
	if err := t.settle(ctx); err != nil {
		return nil, err
	}
	if err := launch.Pause(ctx, max(coda, 5*periodOf(t.rate))); err != nil {
		return nil, err
	}
	defer t.watcher.end()
	seen := t.watcher.seen(t.observers[0].name)
	if len(seen) == 0 {
		return nil, fmt.Errorf("%s tells of no verdict", t.observers[0].name)
	}
	beat, err := t.bench.mesh.beat(ctx)
	if err != nil {
		return nil, err
	}
	t.last = lastBeat(t.first, seen, beat)
	a, since, err := t.audit(ctx)
	if err != nil {
		return nil, err
	}
	return t.result(a, since), nil
}

// lastBeat is the beat behind the last that is judged: all that nodes have come to, whether a
// verdict came or not. The run may be another by now, which an audit finds out.
func lastBeat(first uint64, seen []arrival, reached uint64) uint64 {
	last := max(first, reached)
	for _, a := range seen {
		last = max(last, a.beat+1)
	}
	return last
}

// result puts together what is known of a trial.
func (t *trial) result(a account, since time.Time) *Trial {
	out := &Trial{
		Due: a.due, Open: a.open, Lost: a.lost, Contradicted: a.contradicted, Absent: a.absent, Superseded: a.superseded,
		StoppedEarly: a.early, Blank: a.blank, Unseen: a.unseen, Victims: []string{},
		Ends: !t.marks.ends.IsZero(), BlankReasons: a.reasons, BlankAfter: []time.Duration{},
	}
	var peers []string
	for _, one := range t.victims {
		out.Victims = append(out.Victims, one.name)
		peers = append(peers, one.peer)
	}
	period := periodOf(t.rate)
	if clock, ok := clockOf(t.watcher.seen(t.observers[0].name), period, t.marks.struck); ok {
		for _, beat := range a.blanks {
			out.BlankAfter = append(out.BlankAfter, clock.at(beat).Sub(t.marks.struck))
		}
	}
	for _, one := range t.observers {
		f := flowOf(t.watcher.seen(one.name), period, &t.marks)
		if f.gap > out.Gap {
			out.Gap, out.GapAfter, out.Observer = f.gap, f.gapAfter, one.name
		}
		if f.next == nil {
			out.Silent = true
		} else if out.Next == nil || *f.next > *out.Next {
			out.Next = f.next
		}
		out.InFlight, out.InFlightEarly = max(out.InFlight, f.inFlight), max(out.InFlightEarly, f.early)
		out.Final = max(out.Final, f.final)
	}
	n := newsOf(t.watcher.happened(), peers, &t.marks)
	out.Noticed, out.How, out.Claimed, out.Moved, out.Moves = n.noticed, n.how, n.claimed, n.moved, n.moves
	if !t.unsettled {
		out.Settled = &n.settled
	}
	if !t.marks.ends.IsZero() && a.whole() {
		reconciled := max(0, since.Sub(t.marks.ends))
		out.Reconciled = &reconciled
	}
	return out
}

// undisturbed are the views of the nodes that were neither hit nor started anew.
func (t *trial) undisturbed() (views []string) {
	for _, one := range t.bench.mesh.except(slices.Concat(t.victims, t.restarted, t.aside)...) {
		if one.view != "" {
			views = append(views, one.view)
		}
	}
	return views
}

// wires makes the network what of says of each pair of machines, for as long as that.
func (t *trial) wires(ctx context.Context, hold time.Duration, of func(from, to int) lab.Path) error {
	network := t.bench.mesh.network
	if err := t.strike(func() error { return network.Set(of) }); err != nil {
		return err
	}
	err := launch.Pause(ctx, hold)
	return errors.Join(err, t.endFault(network.Heal))
}
