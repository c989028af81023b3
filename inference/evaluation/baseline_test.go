package evaluation

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// made is a data set of samples given by the views that see something and the
// label of the sample and of these views; frames count up.
func made(t *testing.T, top *topology.Topology, samples ...sampleOf) *dataset.Set {
	t.Helper()
	set := dataset.Set{
		Name: "made", Classes: top.Classes, Views: top.Views,
		Channels: top.Input.Channels, Rows: top.Input.Rows, Cols: top.Input.Cols,
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i, s := range samples {
		for v := range top.Views {
			label := dataset.NotPresent
			pixels := make([]byte, top.Input.Size())
			if s.seen&(1<<v) != 0 {
				label = s.label
				pattern(pixels, r)
			}
			set.Pixels = append(set.Pixels, pixels...)
			set.ViewLabels = append(set.ViewLabels, label)
		}
		set.Labels = append(set.Labels, s.label)
		set.Frames = append(set.Frames, i)
	}
	out, err := dataset.New(set)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// pattern fills a view with stripes of random width, contrast and brightness, none
// of them black: views that differ enough for an untrained network to disagree on.
func pattern(pixels []byte, r *rand.Rand) {
	width, low, high := 1+r.IntN(24), 1+r.IntN(255), 1+r.IntN(255)
	for p := range pixels {
		pixels[p] = byte(low)
		if p/width%2 == 0 {
			pixels[p] = byte(high)
		}
	}
}

// sampleOf is one sample: the views that see something, and its label.
type sampleOf struct {
	seen  uint64
	label int
}

// A network that is no better than these has learned nothing from pictures, so they
// must be learned where training was, and scored where the network is.
func TestBaselines(t *testing.T) {
	top := paperTopology(t, "c", 2)
	none := dataset.NotPresent
	set := made(t, top,
		// 0 to 6, to learn from: class 1 is the most frequent; view 0 alone means class 0,
		// view 1 alone is a tie of 1 and 2, both views mean 1.
		sampleOf{1, 0}, sampleOf{1, 0}, sampleOf{1, 1}, sampleOf{2, 1}, sampleOf{2, 2}, sampleOf{3, 1}, sampleOf{1, none},
		// 7 to 12, to evaluate.
		sampleOf{1, 0}, sampleOf{1, 1}, sampleOf{2, 2}, sampleOf{3, 1}, sampleOf{0, 1}, sampleOf{3, none},
	)
	tests := []struct {
		name    string
		samples []int
		want    Baselines
	}{
		// Majority says 1 of the labels 0 1 2 1; presence says 0 0 1 1.
		{"learned on the rest", []int{7, 8, 9, 10, 11, 12}, Baselines{0.5, 0.5, "bus", 6, false}},
		// Of all: labels 0 x 3, 1 x 6 (one unseen), 2 x 2. View 0 alone: 3 of 0, 2 of 1.
		// View 1 alone: 1 of 1, 2 of 2. Both: 1. Scored are the 10 with a view and a label.
		{"learned on itself", Every(set), Baselines{0.5, 0.7, "bus", 11, true}},
		{"nothing to score", []int{11, 12}, Baselines{Number(math.NaN()), Number(math.NaN()), "bus", 10, false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := baselines(top, set, tt.samples)
			if diff := cmp.Diff(tt.want, got, sameNumber); diff != "" {
				t.Errorf("baselines (-want +got):\n%s", diff)
			}
		})
	}
}

// A pattern that was never learned is answered with the most frequent class.
func TestUnknownPattern(t *testing.T) {
	top := paperTopology(t, "c", 2)
	set := made(t, top, sampleOf{1, 0}, sampleOf{1, 1}, sampleOf{1, 1}, sampleOf{2, 1}, sampleOf{2, 0})
	got := baselines(top, set, []int{3, 4})
	if got.Presence != 0.5 || got.MajorityClass != "bus" {
		t.Errorf("presence %v by %s, want 0.5 by bus: one of the two is a bus", float64(got.Presence), got.MajorityClass)
	}
}

// With the presence rule "always" the bits say nothing: presence is the majority.
func TestPresenceOfAlways(t *testing.T) {
	top := paperTopology(t, "c", 2)
	top.Presence = topology.Always
	set := made(t, top, sampleOf{1, 0}, sampleOf{2, 1}, sampleOf{2, 1}, sampleOf{1, 0}, sampleOf{2, 1})
	got := baselines(top, set, []int{3, 4})
	if got.Presence != got.Majority || got.Majority != 0.5 {
		t.Errorf("presence %v, majority %v, want 0.5 for both", float64(got.Presence), float64(got.Majority))
	}
}
