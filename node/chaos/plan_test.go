package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/proto/controlpb"
)

// What is wrong with a plan is told all at once, each with its line: a plan is mended in one
// go, and never half carried out.
func TestReadPlan(t *testing.T) {
	tests := []struct {
		name string
		file string
		want string // steps or faults, one a line
	}{
		{"all keys", "- {at: 2s, do: slow, target: 2 of devices, for: 10s, delay: 200ms, every: 30s, times: 3}\n", "2s slow 2 of devices by 200ms for 10s, 3 times, every 30s"},
		{"what is left out", "- do: cut\n  target: view 3\n- do: lose\n  target: 30%\n- do: kill\n  target: cloud\n", "0s cut view 3 for 30s\n0s lose 30% 5% for 30s\n0s kill cloud"},
		{"endless", "- {do: kill, target: aggregator, every: 10s}", "0s kill aggregator, every 10s until it is ended"},
		{"a share as a number", "- {do: lose, target: nodes, loss: 0.3}", "0s lose nodes 30% for 30s"},
		{"nothing", "", "f: the plan is empty: write steps such as - {at: 2s, do: kill, target: aggregator}"},
		{"an empty list", "[]", "f:1: the plan has 0 steps: give 1 to 256"},
		{"no list", "do: kill\n", "f:1: want a list of steps such as - {at: 2s, do: kill, target: aggregator}"},
		{"a word as a step", "- kill\n", "f:1: want a step such as {at: 2s, do: kill, target: aggregator}"},
		{"not YAML", "- {do: kill\n", "f: this is not YAML: line 1: did not find expected ',' or '}'"},
		{"two documents", "- {do: kill, target: a}\n---\n- {do: kill, target: b}\n", "f:2: a second document begins here: keep one"},
		{
			"many faults", "- {do: kil, target: a}\n- {do: kill, targets: a}\n- {do: kill, target: a, for: 3}\n- {do: kill, target: a, target: b}\n- {do: [kill], target: a}\n",
			"f:1: \"kil\" is nothing that can be done to a node: use kill, pause, cut, slow, lose or heal\n" +
				"f:2: \"targets\": there is no such key: a step has at, do, target, for, every, times, delay, loss\n" +
				"f:2: the step has no target\n" +
				"f:3: for: \"3\" is no time: write it like 500ms, 30s or 2m\n" +
				"f:4: target: the step has this key in line 4 already: keep one\n" +
				"f:5: do: want one value",
		},
		{"what does not belong together", "- {do: kill, target: a, for: 3s}\n- {do: cut, target: a, loss: 5%}\n- {do: cut, target: a, times: 3}\n", "f:1: kill for 3s: it takes no time, leave it out\n" +
			"f:2: cut with a loss: a loss is for lose\nf:3: 3 times: say how far apart, with every"},
		{"too much", "- {do: pause, target: a, for: 11m}\n- {do: lose, target: a, loss: 95%}\n- {do: slow, target: a, delay: 1m}\n- {do: kill, target: a, every: 1ms}\n", "f:1: pause for 11m0s: give more than zero and at most 10m0s\n" +
			"f:2: lose 0.95 of the segments: give a share above 0 and at most 0.9\nf:3: slow by 1m0s: give more than zero and at most 10s\nf:4: every 1ms: give 100ms to 24h0m0s"},
		{
			"a zero is no default", "- {do: cut, target: a, for: 0s}\n- {do: slow, target: a, delay: 0s}\n- {do: lose, target: a, loss: 0%}\n- {do: lose, target: a, loss: 0}\n" +
				"- {do: kill, target: a, for: 0s}\n- {do: cut, target: a, delay: 0s}\n- {do: cut, target: a, loss: 0}\n- {do: kill, target: a, every: 0s}\n",
			"f:1: for: \"0s\" is nothing: give more than zero, or leave for out\n" +
				"f:2: delay: \"0s\" is nothing: give more than zero, or leave delay out\n" +
				"f:3: loss: \"0%\" is nothing: give more than zero, or leave loss out\n" +
				"f:4: loss: \"0\" is nothing: give more than zero, or leave loss out\n" +
				"f:5: for: \"0s\" is nothing: give more than zero, or leave for out\n" +
				"f:6: delay: \"0s\" is nothing: give more than zero, or leave delay out\n" +
				"f:7: loss: \"0\" is nothing: give more than zero, or leave loss out\n" +
				"f:8: every: \"0s\" is nothing: give more than zero, or leave every out",
		},
		{"an anchor", "- &a {do: kill, target: a}\n- *a\n", "f:1: want a step such as {at: 2s, do: kill, target: aggregator}\nf:2: want a step such as {at: 2s, do: kill, target: aggregator}"},
		{"a target that is none", "- {do: kill, target: 0%}\n- {do: kill, target: some of devices}", "f:1: target: target \"0%\": a share is above 0% and at most 100%\n" +
			"f:2: target: target \"some of devices\": write a number or a share before \"of\", like 2 of devices"},
		{"a book", strings.Repeat("#", MostPlanBytes+1), fmt.Sprintf("f: the file has more than %d bytes: is it a plan?", MostPlanBytes)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ReadPlan("f", []byte(tt.file))
			var got []string
			if faults, ok := errors.AsType[*PlanError](err); ok {
				got = faults.Faults
			}
			for i := range p.Steps {
				got = append(got, fmt.Sprintf("%v %s", p.Steps[i].At, &p.Steps[i]))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// FuzzReadPlan looks for a file that crashes the reader, or for a plan that is read and is
// not valid.
func FuzzReadPlan(f *testing.F) {
	for _, text := range []string{
		"", "- {do: kill, target: a}", "- {at: 2s, do: slow, target: 2 of devices, for: 10s, delay: 200ms, every: 30s, times: 3}",
		"- &a {do: kill}\n- *a", "- {do: lose, target: 30%, loss: NaN}", "- {do: lose, target: NaN%}", "- {at: -1s, do: heal, target: nodes}",
		"- {do: kill, target: 99999999999999999999 of nodes}", "- {<<: {do: kill}}", "? [a]\n: b", "- {do: !!binary aGk=, target: \"\\0\"}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ReadPlan("f", data)
		if err != nil {
			return
		}
		if err := p.Validate(); err != nil {
			t.Errorf("a plan that was read is not valid: %v", err)
		}
	})
}

// A step that falls behind is done once, not as often as it was missed; steps that are due at
// once come in the order of the plan.
func TestAgenda(t *testing.T) {
	a := newAgenda(Plan{Steps: []Step{
		{At: 2 * time.Second, Every: time.Second, Times: 3},
		{At: time.Second},
		{At: 2 * time.Second},
	}})
	var got []string
	for _, late := range []time.Duration{0, 0, 0, 2500 * time.Millisecond, 0} {
		step, due, ok := a.next()
		if !ok {
			t.Fatalf("after %v nothing is left", got)
		}
		got = append(got, fmt.Sprintf("%d at %v", step, due))
		a.did(step, due+late)
	}
	want := []string{"1 at 1s", "0 at 2s", "2 at 2s", "0 at 3s", "0 at 6s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if step, due, ok := a.next(); ok {
		t.Errorf("step %d at %v is left", step, due)
	}
}

func crew() []*controlpb.Member {
	member := func(name string, views, roles, next []string, allows bool) *controlpb.Member {
		return &controlpb.Member{Name: name, Peer: "12D3KooW" + name + "xyz", Views: views, Roles: roles, StandbyFor: next, State: "alive", AllowsChaos: allows}
	}
	gone := member("old", []string{"north"}, []string{"cloud"}, nil, true)
	gone.State = "down"
	return []*controlpb.Member{
		member("south", []string{"south"}, []string{"device"}, nil, true),
		member("north", []string{"north"}, []string{"device", "aggregator", "coordinator"}, nil, true),
		member("twin", []string{"east"}, []string{"device"}, []string{"aggregator"}, true),
		member("spare", nil, []string{"cloud"}, nil, false),
		gone,
	}
}

// A target is whoever it means now, of those that live.
func TestResolve(t *testing.T) {
	for _, tt := range []struct{ target, want string }{
		{"north", "north"},
		{"  north ", "north"},
		{"12D3KooWsou", "south"},
		{"arexyz", "spare"},
		{"aggregator", "north"},
		{"cloud", "spare"},
		{"standby aggregator", "twin"},
		{"view south", "south"},
		{"view 2", "twin"},
		{"nodes", "north south spare twin"},
		{"devices", "north south twin"},
		{"spares", "spare"},
		{"100%", "north south spare twin"},
		{"3 of nodes", "north south twin"}, // those that take faults
		{"1 of aggregator", "north"},
		{"1% of spares", "spare"},
		{"edge", "edge: nobody has the role now"},
		{"standby cloud", "standby cloud: nobody stands by for it now"},
		{"view 3", "view 3: no node feeds it now"},
		{"view x", "view x: the model has no such view: it has north, south, east, west"},
		{"4 of devices", "4 of devices: there are only 3"},
		{"12D3KooW", "12D3KooW: 4 nodes are called so: give the peer, 12D3KooWnorthxyz or 12D3KooWsouthxyz or 12D3KooWsparexyz or 12D3KooWtwinxyz"},
		{"old", "old: no live node has that name or peer, and it is no role: there are north, south, spare, twin; or aggregator, edge, cloud, coordinator, view N, nodes, devices, spares, 30%, 2 of devices"},
	} {
		t.Run(tt.target, func(t *testing.T) {
			target, err := ParseTarget(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			of, err := target.Resolve(crew(), []string{"north", "south", "east", "west"}, rand.New(rand.NewPCG(1, 2)))
			var names []string
			for _, m := range of {
				names = append(names, m.GetName())
			}
			got := strings.Join(names, " ")
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Who is drawn is the seed's to say: a plan that is run again with its seed strikes the same
// nodes where the mesh is the same.
func TestDrawnAgain(t *testing.T) {
	target, err := ParseTarget("2 of devices")
	if err != nil {
		t.Fatal(err)
	}
	drawn := func(seed uint64) (out string) {
		draw := rand.New(rand.NewPCG(seed, 0))
		for range 8 {
			of, err := target.Resolve(crew(), nil, draw)
			if err != nil {
				t.Fatal(err)
			}
			out += fmt.Sprint(of[0].GetName(), of[1].GetName(), " ")
		}
		return out
	}
	if a, b := drawn(7), drawn(7); a != b {
		t.Errorf("drawn %q, and then %q", a, b)
	}
	if a, b := drawn(7), drawn(8); a == b {
		t.Errorf("two seeds draw the same: %q", a)
	}
}
