package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

// ResolveNow is the members that a target means at this moment, as a node sees them. To be
// healed are also those that are down, because they are cut off or stand still: where they
// are here, on this machine, or named.
func ResolveNow(ctx context.Context, n *control.Node, s *Step, draw *rand.Rand, here func(peer string) bool) ([]*controlpb.Member, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	answer, err := n.Members(ctx, &controlpb.MembersRequest{})
	if err != nil {
		return nil, n.Explain(err)
	}
	if len(answer.GetViews()) == 0 {
		return nil, fmt.Errorf("node %s told of no members", n)
	}
	members := answer.GetViews()[0].GetMembers()
	if s.Fault.Do == Heal {
		for i, m := range members {
			if m.GetState() != "left" && (here(m.GetPeer()) || s.Target.names(m)) {
				members[i], _ = proto.Clone(m).(*controlpb.Member)
				members[i].State = "alive"
			}
		}
	}
	return s.Target.Resolve(members, n.Status.GetViews(), draw)
}

// inject carries one step out once. What cannot be done is noted; the error says that nobody
// is left.
func (c *Conductor) inject(ctx, streaming context.Context, s *Step) error {
	listed := c.listed(ctx)
	var of []*controlpb.Member
	err := c.ask(func(n *control.Node) (err error) {
		of, err = ResolveNow(ctx, n, s, c.draw, func(peer string) bool { return listed[peer] != 0 || c.locals[peer] != nil })
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errNobody) {
		return err
	}
	if err != nil {
		c.fail(s, err)
		return nil
	}
	if s.Fault.Do == Heal {
		c.rouse(ctx, of, listed)
	} else {
		c.refreshRun(ctx)
		c.countBefore(ctx)
		if s.Fault.Mutes() {
			c.look(streaming, of)
		}
	}
	at, targets, err := c.strike(ctx, of, s.Fault)
	if err != nil {
		c.fail(s, err)
	}
	if len(targets) == 0 {
		return ctx.Err()
	}
	for len(c.heard) > 0 {
		c.pend(<-c.heard)
	}
	c.listenUntil(streaming, at) // it is not put down to this
	entries := c.line.Inject(Injection{At: at, Fault: s.Fault, Targets: targets})
	c.reports(c.line.Len() - 1)
	c.tell(entries)
	return nil
}

// listed is the processes of the nodes of this machine by peer, whether they answer or not.
func (c *Conductor) listed(ctx context.Context) map[string]int {
	processes := map[string]int{}
	// None is asked, so that none can fail to answer.
	_, _ = c.config.Local(ctx, func(f control.RunFile) bool {
		processes[f.Peer] = f.PID
		return true
	})
	return processes
}

// rouse has nodes of this machine go on that stand still, and meets those that this program
// has found standing.
func (c *Conductor) rouse(ctx context.Context, of []*controlpb.Member, listed map[string]int) {
	wanted := map[string]bool{}
	for _, m := range of {
		if pid := listed[m.GetPeer()]; pid != 0 {
			_ = Resume(pid) // one that goes on already is not touched by it; where none can be, none stands still
			wanted[m.GetPeer()] = c.locals[m.GetPeer()] == nil
		}
	}
	found, err := c.config.Local(ctx, func(f control.RunFile) bool { return !wanted[f.Peer] })
	if err != nil {
		return // they are asked through others
	}
	for _, n := range found {
		c.locals[n.Status.GetPeer()] = n
	}
}

func (c *Conductor) fail(s *Step, err error) {
	text := fmt.Sprintf("%s: %v", s.Fault.Do, err)
	c.summary.Failed = append(c.summary.Failed, text)
	if c.several { // of a single one the caller tells
		c.to.Remark("not done: " + text)
	}
}

// strike has all targets take a fault at once. It returns when the first begins, and who
// took it; the error says who did not.
func (c *Conductor) strike(ctx context.Context, of []*controlpb.Member, f Fault) (at time.Time, targets []Node, err error) {
	begins, faults := make([]time.Time, len(of)), make([]error, len(of))
	var striking sync.WaitGroup
	for i, m := range of {
		striking.Go(func() { begins[i], faults[i] = c.injectInto(ctx, m.GetPeer(), f) })
	}
	striking.Wait()
	for i, m := range of {
		if faults[i] != nil {
			continue
		}
		if at.IsZero() || begins[i].Before(at) {
			at = begins[i]
		}
		targets = append(targets, Node{Name: m.GetName(), Peer: m.GetPeer(), Roles: m.GetRoles(), Views: m.GetViews()})
		c.note(m, f, begins[i])
	}
	return at, targets, joined(of, faults)
}

// joined is several nodes' errors in one line.
func joined(of []*controlpb.Member, faults []error) error {
	var texts []string
	for i, err := range faults {
		if err != nil {
			texts = append(texts, of[i].GetName()+": "+strings.ReplaceAll(err.Error(), "\n", ";"))
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}

// note keeps in mind what was done to a node.
func (c *Conductor) note(m *controlpb.Member, f Fault, begins time.Time) {
	peer := m.GetPeer()
	h := harm{name: m.GetName(), since: begins, until: begins.Add(f.For), lasts: f.Lasts(), mute: f.Mutes()}
	if local := c.locals[peer]; local != nil {
		h.pid = local.Run.PID
	}
	c.summary.Targets[peer] = h.name
	if before, ok := c.inForce[peer]; ok && f.Lasts() && before.lasts && before.until.After(begins) {
		h.mute = h.mute || before.mute
		if before.until.After(h.until) {
			h.until = before.until // the earlier goes on for longer
		}
	}
	if f.Do == Kill {
		h.until = time.Time{}
	}
	c.inForce[peer] = h
	if f.Do == Heal {
		c.tell(c.line.Healed(peer, begins))
	}
}

// healed notes that a node tells that it was healed, by whomever.
func (c *Conductor) healed(peer string, at time.Time) {
	c.tell(c.line.Healed(peer, at))
	if h := c.inForce[peer]; h.lasts && !at.Before(h.since) {
		h.lasts, h.until = false, at
		c.inForce[peer] = h
	}
}

// injectInto has one node take a fault: over its own API where it runs on this machine, which
// works when it is cut off; else through a member. It returns when that begins.
func (c *Conductor) injectInto(ctx context.Context, peer string, f Fault) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	n := c.locals[peer]
	if n != nil && f.Do == Heal && n.Run.PID > 0 {
		_ = Resume(n.Run.PID) // one that stands still answers nothing; where none can, none does
	}
	if n == nil {
		n = c.eyes()
	}
	if n == nil {
		return time.Time{}, errNobody
	}
	answer, err := n.Inject(ctx, &controlpb.InjectRequest{Peer: peer, Fault: f.Message()})
	if err != nil {
		if f.Do == Heal && c.locals[peer] == nil {
			return time.Time{}, errors.New("it cannot be reached; what is in force there ends by its own time")
		}
		return time.Time{}, plainly(n, err)
	}
	return time.Now().Add(time.Duration(answer.GetBeginsInNs())), nil
}

// plainly is an error of a node for people, without the node: it is named beside it.
func plainly(n *control.Node, err error) error {
	if call, ok := errors.AsType[*control.CallError](n.Explain(err)); ok {
		return call
	}
	return n.Explain(err)
}
