package node_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ganglion/node"
	"ganglion/node/nodetest"
)

// series is what a node serves, by name and labels: of histograms their counts.
func series(t *testing.T, n *node.Node) map[string]float64 {
	t.Helper()
	families, err := n.Metrics().Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += fmt.Sprintf(" %s=%s", l.GetName(), l.GetValue())
			}
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue()
			if m.Histogram != nil {
				value = float64(m.GetHistogram().GetSampleCount())
			}
			all[name] = value
		}
	}
	return all
}

// sum is of all series whose name begins so.
func sum(of map[string]float64, begin string) (total float64) {
	for name, v := range of {
		if strings.HasPrefix(name, begin) {
			total += v
		}
	}
	return total
}

// TestMetricsOfAMesh holds what is served against what the verdict log says, on a mesh with
// several nodes: summed over nodes, nothing is counted twice and nothing is left out; and the
// number of series does not depend on how much has happened.
func TestMetricsOfAMesh(t *testing.T) {
	m := nodetest.Start(t, nodetest.Devices(street, 3), nodetest.Spares(2))
	m.Settle(t.Context())
	const some = 40
	first := m.Run(some, pace)
	m.AwaitRun(t.Context(), first)
	before := map[string]map[string]float64{}
	for _, name := range m.Names() {
		before[name] = series(t, m.Node(name))
	}
	second := m.Run(some, pace)
	m.AwaitRun(t.Context(), second)
	want := 0.0
	for _, run := range []string{first, second} {
		tally := m.Tally("device-0", run)
		want += float64(tally.GetDecided() + tally.GetRefused())
	}
	all := map[string]float64{}
	for _, name := range m.Names() {
		now := series(t, m.Node(name))
		holdSeries(t, name, before[name], now)
		if got := sum(now, "ganglion_log_verdicts_total") - now["ganglion_log_superseded_total"]; got != want {
			t.Errorf("%s counts %v verdicts in its log, the log has %v", name, got, want)
		}
		for s, v := range now {
			all[s] += v
		}
	}
	// A holder that was taken for dead while this machine was busy may have published what its
	// successor published again; then both say so.
	again := all["ganglion_verdicts_inherited_total"]
	published := sum(all, "ganglion_verdicts_published_total") - all["ganglion_verdicts_superseded_total"]
	views := sum(all, "ganglion_verdict_views_total") + sum(all, "ganglion_verdict_views_missing_total")
	local := all["ganglion_exit_entropy_ratio exit=local"]
	for _, tt := range []struct {
		what             string
		got, least, most float64
	}{
		{"verdicts published", published, want, want + again},
		{"latencies", sum(all, "ganglion_verdict_latency_seconds"), want, want + again},
		{"views of decided samples", views, 6 * want, 6 * (want + again)},
		{"observations captured", all["ganglion_observations_captured_total"], 3 * want, 3 * want},
		{"local sections", all["ganglion_section_duration_seconds section=local"], 1, 10 * local},
		{"bytes sent", all["ganglion_socket_bytes_total direction=sent"], all["ganglion_stream_bytes_total direction=sent protocol=link"], 1e9},
		{"payload", sum(all, "ganglion_payload_bytes_total"), 12, all["ganglion_stream_bytes_total direction=sent protocol=link"]},
	} {
		if tt.got < tt.least || tt.got > tt.most {
			t.Errorf("%s: %v over all nodes, want %v to %v", tt.what, tt.got, tt.least, tt.most)
		}
	}
	eventually(t, m, map[string]float64{
		"ganglion_roles_held role=cloud": 1, "ganglion_roles_held role=aggregator": 1, "ganglion_roles_held role=coordinator": 1,
		"ganglion_views_held": 3, "ganglion_samples_lost": 0, "ganglion_samples_open": 0, "ganglion_observations_retained": 0,
		"ganglion_engine_answers": 5, "ganglion_members state=alive": 25, "ganglion_links": 20,
	})
}

// eventually holds sums over all nodes to what they must come to.
func eventually(t *testing.T, m *nodetest.Mesh, want map[string]float64) {
	t.Helper()
	deadline := time.Now().Add(nodetest.Patience)
	for {
		all := map[string]float64{}
		for _, name := range m.Names() {
			for s, v := range series(t, m.Node(name)) {
				all[s] += v
			}
		}
		var wrong []string
		for name, v := range want {
			if got, ok := all[name]; !ok || got != v {
				wrong = append(wrong, fmt.Sprintf("%s is %v over all nodes, want %v", name, got, v))
			}
		}
		if len(wrong) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(strings.Join(wrong, "\n"))
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-t.Context().Done():
			return
		}
	}
}

// seriesMost is how many series a node may have, libp2p's and the runtime's among them.
const seriesMost = 600

// holdSeries holds a node to a number of series that has an end: what comes with a second
// run are buckets of exits that no sample had taken, and nothing else.
func holdSeries(t *testing.T, name string, before, now map[string]float64) {
	t.Helper()
	if len(now) > seriesMost {
		t.Errorf("%s has %d series, more than %d", name, len(now), seriesMost)
	}
	for s := range now {
		family, _, _ := strings.Cut(s, " ")
		_, known := before[s]
		switch {
		case known || strings.HasPrefix(s, "libp2p_"):
		case family == "ganglion_verdict_latency_seconds" || family == "ganglion_exit_entropy_ratio" || family == "ganglion_discovery_refused_total" || family == "ganglion_gossip_refused_total":
		default:
			t.Errorf("%s has a new series: %s", name, s)
		}
		ours := false
		for _, prefix := range []string{"ganglion_", "libp2p_", "go_", "process_"} {
			ours = ours || strings.HasPrefix(s, prefix)
		}
		if !ours {
			t.Errorf("%s serves %s, whose name begins like nobody's", name, s)
		}
		for _, label := range []string{"12D3Koo", "device-0", "device-1", "spare-0"} {
			if strings.Contains(s, label) {
				t.Errorf("%s has a label that names somebody: %s", name, s)
			}
		}
	}
}

// TestTakeoverIsCounted: a role that moves is counted by who took it, and by nobody else. On a
// machine that is busy it may move more than once, each time under a claim of its own.
func TestTakeoverIsCounted(t *testing.T) {
	m := nodetest.Start(t, nodetest.Devices(street, 3), nodetest.Spares(2))
	m.Settle(t.Context())
	run := m.Run(60, pace)
	m.AwaitVerdict(t.Context(), "device-0", run, 5)
	m.Kill(m.Holder("aggregator"))
	m.AwaitRun(t.Context(), run)
	eventually(t, m, map[string]float64{"ganglion_roles_held role=aggregator": 1, "ganglion_samples_lost": 0})
	taken, highest := 0.0, 0.0
	for _, name := range m.Names() {
		of := series(t, m.Node(name))
		taken += of["ganglion_takeovers_total role=aggregator"]
		highest = max(highest, of["ganglion_role_epoch role=aggregator"])
	}
	if taken < 1 || taken >= highest { // the first claim takes over from nobody
		t.Errorf("%v take-overs, and the highest claim is number %v", taken, highest)
	}
}

// TestNoMetrics: a node that counts nothing works, and says to who scrapes it why.
func TestNoMetrics(t *testing.T) {
	m := nodetest.Start(t, nodetest.Devices(street, 1), nodetest.Configure(func(c *node.Config) { c.NoMetrics = true }))
	m.Settle(t.Context())
	run := m.Run(5, pace)
	m.AwaitRun(t.Context(), run)
	if g := m.Node("device-0").Metrics(); g != prometheus.Gatherer(nil) {
		t.Error("the node counts, although it was told not to")
	}
}
