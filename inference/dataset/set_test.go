package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ganglion/inference/topology"

	"github.com/google/go-cmp/cmp"
)

// small is a set of three samples of two views, as in the npz tests.
func small(t *testing.T) *Set {
	t.Helper()
	set, err := New(Set{
		Name: "small", Classes: []string{"cat", "dog"}, Views: []string{"door", "1"},
		Channels: 1, Rows: 4, Cols: 4, Pixels: smallPixels(),
		ViewLabels: []int{0, NotPresent, 1, 1, 0, 1}, Labels: []int{0, 1, 1}, Frames: []int{7, 7, 9},
	})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// The hash is in every bundle: its definition in doc.go is computed here again,
// by hand.
func TestHashDefinition(t *testing.T) {
	set := small(t)
	content := []byte("ganglion data set 1\n")
	for _, v := range []int32{3, 2, 1, 4, 4, 2} {
		content = binary.LittleEndian.AppendUint32(content, uint32(v))
	}
	content = append(content, smallPixels()...)
	for _, v := range []int32{0, -1, 1, 1, 0, 1, 0, 1, 1, 7, 7, 9} {
		content = binary.LittleEndian.AppendUint32(content, uint32(v))
	}
	if want := sha256.Sum256(content); set.Hash != want {
		t.Errorf("hash is %x, want %x", set.Hash, want)
	}
}

// A change of any part of the content is another hash; names are no content.
func TestHashCovers(t *testing.T) {
	rows := []struct {
		name   string
		change func(*Set)
		same   bool
	}{
		{"a pixel", func(s *Set) { s.Pixels[3]++ }, false},
		{"a view label", func(s *Set) { s.ViewLabels[1] = 0 }, false},
		{"a label", func(s *Set) { s.Labels[1] = 0 }, false},
		{"a frame", func(s *Set) { s.Frames[1]++ }, false},
		{"rows for channels", func(s *Set) { s.Channels, s.Rows, s.Cols = 4, 4, 1 }, false},
		{"names", func(s *Set) { s.Name, s.Views = "other", []string{"a", "b"} }, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			set := small(t)
			before := set.contentHash()
			row.change(set)
			if same := set.contentHash() == before; same != row.same {
				t.Errorf("the hash stays the same: %v, want %v", same, row.same)
			}
		})
	}
}

// New refuses what the package promises that no set has.
func TestNewRefuses(t *testing.T) {
	rows := []struct {
		name   string
		change func(*Set)
		want   string
	}{
		{"pixels missing", func(s *Set) { s.Pixels = s.Pixels[1:] }, "95 pixel bytes"},
		{"view labels missing", func(s *Set) { s.ViewLabels = s.ViewLabels[1:] }, "5 view labels"},
		{"frames missing", func(s *Set) { s.Frames = s.Frames[1:] }, "2 frames"},
		{"label out of range", func(s *Set) { s.Labels[2] = 2 }, "label of sample 2"},
		{"view label out of range", func(s *Set) { s.ViewLabels[3] = -2 }, "view 1 of sample 1"},
		{"negative frame", func(s *Set) { s.Frames[0] = -1 }, "frame of sample 0"},
		{"one class", func(s *Set) { s.Labels = []int{1, 1, NotPresent} }, "of 1 class"},
		{"no class", func(s *Set) { s.Classes = nil }, "label of sample 0"},
		{"too many classes", func(s *Set) { s.Classes = numberedNames("", 257) }, "257 class names"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			set := *small(t)
			row.change(&set)
			if _, err := New(set); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error is %v, want one with %q", err, row.want)
			}
		})
	}
}

// A claim of more samples than fit the limit is refused before they are there.
func TestCheckShapeTooLarge(t *testing.T) {
	shape := topology.Shape{Channels: 1, Rows: 4, Cols: 4}
	if err := checkShape(MaxPixelBytes/32, 2, shape); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := checkShape(MaxPixelBytes/32+1, 2, shape); err == nil || !strings.Contains(err.Error(), "1024 MiB") {
		t.Errorf("above the limit: error is %v, want one with 1024 MiB", err)
	}
}

func TestAccessors(t *testing.T) {
	set := small(t)
	if got, want := set.Shape(), (topology.Shape{Channels: 1, Rows: 4, Cols: 4}); got != want {
		t.Errorf("shape is %v, want %v", got, want)
	}
	if diff := cmp.Diff([]int{1, 2}, set.ClassCounts()); diff != "" {
		t.Errorf("class counts (-want +got):\n%s", diff)
	}
	if got := set.View(1, 1); len(got) != 16 || cap(got) != 16 || got[0] != 30 {
		t.Errorf("view 1 of sample 1 is %v, want 16 times 30 and no more", got)
	}
	if got := set.ViewLabel(0, 1); got != NotPresent {
		t.Errorf("label of view 1 of sample 0 is %d, want NotPresent", got)
	}
}

// A name goes before a number: the second view of the small set is called "1".
func TestViewIndex(t *testing.T) {
	set := small(t)
	for ref, want := range map[string]int{"door": 0, "0": 0, "1": 1} {
		if got, err := set.ViewIndex(ref); err != nil || got != want {
			t.Errorf("view %q is %d (%v), want %d", ref, got, err, want)
		}
	}
	for _, ref := range []string{"yard", "2", "-1", ""} {
		if _, err := set.ViewIndex(ref); err == nil || !strings.Contains(err.Error(), "door, 1") {
			t.Errorf("view %q: error is %v, want one that lists the views", ref, err)
		}
	}
}

func TestSelectViews(t *testing.T) {
	set := small(t)
	got, err := set.SelectViews([]int{1, 0})
	if err != nil {
		t.Fatal(err)
	}
	if err := got.check(); err != nil {
		t.Errorf("the selection is faulty: %v", err)
	}
	if diff := cmp.Diff([]string{"1", "door"}, got.Views); diff != "" {
		t.Errorf("views (-want +got):\n%s", diff)
	}
	for i := range set.Len() {
		for v := range 2 {
			if diff := cmp.Diff(set.View(i, 1-v), got.View(i, v)); diff != "" {
				t.Errorf("sample %d view %d (-want +got):\n%s", i, v, diff)
			}
			if got, want := got.ViewLabel(i, v), set.ViewLabel(i, 1-v); got != want {
				t.Errorf("label of view %d of sample %d is %d, want %d", v, i, got, want)
			}
		}
	}
	back, err := got.SelectViews([]int{1, 0})
	if err != nil {
		t.Fatal(err)
	}
	if got.Hash == set.Hash || back.Hash != set.Hash {
		t.Error("the hash does not follow the content")
	}
	for name, views := range map[string][]int{"none": {}, "twice": {0, 0}, "beyond": {2}, "below": {-1}} {
		if _, err := set.SelectViews(views); err == nil {
			t.Errorf("views %s: %v were selected without an error", name, views)
		}
	}
}

// What is no data set is named, with what to give instead.
func TestOpenFaults(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "readme.txt")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.npz"), 0o700); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		filepath.Join(dir, "absent.npz"): "no such file or folder",
		text:                             "neither a folder nor a file named .npz",
		filepath.Join(dir, "folder.npz"): "no folders class/sample",
		"street:samples=0":               `"samples=0" is no setting`,
		"street:samples=20001":           "20000",
		"street:colour=1":                `"colour=1" is no setting`,
		"street:":                        `"" is no setting`,
		"street:seed=x":                  `"seed=x" is no setting`,
	} {
		_, err := Open(ref, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "read data set "+ref+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("open %s: error is %v, want one line with %q", ref, err, want)
		}
	}
}
