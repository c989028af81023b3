package node_test

import (
	"math/bits"
	"slices"
	"testing"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// crossing is the street as eight cameras see it.
const crossing = "street:samples=48,seed=3,cameras=8"

// eightPlaces is a network that learned from six cameras, with places for two more.
func eightPlaces(t *testing.T) *inference.Bundle {
	t.Helper()
	wide, err := another(t, "elastic", 5).WithViews([]string{"camera6", "camera7"})
	if err != nil {
		t.Fatal(err)
	}
	return wide
}

// A mesh of the topology elastic begins with one camera and gets another seven while it
// runs, the last two of which nothing was ever trained for: whoever joins is used from then
// on, what is answered meanwhile is what one process answers from the cameras that are there,
// and no sample is lost by it.
func TestCamerasJoinARun(t *testing.T) {
	const cameras, atLeast = 8, 12 // verdicts that rest on all cameras that there are, before the next one comes
	b := eightPlaces(t)
	m := nodetest.Start(t, nodetest.Devices(crossing, 1), nodetest.Spares(1), nodetest.Model(b), nodetest.Configure(everything))
	m.Settle(t.Context())
	set := nodetest.Data(t, crossing)
	run := m.Run(0, pace)
	for n := 1; ; n++ {
		awaitCameras(t, m, run, set, n, atLeast)
		if n == cameras {
			break
		}
		m.Add(nodetest.Devices(crossing, 1), nodetest.Model(b), nodetest.Configure(everything))
	}
	verdicts := upTo(t, m, run, m.Verdicts("spare-0", run))
	judge := nodetest.NewJudge(b, set)
	for beat, v := range verdicts {
		if v.GetBeat() != uint64(beat) {
			t.Fatalf("where beat %d was due there is beat %d", beat, v.GetBeat())
		}
		if what := judge.Differs(v); what != "" && len(v.GetSeen()) > 0 {
			t.Error(what)
		}
	}
	if tally := m.Tally("spare-0", run); tally.GetLost() > 0 || tally.GetRefused() > 0 {
		t.Errorf("of %d verdicts and more: %v", len(verdicts), tally)
	}
}

// upTo is the verdicts of a run up to the last of some, when all of them are there: the
// newest beats of a run are decided in any order.
func upTo(t *testing.T, m *nodetest.Mesh, run string, some []*controlpb.Verdict) (all []*controlpb.Verdict) {
	t.Helper()
	last := some[len(some)-1].GetBeat()
	m.Await(t.Context(), "every beat up to the last is decided", func() bool {
		all = m.Verdicts("spare-0", run)
		all = slices.DeleteFunc(all, func(v *controlpb.Verdict) bool { return v.GetBeat() > last })
		return uint64(len(all)) > last
	})
	return all
}

// awaitCameras waits until so many verdicts rest on just the first n cameras, each of which
// sees something in some of them.
func awaitCameras(t *testing.T, m *nodetest.Mesh, run string, set *dataset.Set, n, verdicts int) {
	t.Helper()
	there := uint64(1)<<n - 1
	m.Await(t.Context(), "samples rest on "+set.Views[n-1]+" and all before it", func() bool {
		var whole int
		var seen uint64
		for _, v := range m.Verdicts("spare-0", run) {
			if said := maskOf(set, v.GetSeen()) | maskOf(set, v.GetNothing()); said == there {
				whole++
				seen |= maskOf(set, v.GetSeen())
			}
		}
		return whole >= verdicts && seen>>(n-1)&1 == 1 && bits.OnesCount64(seen) > n/2
	})
}

// maskOf is a set of views by their names.
func maskOf(set *dataset.Set, names []string) (mask uint64) {
	for _, name := range names {
		mask |= 1 << slices.Index(set.Views, name)
	}
	return mask
}
