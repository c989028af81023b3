package node_test

import (
	"slices"
	"testing"

	"ganglion/inference/builtin"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// beats of a run in which somebody dies, and the one at which that happens.
const beats, deathAt = 80, 20

// A holder that dies in a run costs nothing: every beat is decided, none is lost, every
// survivor knows every verdict, and they are the same everywhere.
func TestHolderDies(t *testing.T) {
	for _, role := range []string{"aggregator", "cloud"} {
		t.Run(role, func(t *testing.T) {
			m := nodetest.Start(t, nodetest.Devices(street, 6), nodetest.Spares(2))
			m.Settle(t.Context())
			run := m.Run(beats, pace)
			dead := m.Holder(role)
			m.AwaitVerdict(t.Context(), dead, run, deathAt)
			m.Kill(dead)
			m.AwaitRun(t.Context(), run)
			complete(t, m, run, beats)
			if heir := m.Holder(role); heir == dead {
				t.Errorf("%s still has the role %s", dead, role)
			}
		})
	}
}

// complete checks that every node has a verdict for every beat, each the same as the
// others, and what a process by itself would have said of the views that it names.
func complete(t *testing.T, m *nodetest.Mesh, run string, beats uint64) []*controlpb.Verdict {
	t.Helper()
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	judge := nodetest.NewJudge(b, nodetest.Data(t, street))
	var first []*controlpb.Verdict
	for _, name := range m.Names() {
		verdicts := m.Verdicts(name, run)
		if uint64(len(verdicts)) != beats {
			t.Fatalf("%s has %d verdicts, want %d", name, len(verdicts), beats)
		}
		for i, v := range verdicts {
			if v.GetBeat() != uint64(i) {
				t.Fatalf("%s has %s where beat %d should be", name, v.GetSample(), i)
			}
			if first != nil && v.GetHash() != first[i].GetHash() {
				t.Errorf("%s has another verdict of beat %d than %s", name, i, m.Names()[0])
			}
			if first == nil && len(v.GetSeen()) > 0 {
				if what := judge.Differs(v); what != "" {
					t.Error(what)
				}
			}
		}
		if first == nil {
			first = verdicts
		}
	}
	return first
}

// A device that dies takes its views along: the others go on without them, and each verdict
// that misses a view says why.
func TestDeviceDies(t *testing.T) {
	m := nodetest.Start(t, nodetest.Device(street, "0", "1", "2"), nodetest.Device(street, "3", "4"), nodetest.Device(street, "5"), nodetest.Spares(2))
	m.Settle(t.Context())
	run := m.Run(beats, pace)
	m.AwaitVerdict(t.Context(), "device-1", run, deathAt)
	m.Kill("device-1")
	m.AwaitRun(t.Context(), run)
	verdicts := complete(t, m, run, beats)
	lost := []string{"camera3", "camera4"}
	without := 0
	for _, v := range verdicts {
		var names []string
		for _, missing := range v.GetMissing() {
			names = append(names, missing.GetView())
			if missing.GetReason() == "" {
				t.Errorf("%s misses %s and does not say why", v.GetSample(), missing.GetView())
			}
		}
		gone := !slices.ContainsFunc(lost, func(view string) bool { return !slices.Contains(names, view) })
		switch {
		case gone:
			without++
		case v.GetBeat() == beats-1:
			t.Errorf("the last verdict misses %v, want %v", names, lost)
		}
	}
	// A busy machine may have one of them speak too late now and then, not both before.
	if without > beats-deathAt {
		t.Errorf("%d verdicts lack both views of the dead, which lived for %d beats of %d", without, deathAt, beats)
	}
}
