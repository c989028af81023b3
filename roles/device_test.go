package roles

import (
	"testing"
	"time"

	"ganglion/inference/topology"
)

// What is sent a second time, because nobody answered or another took the role, is no cost
// of the network as the paper counts it: it is counted apart, however often it happens, and
// whatever was the first to be sent.
func TestPayloadCountsOnce(t *testing.T) {
	const scores, features = 4 * 3, 100
	d := NewDevice("camera", "hall", 1, [][]int{{0, 1}}, false, 1<<20)
	o := &Observation{
		Sample: SampleID{Site: "hall", Run: 1, Beat: 7},
		Views:  []ViewResult{{View: 0, Seen: true, Scores: make([]float32, scores/4), Features: make([]byte, features)}},
	}
	want := Payload{}
	check := func(when string) {
		t.Helper()
		if got := d.Payload(); got != want {
			t.Errorf("%s: got %+v, want %+v", when, got, want)
		}
	}
	var fx Effects
	d.Captured(0, []*Observation{o}, &fx)
	check("without an aggregator")

	// The first that it is told of hears what is retained: that is the first time.
	aggregator := Holding{Peer: "a", Epoch: Epoch{Counter: 1, Peer: "a"}}
	scene := Scene{Coordinator: aggregator, Aggregators: []Holding{aggregator}}
	d.SetScene(0, scene, &fx)
	want.Bytes, want.SeenViews = scores, 1
	check("to the first aggregator")

	ask := &Ask{Role: d.beating, Epoch: aggregator.Epoch, Tier: topology.ExitCloud, To: "c", Items: []Wanted{{Sample: o.Sample, Expect: 1}}}
	d.Receive(0, "a", ask, &fx)
	want.Bytes += features
	check("asked for features")

	d.Tick(Instant(0).Add(2*ResendAfter+time.Second), &fx)
	want.Again += scores
	check("old without a seal")

	d.Receive(0, "a", ask, &fx)
	want.Again += features
	check("asked for features again")
}
