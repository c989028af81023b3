package evaluation

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seq is observations of weight 1 with the given entropies, ascending, on which the
// exit and the last exit are both right.
func seq(entropies ...float64) observations {
	var o observations
	for _, e := range entropies {
		o = append(o, observation{entropy: e, weight: 1, here: true, above: true})
	}
	return o
}

// mark sets what the exit and the last exit get right, by place.
func (o observations) mark(place int, here, above bool) observations {
	o[place].here, o[place].above = here, above
	return o
}

// A threshold between two entropies must keep its distance from both, and the ends
// must be exactly 0 and 1: T = 1 always exits, also what is uniform.
func TestSteps(t *testing.T) {
	tests := []struct {
		name string
		o    observations
		want []step
	}{
		{"nothing", nil, []step{{1, 0, 0}}},
		{"two", seq(0.25, 0.75), []step{{0, 0, 0}, {0.5, 1, 0}, {1, 2, 0}}},
		{"equals go together", seq(0.25, 0.25, 0.75), []step{{0, 0, 0}, {0.5, 2, 0}, {1, 3, 0}}},
		{"certain ones exit at 0", seq(0, 0, 0.5), []step{{0, 2, 0}, {1, 3, 0}}},
		{"uniform scores exit at 1 alone", seq(0.5, 1), []step{{0, 0, 0}, {0.75, 1, 0}, {1, 2, 0}}},
		{"all uniform", seq(1, 1), []step{{0, 0, 0}, {1, 2, 0}}},
		{"an error costs", seq(0.25, 0.75).mark(0, false, true), []step{{0, 0, 0}, {0.5, 1, 1}, {1, 2, 1}}},
		{"a rescue pays", seq(0.25, 0.75).mark(1, true, false), []step{{0, 0, 0}, {0.5, 1, 0}, {1, 2, -1}}},
		{"both wrong costs nothing", seq(0.5).mark(0, false, false), []step{{0, 0, 0}, {1, 1, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.o.steps(), cmp.AllowUnexported(step{})); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

// The share that a quantile lets exit is a promise: never more, and as many as fit.
func TestQuantile(t *testing.T) {
	fractions := seq(0.1, 0.3, 0.5)
	for i := range fractions {
		fractions[i].weight = 1.0 / 3 // three of them are not exactly 1
	}
	tests := []struct {
		name  string
		o     observations
		share float64
		want  float64
	}{
		{"half of four", seq(0.125, 0.25, 0.75, 0.875), 0.5, 0.5},
		{"a little less", seq(0.125, 0.25, 0.75, 0.875), 0.49, 0.1875},
		{"all", seq(0.125, 0.25), 1, 1},
		{"none", seq(0, 0.25), 0, 0},
		{"too few for one", seq(0.5, 0.75), 0.4, 0},
		{"equals do not fit together", seq(0.25, 0.5, 0.5, 0.5), 0.5, 0.375},
		{"of weights that do not add up in floats", fractions, 2.0 / 3, 0.4},
		{"all of them", fractions, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.o.quantile(tt.share); got != tt.want {
				t.Errorf("quantile(%v) = %v, want %v", tt.share, got, tt.want)
			}
		})
	}
}

// Exiting must never cost a right answer that sending up would have given.
func TestLossless(t *testing.T) {
	tests := []struct {
		name string
		o    observations
		want float64
	}{
		{"no error", seq(0.25, 0.75), 1},
		{"the least sure is wrong", seq(0.25, 0.75).mark(1, false, true), 0.5},
		{"the surest is wrong", seq(0.25, 0.75).mark(0, false, true), 0},
		{"wrong, and so would be the last exit", seq(0.25, 0.75).mark(1, false, false), 1},
		{"a rescue makes up for an error", seq(0.25, 0.5, 0.75).mark(0, false, true).mark(1, true, false), 1},
		{"an error after a rescue", seq(0.25, 0.5, 0.75).mark(0, true, false).mark(1, false, true), 1},
		{"two errors after a rescue", seq(0.25, 0.5, 0.75).mark(0, true, false).mark(1, false, true).mark(2, false, true), 0.625},
		{"all wrong here, right above", seq(0.25, 0.75).mark(0, false, true).mark(1, false, true), 0},
		{"certain and wrong", seq(0, 0.5).mark(0, false, true), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.o.lossless(); got != tt.want {
				t.Errorf("lossless() = %v, want %v", got, tt.want)
			}
		})
	}
}

// Thresholds must not decrease with the number of views seen: a bundle whose do is
// refused.
func TestIsotonic(t *testing.T) {
	half := func(o observations) float64 { return o.quantile(0.5) }
	tests := []struct {
		name   string
		bySeen []observations
		rule   func(observations) float64
		want   []float64
	}{
		{"rising stays", []observations{seq(0.125, 0.375), seq(0.5, 0.75)}, half, []float64{0.25, 0.625}},
		// Apart: 0.625 and 0.25. Together 0.125 and 0.375 of four exit: half way to 0.5.
		{"falling is pooled", []observations{seq(0.5, 0.75), seq(0.125, 0.375)}, half, []float64{0.4375, 0.4375}},
		// The last one is under the pool of the first two and joins them.
		{"pools are pooled", []observations{seq(0.5, 0.75), seq(0.25, 0.5), seq(0.125, 0.25)}, half, []float64{0.375, 0.375, 0.375}},
		{"equal stays apart", []observations{seq(0.25, 0.75), seq(0.25, 0.75)}, half, []float64{0.5, 0.5}},
		{"gaps take the smaller number's", []observations{seq(0.125, 0.375), nil, seq(0.5, 0.75), nil}, half, []float64{0.25, 0.25, 0.625, 0.625}},
		{"before the first, the first's", []observations{nil, nil, seq(0.5, 0.75)}, half, []float64{0.625, 0.625, 0.625}},
		{"no evidence", []observations{nil, nil}, half, []float64{0, 0}},
		{"one view", []observations{seq(0.5, 0.75)}, half, []float64{0.625}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, isotonic(tt.bySeen, tt.rule)); diff != "" {
				t.Errorf("thresholds (-want +got):\n%s", diff)
			}
		})
	}
}
