package evaluation

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// Without a view there is no guess: such samples are counted, and scored neither
// right nor wrong; over all samples they are not answered.
func TestLeftOf(t *testing.T) {
	const atLocal, atCloud = 1 << topology.ExitLocal, 1 << topology.ExitCloud
	nan := Number(math.NaN())
	tests := []struct {
		name     string
		fates    []fate
		labelled int
		want     Left
	}{
		{
			"each",
			[]fate{
				{right, topology.ExitLocal, atLocal},
				{wrong, topology.ExitCloud, 0},
				{},
				{right, topology.ExitCloud, atLocal | atCloud},
				{unlabelled, topology.ExitLocal, 0},
			},
			4,
			Left{
				Samples: 5, NoView: 1, Overall: Number(2.0 / 3), Interval: Wilson(2, 3),
				Answered: 0.75, OfAll: 0.5, OfAllInterval: Wilson(2, 4), Local: Number(2.0 / 3), Cloud: Number(1.0 / 3), LocalExit: 0.4,
			},
		},
		{
			"no view at all",
			[]fate{{}, {}},
			2,
			Left{Samples: 2, NoView: 2, Overall: nan, Interval: Interval{nan, nan}, Answered: 0, OfAll: 0, OfAllInterval: Wilson(0, 2), Local: nan, Cloud: nan},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := leftOf(paperTopology(t, "c", 2), tt.fates, tt.labelled)
			if diff := cmp.Diff(tt.want, got, sameNumber); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
}

// Means and worsts are promised figures: a set that leaves nothing to score must
// spoil neither.
func TestSumUp(t *testing.T) {
	nan := Number(math.NaN())
	without := func(view, noView int, overall Number) Missing {
		return Missing{[]int{view}, Left{Samples: 4, NoView: noView, Overall: overall, Interval: Interval{overall, 1}}}
	}
	sets := []Missing{without(0, 1, 0.75), without(1, 0, 0.5), without(2, 4, nan), without(3, 0, 1)}
	tests := []struct {
		name string
		sets []Missing
		want MissingByCount
	}{
		{"some", sets, MissingByCount{1, 4, false, 0.75, 1, 0.5, Interval{0.5, 1}, []int{1}, 1.25 / 4}},
		{"first of equals", []Missing{sets[1], without(9, 0, 0.5)}, MissingByCount{1, 2, false, 0.5, 0.5, 0.5, Interval{0.5, 1}, []int{1}, 0}},
		{"nothing left", sets[2:3], MissingByCount{1, 1, false, nan, nan, nan, Interval{nan, nan}, []int{}, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := sumUp(1, tt.sets, true)
			if diff := cmp.Diff(tt.want, got, sameNumber); diff != "" {
				t.Errorf("sum (-want +got):\n%s", diff)
			}
		})
	}
}

// Every set must be there that the report promises, and none that leaves no view.
func TestMissingSets(t *testing.T) {
	tests := []struct {
		views int
		want  []int // sets by size
	}{
		{1, nil},
		{2, []int{2}},
		{6, []int{6, 15, 20, 15, 6}},
		{8, []int{8, 28, 56, 70, 56, 28, 8}},
		{9, []int{9, 36, 24, 24, 24, 24, 24, 9}},
	}
	for _, tt := range tests {
		var got []int
		for _, sets := range missingSets(&topology.Topology{Views: make([]string, tt.views)}) {
			got = append(got, len(sets))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%d views (-want +got):\n%s", tt.views, diff)
		}
	}
}

// Readers look a pair up by its first view.
func TestMissingSetsAreInOrder(t *testing.T) {
	var got [][]int
	for _, set := range missingSets(&topology.Topology{Views: make([]string, 4)})[1] {
		got = append(got, members(set))
	}
	if diff := cmp.Diff([][]int{{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}}, got); diff != "" {
		t.Errorf("pairs of four (-want +got):\n%s", diff)
	}
}

// The exit rule decides a sample's fate, with whatever views are left.
func TestFateOf(t *testing.T) {
	top := paperTopology(t, "c", 2)
	open, err := inference.NewThresholds(top, map[topology.Exit][]float64{topology.ExitLocal: {0.5}})
	if err != nil {
		t.Fatal(err)
	}
	nameless := said(0.25, 0, 0)
	nameless.label = dataset.NotPresent
	tests := []struct {
		name string
		a    answer
		want outcome
	}{
		{"exits, right", said(0.25, 0, 1), right},
		{"exits, wrong", said(0.25, 1, 0), wrong},
		{"at the threshold it exits", said(0.5, 0, 1), right},
		{"goes up, right", said(0.75, 1, 0), right},
		{"goes up, wrong", said(0.75, 0, 1), wrong},
		{"no label", nameless, unlabelled},
		{"no view", answer{label: 0}, noView},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fateOf(&tt.a, open).outcome; got != tt.want {
				t.Errorf("outcome %v, want %v", got, tt.want)
			}
		})
	}
}
