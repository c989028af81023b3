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

// standWait is how long a stream of verdicts may take to stand.
const standWait = 300 * time.Millisecond

// seek looks for nodes of this machine that are new, until ctx is done: one that was killed
// and started again is one.
func (c *Conductor) seek(ctx context.Context) error {
	tick := time.NewTicker(2 * tickPace)
	defer tick.Stop()
	known := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		found, err := c.config.Local(ctx, func(f control.RunFile) bool { return known[process(f)] })
		if err != nil || len(found) == 0 {
			continue
		}
		for _, n := range found {
			known[process(n.Run)] = true
		}
		select {
		case c.found <- found:
		case <-ctx.Done():
			return nil
		}
	}
}

// process tells the processes of a node apart.
func process(f control.RunFile) string { return fmt.Sprint(f.Peer, "/", f.PID, "/", f.Start) }

// streamOf names the stream of verdicts of a node.
func streamOf(n *control.Node) string { return process(n.Run) + " at " + n.Address }

// meet takes nodes of this machine, and listens to what happens at them.
func (c *Conductor) meet(ctx context.Context, nodes []*control.Node) {
	for _, n := range nodes {
		peer := n.Status.GetPeer()
		if old := c.locals[peer]; old != nil && process(old.Run) == process(n.Run) || len(c.locals) >= watchMost {
			continue
		}
		c.locals[peer] = n
		if h, ok := c.inForce[peer]; ok && h.pid != n.Run.PID {
			delete(c.inForce, peer) // it is a new process
		}
		c.streams.Go(func() error { return c.events(ctx, n) })
	}
}

// part forgets a process that has ended: it is asked nothing any more.
func (c *Conductor) part(n *control.Node) {
	peer := n.Status.GetPeer()
	if here := c.locals[peer]; here != nil && streamOf(here) == streamOf(n) {
		delete(c.locals, peer)
	}
}

// events passes on what happens at a node, until ctx is done or its process has ended, which it
// tells too. A node that is elsewhere may be there again.
func (c *Conductor) events(ctx context.Context, n *control.Node) error {
	var last uint64
	fails := 0 // since somebody answered
	for ctx.Err() == nil {
		stream, err := n.Events(ctx, &controlpb.EventsRequest{Follow: true})
		if err == nil {
			for stream.Receive() {
				if fails >= failsMost {
					if !itself(ctx, n) {
						break
					}
					c.hear(ctx, heard{at: time.Now(), by: n, presence: again})
				}
				fails = 0
				e := stream.Msg()
				if e.GetNumber() <= last || e.GetAtUnixNs() < c.start.UnixNano() {
					continue // it was told, or is older than all this
				}
				last = e.GetNumber()
				if !c.hear(ctx, heard{at: saidAt(n, e), by: n, event: e}) {
					break
				}
			}
			err = stream.Err()
			_ = stream.Close() // it is only read from
		}
		if connect.CodeOf(err) == connect.CodeUnavailable { // one that is cut off or stands still is still there
			if fails++; fails == failsMost {
				c.hear(ctx, heard{at: time.Now(), by: n, presence: absent})
			}
		}
		if fails >= failsMost && n.Run.PID > 0 && c.listed(ctx)[n.Status.GetPeer()] != n.Run.PID {
			return nil // another process of it is met
		}
		wait(ctx, failPace)
	}
	return nil
}

// itself reports whether a node is the one that answers at its address.
func itself(ctx context.Context, n *control.Node) bool {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	s, err := n.NodeServiceClient.Status(ctx, &controlpb.StatusRequest{})
	return err == nil && s.GetPeer() == n.Status.GetPeer()
}

// wait waits, or until ctx is done.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// saidAt is when a node told an event. One of this machine has the clock of this program; what
// it says is believed where it can be.
func saidAt(n *control.Node, e *controlpb.EventsResponse) time.Time {
	now := time.Now()
	if age := now.UnixNano() - e.GetAtUnixNs(); n.Run.PID > 0 && age > 0 && age < int64(time.Second) {
		return now.Add(-time.Duration(age))
	}
	return now
}

func (c *Conductor) hear(ctx context.Context, h heard) bool {
	select {
	case c.heard <- h:
		return true
	case <-ctx.Done():
		return false
	}
}

// look has the verdicts of some nodes followed that know of the others', and will: not of
// those that are about to be struck.
func (c *Conductor) look(ctx context.Context, but []*controlpb.Member) {
	now := time.Now()
	var fit []*control.Node
	site := c.config.Asked.Status.GetSite()
	for _, n := range c.sorted() {
		peer := n.Status.GetPeer()
		if c.fit(n, now) && !slices.ContainsFunc(but, func(m *controlpb.Member) bool { return m.GetPeer() == peer }) {
			fit = append(fit, n)
		}
	}
	// Those without a view are the least likely to be struck next, then those of the site.
	rank := func(n *control.Node) string {
		return fmt.Sprint(n.Status.GetSite() != site, len(n.Status.GetSources()) > 0, n.Status.GetName())
	}
	slices.SortFunc(fit, func(a, b *control.Node) int { return strings.Compare(rank(a), rank(b)) })
	following := 0
	for _, n := range fit {
		if c.watched[streamOf(n)] {
			following++
		}
	}
	for _, n := range fit {
		if following >= eyesMost {
			return
		}
		if key := streamOf(n); !c.watched[key] {
			c.watched[key] = true
			following++
			stands := make(chan struct{})
			c.streams.Go(func() error { return c.verdicts(ctx, n, site, stands) })
			select {
			case <-stands:
			case <-time.After(standWait):
			case <-ctx.Done():
			}
		}
	}
}

// verdicts passes on the verdicts of a site that come to a node, until ctx is done or the
// node has ended. Stands is closed with the first, which is from before.
func (c *Conductor) verdicts(ctx context.Context, n *control.Node, site string, stands chan struct{}) error {
	defer func() { c.hear(ctx, heard{at: time.Now(), by: n}) }() // the time of its end
	first := true
	lines, err := n.Verdicts(ctx, &controlpb.VerdictsRequest{Site: site, Follow: true, Last: 1})
	if err != nil {
		return nil // it has ended: another is followed
	}
	for lines.Receive() {
		if first {
			first = false
			close(stands)
			continue
		}
		if v := lines.Msg().GetVerdict(); v != nil && !c.hear(ctx, heard{at: time.Now(), by: n, verdict: v}) {
			break
		}
	}
	_ = lines.Close() // it is only read from
	return nil
}
