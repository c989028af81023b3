package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"ganglion/proto/controlpb"
)

// The times and sizes of moving to another node.
const (
	moveWait  = 30 * time.Second       // without a node to follow until the follower gives up
	movePace  = 200 * time.Millisecond // between two looks for one
	moveSoon  = 256                    // of the end of a log that are looked through for samples on demand before what comes is told
	moveLines = 4096                   // and beside it
	newRun    = 256                    // a run that is first heard of below this beat is followed from its first
)

// errLeft says that a node ended its stream, as one does that leaves.
var errLeft = errors.New("it has left")

// Follower is told what [Node.Follow] reads.
type Follower interface {
	// Verdict takes a line. An error ends the following.
	Verdict(v *controlpb.Verdict) error
	// Gap takes beats that no node of this machine has. An error ends the following.
	Gap(g *controlpb.Gap) error
	// Moved takes a sentence for people: a node is gone, another is followed.
	Moved(text string)
}

// Follow reads verdicts and, where the request says so, goes on with those that come, from
// this node or, after it, from others of its mesh on this machine. It returns when there
// is no more to read, when ctx is done, or after half a minute without a node.
func (n *Node) Follow(ctx context.Context, q *controlpb.VerdictsRequest, to Follower) error {
	f := &following{finder: n.finder, node: n, to: to, site: q.GetSite(), mesh: n.Status.GetMesh(), follow: q.GetFollow(), last: q.GetLast()}
	if f.site == "" {
		f.site = n.Status.GetSite() // another node's may be another
	}
	if q.FromBeat != nil || q.GetRun() != "" {
		run := q.GetRun()
		if run == "" {
			run = n.Status.GetRun().GetRun()
		}
		if run == "" {
			return fmt.Errorf("ask node %s: site %s has no run now: name one with --run", n, f.site)
		}
		f.runs = []*beats{newBeats(run, q.GetFromBeat())}
		f.chosen = true
	}
	err := f.read(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// following is one call of Follow.
type following struct {
	finder Finder
	node   *Node
	to     Follower
	site   string
	mesh   string
	follow bool
	last   uint32
	chosen bool // beats of a run were asked for, not the last lines

	mu      sync.Mutex // guards what follows while a stream is read: the past is read beside it
	recent  recent
	runs    []*beats  // that are followed, the latest last
	told    bool      // a line came from some node
	lost    time.Time // since when there is no node; zero: there is one
	refused error     // by the Follower
}

// read goes from node to node.
func (f *following) read(ctx context.Context) error {
	for {
		begun := time.Now()
		err := f.attach(ctx)
		if time.Since(begun) > time.Second {
			f.lost = time.Time{} // a node that had nothing to tell is a node
		}
		switch {
		case f.refused != nil:
			return f.refused
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && !f.follow:
			return nil
		case !f.follow || !f.told && isFinal(err):
			return f.node.Explain(err)
		case err == nil:
			err = errLeft
		}
		if err := f.move(ctx, err); err != nil {
			return err
		}
	}
}

// isFinal reports whether asking another node would not help.
func isFinal(err error) bool {
	switch connect.CodeOf(err) {
	case connect.CodeInvalidArgument, connect.CodeNotFound, connect.CodePermissionDenied, connect.CodeUnauthenticated, connect.CodeUnimplemented:
		return err != nil
	default:
		return false
	}
}

// attach reads from one node until that ends.
func (f *following) attach(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream
	switch {
	case !f.told && !f.chosen:
		return f.stream(ctx, &controlpb.VerdictsRequest{Site: f.site, Follow: f.follow, Last: f.last}, f.line)
	case !f.follow && !f.told:
		return f.catchUp(ctx)
	case !f.follow:
		if err := f.catchUp(ctx); err != nil {
			return err
		}
		return f.lookBack(ctx, moveLines)
	}
	var behind errgroup.Group
	defer func() {
		cancel()
		if back := behind.Wait(); back != nil {
			err = back // it ended the stream
		}
	}()
	// The stream comes first, so that nothing falls between it and the past. Its first
	// line, the last of the log, says that it stands.
	standing := false
	return f.stream(ctx, &controlpb.VerdictsRequest{Site: f.site, Follow: true, Last: 1}, func(ctx context.Context, l *controlpb.VerdictsResponse) error {
		if standing {
			return f.line(ctx, l)
		}
		standing = true
		resumed := f.told
		if err := f.catchUp(ctx); err != nil {
			return err
		}
		if !resumed {
			if v := l.GetVerdict(); v != nil && !f.told && f.runOf(v) == nil {
				return nil // older than what was asked for
			}
			return f.line(ctx, l)
		}
		behind.Go(func() error { // what comes does not wait for it
			err := f.lookBack(ctx, moveLines)
			if err != nil {
				cancel()
			}
			return err
		})
		return f.line(ctx, l)
	})
}

// catchUp reads what came since, or what was asked for: beats by their numbers and, after a
// move, the last of what is on demand.
func (f *following) catchUp(ctx context.Context) error {
	resumed := f.told
	for _, b := range slices.Clone(f.runs) {
		from := b.floor()
		if err := f.stream(ctx, &controlpb.VerdictsRequest{Site: f.site, Run: b.run, FromBeat: &from}, f.pastLine); err != nil {
			return err
		}
	}
	if !resumed {
		return nil
	}
	return f.lookBack(ctx, moveSoon)
}

// lookBack reads what a follower may have missed of what is not new, once it has moved: what is
// on demand and what superseded a sample that was told, from the end of the log and, where that
// is looked through far, from the beats below the first that is new.
func (f *following) lookBack(ctx context.Context, lines uint32) error {
	past, err := f.ending(ctx, lines)
	if err != nil {
		return err
	}
	known := f.firstKnown(past)
	if lines < moveLines && (known < 0 || known > len(past)/2) && len(past) == int(lines) {
		return nil // it does not reach back far enough to say what is new
	}
	if lines == moveLines {
		for b, from := range f.resumes() {
			if err := f.stream(ctx, &controlpb.VerdictsRequest{Site: f.site, Run: b.run, FromBeat: &from}, f.pastLine); err != nil {
				return err
			}
		}
	}
	for _, l := range past[max(0, known):] { // what stands before is older than the following
		if known < 0 && f.below(l.GetVerdict()) {
			continue
		}
		if err := f.line(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// ending is the last lines of the node's log.
func (f *following) ending(ctx context.Context, lines uint32) (past []*controlpb.VerdictsResponse, err error) {
	err = f.stream(ctx, &controlpb.VerdictsRequest{Site: f.site, Last: lines}, func(_ context.Context, l *controlpb.VerdictsResponse) error {
		past = append(past, l)
		return nil
	})
	return past, err
}

// firstKnown is the first of some lines that was told; -1: none was.
func (f *following) firstKnown(past []*controlpb.VerdictsResponse) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.IndexFunc(past, func(l *controlpb.VerdictsResponse) bool { return l.GetVerdict() != nil && f.recent.has(l.GetVerdict()) })
}

// resumes is from where the runs that are followed are asked for again.
func (f *following) resumes() map[*beats]uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[*beats]uint64{}
	for _, b := range f.runs {
		out[b] = b.resume()
	}
	return out
}

// below reports whether a verdict is of a beat below those that are followed.
func (f *following) below(v *controlpb.Verdict) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.runOf(v)
	return b != nil && v.GetBeat() < b.first
}

// stream reads one call to its end.
func (f *following) stream(ctx context.Context, q *controlpb.VerdictsRequest, each func(context.Context, *controlpb.VerdictsResponse) error) error {
	return readVerdicts(ctx, f.node, q, each)
}

func readVerdicts(ctx context.Context, n *Node, q *controlpb.VerdictsRequest, each func(context.Context, *controlpb.VerdictsResponse) error) (err error) {
	s, err := n.Verdicts(ctx, q)
	if err != nil {
		return err
	}
	defer func() {
		if closed := s.Close(); err == nil && closed != nil && ctx.Err() == nil {
			err = closed
		}
	}()
	for s.Receive() {
		if err := each(ctx, s.Msg()); err != nil {
			return err
		}
	}
	return s.Err()
}

// line takes one line of a node.
func (f *following) line(ctx context.Context, l *controlpb.VerdictsResponse) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = time.Time{}
	if g := l.GetGap(); g != nil {
		return f.gap(ctx, g)
	}
	return f.verdict(l.GetVerdict())
}

// pastLine takes one line of what is asked for again. What the node does not have yet it
// may be about to get: a follower hears of it later.
func (f *following) pastLine(ctx context.Context, l *controlpb.VerdictsResponse) error {
	if g := l.GetGap(); g != nil && f.follow && g.GetReason() == "unknown" {
		return nil
	}
	return f.line(ctx, l)
}

func (f *following) verdict(v *controlpb.Verdict) error {
	if v == nil || !f.recent.add(v) {
		return nil
	}
	f.told = true
	if b := f.track(v); b != nil {
		b.add(span{v.GetBeat(), v.GetBeat() + 1})
		defer func() { f.giveUp(b) }()
	}
	return f.tell(f.to.Verdict(v))
}

// tell keeps an error of the Follower apart from those of nodes.
func (f *following) tell(err error) error {
	if err != nil && f.refused == nil {
		f.refused = err
	}
	return err
}

// runOf is what is followed of the run of a sample; nil: nothing.
func (f *following) runOf(v *controlpb.Verdict) *beats {
	run := RunOf(v)
	i := slices.IndexFunc(f.runs, func(b *beats) bool { return b.run == run })
	if run == "" || i < 0 {
		return nil
	}
	return f.runs[i]
}

// track is runOf; a run that is new is followed from here on, or from its first beat.
func (f *following) track(v *controlpb.Verdict) *beats {
	b, run := f.runOf(v), RunOf(v)
	if b != nil || run == "" || v.GetSupersededBy() != "" {
		return b
	}
	first := v.GetBeat()
	if len(f.runs) > 0 && first < newRun {
		first = 0
	}
	b = newBeats(run, first)
	f.runs = append(f.runs, b)
	f.runs = f.runs[max(0, len(f.runs)-mostRuns):]
	return b
}

// giveUp names holes that nothing came for.
func (f *following) giveUp(b *beats) {
	for _, s := range b.overdue() {
		b.add(s)
		_ = f.tell(f.to.Gap(&controlpb.Gap{Run: b.run, From: s.from, To: s.to, Reason: "unknown"})) // kept in refused
	}
}
