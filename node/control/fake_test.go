package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"

	"ganglion/proto/controlpb"
)

const (
	meshName = "mesh-1"
	runOne   = "00000000000000aa"
)

// fakeNode answers as a node does, from a log that the test fills.
type fakeNode struct {
	controlpb.UnimplementedNodeServiceHandler

	name  string
	began chan struct{}                      // closed when a call of Tally has come, if not nil
	hold  chan struct{}                      // Tally answers when it is closed, if not nil
	past  func(q *controlpb.VerdictsRequest) // called before lines of the past are sent, if not nil

	mu      sync.Mutex // guards what follows
	log     []*controlpb.VerdictsResponse
	gaps    []*controlpb.Gap // of runs that are asked for
	streams int              // that follow
	changed chan struct{}
	cut     func(l *controlpb.VerdictsResponse) error // non-nil error: a follower's stream ends instead of this line
}

func newFake(name string) *fakeNode {
	return &fakeNode{name: name, changed: make(chan struct{})}
}

func (f *fakeNode) Status(context.Context, *controlpb.StatusRequest) (*controlpb.StatusResponse, error) {
	return &controlpb.StatusResponse{Name: f.name, Peer: "peer-" + f.name, Mesh: meshName, Site: "yard", Run: &controlpb.Run{Run: runOne}}, nil
}

func (f *fakeNode) Tally(ctx context.Context, _ *controlpb.TallyRequest) (*controlpb.TallyResponse, error) {
	if f.began != nil {
		close(f.began)
		select {
		case <-f.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &controlpb.TallyResponse{Run: runOne}, nil
}

func (f *fakeNode) Publish(_ context.Context, q *controlpb.PublishRequest) (*controlpb.PublishResponse, error) {
	return &controlpb.PublishResponse{Bundle: fmt.Sprint(len(q.GetFile()))}, nil
}

// publish appends lines and wakes the followers.
func (f *fakeNode) publish(lines ...*controlpb.VerdictsResponse) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, lines...)
	f.wake()
}

func (f *fakeNode) wake() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// waitFollowed returns when a stream follows.
func (f *fakeNode) waitFollowed(ctx context.Context) error {
	for {
		f.mu.Lock()
		have, changed := f.streams, f.changed
		f.mu.Unlock()
		if have > 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fakeNode) Verdicts(ctx context.Context, q *controlpb.VerdictsRequest, s *connect.ServerStream[controlpb.VerdictsResponse]) error {
	if q.GetSite() != "" && q.GetSite() != "yard" {
		return connect.NewError(connect.CodeInvalidArgument, errors.New("site is not known here"))
	}
	f.mu.Lock()
	next := len(f.log)
	past := slices.Clone(f.log)
	gaps := f.gaps
	if q.GetFollow() {
		f.streams++
		f.wake()
	}
	f.mu.Unlock()
	if q.FromBeat != nil {
		for _, g := range gaps {
			if g.GetRun() == q.GetRun() && g.GetTo() > q.GetFromBeat() {
				if err := s.Send(&controlpb.VerdictsResponse{Line: &controlpb.VerdictsResponse_Gap{Gap: g}}); err != nil {
					return err
				}
			}
		}
		past = slices.DeleteFunc(past, func(l *controlpb.VerdictsResponse) bool {
			v := l.GetVerdict()
			return v == nil || RunOf(v) != q.GetRun() || v.GetBeat() < q.GetFromBeat()
		})
	} else {
		past = past[max(0, len(past)-int(q.GetLast())):]
	}
	if f.past != nil {
		f.past(q)
	}
	for _, l := range past {
		if err := s.Send(l); err != nil {
			return err
		}
	}
	for q.GetFollow() {
		f.mu.Lock()
		fresh, changed := slices.Clone(f.log[next:]), f.changed
		f.mu.Unlock()
		next += len(fresh)
		for _, l := range fresh {
			if f.cut != nil {
				if err := f.cut(l); err != nil {
					return err
				}
			}
			if err := s.Send(l); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// beatLine is a verdict of a beat.
func beatLine(run string, beat uint64, supersededBy string) *controlpb.VerdictsResponse {
	return &controlpb.VerdictsResponse{Line: &controlpb.VerdictsResponse_Verdict{Verdict: &controlpb.Verdict{
		Sample: fmt.Sprintf("yard/%s/%d", run, beat), Beat: &beat, Hash: fmt.Sprintf("h%d", beat), SupersededBy: supersededBy,
	}}}
}

// demandLine is a verdict of a sample on demand.
func demandLine(request string) *controlpb.VerdictsResponse {
	return &controlpb.VerdictsResponse{Line: &controlpb.VerdictsResponse_Verdict{Verdict: &controlpb.Verdict{Sample: "yard/" + request, Hash: "h" + request}}}
}

// beatLines is verdicts of the first beats.
func beatLines(run string, to uint64) (out []*controlpb.VerdictsResponse) {
	for b := range to {
		out = append(out, beatLine(run, b, ""))
	}
	return out
}

// served is a server that runs, and a way to end it.
type served struct {
	*Server
	stop func() error // ends it and waits
}

// serve serves on loopback until the test ends.
func serve(t *testing.T, c Config, handler controlpb.NodeServiceHandler, metrics http.Handler) served {
	t.Helper()
	if !c.Address.IsValid() {
		c.Address = netip.MustParseAddrPort("127.0.0.1:0")
	}
	s, err := New(c, handler, metrics, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("run server: %v", err)
		}
	})
	return served{s, stop}
}

// register writes a run file of the test's own process in the name of a node. The file's
// name and the PID in it are the process's; only one node can be registered so, others by
// registerAs.
func register(t *testing.T, dir string, f *fakeNode, s served) {
	t.Helper()
	registerAs(t, dir, os.Getpid(), f, s)
}

// registerAs writes a run file of some process that runs.
func registerAs(t *testing.T, dir string, pid int, f *fakeNode, s served) func() {
	t.Helper()
	remove, err := writeRunFile(dir, RunFile{PID: pid, Name: f.name, Peer: "peer-" + f.name, Mesh: meshName, API: s.Address().String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	return remove
}

// runDir is a directory for run files.
func runDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory is to be entered
		t.Fatal(err)
	}
	return dir
}
