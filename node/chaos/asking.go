package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"

	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

// eyes is a node to ask, at which no fault is in force, but for some: the asked one where it
// can be. One that has just ended a stream is asked where there is no other.
func (c *Conductor) eyes(but ...*control.Node) *control.Node {
	now := time.Now()
	nodes := c.sorted()
	if asked := c.locals[c.config.Asked.Status.GetPeer()]; asked != nil { // it may be another process by now
		nodes = slices.Insert(nodes, 0, asked)
	}
	nodes = slices.DeleteFunc(nodes, func(n *control.Node) bool {
		return slices.Contains(but, n) || c.mute(n.Status.GetPeer(), now)
	})
	if i := slices.IndexFunc(nodes, func(n *control.Node) bool { return c.fit(n, now) }); i >= 0 {
		return nodes[i]
	}
	if len(nodes) > 0 {
		return nodes[0]
	}
	return nil
}

// ask asks a node, and another where nobody is there any more or answers.
func (c *Conductor) ask(what func(n *control.Node) error) error {
	var tried []*control.Node
	last := errNobody
	for range triesMost {
		n := c.eyes(tried...)
		if n == nil {
			break
		}
		err := what(n)
		if code := connect.CodeOf(err); err == nil || code != connect.CodeUnavailable && code != connect.CodeDeadlineExceeded {
			return n.Explain(err)
		}
		tried, last = append(tried, n), n.Explain(err)
	}
	return last
}

// fit reports whether a node is there to be asked: no fault is in force at it, and it has not
// just ended a stream, as one does that dies.
func (c *Conductor) fit(n *control.Node, now time.Time) bool {
	return !c.mute(n.Status.GetPeer(), now) && now.Sub(c.lost[streamOf(n)]) > goneAfter
}

// sorted is the nodes of this machine by name.
func (c *Conductor) sorted() []*control.Node {
	var out []*control.Node
	for _, n := range c.locals {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b *control.Node) int {
		return strings.Compare(a.Status.GetName()+a.Status.GetPeer(), b.Status.GetName()+b.Status.GetPeer())
	})
	return out
}

// refreshRun tells the timeline of the run that there is.
func (c *Conductor) refreshRun(ctx context.Context) {
	var s *controlpb.StatusResponse
	err := c.ask(func(n *control.Node) (err error) {
		ctx, cancel := context.WithTimeout(ctx, tickPace)
		defer cancel()
		s, err = n.NodeServiceClient.Status(ctx, &controlpb.StatusRequest{})
		return err
	})
	if err != nil || s.GetRun() == nil {
		return // asked again with the next tick
	}
	c.summary.Run = s.GetRun().GetRun()
	if p := time.Duration(s.GetRun().GetPeriodNs()); p > 0 {
		c.line.Run(c.summary.Run, p)
	}
}

// readBack reads from the log of a node what is missing of the samples in flight: whoever was
// followed may have been struck itself meanwhile.
func (c *Conductor) readBack(ctx context.Context) {
	run, from, ok := c.line.Waiting()
	if n := c.eyes(); ok && n != nil && !c.lasting() && time.Since(c.read) > readPace {
		c.read = time.Now()
		ctx, cancel := context.WithTimeout(ctx, readPace)
		defer cancel()
		lines, err := n.Verdicts(ctx, &controlpb.VerdictsRequest{Site: c.config.Asked.Status.GetSite(), Run: run, FromBeat: &from})
		if err != nil {
			return // asked again
		}
		for lines.Receive() {
			if v := lines.Msg().GetVerdict(); v != nil {
				c.line.Logged(v)
			}
		}
		_ = lines.Close() // it is only read from
	}
}

// tallyOf asks what became of the samples of a run.
func (c *Conductor) tallyOf(ctx context.Context, run string) (*controlpb.Tally, error) {
	var answer *controlpb.TallyResponse
	err := c.ask(func(n *control.Node) (err error) {
		ctx, cancel := context.WithTimeout(ctx, askWait)
		defer cancel()
		answer, err = n.Tally(ctx, &controlpb.TallyRequest{Run: run})
		return err
	})
	return answer.GetTally(), err
}

// countBefore notes what was lost before the first fault: this plan did not lose that.
func (c *Conductor) countBefore(ctx context.Context) {
	if c.counted || c.summary.Run == "" {
		return
	}
	c.counted, c.before.run = true, c.summary.Run
	t, err := c.tallyOf(ctx, c.before.run)
	c.before.lost, c.before.err = t.GetLost(), err
}

// count asks what became of the samples of the run, and what of them this plan lost.
func (c *Conductor) count(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	c.refreshRun(ctx) // one may just have begun
	if c.summary.Run == "" || c.line.Harmless() {
		return // nothing was asked of the mesh, or nothing was done to it
	}
	t, err := c.tallyOf(ctx, c.summary.Run)
	c.summary.Tally = t
	lost := t.GetLost()
	switch {
	case err != nil:
	case c.before.err != nil:
		err = c.before.err
	case c.before.run == c.summary.Run:
		lost -= min(lost, c.before.lost) // what was overdue may have been decided since
	case c.before.run != "": // another run has begun: all that it lost, and what was lost of the first
		var first *controlpb.Tally
		first, err = c.tallyOf(ctx, c.before.run)
		lost += first.GetLost() - min(first.GetLost(), c.before.lost)
	}
	if err != nil {
		c.summary.Uncounted = err
		c.to.Remark(fmt.Sprintf("what was lost cannot be said: %v", err))
		return
	}
	c.summary.Lost = &lost
}
