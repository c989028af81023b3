package evaluation

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
)

// realSet is the six-camera data set, or a skipped test where it is absent.
func realSet(t *testing.T) *dataset.Set {
	t.Helper()
	dir := os.Getenv("GANGLION_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data") // beside the module
	}
	path := filepath.Join(dir, "epfl-six-cameras-distinct.npz")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is absent; set GANGLION_DATA to the folder that has it", path)
	}
	set, err := dataset.Open(path, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// What is known of the real test frames, whatever the network: its figures depend on
// the same counting.
func TestKnownOfTheRealData(t *testing.T) {
	set := realSet(t)
	frames, err := dataset.ParseFrames("1-65,190-204")
	if err != nil {
		t.Fatal(err)
	}
	samples, err := set.SamplesIn(frames)
	if err != nil {
		t.Fatal(err)
	}
	top, err := topology.Preset("c", topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := inference.NewBundle(reference.Random(top, 1))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), b, set, samples, SplitTest)
	if err != nil {
		t.Fatal(err)
	}
	if r.Samples != 190 || r.NoView != 0 {
		t.Errorf("%d samples, %d without a view; want 190, 0", r.Samples, r.NoView)
	}
	percentOf := func(n Number) float64 { return math.Round(1000*float64(n)) / 10 }
	if m, p := percentOf(r.Baselines.Majority), percentOf(r.Baselines.Presence); m != 61.6 || p != 85.3 {
		t.Errorf("baselines %v %% and %v %%, want 61.6 and 85.3", m, p)
	}
	noView := map[string]int{}
	for _, m := range r.Missing {
		switch {
		case len(m.Views) == 1 && m.Views[0] == 4:
			noView["4"] = m.NoView
		case len(m.Views) == 2 && m.Views[0] == 3 && m.Views[1] == 4:
			noView["3,4"] = m.NoView
		}
	}
	if noView["4"] != 14 || noView["3,4"] != 58 {
		t.Errorf("without view 4, and 3 and 4, %v have no view left; want 14 and 58", noView)
	}
	seen := 0
	for _, d := range r.Devices {
		seen += d.Samples
	}
	if mean := math.Round(10*float64(seen)/190) / 10; mean != 3.6 {
		t.Errorf("%v views are seen on average, want 3.6", mean)
	}
}
