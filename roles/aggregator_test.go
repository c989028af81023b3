package roles

import (
	"testing"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// A device with views of several groups sends their features in one message to a node that
// aggregates all of them. Each edge section runs on its own group's views alone: it once ran
// on all, and its answer was not the network's.
func TestEdgeTakesItsOwnGroup(t *testing.T) {
	m := &Features{Tier: topology.ExitEdge, AnswerTo: "c", Items: []FeatureItem{
		{Sample: beatOf(1), Source: 0, Expect: 0b1111},
		{Sample: beatOf(1), Source: 3, Expect: 0b1111},
		{Sample: SampleID{Site: "elsewhere", Run: run7}, Source: 0, Expect: 0b1111},
	}}
	a := NewAggregator("a", hall, 0, []int{0, 1}, Epoch{1, "a"}, func(inference.BundleID, uint64) *Bundled { return nil })
	own := a.ownFeatures(m)
	if own == nil || len(own.Items) != 1 || own.Items[0].Source != 0 || own.Items[0].Sample != beatOf(1) {
		t.Errorf("got %+v, want view 0 of the hall alone", own)
	}
	if len(m.Items) != 3 {
		t.Error("the message was altered: others read it")
	}
	if got := a.ownFeatures(&Features{Tier: topology.ExitCloud, Items: m.Items}); got != nil {
		t.Errorf("got %+v of the cloud's", got)
	}
}
