package evaluation

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// Recall, precision and balanced accuracy by hand: a class that does not occur has
// no recall and must not pull the mean down.
func TestClassFigures(t *testing.T) {
	got := classFigures([]string{"a", "b", "c"}, [][]int{{3, 1, 0}, {2, 2, 0}, {0, 0, 0}})
	if got[0].Recall != 0.75 || got[1].Recall != 0.5 || !math.IsNaN(float64(got[2].Recall)) {
		t.Errorf("recalls %v %v %v, want 0.75 0.5 NaN", float64(got[0].Recall), float64(got[1].Recall), float64(got[2].Recall))
	}
	if got[0].Precision != 0.6 || got[1].Precision != Number(2.0/3) || !math.IsNaN(float64(got[2].Precision)) {
		t.Errorf("precisions %v %v %v, want 0.6 0.667 NaN", float64(got[0].Precision), float64(got[1].Precision), float64(got[2].Precision))
	}
	if got[0].Samples != 4 || got[0].Interval != Wilson(3, 4) {
		t.Errorf("%d samples in %v, want 4 in %v", got[0].Samples, got[0].Interval, Wilson(3, 4))
	}
	if b := balanced(got); b != 0.625 {
		t.Errorf("balanced accuracy %v, want 0.625", float64(b))
	}
	if b := balanced(got[2:]); !math.IsNaN(float64(b)) {
		t.Errorf("balanced accuracy of no class %v, want NaN", float64(b))
	}
}

// Payload by hand, for what the formula of section III-E leaves open: views that see
// nothing, a group of one view, raw views.
func TestDevicePayload(t *testing.T) {
	tests := []struct {
		name   string
		preset string
		views  int
		seen   uint64
		exit   topology.Exit
		want   int64
	}{
		{"two of three views, local", "c", 3, 0b101, topology.ExitLocal, 2 * 12},
		{"two of three views, sent up", "c", 3, 0b101, topology.ExitCloud, 2 * (12 + 8)},
		{"no view", "c", 3, 0, topology.ExitNone, 0},
		{"raw", "a", 3, 0b111, topology.ExitCloud, 3 * 192},
		{"a device's own aggregator", "b", 1, 1, topology.ExitLocal, 0},
		{"a device's own aggregator, sent up", "b", 1, 1, topology.ExitCloud, 8},
		{"an edge has the features already", "e", 2, 0b11, topology.ExitEdge, 2 * (12 + 8)},
		{"groups of two and of one", "f", 3, 0b111, topology.ExitLocal, 2 * 12},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := devicePayload(paperTopology(t, tt.preset, tt.views), tt.seen, tt.exit); got != tt.want {
				t.Errorf("payload %d, want %d", got, tt.want)
			}
		})
	}
}

// Thresholds are told for every number of views, also where the bundle's table is
// shorter, so that a reader needs no rule.
func TestThresholdsByName(t *testing.T) {
	top := paperTopology(t, "e", 3)
	thresholds, err := inference.NewThresholds(top, map[topology.Exit][]float64{topology.ExitLocal: {0.25, 0.5}, topology.ExitEdge: {1}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]float64{
		"local": {"1": 0.25, "2": 0.5, "3": 0.5},
		"edge":  {"1": 1, "2": 1, "3": 1},
	}
	if diff := cmp.Diff(want, ThresholdsByName(top, thresholds)); diff != "" {
		t.Errorf("thresholds (-want +got):\n%s", diff)
	}
}
