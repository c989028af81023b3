package chaos

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

// standIn is a node that takes every fault and does nothing, on loopback.
type standIn struct {
	node   *control.Node
	server *httptest.Server
	ending chan struct{} // closed: it is
	said   chan *controlpb.EventsResponse
	once   sync.Once
	mesh   *standIns
}

// standIns are a mesh of them.
type standIns struct {
	mu     sync.Mutex // guards what follows
	nodes  []*standIn
	faults []string // "node fault", as they came
	costs  uint64   // samples of the run that each fault loses
	next   string   // the run that the first fault begins; empty: none
	run    string
	lost   map[string]uint64 // samples by run
	mutely bool              // nobody can count
}

// newStandIns is a mesh of nodes with these names.
func newStandIns(t *testing.T, names ...string) *standIns {
	t.Helper()
	m := &standIns{run: "r", lost: map[string]uint64{}}
	for i, name := range names {
		s := &standIn{mesh: m, ending: make(chan struct{}), said: make(chan *controlpb.EventsResponse, 1)}
		mux := http.NewServeMux()
		mux.Handle(controlpb.NewNodeServiceHandler(handler{standIn: s}))
		s.server = httptest.NewServer(mux)
		s.node = &control.Node{
			NodeServiceClient: controlpb.NewNodeServiceClient(s.server.Client(), s.server.URL),
			Status:            &controlpb.StatusResponse{Name: name, Peer: "peer-of-" + name, Run: &controlpb.Run{Run: "r"}},
			Run:               control.RunFile{Name: name, Peer: "peer-of-" + name, PID: 1000 + i},
			Address:           name,
		}
		m.nodes = append(m.nodes, s)
		t.Cleanup(s.end)
	}
	return m
}

// end has a node end as a process that is killed.
func (s *standIn) end() {
	s.mesh.mu.Lock()
	s.mesh.nodes = slices.DeleteFunc(s.mesh.nodes, func(one *standIn) bool { return one == s })
	s.mesh.mu.Unlock()
	s.once.Do(func() { close(s.ending) })
	s.server.CloseClientConnections()
	s.server.Close()
}

// local is what run files say.
func (m *standIns) local(_ context.Context, skip func(control.RunFile) bool) (out []*control.Node, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.nodes {
		if !skip(s.node.Run) {
			out = append(out, s.node)
		}
	}
	return out, nil
}

func (s *standIn) status() *controlpb.StatusResponse {
	s.mesh.mu.Lock()
	defer s.mesh.mu.Unlock()
	return &controlpb.StatusResponse{Name: s.node.Status.GetName(), Peer: s.node.Status.GetPeer(), Run: &controlpb.Run{Run: s.mesh.run, PeriodNs: 1e7}}
}

// handler is the part of a stand-in that is asked.
type handler struct {
	controlpb.UnimplementedNodeServiceHandler
	*standIn
}

func (h handler) Status(context.Context, *controlpb.StatusRequest) (*controlpb.StatusResponse, error) {
	return h.status(), nil
}

func (h handler) Members(context.Context, *controlpb.MembersRequest) (*controlpb.MembersResponse, error) {
	h.mesh.mu.Lock()
	defer h.mesh.mu.Unlock()
	v := &controlpb.MembersView{}
	for _, s := range h.mesh.nodes {
		v.Members = append(v.Members, &controlpb.Member{Name: s.node.Status.GetName(), Peer: s.node.Status.GetPeer(), State: "alive", AllowsChaos: true})
	}
	return &controlpb.MembersResponse{Views: []*controlpb.MembersView{v}}, nil
}

func (h handler) Inject(_ context.Context, q *controlpb.InjectRequest) (*controlpb.InjectResponse, error) {
	f, err := FromMessage(q.GetFault())
	h.mesh.mu.Lock()
	defer h.mesh.mu.Unlock()
	h.mesh.faults = append(h.mesh.faults, fmt.Sprint(q.GetPeer(), " ", f))
	h.mesh.lost[h.mesh.run] += h.mesh.costs
	if h.mesh.next != "" {
		h.mesh.run = h.mesh.next
	}
	return &controlpb.InjectResponse{}, err
}

func (h handler) Events(ctx context.Context, _ *controlpb.EventsRequest, s *connect.ServerStream[controlpb.EventsResponse]) error {
	if err := s.Send(&controlpb.EventsResponse{Number: 1}); err != nil {
		return err
	}
	select {
	case e := <-h.said:
		if err := s.Send(e); err != nil {
			return err
		}
	case <-ctx.Done():
	case <-h.ending:
	}
	return h.last(ctx)
}

func (h handler) Verdicts(ctx context.Context, q *controlpb.VerdictsRequest, s *connect.ServerStream[controlpb.VerdictsResponse]) error {
	if !q.GetFollow() {
		return nil
	}
	if err := s.Send(&controlpb.VerdictsResponse{}); err != nil {
		return err
	}
	return h.last(ctx)
}

// last holds a stream until either end is gone.
func (h handler) last(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-h.ending:
	}
	return nil
}

func (h handler) Tally(_ context.Context, q *controlpb.TallyRequest) (*controlpb.TallyResponse, error) {
	h.mesh.mu.Lock()
	defer h.mesh.mu.Unlock()
	if h.mesh.mutely {
		return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("run %s is not known", q.GetRun()))
	}
	return &controlpb.TallyResponse{Run: q.GetRun(), Tally: &controlpb.Tally{Due: 100, Decided: 100 - h.mesh.lost[q.GetRun()], Lost: h.mesh.lost[q.GetRun()]}}, nil
}

// listened is a Teller that does something at a fault.
type listened struct{ fault func(n int) }

func (l listened) Entry(e Entry) {
	if e.What == Injected && l.fault != nil {
		l.fault(e.Number)
	}
}
func (l listened) Report(Report) {}
func (l listened) Remark(string) {}

// aimedAt is a target as it is written.
func aimedAt(t *testing.T, text string) Target {
	t.Helper()
	target, err := ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// Whoever is asked may die, by whatever hand: the plan goes on through the others.
func TestAskedDies(t *testing.T) {
	for _, tt := range []struct{ name, target string }{{"another is struck", "b"}, {"all are", "nodes"}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newStandIns(t, "a", "b", "c")
			target := aimedAt(t, tt.target)
			asked := m.nodes[0]
			c := NewConductor(ConductorConfig{Asked: asked.node, Local: m.local}, listened{func(n int) {
				if n == 1 {
					asked.end()
				}
			}})
			s, err := c.Run(t.Context(), Plan{Steps: []Step{{
				Target: target, Fault: Fault{Do: Slow, For: 20 * time.Millisecond, Delay: time.Millisecond}, Every: leastEvery, Times: 5,
			}}})
			if err != nil || len(s.Failed) > 0 || len(s.Faults) != 5 || s.Tally == nil {
				t.Fatalf("%v; failed %q; %d faults, tally %v: want 5, and a tally", err, s.Failed, len(s.Faults), s.Tally)
			}
		})
	}
}

// Where every node is struck nobody can say who is where: the plan waits, and goes on. It ended
// there once, as if no node were left.
func TestEveryoneIsStruck(t *testing.T) {
	t.Parallel()
	m := newStandIns(t, "a", "b")
	target := aimedAt(t, "nodes")
	c := NewConductor(ConductorConfig{Asked: m.nodes[0].node, Local: m.local}, listened{})
	s, err := c.Run(t.Context(), Plan{Steps: []Step{
		{Target: target, Fault: Fault{Do: Cut, For: 20 * time.Millisecond}},
		{At: 50 * time.Millisecond, Target: target, Fault: Fault{Do: Slow, For: 20 * time.Millisecond, Delay: time.Millisecond}, Every: leastEvery, Times: 2},
	}})
	if err != nil || len(s.Failed) > 0 || len(s.Faults) != 3 {
		t.Fatalf("%v; failed %q; %d faults: want 3", err, s.Failed, len(s.Faults))
	}
}

// A node that somebody else heals says so, and the fault is over; the program once told of that
// only when its own time was up.
func TestHealedByAnother(t *testing.T) {
	t.Parallel()
	m := newStandIns(t, "a", "b")
	target := aimedAt(t, "b")
	ctx, cancel := context.WithTimeout(t.Context(), MostFor/10)
	defer cancel()
	c := NewConductor(ConductorConfig{Asked: m.nodes[0].node, Local: m.local}, listened{func(int) {
		m.nodes[1].said <- &controlpb.EventsResponse{
			Number: 2, AtUnixNs: time.Now().Add(time.Second).UnixNano(), Kind: "chaos", Attributes: map[string]string{"do": string(Heal), "over": "false"},
		}
	}})
	s, err := c.Run(ctx, Plan{Steps: []Step{{Target: target, Fault: Fault{Do: Cut, For: MostFor}}}})
	if err != nil || len(s.Failed) > 0 || len(s.Faults) != 1 {
		t.Fatalf("%v; failed %q; %d faults: want 1", err, s.Failed, len(s.Faults))
	}
}

// A plan is told what it lost, and nothing that was lost before; a run that begins meanwhile
// counts whole.
func TestWhatAPlanLoses(t *testing.T) {
	number := func(n uint64) *uint64 { return &n }
	for _, tt := range []struct {
		name   string
		change func(m *standIns)
		do     Do
		want   *uint64 // nil: it cannot be said
		fails  bool
	}{
		{"nothing", func(*standIns) {}, Lose, number(0), false},
		{"before", func(m *standIns) { m.lost["r"] = 3 }, Lose, number(0), false},
		{"before and by it", func(m *standIns) { m.lost["r"], m.costs = 3, 2 }, Lose, number(2), false},
		{"another run", func(m *standIns) { m.lost["r"], m.costs, m.next, m.lost["q"] = 3, 2, "q", 4 }, Lose, number(6), false},
		{"nobody counts", func(m *standIns) { m.mutely = true }, Lose, nil, true},
		{"no harm was done", func(m *standIns) { m.mutely = true }, Heal, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newStandIns(t, "a", "b")
			tt.change(m)
			target := aimedAt(t, "b")
			f := Fault{Do: tt.do}.WithDefaults()
			f.For = min(f.For, 20*time.Millisecond)
			s, err := NewConductor(ConductorConfig{Asked: m.nodes[0].node, Local: m.local}, listened{}).Run(t.Context(), Plan{Steps: []Step{{Target: target, Fault: f}}})
			if err != nil || len(s.Failed) > 0 {
				t.Fatalf("%v; failed %q", err, s.Failed)
			}
			if diff := cmp.Diff(tt.want, s.Lost); diff != "" || (s.Uncounted != nil) != tt.fails {
				t.Errorf("not counted: %v; lost (-want +got)\n%s", s.Uncounted, diff)
			}
		})
	}
}
