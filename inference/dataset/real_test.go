package dataset

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// realData is a file of photographs, which the project may not contain.
func realData(t *testing.T, name string) *Set {
	t.Helper()
	dir := os.Getenv("GANGLION_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is absent; set GANGLION_DATA to the folder that has it", name)
	}
	set, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// What is known of the photographs, from their description, is what is read.
func TestRealData(t *testing.T) {
	rows := []struct {
		name    string
		samples int
		counts  []int
	}{
		{"epfl-six-cameras.npz", 1130, []int{797, 7, 326}},
		{"epfl-six-cameras-distinct.npz", 555, []int{225, 7, 323}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			set := realData(t, row.name)
			if set.Len() != row.samples {
				t.Errorf("there are %d samples, want %d", set.Len(), row.samples)
			}
			if diff := cmp.Diff(row.counts, set.ClassCounts()); diff != "" {
				t.Errorf("samples by class (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"car", "bus", "person"}, set.Classes); diff != "" {
				t.Errorf("classes (-want +got):\n%s", diff)
			}
		})
	}
}

// The suggested split has 190 test samples, of which 3.6 views are seen in the
// mean; without the views 3 and 4, 58 of them have none left.
func TestRealTestSplit(t *testing.T) {
	set := realData(t, "epfl-six-cameras-distinct.npz")
	frames, err := ParseFrames("1-65,190-204")
	if err != nil {
		t.Fatal(err)
	}
	split, err := set.Split(SplitOptions{Test: frames, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.FramesOf(split.Test).String(); got != "1-65,190-204" {
		t.Errorf("test frames are %s", got)
	}
	seen, without := 0, 0
	for _, i := range split.Test {
		left := false
		for v := range set.Views {
			if present(set.View(i, v)) {
				seen++
				left = left || v != 3 && v != 4
			}
			if got, want := set.ViewLabel(i, v) != NotPresent, present(set.View(i, v)); got != want {
				t.Errorf("view %d of sample %d is labelled present: %v, want %v", v, i, got, want)
			}
		}
		if !left {
			without++
		}
	}
	if got := float64(seen) / float64(len(split.Test)); len(split.Test) != 190 || got < 3.55 || got > 3.65 {
		t.Errorf("%d test samples have %.2f views in the mean, want 190 with 3.6", len(split.Test), got)
	}
	if without != 58 {
		t.Errorf("%d samples have no view without the views 3 and 4, want 58", without)
	}
}

func present(pixels []byte) bool {
	for _, b := range pixels {
		if b != 0 {
			return true
		}
	}
	return false
}
