package browsertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"ganglion/node/page"
	"ganglion/proto/controlpb"
)

// policy is as strict as any server of the page may make it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// feed is a node that there is not: it tells of a made-up mesh. What a test changes, it changes
// by change.
type feed struct {
	controlpb.UnimplementedNodeServiceHandler
	url string

	mu       sync.Mutex // guards what follows
	mesh     *mesh
	token    string // that requests have to show; "": none
	full     bool   // no seat is free
	gone     bool   // every call fails, as when nobody listens
	silent   bool   // answers nothing, as a node that stands still
	every    time.Duration
	pace     int // how much faster than time the mesh lives; 0: as fast
	watching map[chan struct{}]bool
	asked    []string // calls that change something, in words
	findings []*controlpb.Finding
}

// serve begins to serve a mesh; the server ends with the test.
func serve(t *testing.T, m *mesh) *feed {
	t.Helper()
	f := &feed{mesh: m, watching: map[chan struct{}]bool{}}
	mux := http.NewServeMux()
	path, handler := controlpb.NewNodeServiceHandler(f)
	mux.Handle(path, f.guard(handler))
	mux.Handle("/", page.Handler())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	}))
	f.url = server.URL + "/"
	t.Cleanup(func() {
		f.cut()
		server.CloseClientConnections()
		server.Close()
	})
	return f
}

// guard asks for the token, where there is one.
func (f *feed) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		token, gone := f.token, f.gone
		f.mu.Unlock()
		if gone {
			http.Error(w, "nobody is here", http.StatusServiceUnavailable)
			return
		}
		if token != "" && r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "show the API token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// change changes the feed, or its mesh.
func (f *feed) change(do func(f *feed, m *mesh)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(f, f.mesh)
}

// cut ends every stream, as a node that dies.
func (f *feed) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.watching {
		close(c)
		delete(f.watching, c)
	}
}

// now is the time of the mesh. It is called with the lock held.
func (f *feed) now() time.Time {
	now := time.Now()
	return now.Add(time.Duration(max(f.pace, 1)-1) * now.Sub(f.mesh.began))
}

// heard is what was asked for that changes something.
func (f *feed) heard() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.asked, "\n")
}

// Watch tells of the mesh.
func (f *feed) Watch(ctx context.Context, q *controlpb.WatchRequest, stream *connect.ServerStream[controlpb.WatchResponse]) error {
	over := make(chan struct{})
	every := time.Duration(q.GetIntervalMs()) * time.Millisecond
	var w *watcher
	f.change(func(f *feed, m *mesh) {
		if f.full {
			return
		}
		f.watching[over] = true
		if f.every > 0 {
			every = f.every
		}
		w = m.watcher(int(q.GetVerdicts()), q.GetAfterEvent())
	})
	if w == nil {
		return connect.NewError(connect.CodeResourceExhausted, errors.New("16 watch already: close one"))
	}
	defer f.change(func(f *feed, _ *mesh) { delete(f.watching, over) })
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		var out *controlpb.WatchResponse
		f.change(func(f *feed, m *mesh) {
			if !f.silent {
				out = m.answer(w, f.now())
			}
		})
		if out != nil {
			if err := stream.Send(out); err != nil {
				return err
			}
		}
		select {
		case <-ticker.C:
		case <-over:
			return connect.NewError(connect.CodeUnavailable, errors.New("the node shuts down"))
		case <-ctx.Done():
			return nil
		}
	}
}

// Look returns a made-up picture, of the views that the mesh shows.
func (f *feed) Look(_ context.Context, q *controlpb.LookRequest) (*controlpb.LookResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mesh.hidden[q.GetView()] {
		return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("view %s is another node's live camera: its pictures are there alone", q.GetView()))
	}
	return &controlpb.LookResponse{Png: scene(q.GetSample(), q.GetView()), Replayed: true}, nil
}

// Rehearse makes up what thresholds would have done.
func (f *feed) Rehearse(_ context.Context, q *controlpb.RehearseRequest) (*controlpb.RehearseResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, "rehearse")
	share := 0.5
	for _, e := range q.GetThresholds().GetExits() {
		if n := len(e.GetBySeen()); n > 0 && e.GetExit() == "local" {
			share = e.GetBySeen()[n-1]
		}
	}
	split := func(local uint64) *controlpb.Rehearsal {
		return &controlpb.Rehearsal{PayloadBytes: 72_000 + (1000-local)*640, Exits: []*controlpb.ExitFigures{
			{Exit: "local", Count: local, Labelled: local, Right: local * 97 / 100},
			{Exit: "cloud", Count: 1000 - local, Labelled: 1000 - local, Right: (1000 - local) * 99 / 100},
		}}
	}
	return &controlpb.RehearseResponse{Samples: 1000, Unknown: 12, Changed: 7, Before: split(905), After: split(uint64(1000 * share))}, nil
}

// Set notes a setting, and has thresholds in force.
func (f *feed) Set(_ context.Context, q *controlpb.SetRequest) (*controlpb.SetResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, "set "+q.GetKey()+" "+q.GetValue())
	if strings.HasPrefix(q.GetKey(), "thresholds/") {
		return &controlpb.SetResponse{}, f.mesh.setThresholds(q.GetValue())
	}
	return &controlpb.SetResponse{}, nil
}

// Inject notes a fault; to kill takes effect.
func (f *feed) Inject(_ context.Context, q *controlpb.InjectRequest) (*controlpb.InjectResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := f.mesh.nameOf(q.GetPeer())
	f.asked = append(f.asked, fmt.Sprintf("%s %s for %s", q.GetFault().GetDo(), name, time.Duration(q.GetFault().GetForNs())))
	if q.GetFault().GetDo() == "kill" {
		f.mesh.kill(name)
	}
	return &controlpb.InjectResponse{BeginsInNs: int64(50 * time.Millisecond)}, nil
}

// Diagnose tells what the test wants it to.
func (f *feed) Diagnose(context.Context, *controlpb.DiagnoseRequest) (*controlpb.DiagnoseResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &controlpb.DiagnoseResponse{Findings: f.findings}, nil
}
