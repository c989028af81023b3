package node_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

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
// on, in every sample, what is answered meanwhile is what one process answers from the cameras that are there,
// and no sample is lost by it. In virtual time, so that no view is late on a busy machine.
func TestCamerasJoinARun(t *testing.T) {
	b, set := eightPlaces(t), nodetest.Data(t, crossing)
	synctest.Test(t, func(t *testing.T) {
		const enough = 12 // verdicts that rest on all cameras that there are, before the next one comes
		m := nodetest.StartVirtual(t, 1, nodetest.Quality{Latency: time.Millisecond},
			nodetest.Devices(crossing, 1), nodetest.Spares(1), nodetest.Model(b), nodetest.Configure(everything))
		m.Settle(t.Context())
		run := m.Run(0, 100*time.Millisecond)
		awaitCameras(t, m, run, set, 1, enough)
		for n := 2; n <= min(mostJoining, len(set.Views)); n++ {
			m.Add(nodetest.Devices(crossing, 1), nodetest.Model(b), nodetest.Configure(everything))
			awaitCameras(t, m, run, set, n, enough)
		}
		judge, next, before := nodetest.NewJudge(b, set), uint64(0), uint64(0)
		for _, v := range m.Verdicts(onlooker, run) {
			if v.GetBeat() != next {
				t.Fatalf("where beat %d was due there is beat %d", next, v.GetBeat())
			}
			next++
			if now := spokenOf(set, v); now&before != before {
				t.Errorf("beat %d: only the cameras %b spoke, where %b did before: %v", v.GetBeat(), now, before, v.GetMissing())
			} else {
				before = now
			}
			if what := judge.Differs(v); what != "" && len(v.GetSeen()) > 0 {
				t.Error(what)
			}
		}
		if tally := m.Tally(onlooker, run); tally.GetLost() > 0 || tally.GetRefused() > 0 || tally.GetSuperseded() > 0 {
			t.Errorf("of %d verdicts and more: %v", next, tally)
		}
	})
}

// onlooker is the node that has no camera.
const onlooker = "spare-0"

// awaitCameras waits until so many verdicts rest on just the first n cameras, the last of
// which sees something in one of them.
func awaitCameras(t *testing.T, m *nodetest.Virtual, run string, set *dataset.Set, n, verdicts int) {
	t.Helper()
	m.Await(t.Context(), "samples rest on "+set.Views[n-1]+" and all before it", func() bool {
		whole, sees := 0, false
		for _, v := range m.Verdicts(onlooker, run) {
			if spokenOf(set, v) == 1<<n-1 {
				whole++
				sees = sees || slices.Contains(v.GetSeen(), set.Views[n-1])
			}
		}
		return whole >= verdicts && sees
	})
}

// spokenOf is the views whose cameras spoke for a sample, whatever they saw.
func spokenOf(set *dataset.Set, v *controlpb.Verdict) (mask uint64) {
	for _, name := range slices.Concat(v.GetSeen(), v.GetNothing()) {
		mask |= 1 << slices.Index(set.Views, name)
	}
	return mask
}
