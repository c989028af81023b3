package demo

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/node/chaos"
	"ganglion/node/control"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// troupe is a demo whose nodes are all up: each "name views roles", as its members tell it.
func troupe(script ...string) (*director, []outlook) {
	d := &director{narrator: newNarrator(1)}
	var told []*controlpb.Member
	for _, line := range script {
		fields := strings.Split(line, " ")
		split := func(s string) []string { return strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) }
		m := &controlpb.Member{Name: fields[0], Peer: "peer-of-" + fields[0], Views: split(fields[1]), Roles: split(fields[2])}
		told = append(told, m)
		d.members = append(d.members, &member{
			Process: &launch.Process{}, node: &control.Node{}, part: Part{Name: m.GetName(), Views: len(m.GetViews())},
			status: &controlpb.StatusResponse{Peer: m.GetPeer()},
		})
	}
	return d, []outlook{{name: "device-1", members: told}}
}

// An act shows two deaths: of a camera that is nothing else, so that its death moves no
// role, and of the aggregator; and it never takes the only camera, without which there is
// nothing to answer.
func TestWhoIsKilled(t *testing.T) {
	tests := []struct {
		name               string
		troupe             []string
		camera, aggregator string
	}{
		{"as usual", []string{"d1 v0 device", "d2 v1 device", "n3 - cloud", "n4 - aggregator,coordinator"}, "d1", "n4"},
		{"a device aggregates", []string{"d1 v0 device,aggregator,coordinator", "d2 v1 device", "d3 v2 device", "n4 - cloud"}, "d2", "d1"},
		{"all roles on devices", []string{"d1 v0 device,aggregator,coordinator", "d2 v1 device,cloud", "d3 v2 device,edge", "n4 -"}, "d2", "d1"},
		{"two devices, one aggregates", []string{"d1 v0 device,aggregator,coordinator", "d2 v1 device", "n3 - cloud", "n4 -"}, "d2", "n4"},
		{"few views each", []string{"d1 v0,v1 device", "d2 v2 device", "n3 - cloud", "n4 - aggregator"}, "d2", "n4"},
		{"one device", []string{"d1 v0 device", "n2 - cloud", "n3 - aggregator,coordinator"}, "n2", "n3"},
		{"one device with the aggregator's part", []string{"d1 v0 device,aggregator,coordinator", "n2 - cloud", "n3 -"}, "n2", "n3"},
		{"one node has all", []string{"d1 v0 device", "d2 v1 device", "n3 - cloud,aggregator,coordinator", "n4 -"}, "d1", "n3"},
		{"the last of all", []string{"d1 v0 device,aggregator,coordinator,cloud"}, "nobody", "nobody"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i, l := range tt.troupe {
				tt.troupe[i] = strings.Replace(l, " -", " ,", 1)
				if strings.Count(tt.troupe[i], " ") < 2 {
					tt.troupe[i] += " ,"
				}
			}
			d, nodes := troupe(tt.troupe...)
			name := func(m *member) string {
				if m == nil {
					return "nobody"
				}
				return m.part.Name
			}
			first := d.camera(nodes)
			if got := name(first); got != tt.camera {
				t.Errorf("the camera: %s, want %s", got, tt.camera)
			}
			if first == nil {
				return
			}
			seer := d.observer(nodes)
			ended := d.members[:0:0] // what is left, as if it had been killed
			for _, m := range d.members {
				if m != first {
					ended = append(ended, m)
				}
			}
			d.members = ended
			second := d.aggregator(nodes)
			if got := name(second); got != tt.aggregator {
				t.Errorf("the aggregator: %s, want %s", got, tt.aggregator)
			}
			if seer == nil || seer == first || seer == second {
				t.Errorf("what becomes of it is to be seen at %s, which dies", name(seer))
			}
		})
	}
}

// teller keeps what is told, without its times.
type teller struct{ lines []string }

func (t *teller) Tell(e Event)      { t.lines = append(t.lines, string(e.Kind)+": "+e.Text) }
func (t *teller) Progress(int, int) {}
func (t *teller) Waits(string)      {}

// A death is told once, by the timeline, with its times; what else happens meanwhile is told
// as ever. The verdicts of the act are counted apart.
func TestActIsTold(t *testing.T) {
	d, _ := troupe("device-1 camera0 device", "node-2 , cloud", "node-3 , aggregator,coordinator")
	for _, m := range d.members {
		d.narrator.names[m.status.GetPeer()] = m.part.Name
	}
	told := &teller{}
	b, set := street(t)
	newLedger := func() *Ledger { return NewLedger(NewJudge(b, set, []int{3}, b.Topology().AllViews())) }
	d.config, d.teller, d.begun, d.run, d.ledger = &Config{}, told, time.Now(), "r1", newLedger()
	d.acting = &acting{run: "r2", ledger: newLedger(), timeline: chaos.NewTimeline()}
	d.acting.timeline.Run("r2", actPeriod)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	verdict := func(run string, beat uint64, ms int, holder string) {
		v := answered(b, set, beat, 3)
		since := int64(ms)*1e6 - int64(beat)*int64(actPeriod)
		v.Sample, v.SinceBeatNs, v.Holder, v.Epoch = "default/"+run+"/0", &since, holder, &controlpb.Epoch{Peer: "peer-of-" + holder}
		d.take(heard{at(ms), &controlpb.VerdictsResponse{Line: &controlpb.VerdictsResponse_Verdict{Verdict: v}}})
	}
	event := func(ms int, by, kind string, attributes ...string) {
		e := &controlpb.EventsResponse{Kind: kind, Text: "something else", Attributes: map[string]string{}}
		for i := 0; i+1 < len(attributes); i += 2 {
			e.Attributes[attributes[i]] = attributes[i+1]
		}
		d.hear(news{at(ms), by, e})
	}
	verdict("r1", 7, 1, "node-3") // of the run before
	verdict("r0", 8, 1, "node-3") // of another's
	for beat := range uint64(3) {
		verdict("r2", beat, int(beat)*20+2, "node-3")
	}
	d.narrator.lose("node-3")
	d.recount(d.acting.timeline.Inject(chaos.Injection{
		At: at(61), Fault: chaos.Fault{Do: chaos.Kill},
		Targets: []chaos.Node{{Name: "node-3", Peer: "peer-of-node-3", Roles: []string{"aggregator", "coordinator"}}},
	}), true)
	event(63, "device-1", "noticed", "peer", "peer-of-node-3", "how", chaos.HowConnection)
	event(64, "node-2", "noticed", "peer", "peer-of-node-3", "how", chaos.HowConnection)
	event(70, "node-2", "claimed", "role", "aggregator/default/0", "peer", "peer-of-node-2", "name", "node-2", "why", chaos.HowConnection, "before", "peer-of-node-3")
	event(71, "device-1", "elected", "role", "aggregator/default/0", "peer", "peer-of-device-1", "name", "device-1", "before", "peer-of-node-3")
	event(72, "node-2", "elected", "role", "aggregator/default/0", "peer", "peer-of-device-1", "name", "device-1", "before", "peer-of-node-3")
	event(72, "node-2", "elected", "role", "aggregator/default/0", "peer", "peer-of-node-2", "name", "node-2", "before", "peer-of-device-1")
	event(72, "device-1", "elected", "role", "aggregator/default/0", "peer", "peer-of-node-2", "name", "node-2", "before", "peer-of-node-3")
	event(73, "device-1", "warning")
	event(74, "device-1", "elected", "role", "coordinator/default", "peer", "peer-of-node-2", "name", "node-2", "before", "peer-of-node-3")
	event(75, "node-2", "claimed", "role", "coordinator/default", "peer", "peer-of-node-2", "name", "node-2", "why", chaos.HowConnection, "before", "peer-of-node-3")
	verdict("r1", 3, 101, "node-2") // a late one
	verdict("r2", 3, 102, "node-2")
	verdict("r2", 4, 103, "node-2")
	event(2600, "device-1", "down", "peer", "peer-of-node-3", "name", "node-3")
	event(2601, "node-2", "down", "peer", "peer-of-node-3", "name", "node-3")
	d.sumUp()
	want := []string{
		"fault: node-3 is killed (kill -9): it is aggregator, coordinator",
		"noticed: after 2 ms: device-1 notices: its connection to node-3 broke",
		"claimed: after 9 ms: node-2 claims to be aggregator: the connection to node-3 broke",
		"elected: after 10 ms: device-1 is aggregator instead of node-3",
		"elected: node-2 takes over as aggregator from device-1",
		"warning: device-1: something else",
		"elected: after 13 ms: node-2 is coordinator instead of node-3",
		"verdict: after 41 ms: first verdict after it, by node-2, of beat 3",
		"noticed: after 2539 ms: device-1 takes node-3 out of the members: probes went unanswered",
		"outcome: largest gap between two answers 60 ms, before the first death 20 ms",
		"outcome: 1 sample in flight: 1 decided by node-2",
	}
	if diff := cmp.Diff(want, told.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d.ledger.Len() != 2 || d.acting.ledger.Len() != 5 {
		t.Errorf("%d samples in the figures, %d in the act; want 2 and 5", d.ledger.Len(), d.acting.ledger.Len())
	}
}

// What dies with a node is said as a newcomer asks it: what was it, what is gone?
func TestKilledText(t *testing.T) {
	tests := []struct {
		node chaos.Node
		want string
	}{
		{chaos.Node{Name: "a", Roles: []string{"device"}, Views: []string{"camera1"}}, "a is killed (kill -9): it feeds camera1, which is missing from now on"},
		{chaos.Node{Name: "a", Roles: []string{"device", "cloud"}, Views: []string{"camera1", "camera2"}}, "a is killed (kill -9): it is cloud, and it feeds camera1, camera2, which are missing from now on"},
		{chaos.Node{Name: "a", Roles: []string{"aggregator", "coordinator"}}, "a is killed (kill -9): it is aggregator, coordinator"},
		{chaos.Node{Name: "a"}, "a is killed (kill -9): it has nothing to do"},
	}
	for _, tt := range tests {
		if got := killedText(tt.node); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
}

// A sample that the dead had decided counts because others have its seal; who reads that the
// dead decided it must be told.
func TestFlightText(t *testing.T) {
	r := &chaos.Report{Injection: chaos.Injection{Targets: []chaos.Node{{Name: "a"}}}, InFlight: chaos.InFlight{Samples: 3, By: map[string]int{"a": 2, "b": 1}}}
	if got, want := flightText(r), "3 samples in flight: 2 decided by a, 1 decided by b; the seals of what a had decided outlived it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	delete(r.InFlight.By, "a")
	if got := flightText(r); strings.Contains(got, "outlived") {
		t.Errorf("nothing of it was decided by the dead: %q", got)
	}
}

// Programs read these keys of the act; whether it came to a good end is asked of them.
func TestActJSON(t *testing.T) {
	a := &Act{Due: 3, Decided: 3, Samples: 3, Timeline: []chaos.Entry{{Number: 1, What: chaos.Noticed, Text: "x"}}, Faults: []chaos.Report{}, Run: "r2"}
	data, err := json.Marshal(&Result{Act: a})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Act map[string]any `json:"act"`
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"due", "decided", "no_view", "refused", "lost", "open", "wrong", "timeline", "faults", "run"} {
		if _, ok := got.Act[key]; !ok {
			t.Errorf("no key %q in %s", key, data)
		}
	}
	if !a.Complete() {
		t.Error("an act of which everything was answered is not complete")
	}
	for name, spoil := range map[string]func(a *Act){
		"lost":   func(a *Act) { a.Lost, a.Decided = 1, 2 },
		"open":   func(a *Act) { a.Open, a.Decided = 1, 2 },
		"none":   func(a *Act) { *a = Act{} },
		"unseen": func(a *Act) { a.Samples = 2 },
	} {
		bad := *a
		if spoil(&bad); bad.Complete() {
			t.Errorf("%s: it is complete", name)
		}
	}
}
