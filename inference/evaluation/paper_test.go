package evaluation

import (
	"context"
	"math"
	"testing"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// crowded is 50 samples in which every view of a topology sees something.
func crowded(t *testing.T, top *topology.Topology) *dataset.Set {
	t.Helper()
	var samples []sampleOf
	for i := range 50 {
		samples = append(samples, sampleOf{top.AllViews(), i % 3})
	}
	return made(t, top, samples...)
}

func reportOf(t *testing.T, top *topology.Topology, set *dataset.Set) *Report {
	t.Helper()
	r, err := Run(context.Background(), untrained(t, top), set, Every(set), SplitAll)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Section III-D: a sample exits where its normalized entropy is at most T, so that
// T = 1 lets every sample exit locally and T = 0 none that is not certain.
func TestPaperEndsOfTheThreshold(t *testing.T) {
	top := paperTopology(t, "c", 3)
	r := reportOf(t, top, crowded(t, top))
	if first, last := r.Sweep[0], r.Sweep[len(r.Sweep)-1]; first.T != 0 || first.LocalExit != 0 || last.T != 1 || last.LocalExit != 1 {
		t.Errorf("T = %v lets %v exit, T = %v %v; want none and all", first.T, first.LocalExit, last.T, last.LocalExit)
	}
}

// Section III-E: a device sends c = 4|C| + (1 - l) f o / 8 bytes per sample, at
// every share l of local exits.
func TestPaperCommunicationCost(t *testing.T) {
	top := paperTopology(t, "c", 3)
	r := reportOf(t, top, crowded(t, top))
	between := 0
	for _, row := range r.Sweep {
		want := 4*3 + float64((1-row.LocalExit)*4*16/8)
		if math.Abs(float64(row.PayloadPerDevice)-want) > 1e-9 || row.PayloadPerSeenView != row.PayloadPerDevice {
			t.Errorf("T = %v, l = %v: %v bytes per device, %v per seen view; want %v for both", row.T, row.LocalExit, row.PayloadPerDevice, row.PayloadPerSeenView, want)
		}
		if row.LocalExit > 0 && row.LocalExit < 1 {
			between++
		}
	}
	if between == 0 {
		t.Error("no T sends only a part up: the formula was tried at its ends alone")
	}
}

// Section III-E speaks of devices that all see the object. Ours may not: those with
// nothing in view send nothing, so that a seen view costs the formula's bytes and a
// device less.
func TestUnseenViewsSendNothing(t *testing.T) {
	top := paperTopology(t, "c", 3)
	set := made(t, top, sampleOf{0b001, 0}, sampleOf{0b011, 1}, sampleOf{0b000, 2}, sampleOf{0b100, 2})
	r := reportOf(t, top, set)
	for _, row := range []SweepRow{r.Sweep[0], r.Sweep[len(r.Sweep)-1]} {
		want := top.PayloadPerView(row.T) // l is T at both ends
		if row.PayloadPerSeenView != Number(want) || row.PayloadPerDevice != Number(want*4/12) {
			t.Errorf("T = %v: %v bytes per seen view, %v per device; want %v and a third of it", row.T, row.PayloadPerSeenView, row.PayloadPerDevice, want)
		}
	}
}

// Section III-F: local accuracy is that of exiting every sample locally, which the
// exit rule does at T = 1; cloud accuracy that of sending every sample up.
func TestPaperAccuracyMeasures(t *testing.T) {
	top := paperTopology(t, "c", 3)
	r := reportOf(t, top, crowded(t, top))
	if last := r.Sweep[len(r.Sweep)-1]; r.Accuracy.Local != last.Overall {
		t.Errorf("local accuracy %v, overall at T = 1 %v: want the same", r.Accuracy.Local, last.Overall)
	}
	if first := r.Sweep[0]; r.Accuracy.Cloud != first.Overall {
		t.Errorf("cloud accuracy %v, overall at T = 0 %v: want the same", r.Accuracy.Cloud, first.Overall)
	}
	if r.Accuracy.Local == r.Accuracy.Cloud {
		t.Error("both tiers are as good: the test cannot tell them apart")
	}
}

// Section IV-D: the larger T, the more samples exit locally and the fewer bytes are
// sent.
func TestPaperThresholdTradesBytesForLocalExits(t *testing.T) {
	for _, preset := range []string{"b", "c", "d", "e", "f", "elastic"} {
		views := 3
		if preset == "b" || preset == "d" {
			views = 1
		}
		top := paperTopology(t, preset, views)
		r := reportOf(t, top, crowded(t, top))
		for i := 1; i < len(r.Sweep); i++ {
			before, now := r.Sweep[i-1], r.Sweep[i]
			if now.LocalExit < before.LocalExit || now.PayloadPerDevice > before.PayloadPerDevice {
				t.Errorf("preset %s: T = %v: local %v, %v bytes; T = %v: local %v, %v bytes",
					preset, before.T, before.LocalExit, before.PayloadPerDevice, now.T, now.LocalExit, now.PayloadPerDevice)
			}
		}
	}
}

// Section IV-G: the system still answers with any devices failed, as long as one
// that is left sees the object.
func TestPaperAnyDevicesMayFail(t *testing.T) {
	top := paperTopology(t, "f", 4)
	r := reportOf(t, top, crowded(t, top))
	if len(r.Missing) != 4+6+4 {
		t.Errorf("%d sets of failed devices, want every one of 1 to 3 of 4", len(r.Missing))
	}
	for _, m := range r.Missing {
		if m.NoView != 0 || math.IsNaN(float64(m.Overall)) {
			t.Errorf("without %v: %d samples unanswered, accuracy %v", m.Views, m.NoView, m.Overall)
		}
	}
}
