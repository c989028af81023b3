package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/inference/train"
)

// A network that was trained for a demo must be found the next time, and only where
// topology and data are the same; a damaged file must not stand in the way.
func TestQuickKeepsNetworks(t *testing.T) {
	set, err := dataset.Open("street:samples=16,seed=4", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	one, err := set.SelectViews([]int{0, 2})
	if err != nil {
		t.Fatal(err)
	}
	base := topology.Base{Views: one.Views, Classes: one.Classes, Input: one.Shape()}
	open := func(preset string) *topology.Topology {
		made, err := topology.Open(preset, base)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	cache := filepath.Join(t.TempDir(), "cache")
	quick := func(preset string, set *dataset.Set) (id string, kept bool) {
		b, kept, err := Quick(t.Context(), open(preset), set, cache, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b.ID().String(), kept
	}
	first, kept := quick("c", one)
	if kept {
		t.Error("a network was there before it was made")
	}
	if again, kept := quick("c", one); again != first || !kept {
		t.Errorf("the second time: %s, kept %v; want %s, true", again, kept, first)
	}
	if other, kept := quick("elastic", one); other == first || kept {
		t.Errorf("another topology: %s, kept %v", other, kept)
	}
	files, err := filepath.Glob(filepath.Join(cache, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if again, kept := quick("c", one); again != first || kept {
		t.Errorf("from a damaged file: %s, kept %v; want %s, false", again, kept, first)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Quick(stopped, open("c"), one, "", nil); !errors.Is(err, train.ErrInterrupted) {
		t.Errorf("interrupted: got %v", err)
	}
}
