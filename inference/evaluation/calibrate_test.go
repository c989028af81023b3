package evaluation

import (
	"math/bits"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// Calibrated thresholds must be usable, and the outcome that goes with them must be
// what the network then does.
func TestCalibrate(t *testing.T) {
	for _, tt := range []struct {
		preset string
		views  int
		policy Policy
	}{
		{"a", 3, Policy{}},
		{"b", 1, Policy{}},
		{"c", 3, Policy{}},
		{"d", 1, Policy{}},
		{"f", 4, Policy{}},
		{"c", 3, Policy{MinLocal, 0.5}},
		{"f", 3, Policy{MaxBytes, 15}},
		{"e", 3, Policy{MinAccuracy, 0.1}},
		{"elastic", 9, Policy{MinLocal, 0.3}}, // subsets are drawn
	} {
		t.Run(tt.preset+" "+tt.policy.String(), func(t *testing.T) {
			top := paperTopology(t, tt.preset, tt.views)
			m, set := untrained(t, top).Model(), scene(t, top)
			thresholds, outcome, err := Calibrate(m, set, Every(set), tt.policy)
			if err != nil {
				t.Fatal(err)
			}
			exits := top.Exits()
			for _, exit := range exits[:len(exits)-1] {
				if values := thresholds.BySeen(exit); len(values) != tt.views || !slices.IsSorted(values) {
					t.Errorf("thresholds of exit %v are %v, want %d that do not decrease", exit, values, tt.views)
				}
			}
			at, err := At(m, set, Every(set), thresholds)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(at, outcome.At, sameNumber); diff != "" {
				t.Errorf("outcome (-does +says):\n%s", diff)
			}
			if outcome.Samples == 0 || outcome.Samples >= set.Len() {
				t.Errorf("%d samples, want those with a label and a view, of %d", outcome.Samples, set.Len())
			}
		})
	}
}

// A sample that sees many views has many subsets of them; it must not outvote one
// that sees few.
func TestSamplesWeighTheSame(t *testing.T) {
	for _, views := range []int{4, 9} { // every subset, and drawn ones
		top := paperTopology(t, "c", views)
		m, set := untrained(t, top).Model(), scene(t, top)
		c := calibration{topology: top}
		if err := c.observe(m, set, Every(set)); err != nil {
			t.Fatal(err)
		}
		for i, cases := range c.cases {
			total := make([]float64, views+1)
			for _, w := range cases {
				total[bits.OnesCount64(w.seen)] += w.weight
				if w.seen&^c.answers[i].seen != 0 {
					t.Fatalf("%d views, sample %d: views %b are not among the seen %b", views, i, w.seen, c.answers[i].seen)
				}
			}
			for size := 1; size <= bits.OnesCount64(c.answers[i].seen) && c.answers[i].scored(); size++ {
				if total[size] < 1-weightSlack || total[size] > 1+weightSlack {
					t.Errorf("%d views, sample %d: its subsets of %d weigh %v, want 1", views, i, size, total[size])
				}
			}
		}
	}
}

// Same evidence, same thresholds: a bundle's bytes depend on them.
func TestCalibrateRepeats(t *testing.T) {
	top := paperTopology(t, "f", 9)
	m, set := untrained(t, top).Model(), scene(t, top)
	first, _, err := Calibrate(m, set, Every(set), Policy{})
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := Calibrate(m, set, Every(set), Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for _, exit := range []topology.Exit{topology.ExitLocal, topology.ExitEdge} {
		if diff := cmp.Diff(first.BySeen(exit), second.BySeen(exit)); diff != "" {
			t.Errorf("exit %v (-first +second):\n%s", exit, diff)
		}
	}
}

// What cannot be calibrated on must be refused with the reason.
func TestCalibrateRefuses(t *testing.T) {
	top := paperTopology(t, "c", 3)
	m := untrained(t, top).Model()
	set := made(t, top, sampleOf{1, 0}, sampleOf{1, 1}, sampleOf{0, 1}, sampleOf{3, dataset.NotPresent})
	other := paperTopology(t, "c", 2)
	tests := []struct {
		name    string
		set     *dataset.Set
		samples []int
		policy  Policy
		want    string
	}{
		{"no samples", set, nil, Policy{}, "none of the 0 validation samples"},
		{"nothing seen, nothing labelled", set, []int{2, 3}, Policy{}, "none of the 2 validation samples"},
		{"data of another network", made(t, other, sampleOf{1, 0}, sampleOf{1, 1}), []int{0}, Policy{}, "2 views, the model 3"},
		{"accuracy in percent", set, []int{0, 1}, Policy{MinAccuracy, 97}, "97 is not a share"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Calibrate(m, tt.set, tt.samples, tt.policy)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
