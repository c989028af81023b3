package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ganglion/node/control"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// Run shows a demo: it starts the nodes, has them replay the samples, and ends them. It
// returns when no process of it is left. hurry, where it can be received from, has nodes
// ended at once that take their time; it may be nil.
//
// Without Keep the result says what became of the samples, whatever it is. With Keep it
// goes on until ctx is done, and returns the result so far together with the context's
// cause. An error without a result says why there was nothing to see.
func Run(ctx context.Context, c Config, t Teller, hurry <-chan struct{}) (result *Result, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	parts, err := Spread(c.live(), c.Devices, len(c.Missing) > 0)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	s, remove, err := newStage(&c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	d := &director{
		config: &c, stage: s, launcher: launch.New(c.Program, s.logs), teller: t,
		narrator: newNarrator(len(c.Bundle.Topology().Groups)), begun: begun,
		exits: make(chan *member, newsKept), news: make(chan news, newsKept), lines: make(chan heard, newsKept), moved: make(chan string, newsKept),
		ledger: NewLedger(NewJudge(c.Bundle, c.Set, c.Samples, c.live())),
	}
	defer d.launcher.Close(hurry)
	ctx, cancel := context.WithCancel(ctx)
	defer d.hearing.Wait()
	defer cancel() // streams end before the nodes are asked to

	d.say(Started, "%d processes start: %d devices, %d further nodes; they share a token and nothing else", len(parts), c.Devices, Further)
	if err := d.gather(ctx, parts); err != nil {
		return nil, err
	}
	d.under = true
	d.show()
	if err := d.settle(ctx); err != nil {
		return nil, err
	}
	return d.play(ctx, parts)
}

// show tells where a browser sees the demo: at a device, which has pictures, and at the last one,
// which the act spares if it can.
func (d *director) show() {
	for _, m := range slices.Backward(d.members) {
		if m.part.Views > 0 && m.status.GetPage() != "" {
			d.say(Shown, "watch it: %s (the page of %s, as each node has one)", m.status.GetPage(), m.part.Name)
			return
		}
	}
}

// play has the nodes replay the samples, to the end.
func (d *director) play(ctx context.Context, parts []Part) (*Result, error) {
	c := d.config
	nodes := outlooks(ctx, d.members)
	split, samples, err := splitOf(nodes)
	if err != nil {
		return nil, err
	}
	if samples != len(c.Samples) {
		return nil, fmt.Errorf("the devices replay %d samples, of which %d were chosen", samples, len(c.Samples))
	}
	held := "every view is held"
	if missing := c.missing(); len(missing) > 0 {
		held = fmt.Sprintf("every view is held but %s", strings.Join(missing, ", "))
	}
	d.say(Ready, "all %d nodes see all %d, %s, every node has model %s", len(nodes), len(nodes), held, c.Bundle.ID().Short())
	for _, m := range d.members {
		m.before = spentOf(m.status.GetTraffic())
	}
	run, err := d.begin(ctx, split, c.period(), c.due())
	if err != nil {
		return nil, err
	}
	d.run = run
	follower := d.first()
	if follower == nil {
		return nil, errors.New("all nodes have ended")
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	d.hearing.Go(func() { d.follow(following, follower.node, run) })
	result := &Result{
		Planned: uint64(c.due()),
		Nodes:   len(parts), Devices: c.Devices, Missing: c.missing(), Died: []string{}, Model: c.Bundle.ID().String(),
		SyntheticModel: c.Bundle.Provenance().GetSynthetic(), Data: c.Set.Name, DataHash: fmt.Sprintf("%x", c.Set.Hash),
		Synthetic: c.Set.Synthetic, Split: split, Run: run, Rate: c.Rate,
		CloudDelayMS: float64(c.CloudDelay) / float64(time.Millisecond),
	}
	err = d.watch(ctx, run, d.ledger, c.due(), time.Now().Add(time.Duration(c.due())*c.period()))
	if err != nil && (!c.Keep || ctx.Err() == nil) {
		return nil, err
	}
	d.conclude(ctx, result)
	stop()
	if err == nil && !c.Calm {
		result.Act, err = d.act(ctx, split)
	}
	result.Died = append(result.Died, d.died...)
	result.Seconds = time.Since(d.begun).Seconds()
	return result, err
}

// first is a node that is up, one without a view before others; nil: none is.
func (d *director) first() *member {
	for _, m := range slices.Backward(d.members) {
		if m.up() {
			return m
		}
	}
	return nil
}

// begin begins the run, through whichever node knows how.
func (d *director) begin(ctx context.Context, split string, period time.Duration, count int) (run string, err error) {
	c := d.config
	q := &controlpb.StartRunRequest{
		PeriodNs: int64(period), Count: uint64(count), Data: fmt.Sprintf("%x", c.Set.Hash), Split: split,
	}
	deadline := time.Now().Add(startWait)
	var last error
	err = d.pump(ctx, readyPace, func() (bool, error) {
		m := d.first()
		if m == nil {
			return false, errors.New("all nodes have ended")
		}
		asked, cancel := context.WithTimeout(ctx, startWait)
		defer cancel()
		answer, err := m.node.StartRun(asked, q)
		if err != nil {
			last = m.node.Explain(err)
			if time.Now().After(deadline) {
				return false, fmt.Errorf("start the run: %w", last)
			}
			return false, nil
		}
		run = answer.GetRun()
		return true, nil
	})
	if err == nil && count == 0 {
		d.say(Ran, "run %s: %d samples, over and over, one each %v", run, len(c.Samples), period)
	} else if err == nil {
		d.say(Ran, "run %s: %d samples, one each %v", run, count, period)
	}
	return run, err
}

// errStopped ends the following of verdicts when the demo ends.
var errStopped = errors.New("the demo ends")

// lineTaker passes verdicts on to the director, until done is closed.
type lineTaker struct {
	done <-chan struct{}
	to   *director
}

// Verdict passes a verdict on.
func (l lineTaker) Verdict(v *controlpb.Verdict) error {
	return l.put(&controlpb.VerdictsResponse{Line: &controlpb.VerdictsResponse_Verdict{Verdict: v}})
}

// Gap passes a gap on.
func (l lineTaker) Gap(g *controlpb.Gap) error {
	return l.put(&controlpb.VerdictsResponse{Line: &controlpb.VerdictsResponse_Gap{Gap: g}})
}

func (l lineTaker) put(line *controlpb.VerdictsResponse) error {
	select {
	case l.to.lines <- heard{time.Now(), line}:
		return nil
	case <-l.done:
		return errStopped
	}
}

// Moved passes a sentence on.
func (l lineTaker) Moved(text string) {
	select {
	case l.to.moved <- text:
	case <-l.done:
	}
}

// follow reads the verdicts of the run until ctx is done, from another node where one ends.
func (d *director) follow(ctx context.Context, n *control.Node, run string) {
	var first uint64
	q := &controlpb.VerdictsRequest{Follow: true, Run: run, FromBeat: &first}
	to := lineTaker{done: ctx.Done(), to: d}
	if err := n.Follow(ctx, q, to); err != nil && ctx.Err() == nil {
		to.Moved(fmt.Sprintf("the verdicts are not read any more: %v", err))
	}
}

// watch takes verdicts until a run of so many samples has ended and all of them are in its
// ledger, or until there is no more hope for the rest; last is when the last sample comes. A
// run of none has no end.
func (d *director) watch(ctx context.Context, run string, l *Ledger, of int, last time.Time) error {
	var looked time.Time
	return d.pump(ctx, runPace, func() (bool, error) {
		d.teller.Progress(l.Len(), of)
		if time.Since(looked) >= statusPace {
			looked = time.Now()
			outlooks(ctx, d.members) // the last words of a node that ends
		}
		if of == 0 || l.Len() < of && time.Now().Before(last) {
			return false, nil
		}
		t := tallyOf(ctx, d.members, run)
		n := t.GetTally()
		whole := n.GetDue() == uint64(of) && n.GetOpen() == 0 && uint64(l.Len()) >= n.GetDecided()+n.GetRefused()
		return t.GetEnded() && whole || time.Now().After(last.Add(tailWait)), nil
	})
}

// conclude fills in the result of what was seen. The context may be done.
func (d *director) conclude(ctx context.Context, r *Result) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWait)
	defer cancel()
	if t := tallyOf(ctx, d.members, r.Run); t != nil {
		r.tallied(t.GetTally())
	}
	outlooks(ctx, d.members)
	var cost spent
	for _, m := range d.members {
		if m.part.Views > 0 {
			cost = cost.plus(spentOf(m.status.GetTraffic()).since(m.before))
		}
	}
	r.figures(d.ledger, d.config.Bundle.Topology(), cost)
}
