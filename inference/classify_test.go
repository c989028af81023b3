package inference_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
)

// views is a sample of noise in which the views of the set nothing are all zeros.
func views(top *topology.Topology, seed, nothing uint64) [][]byte {
	random := rand.New(rand.NewPCG(seed, 0))
	out := make([][]byte, len(top.Views))
	for v := range out {
		out[v] = make([]byte, top.Input.Size())
		if nothing>>v&1 == 1 {
			continue
		}
		for i := range out[v] {
			out[v][i] = byte(random.IntN(256))
		}
	}
	return out
}

// exitAll is thresholds with which everything that reaches the named exit leaves there.
func exitAll(t *testing.T, top *topology.Topology, at topology.Exit) inference.Thresholds {
	t.Helper()
	values := map[topology.Exit][]float64{}
	exits := top.Exits()
	for _, e := range exits[:len(exits)-1] {
		values[e] = []float64{0}
		if e >= at {
			values[e] = []float64{1}
		}
	}
	th, err := inference.NewThresholds(top, values)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

// Section III-A: a sample leaves at the first exit that is sure enough, and nothing above
// that exit is asked.
func TestASampleLeavesAtTheFirstSureExit(t *testing.T) {
	b := seal(t, reference.Random(preset(t, "f", "a", "b", "c", "d"), 3))
	top := b.Topology()
	for _, row := range []struct {
		at   topology.Exit
		want int // proposals met
	}{{topology.ExitLocal, 1}, {topology.ExitEdge, 3}, {topology.ExitCloud, 5}} {
		v := b.Model().Classify(views(top, 1, 0), exitAll(t, top, row.at), b.Model().NewScratch())
		if v.Exit != row.at || len(v.Proposals) != row.want || v.Proposals[len(v.Proposals)-1].Exit != row.at {
			t.Errorf("with exits from %s on open: left at %s after %d proposals, want %d", row.at, v.Exit, len(v.Proposals), row.want)
		}
	}
}

// A view with nothing in view, a missing view and an absent one are the same to the
// aggregators: the scores must not depend on which it was, only the account of it does.
func TestUnseenIsUnseenForWhateverReason(t *testing.T) {
	b := seal(t, reference.Random(preset(t, "c", "a", "b", "c"), 5))
	m, s := b.Model(), b.Model().NewScratch()
	th := exitAll(t, b.Topology(), topology.ExitCloud)
	nothing := m.Classify(views(b.Topology(), 1, 0b010), th, s)
	pixels := views(b.Topology(), 1, 0b010)
	pixels[1] = nil
	missing := m.Classify(pixels, th, s)
	if diff := cmp.Diff(nothing.Proposals, missing.Proposals); diff != "" {
		t.Errorf("proposals differ: %s", diff)
	}
	if nothing.Seen != 0b101 || nothing.Nothing != 0b010 || nothing.Missing != 0 ||
		missing.Seen != 0b101 || missing.Nothing != 0 || missing.Missing != 0b010 {
		t.Errorf("accounts are %+v and %+v", nothing, missing)
	}
}

// Without a seen view there is nothing to answer from: never a guess of the prior.
func TestNoViewIsNoClass(t *testing.T) {
	for _, name := range []string{"a", "c", "e", "f", "elastic"} {
		b := seal(t, reference.Random(preset(t, name, "a", "b", "c"), 1))
		v := b.Model().Classify(views(b.Topology(), 1, 0b111), b.Thresholds(), b.Model().NewScratch())
		if v.Exit != topology.ExitNone || v.Class != -1 || v.Proposals != nil || v.Probabilities() != nil || v.Nothing != 0b111 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// Section III-A (f): a group without a seen view proposes nothing, and the cloud answers
// from the others.
func TestGroupWithoutAView(t *testing.T) {
	b := seal(t, reference.Random(preset(t, "f", "a", "b", "c", "d"), 7))
	v := b.Model().Classify(views(b.Topology(), 1, 0b0011), exitAll(t, b.Topology(), topology.ExitCloud), b.Model().NewScratch())
	type met struct {
		Exit        topology.Exit
		Group, Seen int
	}
	var got []met
	for _, p := range v.Proposals {
		got = append(got, met{p.Exit, p.Group, p.Seen})
	}
	want := []met{{topology.ExitLocal, 1, 2}, {topology.ExitEdge, 1, 2}, {topology.ExitCloud, 0, 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("proposals (-want +got): %s", diff)
	}
}

// Sections run on other machines than each other, in any number at once: a model shared
// by goroutines must answer each as it answers one.
func TestModelIsSafeForConcurrentUse(t *testing.T) {
	b := seal(t, reference.Random(preset(t, "f", "a", "b", "c", "d"), 9))
	th := exitAll(t, b.Topology(), topology.ExitCloud)
	want := b.Model().Classify(views(b.Topology(), 4, 0), th, b.Model().NewScratch())
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			s := b.Model().NewScratch()
			for range 20 {
				if diff := cmp.Diff(want, b.Model().Classify(views(b.Topology(), 4, 0), th, s)); diff != "" {
					t.Errorf("differs: %s", diff)
				}
			}
		})
	}
	group.Wait()
}

// A device runs its section thousands of times a second for months: it must not feed the
// garbage collector.
func TestSectionsAllocateNothing(t *testing.T) {
	for _, yaml := range []string{"preset: f", "preset: f\nedge: {features: AP}\ncloud: {features: MP}", "preset: f\ndevice: {layers: float}\nedge: {layers: float}\ncloud: {layers: float}"} {
		top, err := topology.Parse("test", []byte(yaml), topology.Base{Views: []string{"a", "b", "c", "d"}, Classes: []string{"x", "y"}})
		if err != nil {
			t.Fatal(err)
		}
		m := seal(t, reference.Random(top, 1)).Model()
		s, device, edge := m.NewScratch(), m.NewOutput(), m.NewEdgeOutput()
		pixels, scores := views(top, 1, 0), make([]float32, 2)
		features := [][]byte{device.Features, device.Features, device.Features, device.Features}
		votes := [][]float32{device.Scores, device.Scores, device.Scores, device.Scores}
		edges := [][]byte{edge.Features, edge.Features}
		for name, run := range map[string]func(){
			"device": func() { m.Device(1, pixels[1], device, s) },
			"local":  func() { m.Local(0, scores, votes, 0b1111, s) },
			"edge":   func() { m.Edge(1, features, 0b1111, edge, s) },
			"cloud":  func() { m.Cloud(scores, edges, 0b11, s) },
		} {
			if n := testing.AllocsPerRun(5, run); n != 0 {
				t.Errorf("%q: the %s section allocates %v times", yaml, name, n)
			}
		}
	}
}

// The paper's claim that the device section fits a small device (section IV: under 2 KB).
func TestDeviceFitsASmallDevice(t *testing.T) {
	b := seal(t, reference.Random(preset(t, "c", "a", "b", "c", "d", "e", "f"), 1))
	weights, scratch := b.Model().DeviceWeightBytes(), b.Model().NewDeviceScratch().Bytes()
	if weights >= 2<<10 || weights+scratch >= 8<<10 {
		t.Errorf("weights take %d bytes and scratch %d; want under 2 KB and under 8 KB in all", weights, scratch)
	}
	top := b.Topology()
	if top.FeatureBytes() != 128 || top.ScoreBytes() != 12 {
		t.Errorf("features take %d bytes and scores %d, want 128 and 12", top.FeatureBytes(), top.ScoreBytes())
	}
}
