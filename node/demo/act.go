package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"ganglion/node/chaos"
	"ganglion/proto/controlpb"
)

// The act: a short run in which two nodes are killed. Its times are such that the mesh is
// watched for a while before each death, and until it has noticed it in every way.
const (
	actPeriod = 20 * time.Millisecond
	actBeats  = 300                     // six seconds
	actBefore = 40                      // answers before the first death
	actLook   = 3300 * time.Millisecond // at what comes of a death, at most
)

// Act is what became of the samples of the act, and its story. Keys are added, never renamed.
type Act struct {
	Due     uint64 `json:"due"` // = decided + refused + lost + open
	Decided uint64 `json:"decided"`
	NoView  uint64 `json:"no_view"` // of those decided
	Refused uint64 `json:"refused"`
	Lost    uint64 `json:"lost"`
	Open    uint64 `json:"open"`
	Samples int    `json:"samples"` // verdicts that came
	Wrong   uint64 `json:"wrong"`   // of them, those that are not what one process makes of the views that they rest on

	Differences []Difference `json:"differences,omitempty"` // the first verdicts that lack something or are wrong: at a death some lack a view

	CalmGapMS float64        `json:"calm_gap_ms"` // the largest gap between two verdicts before the first fault
	Timeline  []chaos.Entry  `json:"timeline"`
	Faults    []chaos.Report `json:"faults"`
	Run       string         `json:"run"`

	Interrupted bool `json:"interrupted"` // by Ctrl-C: it is what came until then
}

// ActText is what dies in the act where there are so many devices, to follow "in which" or a
// colon.
func ActText(devices int) string {
	if devices < 2 {
		return "the further nodes are killed, one after the other, until the only device is alone"
	}
	return "a camera is killed, and then the aggregator"
}

// Complete tells whether every sample that was due has an answer.
func (a *Act) Complete() bool {
	return a.Due > 0 && a.Lost == 0 && a.Open == 0 && a.Due == a.Decided+a.Refused && uint64(a.Samples) == a.Due
}

// acting is the act while it goes on.
type acting struct {
	run      string
	ledger   *Ledger
	timeline *chaos.Timeline
	entries  []chaos.Entry
	last     time.Time     // when a verdict came last
	calm     time.Duration // the largest gap between two before the first death
}

// act has the nodes replay the samples once more and kills two of them. They stay dead.
//
// Where ctx is done in its middle the act is what came until then.
func (d *director) act(ctx context.Context, split string) (*Act, error) {
	d.say(Acted, "and if nodes die? In a second run %s", ActText(d.config.Devices))
	run, err := d.begin(ctx, split, actPeriod, actBeats)
	if err != nil {
		return nil, err
	}
	c := d.config
	a := &acting{run: run, ledger: NewLedger(NewJudge(c.Bundle, c.Set, c.Samples, c.live())), timeline: chaos.NewTimeline()}
	a.timeline.Run(run, actPeriod)
	d.acting = a
	err = d.perform(ctx, run)
	switch {
	case err == nil:
		return d.applaud(ctx), nil
	case ctx.Err() != nil:
		out := d.applaud(context.WithoutCancel(ctx))
		out.Interrupted = true
		return out, err
	}
	return nil, err
}

// perform kills the two, and takes the verdicts of the act to its end.
func (d *director) perform(ctx context.Context, run string) error {
	a := d.acting
	following, stop := context.WithCancel(ctx)
	defer stop()
	observer := d.observer(outlooks(ctx, d.members))
	if observer == nil {
		return errors.New("play the act: no node answers")
	}
	d.hearing.Go(func() { d.follow(following, observer.node, run) })

	end := time.Now().Add(actBeats * actPeriod)
	if err := d.pump(ctx, runPace, func() (bool, error) {
		d.teller.Progress(a.ledger.Len(), actBeats)
		return a.ledger.Len() >= actBefore || time.Now().After(end), nil
	}); err != nil {
		return err
	}
	for _, choose := range []func(nodes []outlook) *member{d.camera, d.aggregator} {
		d.sumUp()
		if err := d.strike(ctx, choose); err != nil {
			return err
		}
	}
	if err := d.watch(ctx, run, a.ledger, actBeats, end); err != nil {
		return err
	}
	d.sumUp()
	return nil
}

// observer is a node that is not about to be killed: a device that is nothing else where
// there is one, or the only one; nil: none.
func (d *director) observer(nodes []outlook) *member {
	camera := d.camera(nodes)
	var left []*member
	for _, m := range d.members {
		if m.up() && m != camera {
			left = append(left, m)
		}
	}
	if len(left) == 0 {
		return nil
	}
	const one = 2 // of two the camera dies, and the other is spared
	only := d.devices() <= one
	return slices.MinFunc(left, func(a, b *member) int {
		byView := cmp.Compare(min(b.part.Views, 1), min(a.part.Views, 1)) // devices first
		if only {
			return byView
		}
		return cmp.Or(cmp.Compare(rank(nodes, a), rank(nodes, b)), byView)
	})
}

// devices is how many are left.
func (d *director) devices() int {
	n := 0
	for _, m := range d.members {
		if m.up() && m.part.Views > 0 {
			n++
		}
	}
	return n
}

// rank is by how many roles beside that of a device a node has.
func rank(nodes []outlook, m *member) int {
	_, roles := placeOf(nodes, m)
	return len(slices.DeleteFunc(slices.Clone(roles), func(r string) bool { return r == "device" }))
}

// placeOf is what a node does, as the first that can be asked says.
func placeOf(nodes []outlook, m *member) (views, roles []string) {
	for i := range nodes {
		for _, other := range nodes[i].members {
			if other.GetPeer() == m.status.GetPeer() {
				return other.GetViews(), other.GetRoles()
			}
		}
	}
	return nil, nil
}

// camera is the device to be killed: one that is a device and nothing else where there is
// one, and not the only one; nil: none.
func (d *director) camera(nodes []outlook) *member {
	var devices []*member
	for _, m := range d.members {
		if m.up() && m.part.Views > 0 {
			devices = append(devices, m)
		}
	}
	if len(devices) < 2 {
		return d.holder(nodes, "cloud")
	}
	return slices.MinFunc(devices, func(a, b *member) int {
		return cmp.Or(cmp.Compare(rank(nodes, a), rank(nodes, b)), cmp.Compare(a.part.Views, b.part.Views))
	})
}

// aggregator is who aggregates; where that is the only device that is left, another node.
func (d *director) aggregator(nodes []outlook) *member { return d.holder(nodes, "aggregator") }

// holder is who has a role, or else any further node, but not the only device; nil: none.
func (d *director) holder(nodes []outlook, role string) *member {
	devices := d.devices()
	var best *member
	for _, m := range slices.Backward(d.members) {
		if !m.up() || m.part.Views > 0 && devices < 2 {
			continue
		}
		_, roles := placeOf(nodes, m)
		if slices.Contains(roles, role) {
			return m
		}
		if best == nil && m.part.Views == 0 {
			best = m
		}
	}
	return best
}

// strike kills a node, and watches until there is nothing more to see of it.
func (d *director) strike(ctx context.Context, choose func([]outlook) *member) error {
	nodes := outlooks(ctx, d.members)
	m := choose(nodes)
	if m == nil {
		return nil // nobody is left who could be spared
	}
	a := d.acting
	views, roles := placeOf(nodes, m)
	m.leaves = true // its end is told of here
	d.narrator.lose(m.part.Name)
	at := time.Now()
	d.recount(a.timeline.Inject(chaos.Injection{
		At: at, Fault: chaos.Fault{Do: chaos.Kill},
		Targets: []chaos.Node{{Name: m.part.Name, Peer: m.status.GetPeer(), Roles: roles, Views: views}},
	}), true)
	if err := m.Signal(os.Kill); err != nil && m.Running() {
		return fmt.Errorf("play the act: %w", err)
	}
	return d.pump(ctx, runPace, func() (bool, error) {
		d.teller.Progress(a.ledger.Len(), actBeats)
		return a.played() || time.Since(at) > actLook, nil
	})
}

// played tells whether there is nothing more to see of the last death: it was noticed in
// every way, the slowest of which is the membership's, and somebody else answers.
func (a *acting) played() bool {
	report := a.timeline.Report(a.timeline.Len(), a.last)
	return a.timeline.Calm() && slices.ContainsFunc(report.Noticed, func(e chaos.Entry) bool { return e.How == chaos.HowMembership })
}

// sumUp tells what the last death came to; nothing before the first.
func (d *director) sumUp() {
	if a := d.acting; a.timeline.Len() > 0 {
		report := a.timeline.Report(a.timeline.Len(), a.last)
		d.say(Outcome, "largest gap between two answers %d ms, before the first death %d ms", report.LargestGap.Milliseconds(), a.calm.Milliseconds())
		d.say(Outcome, "%s", flightText(&report))
	}
}

// recount tells what the timeline says. Who has a role now is told where it is news: nodes
// tell of it in their own order.
func (d *director) recount(entries []chaos.Entry, news bool) {
	a := d.acting
	a.entries = append(a.entries, entries...)
	for i := range entries {
		e := &entries[i]
		if e.What == chaos.Moved && !news || e.What == chaos.Claimed && slices.ContainsFunc(a.entries, func(m chaos.Entry) bool {
			return m.What == chaos.Moved && m.By == e.By && m.Role == e.Role
		}) {
			continue // one node heard of it sooner than another told of it: that is no news
		}
		report := a.timeline.Report(e.Number, a.last)
		kind, text := entryText(e, report.Targets)
		d.say(kind, "%s", text)
	}
}

// applaud is what the act came to.
func (d *director) applaud(ctx context.Context) *Act {
	a := d.acting
	out := &Act{Samples: a.ledger.Len(), Timeline: a.entries, Faults: []chaos.Report{}, Run: a.run, CalmGapMS: float64(a.calm) / float64(time.Millisecond)}
	if t := tallyOf(ctx, d.members, a.run); t != nil {
		t := t.GetTally()
		out.Due, out.Decided, out.NoView = t.GetDue(), t.GetDecided(), t.GetNoView()
		out.Refused, out.Lost, out.Open = t.GetRefused(), t.GetLost(), t.GetOpen()
	}
	_, out.Wrong, out.Differences = a.ledger.Differing()
	for n := range a.timeline.Len() {
		out.Faults = append(out.Faults, a.timeline.Report(n+1, a.last))
	}
	return out
}

// heard takes a verdict of the act.
func (a *acting) heard(at time.Time, v *controlpb.Verdict) []chaos.Entry {
	a.ledger.Add(v)
	if a.timeline.Len() == 0 && !a.last.IsZero() {
		a.calm = max(a.calm, at.Sub(a.last))
	}
	a.last = at
	return a.timeline.Verdict(at, v)
}
