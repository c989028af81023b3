package metrics

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/mesh"
	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/roles"
)

var update = flag.Bool("update", false, "rewrite the tables of the documentation")

// TestDocumentation holds docs/metrics.md to what is declared: a table that was written by
// hand would be stale within a month.
func TestDocumentation(t *testing.T) {
	const path, begin, end = "../../docs/metrics.md", "<!-- begin of metrics", "<!-- end of metrics -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	line, rest, ok2 := strings.Cut(rest, "\n")
	_, tail, ok3 := strings.Cut(rest, end)
	if !ok || !ok2 || !ok3 {
		t.Fatalf("%s lacks the lines that begin and end its tables", path)
	}
	want := head + begin + line + "\n" + New("test").Markdown() + "\n" + end + tail
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Errorf("%s is not what is declared: write it by `go test ./node/metrics -update`", path)
	}
}

// everything is a node that has counted something of each kind, so that no metric is absent.
func everything() *Metrics {
	m := New("test")
	s := Snapshot{Roles: &Roles{Epochs: map[string]uint64{"cloud": 3}, Coordinates: true, Running: true, Period: time.Second}, State: Disk{1, 2}}
	s.Mesh.Members = []mesh.Member{{}}
	s.Mesh.Links = []mesh.Health{{Up: true, RoundTrip: link.RoundTrip{Best: 1, Last: 1, P99: 1, Samples: 1}}}
	s.Mesh.Status.Gossip.Refused = map[string]uint64{"stranger": 1}
	s.Mesh.Status.Discovery.MDNS.Refused = map[discovery.Refusal]uint64{discovery.RefusedFlood: 1}
	s.Mesh.Traffic.Protocols = link.Traffic{}.Sub(link.Traffic{}).Protocols // an empty one, of a type that is the mesh's own
	s.Mesh.Traffic.Protocols[link.DefaultProtocol] = link.ProtocolTraffic{}
	m.Read(func() Snapshot { return s })
	v := verdict(0, topology.ExitCloud, 1)
	m.Decided(&v, nil)
	m.Published([]*roles.Published{publication(&v, "a")})
	return m
}

// TestNames holds all names, units and help texts to Prometheus's own rules and to ours.
func TestNames(t *testing.T) {
	m := everything()
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, prefix) {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	served := map[string]bool{}
	for _, f := range families {
		served[f.GetName()] = true
	}
	name := regexp.MustCompile(`^ganglion_[a-z0-9_]+$`)
	for _, f := range m.Families() {
		if !served[f.Name] {
			t.Errorf("%s is declared, and not served by a node that has counted everything", f.Name)
		}
		if !name.MatchString(f.Name) || !strings.HasSuffix(f.Help, ".") {
			t.Errorf("%s: a name is of lower-case words, and its help a sentence: %q", f.Name, f.Help)
		}
		for _, label := range f.Labels {
			switch label {
			case "peer", "sample", "view", "bundle", "name", "address", "run":
				t.Errorf("%s has the label %s, of which there is no end", f.Name, label)
			}
		}
	}
}

// TestOff shows that a node without metrics may tell of everything all the same, and that
// who scrapes it is told why there is nothing.
func TestOff(t *testing.T) {
	var m *Metrics
	v := verdict(0, topology.ExitLocal, 1)
	m.Claimed([]roles.Claim{{}})
	m.TookOver(roles.CloudKind)
	m.LinkLost(true)
	m.Filled(1)
	m.Turned()
	m.Decided(&v, nil)
	m.Published([]*roles.Published{publication(&v, "a")})
	m.Logged([]*roles.Published{publication(&v, "a")})
	m.Ran(DeviceSection, m.Began())
	m.Read(nil)
	if m.Registerer() != nil || m.Gatherer() != nil {
		t.Error("a node that counts nothing has a registry")
	}
	network := &still{}
	if m.Timed(network) != roles.Network(network) {
		t.Error("sections are timed although nothing is counted")
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "--no-metrics") {
		t.Errorf("answered %d %q, want 404 and the switch", w.Code, w.Body)
	}
}

// still is a network that does nothing.
type still struct{}

func (*still) Local(int, [][]float32, uint64) []float32       { return nil }
func (*still) Edge(int, [][]byte, uint64) ([]byte, []float32) { return nil, nil }
func (*still) Cloud([][]byte, uint64) []float32               { return nil }

// verdict is of class 1.
func verdict(beat roles.Beat, exit topology.Exit, label int) roles.Verdict {
	const class = 1
	return roles.Verdict{
		Sample: roles.SampleID{Site: "hall", Run: 1, Beat: beat}, Epoch: roles.Epoch{Counter: 1, Peer: "a"}, Label: label,
		Answer: inference.Verdict{
			Exit: exit, Class: class, Seen: 0b101, Nothing: 0b10, Missing: 0b1000,
			Proposals: []inference.Proposal{{Exit: topology.ExitLocal, Seen: 2, Entropy: 0.25, Class: class}, {Exit: exit, Seen: 2, Class: class}},
		},
		Reasons: map[int]roles.Reason{3: roles.Silent},
	}
}

func publication(v *roles.Verdict, publisher roles.Peer) *roles.Published {
	return &roles.Published{
		Seq: roles.Seq{Epoch: roles.Epoch{Counter: 1, Peer: publisher}, N: 1}, Sealed: roles.Seal(v, []byte("v")), Latency: 3 * time.Millisecond,
	}
}

// value is that of one series; -1: it is not there.
func value(t *testing.T, m *Metrics, name string, labels ...string) float64 {
	t.Helper()
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, one := range f.GetMetric() {
			var has []string
			for _, l := range one.GetLabel() {
				has = append(has, l.GetName()+"="+l.GetValue())
			}
			if f.GetName() != prefix+name || strings.Join(has, ",") != strings.Join(labels, ",") {
				continue
			}
			switch {
			case one.Counter != nil:
				return one.GetCounter().GetValue()
			case one.Histogram != nil:
				return float64(one.GetHistogram().GetSampleCount())
			}
			return one.GetGauge().GetValue()
		}
	}
	return -1
}

// TestVerdictsAreCountedOnce tells two nodes of one story: a verdict is decided by one,
// published by it and again by its successor, comes to both logs, and loses to another.
func TestVerdictsAreCountedOnce(t *testing.T) {
	before, after := New("test"), New("test")
	v := verdict(7, topology.ExitCloud, 2)
	before.Decided(&v, nil)
	first, again := publication(&v, "a"), publication(&v, "b")
	before.Published([]*roles.Published{first})
	before.Logged([]*roles.Published{first})
	after.Published([]*roles.Published{again})
	after.Logged([]*roles.Published{again})
	lost := *again
	lost.SupersededBy = roles.Hash{1}
	after.Published([]*roles.Published{&lost})
	after.Logged([]*roles.Published{&lost})
	refused := roles.Verdict{Sample: roles.SampleID{Site: "hall", Run: 1, Beat: 8}, Refused: true, Label: -1}
	after.Logged([]*roles.Published{publication(&refused, "b")})

	for _, tt := range []struct {
		of   *Metrics
		want float64
		name string
		with []string
	}{
		{before, 1, "verdicts_published_total", []string{"exit=cloud", "kind=beat"}},
		{before, 0, "verdicts_inherited_total", nil},
		{before, 1, "log_verdicts_total", []string{"exit=cloud"}},
		{before, 1, "verdicts_judged_total", []string{"correct=false", "exit=cloud"}},
		{before, 2, "verdict_views_total", []string{"state=seen"}},
		{before, 1, "verdict_views_missing_total", []string{"reason=silent"}},
		{before, 1, "exit_entropy_ratio", []string{"exit=local"}},
		{before, 1, "verdict_latency_seconds", []string{"exit=cloud", "kind=beat"}},
		{after, 1, "verdicts_published_total", []string{"exit=cloud", "kind=beat"}},
		{after, 1, "verdicts_inherited_total", nil},
		{after, 1, "verdicts_superseded_total", nil},
		{after, 1, "log_verdicts_total", []string{"exit=cloud"}},
		{after, 1, "log_verdicts_total", []string{"exit=refused"}},
		{after, 1, "log_superseded_total", nil},
		{after, 0, "verdicts_judged_total", []string{"correct=false", "exit=cloud"}}, // it decided nothing
		{after, -1, "exit_entropy_ratio", []string{"exit=local"}},
	} {
		if got := value(t, tt.of, tt.name, tt.with...); got != tt.want {
			t.Errorf("%s{%s} is %v, want %v", tt.name, strings.Join(tt.with, ","), got, tt.want)
		}
	}
}

// TestEngineThatDoesNotAnswer: a scrape of a node that hangs says so, and tells the rest.
func TestEngineThatDoesNotAnswer(t *testing.T) {
	m := New("test")
	m.Read(func() Snapshot { return Snapshot{Unsent: 4} })
	if got := value(t, m, "engine_answers"); got != 0 {
		t.Errorf("engine_answers is %v, want 0", got)
	}
	if got := value(t, m, "frames_unsent_total"); got != 4 {
		t.Errorf("frames_unsent_total is %v, want 4", got)
	}
	if got := value(t, m, "roles_held", "role=cloud"); got != -1 {
		t.Errorf("roles_held is %v, and nobody knows", got)
	}
}
