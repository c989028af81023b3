package node_test

import (
	"fmt"
	"slices"
	"testing"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/topology"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// setThresholds has a node set the thresholds of the bundle in use.
func setThresholds(t *testing.T, m *nodetest.Mesh, name, text string) {
	t.Helper()
	if _, err := m.API(name).Set(t.Context(), &controlpb.SetRequest{Key: "thresholds", Value: text}); err != nil {
		t.Fatal(err)
	}
}

// inForce is the thresholds in force as a node tells them.
func inForce(t *testing.T, m *nodetest.Mesh, name string) *controlpb.Thresholds {
	t.Helper()
	s, err := m.API(name).Status(t.Context(), &controlpb.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return s.GetThresholds()
}

// awaitThresholds waits until thresholds are in force at a node, and returns their version.
func awaitThresholds(t *testing.T, m *nodetest.Mesh, name, text string) (version uint64) {
	t.Helper()
	want, err := inference.ParseThresholds(text)
	if err != nil {
		t.Fatal(err)
	}
	m.Await(t.Context(), fmt.Sprintf("%s answers by %s", name, text), func() bool {
		got := inForce(t, m, name)
		version = got.GetVersion()
		return len(got.GetExits()) > 0 && version != 0 && !slices.ContainsFunc(got.GetExits(), func(e *controlpb.ExitThresholds) bool {
			for i, v := range e.GetBySeen() {
				if v != want.At(topology.ExitLocal, i+1) {
					return true
				}
			}
			return false
		})
	})
	return version
}

// spoken reports whether a device told of the sample: what nobody spoke of, on a machine that is
// too busy, is of no bundle and under no settings.
func spoken(v *controlpb.Verdict) bool { return len(v.GetSeen())+len(v.GetNothing()) > 0 }

// obeys says in what a verdict differs from what the thresholds of its settings have an exit do:
// the first within its threshold answers, and nobody above it.
func obeys(v *controlpb.Verdict, by map[uint64]inference.Thresholds) string {
	t, known := by[v.GetSettings()]
	if !known {
		return fmt.Sprintf("%s is under settings %d, which nobody set", v.GetSample(), v.GetSettings())
	}
	for i, p := range v.GetProposals() {
		exit := map[string]topology.Exit{"local": topology.ExitLocal, "cloud": topology.ExitCloud}[p.GetExit()]
		within := exit == topology.ExitCloud || p.GetEntropy() <= t.At(exit, int(p.GetSeen()))
		switch answered := i == int(v.GetAnswered()); {
		case within && i < int(v.GetAnswered()):
			return fmt.Sprintf("%s went beyond exit %s: %v under %v", v.GetSample(), p.GetExit(), p, t)
		case !within && answered && !v.GetStoppedEarly():
			return fmt.Sprintf("%s was answered by exit %s: %v under %v", v.GetSample(), p.GetExit(), p, t)
		case exit == topology.ExitLocal && p.GetThreshold() != t.At(exit, int(p.GetSeen())):
			return fmt.Sprintf("%s tells threshold %v, its settings have %v", v.GetSample(), p.GetThreshold(), t)
		}
	}
	return ""
}

// Thresholds change while samples flow: each verdict is wholly under the old ones or wholly
// under the new ones, the run goes over at one beat, no sample is lost, and setting them to
// nothing has the bundle's own back.
func TestThresholdsChangeInARun(t *testing.T) {
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	m := nodetest.Start(t, nodetest.Devices(street, 6), nodetest.Spares(2))
	m.Settle(t.Context())
	run := m.Run(0, pace)
	m.AwaitVerdict(t.Context(), m.Names()[0], run, 10)
	all, none := "local=1", "local=0"
	setThresholds(t, m, "device-3", all)
	first := awaitThresholds(t, m, "device-0", all)
	setThresholds(t, m, "spare-1", none)
	second := awaitThresholds(t, m, "device-0", none)
	late := m.Add(nodetest.Spares(1))[0]
	if got := awaitThresholds(t, m, late, none); got != second {
		t.Errorf("a node that came late has version %d in force, want %d", got, second)
	}
	setThresholds(t, m, late, "")
	m.Await(t.Context(), "the bundle's own are in force again", func() bool {
		now := inForce(t, m, "device-0")
		return now.GetVersion() == 0 && now.GetCounter() == 3 && now.GetSince() > 0
	})
	last := inForce(t, m, "device-0").GetSince()
	m.AwaitVerdict(t.Context(), m.Names()[0], run, last+10)
	by := map[uint64]inference.Thresholds{0: b.Thresholds(), first: b.Thresholds().WithAll(1), second: b.Thresholds().WithAll(0)}
	var changes []uint64
	for _, v := range m.Verdicts(m.Names()[0], run) {
		if n := len(changes); spoken(v) && (n == 0 || changes[n-1] != v.GetSettings()) {
			changes = append(changes, v.GetSettings())
		}
		if what := obeys(v, by); what != "" {
			t.Error(what)
		}
		for _, missing := range v.GetMissing() {
			if missing.GetReason() == "no bundle" {
				t.Errorf("%s lacks view %s: %s", v.GetSample(), missing.GetView(), missing.GetReason())
			}
		}
	}
	if want := []uint64{0, first, second, 0}; !slices.Equal(changes, want) {
		t.Errorf("the run was under settings %v, want %v", changes, want)
	}
	if tally := m.Tally("device-0", run); tally.GetLost() > 0 {
		t.Errorf("samples were lost: %v", tally)
	}
}

// After the end of a run whose samples were counted there is only what is asked for, and that is
// answered by what is set, at once: a change was said to wait for every node for ever, and who
// set it was told so after half a minute.
func TestThresholdsAfterARun(t *testing.T) {
	m := nodetest.Start(t, nodetest.Device(street, "0", "1", "2", "3", "4", "5"))
	m.Settle(t.Context())
	m.AwaitRun(t.Context(), m.Run(5, pace))
	const text = "local=0.9"
	setThresholds(t, m, "device-0", text)
	version := awaitThresholds(t, m, "device-0", text)
	r, err := m.API("device-0").Classify(t.Context(), &controlpb.ClassifyRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.GetVerdict().GetSettings(); got != version {
		t.Errorf("a sample on demand is under settings %d, in force are %d", got, version)
	}
}
