package node

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/mesh"
	"ganglion/mesh/membership"
	"ganglion/node/source"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// still is a source that shows nothing.
type still struct{ source.Source }

func (still) Fit(*topology.Topology) error { return nil }

// viewEngine is an engine with sources and members, as far as views go.
func viewEngine(t *testing.T, dir string, specs []source.Spec, others ...memberState) *engine {
	t.Helper()
	top, err := topology.Preset("c", topology.Base{Views: []string{"north", "east", "south"}, Classes: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{
		config: &Config{Site: "default"}, self: "m", log: slog.New(slog.DiscardHandler), events: newEvents(), members: others,
	}
	e.roles = roles.NewNode(0, roles.NodeConfig{
		Self: e.self, Site: "default", Groups: top.Groups, Catalog: e.catalog.find, NewRun: newRunID,
		Acknowledged: func(roles.Peer) bool { return true },
	})
	e.views = newViewBook(e, specs, top, dir)
	for _, f := range e.views.feeds {
		e.views.opened(f, inference.BundleID{}, still{}, nil)
	}
	return e
}

// holding is a live member with views that it took under a number.
func holding(p roles.Peer, counter uint64, views ...int) memberState {
	r := &wire.Record{Site: "default"}
	for _, v := range views {
		r.Views = append(r.Views, roles.HeldView{View: v, Counter: counter})
	}
	return memberState{
		Member: mesh.Member{State: membership.StateAlive, Record: &membership.Record{Name: "node-" + string(p)}}, peer: p, record: r,
	}
}

// A view is taken, kept or given up by rules that a person can follow, and whoever has none
// is told why and what to type.
func TestViews(t *testing.T) {
	replay, camera := source.Spec{Kind: source.KindReplay, Ref: "street"}, source.Spec{Kind: source.KindImage, Ref: "x.png"}
	at := func(s source.Spec, view string) source.Spec {
		s.View = view
		return s
	}
	tests := []struct {
		name   string
		specs  []source.Spec
		others []memberState
		want   []int // view of each source
		why    string
	}{
		{"replays take the lowest free", []source.Spec{replay, replay}, []memberState{holding("a", 1, 0)}, []int{1, 2}, ""},
		{"a camera is put where it belongs", []source.Spec{at(camera, "south")}, nil, []int{2}, ""},
		{"by number too", []source.Spec{at(camera, "1")}, nil, []int{1}, ""},
		{
			"a camera is not put anywhere by chance",
			[]source.Spec{camera},
			[]memberState{holding("a", 1, 1)},
			[]int{-1},
			"a camera is not put on a view by chance: give its view with --view (free: north, south)",
		},
		{
			"a view that another holds",
			[]source.Spec{at(camera, "east")},
			[]memberState{holding("a", 1, 1)},
			[]int{-1},
			"view east is held by node-a: give this source a free one with --view (north, south), or stop that node",
		},
		{
			"one that the model lacks",
			[]source.Spec{at(camera, "west")},
			nil,
			[]int{-1},
			`the model has no view "west": it has north, east, south`,
		},
		{
			"a device too many",
			[]source.Spec{replay},
			[]memberState{holding("a", 1, 0, 1), holding("b", 2, 2)},
			[]int{-1},
			"all 3 views are held: this source is a spare, and feeds the next view that is free; a model of the topology elastic takes any number of views",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := viewEngine(t, "", tt.specs, tt.others...)
			e.settleViews(roles.Instant(2 * viewQuiet))
			for i, f := range e.views.feeds {
				if f.view != tt.want[i] {
					t.Errorf("source %d feeds view %d, want %d", i, f.view, tt.want[i])
				}
			}
			if got := e.views.feeds[0].why; got != tt.why {
				t.Errorf("got  %q\nwant %q", got, tt.why)
			}
		})
	}
}

// A node that has just started looks around first: the mesh may have a holder of the view
// that it has not heard of.
func TestViewsWait(t *testing.T) {
	e := viewEngine(t, "", []source.Spec{{Kind: source.KindReplay}})
	e.settleViews(roles.Instant(2*viewQuiet - time.Millisecond))
	if e.views.mask() != 0 {
		t.Error("a view was taken at once")
	}
}

// Two nodes that took one view without knowing of one another: the older claim keeps it,
// and the younger moves on.
func TestViewsLost(t *testing.T) {
	e := viewEngine(t, "", []source.Spec{{Kind: source.KindReplay}})
	e.settleViews(roles.Instant(2 * viewQuiet))
	if got := e.views.mask(); got != 1 {
		t.Fatalf("views %b, want the first", got)
	}
	e.members = []memberState{holding("a", 1, 0)} // the same number, and the lower peer
	e.settleViews(roles.Instant(3 * viewQuiet))   // lost
	e.settleViews(roles.Instant(4 * viewQuiet))
	if got := e.views.mask(); got != 2 {
		t.Errorf("views %b, want the second", got)
	}
}

// After a restart a source goes back to its view, whatever is free below it.
func TestViewsRemembered(t *testing.T) {
	dir := t.TempDir()
	e := viewEngine(t, dir, []source.Spec{{Kind: source.KindReplay}}, holding("a", 1, 0, 1))
	e.settleViews(roles.Instant(2 * viewQuiet))
	e = viewEngine(t, dir, []source.Spec{{Kind: source.KindReplay}})
	e.settleViews(roles.Instant(2 * viewQuiet))
	if got := e.views.names([]int{e.views.feeds[0].view}); !strings.Contains(got, "south") {
		t.Errorf("feeds %s, want south", got)
	}
}
