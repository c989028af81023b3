package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"

	"ganglion/proto/controlpb"
)

// errEnough ends a stream whose rest is of no use.
var errEnough = errors.New("enough")

// gap takes beats that the node does not have: those that were not told are asked of the
// others, and told as a gap where these have them neither.
func (f *following) gap(ctx context.Context, g *controlpb.Gap) error {
	i := slices.IndexFunc(f.runs, func(b *beats) bool { return b.run == g.GetRun() })
	if i < 0 {
		i = len(f.runs)
		f.runs = append(f.runs, newBeats(g.GetRun(), g.GetFrom()))
	}
	b := f.runs[i]
	for _, hole := range b.holes(span{g.GetFrom(), g.GetTo()}) {
		if err := f.fill(ctx, b, hole); err != nil {
			return err
		}
		for _, s := range b.holes(hole) {
			b.add(s)
			if err := f.tell(f.to.Gap(&controlpb.Gap{Run: b.run, From: s.from, To: s.to, Reason: g.GetReason()})); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill asks the other nodes of the mesh on this machine for beats.
func (f *following) fill(ctx context.Context, b *beats, hole span) error {
	files, err := f.others()
	if err != nil {
		return nil //nolint:nilerr // without others nobody has them
	}
	for _, file := range files {
		// Whoever does not answer does not have them.
		if err := f.fillFrom(ctx, file, b, hole); f.refused != nil || ctx.Err() != nil {
			return err
		}
		if len(b.holes(hole)) == 0 {
			return nil
		}
	}
	return nil
}

func (f *following) fillFrom(ctx context.Context, file RunFile, b *beats, hole span) error {
	n, err := f.finder.reach(ctx, file)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	return readVerdicts(ctx, n, &controlpb.VerdictsRequest{Site: f.site, Run: b.run, FromBeat: &hole.from}, func(_ context.Context, l *controlpb.VerdictsResponse) error {
		v := l.GetVerdict()
		switch {
		case v == nil || RunOf(v) != b.run:
			return nil
		case v.GetBeat() >= hole.to:
			return errEnough
		}
		return f.verdict(v)
	})
}

// others is the nodes of the mesh on this machine but the one that is followed.
func (f *following) others() ([]RunFile, error) {
	files, err := f.finder.files()
	return slices.DeleteFunc(files, func(file RunFile) bool {
		return file.Mesh != f.mesh || file.Peer == f.node.Status.GetPeer()
	}), err
}

// move finds the node to go on with: another of the mesh or, where there is none, the same
// again. why is what ended the last.
func (f *following) move(ctx context.Context, why error) error {
	behind := connect.CodeOf(why) == connect.CodeDataLoss
	if f.lost.IsZero() {
		f.lost = time.Now()
		if !behind {
			f.to.Moved(fmt.Sprintf("node %s is gone: %v; looking for another of its mesh", f.node, explain(why)))
		}
	} else if err := pause(ctx, movePace); err != nil {
		return err
	}
	for {
		if n := f.next(ctx, behind); n != nil {
			if n.Status.GetPeer() != f.node.Status.GetPeer() || n.Address != f.node.Address {
				f.to.Moved(fmt.Sprintf("following node %s", n))
			}
			f.node = n
			return nil
		}
		if time.Since(f.lost) > moveWait {
			return fmt.Errorf("follow verdicts: for %v no node of mesh %s has answered on this machine; the last was %s: %w", moveWait, f.mesh, f.node, explain(why))
		}
		if err := pause(ctx, movePace); err != nil {
			return err
		}
	}
}

// next is a node of the mesh that answers now; nil: none does. The same node comes first
// where it only found the follower slow.
func (f *following) next(ctx context.Context, same bool) *Node {
	again := func() *Node {
		n, err := f.finder.again(ctx, f.node)
		if err != nil || n.Status.GetMesh() != f.mesh {
			return nil
		}
		return n
	}
	if same {
		if n := again(); n != nil {
			return n
		}
	}
	files, err := f.others()
	if err == nil {
		for _, file := range files {
			if n, err := f.finder.reach(ctx, file); err == nil && n.Status.GetMesh() == f.mesh {
				return n
			}
		}
	}
	return again()
}

// again asks a node once more, which may have another address or process by now.
func (f Finder) again(ctx context.Context, n *Node) (*Node, error) {
	if n.Run.PID == 0 {
		return f.at(ctx, n.Address)
	}
	files, err := f.files()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if file.Peer == n.Run.Peer {
			return f.reach(ctx, file)
		}
	}
	return nil, ErrNoNode
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
