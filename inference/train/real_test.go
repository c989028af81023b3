package train

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// dataFolder is where data sets are that the repository must not hold, relative
// to this package, unless GANGLION_DATA says otherwise.
const dataFolder = "../../../shared/data"

// A few epochs on real cameras must beat what the mere presence of views tells,
// at both exits and with views missing. Whole runs are in docs/results.md.
func TestRunOnRealCameras(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for some seconds")
	}
	folder := os.Getenv("GANGLION_DATA")
	if folder == "" {
		folder = dataFolder
	}
	path := filepath.Join(folder, "epfl-six-cameras-distinct.npz")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no data set %s: set GANGLION_DATA to the folder that has it", path)
	}
	set, err := dataset.Open(path, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	frames, err := dataset.ParseFrames("1-65,190-204")
	if err != nil {
		t.Fatal(err)
	}
	split, err := set.Split(dataset.SplitOptions{Test: frames, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	topo, err := topology.Preset("c", topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Defaults()
	cfg.Seed, cfg.Epochs, cfg.WarmUp = 1, 10, 1
	var last Progress
	if _, err := Run(context.Background(), cfg, set, split, topo, func(p Progress) { last = p }); err != nil {
		t.Fatal(err)
	}
	const presenceAlone = 0.853 // of the test samples, by the data set's README
	for _, head := range []Head{HeadLocal, HeadCloud} {
		for name, figures := range map[string]Figures{"all views": last.Validation.Full, "views missing": last.Validation.Missing} {
			if got := figures[head].Accuracy(); got <= presenceAlone {
				t.Errorf("%v exit, %s: validation accuracy %.3f, want more than %.3f", head, name, got, presenceAlone)
			}
		}
	}
}
