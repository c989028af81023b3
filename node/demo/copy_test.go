package demo

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ganglion/inference/dataset"
)

// The nodes must replay the very samples that the judge has: the copy that they are given
// has the same hash, whatever was chosen of the data.
func TestCopyIsTheSame(t *testing.T) {
	_, set := street(t)
	two, err := set.SelectViews([]int{4, 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*dataset.Set{"six views": set, "two views": two} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data.npz")
			if err := writeSet(path, s); err != nil {
				t.Fatal(err)
			}
			got, err := dataset.Open(path, dataset.Options{Classes: s.Classes, Views: s.Views})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s, got, cmpopts.IgnoreFields(dataset.Set{}, "Name", "Synthetic", "Pixels")); diff != "" {
				t.Errorf("(-written +read):\n%.2000s", diff)
			}
			if !bytes.Equal(s.Pixels, got.Pixels) {
				t.Errorf("the %d bytes of pixels that were read are not the %d that were written", len(got.Pixels), len(s.Pixels))
			}
		})
	}
}
