package benchmesh

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/proto/controlpb"
)

// metBy is which goals are met, by name.
func metBy(goals []Goal) map[string]bool {
	out := map[string]bool{}
	for _, g := range goals {
		out[g.Of] = g.Met
	}
	return out
}

// A goal is met at its figure and missed beyond it, and never by a measurement that has no
// sample.
func TestGoalsOfLatency(t *testing.T) {
	of := func(samples int, local, cloud time.Duration, ratio float64) *Latency {
		return &Latency{Local: Spread{Samples: samples, P50: local}, Cloud: Spread{Samples: samples, P50: cloud}, OverFloor: ratio}
	}
	const local, over, cloud = "local exit, p50", "local exit over floor", "cloud exit, p50"
	for _, test := range []struct {
		name string
		of   *Latency
		want map[string]bool
	}{
		{"at the goals", of(1, mostLocal, mostCloud, mostOverFloor), map[string]bool{local: true, over: true, cloud: true}},
		{"beyond", of(1, mostLocal+1, mostCloud+1, mostOverFloor+0.01), map[string]bool{local: false, over: false, cloud: false}},
		{"nothing", of(0, 0, 0, 0), map[string]bool{local: false, over: false, cloud: false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, metBy(test.of.goals())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The figures of a run are of its verdicts: a view missing in one of four, and the pace
// from the first final to the last.
func TestJudge(t *testing.T) {
	const period = time.Millisecond
	at := func(beat uint64, exit string, missing ...*controlpb.MissingView) *controlpb.Verdict {
		since := int64(3 * period)
		return &controlpb.Verdict{Beat: &beat, Exit: exit, SinceBeatNs: &since, LatencyNs: int64(period), Missing: missing}
	}
	r := &Throughput{Decided: 4}
	r.judge([]*controlpb.Verdict{at(0, "local"), at(1, "local", &controlpb.MissingView{View: "v"}), at(3, "local"), at(2, "cloud")}, period)
	want := Throughput{
		Decided: 4, PerSecond: 1000, ViewsMissing: 0.25, Latency: Spread{4, period, period, period},
		SinceBeat: Spread{4, 3 * period, 3 * period, 3 * period}, Local: Spread{3, period, period, period}, Exits: []ExitShare{{"local", 0.75}, {"cloud", 0.25}},
	}
	if diff := cmp.Diff(&want, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	met := metBy(r.goals())
	if !met["decided a second"] || met["with a view missing"] || !met["lost"] {
		t.Errorf("goals met: %v", met)
	}
	if met := metBy((&Throughput{}).goals()); met["decided a second"] || met["with a view missing"] {
		t.Errorf("goals met by nothing: %v", met)
	}
}

// Idle goals are held against the worst node, those with an elected role apart; a device
// holds none, and a coordinator of one group none of its own.
func TestGoalsOfIdle(t *testing.T) {
	for roles, want := range map[string]float64{deviceRole: nodeBytes, cloudRole: nodeBytes + roleBytes, coordinatorRole: nodeBytes} {
		if got := allowed([]string{roles}); got != want {
			t.Errorf("%s may send %v, want %v", roles, got, want)
		}
	}
	share := 0.001
	node := func(name string, sent, may float64, anonymous uint64) IdleNode {
		return IdleNode{Name: name, TCP: sent, Allowed: may, Memory: &Memory{anonymous, anonymous}, Processor: &share}
	}
	i := &Idle{Nodes: []IdleNode{node("a", 3999, 4000, 1), node("b", 4001, 4000, mostAnonymous+1), node("c", 11_000, 12_000, 1)}}
	want := map[string]bool{
		"most anonymous memory": false, "most resident memory": true, "most of a core": true, "sent by b": false, "sent by c": true,
	}
	if diff := cmp.Diff(want, metBy(i.goals())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	i.Nodes[0].Memory = nil // not Linux
	if met := metBy(i.goals()); len(met) != 2 {
		t.Errorf("without /proc there are goals %v, want those of traffic alone", met)
	}
}

// Rates are of the difference, by protocol, and a protocol that is new counts from zero.
func TestIdleSent(t *testing.T) {
	before := &controlpb.Traffic{SocketSentBytes: 100, UdpSentBytes: 10, Protocols: []*controlpb.ProtocolTraffic{{Protocol: "a", SentBytes: 50}, {Protocol: "b", SentBytes: 5}}}
	after := &controlpb.Traffic{SocketSentBytes: 300, UdpSentBytes: 30, Protocols: []*controlpb.ProtocolTraffic{{Protocol: "a", SentBytes: 70}, {Protocol: "b", SentBytes: 5}, {Protocol: "c", SentBytes: 40}}}
	var n IdleNode
	n.sent(before, after, 2*time.Second)
	want := IdleNode{TCP: 100, UDP: 10, Protocols: []ProtocolRate{{"c", 20}, {"a", 10}}}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A slip in the configuration must be told before anything starts, all faults at once.
func TestConfigValidate(t *testing.T) {
	good := Config{
		Program: "p", FloorArguments: []string{"x"}, Idle: true, Rounds: 1, Samples: 1, Rate: 1000, For: 30 * time.Second, Quiet: time.Second,
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	bad := good
	bad.Rate, bad.For = 10_000, time.Minute // more than a log keeps
	if err := bad.Validate(); err == nil {
		t.Error("600,000 beats are not refused")
	}
	var none Config
	err := none.Validate()
	if faults, ok := err.(interface{ Unwrap() []error }); !ok || len(faults.Unwrap()) != 7 {
		t.Errorf("of an empty configuration: %v", err)
	}
}
