package node_test

import (
	"testing"
	"testing/synctest"
	"time"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/node/nodetest"
)

// Both halves of a partition set other thresholds, with the same counter: each goes on by its
// own, each verdict says by which, and after the heal one of the two holds everywhere. None is
// lost, and none mixes the two.
func TestThresholdsOfHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := builtin.Bundle()
		if err != nil {
			t.Fatal(err)
		}
		const beat = 100 * time.Millisecond
		m := nodetest.StartVirtual(t, 1, nodetest.Quality{Latency: 200 * time.Microsecond, Jitter: time.Millisecond}, nodetest.Devices(street, 4))
		m.Settle(t.Context())
		run := m.Run(260, beat)
		m.AwaitVerdict(t.Context(), "device-0", run, 10)
		m.Partition("device-2", "device-3")
		m.AwaitVerdict(t.Context(), "device-0", run, 40)
		m.AwaitVerdict(t.Context(), "device-2", run, 40)
		setThresholds(t, m.Mesh, "device-0", "local=1")
		setThresholds(t, m.Mesh, "device-2", "local=0")
		here, there := awaitThresholds(t, m.Mesh, "device-0", "local=1"), awaitThresholds(t, m.Mesh, "device-2", "local=0")
		if one, other := inForce(t, m.Mesh, "device-0"), inForce(t, m.Mesh, "device-2"); one.GetCounter() != 1 || other.GetCounter() != 1 {
			t.Errorf("set with counters %d and %d, want 1 for both", one.GetCounter(), other.GetCounter())
		}
		last := max(inForce(t, m.Mesh, "device-0").GetSince(), inForce(t, m.Mesh, "device-2").GetSince()) + 5
		m.AwaitVerdict(t.Context(), "device-0", run, last)
		m.AwaitVerdict(t.Context(), "device-2", run, last)
		m.Heal()
		m.Settle(t.Context())
		names := m.Names()
		m.Await(t.Context(), "one of the two is in force everywhere", func() bool {
			first := inForce(t, m.Mesh, names[0]).GetVersion()
			for _, name := range names {
				if inForce(t, m.Mesh, name).GetVersion() != first {
					return false
				}
			}
			return first == here || first == there
		})
		m.AwaitRun(t.Context(), run)
		by := map[uint64]inference.Thresholds{0: b.Thresholds(), here: b.Thresholds().WithAll(1), there: b.Thresholds().WithAll(0)}
		under := map[uint64]int{}
		for _, v := range m.Verdicts("device-0", run) {
			under[v.GetSettings()]++
			if what := obeys(v, by); what != "" {
				t.Error(what)
			}
		}
		if under[here] == 0 || under[there] == 0 {
			t.Errorf("verdicts by settings: %v, want some under %d and some under %d", under, here, there)
		}
	})
}
