package dataset

import (
	"encoding/hex"
	"flag"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"ganglion/inference/dataset/street"

	"github.com/google/go-cmp/cmp"
)

var (
	update    = flag.Bool("update", false, "rewrite the golden files")
	sheetFile = flag.String("sheet", "", "write a contact sheet of the street scene to this png file, to look at")
)

// The embedded default model is trained on this set: its bytes must never change
// unnoticed, on any architecture.
func TestStreetGolden(t *testing.T) {
	set, err := Open("street", Options{})
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "street.sha256")
	got := hex.EncodeToString(set.Hash[:]) + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the hash of the street scene is %s, want %s; run with -update if the change is meant", got, want)
	}
	if *sheetFile != "" {
		writeSheet(t, set)
	}
}

// writeSheet makes a picture of every 37th sample.
func writeSheet(t *testing.T, set *Set) {
	t.Helper()
	var samples []int
	for i := 3; i < set.Len(); i += 37 {
		samples = append(samples, i)
	}
	sheet, err := Sheet(set, samples, 3)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(*sheetFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, sheet); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// The settings reach the scene, and names may be given.
func TestStreetOptions(t *testing.T) {
	classes, views := []string{"x", "y", "z"}, []string{"a", "b", "c", "d", "e", "f"}
	set, err := Open("street:samples=40,seed=9", Options{Classes: classes, Views: views})
	if err != nil {
		t.Fatal(err)
	}
	scene, err := street.Render(street.Config{Samples: 40, Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(scene.Pixels, set.Pixels); diff != "" {
		t.Error("the pixels are not those of the scene")
	}
	if !set.Synthetic || set.Name != "street" {
		t.Errorf("set %q is synthetic: %v, want street and true", set.Name, set.Synthetic)
	}
	if diff := cmp.Diff([][]string{classes, views}, [][]string{set.Classes, set.Views}); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, opts := range []Options{{Classes: views}, {Views: classes}} {
		if _, err := Open("street:samples=40", opts); err == nil {
			t.Errorf("%v were taken as names", opts)
		}
	}
}

func TestSheet(t *testing.T) {
	set := small(t)
	sheet, err := Sheet(set, []int{1, 0}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sheet.Bounds().Size().String(), "(18,18)"; got != want {
		t.Errorf("size is %s, want %s", got, want)
	}
	if got, want := sheet.RGBAAt(11, 3), (color.RGBA{30, 30, 30, 255}); got != want {
		t.Errorf("view 1 of sample 1 is %v, want %v", got, want)
	}
	color3 := *set
	color3.Channels, color3.Rows, color3.Cols = 4, 2, 2
	if got, want := color3.colorAt(sequenceBytes(16), 1, 0), (color.RGBA{2, 6, 10, 255}); got != want {
		t.Errorf("a pixel is %v, want %v", got, want)
	}
	for _, bad := range []struct {
		samples []int
		scale   int
	}{{[]int{3}, 1}, {[]int{-1}, 1}, {[]int{0}, 0}, {[]int{0}, 17}} {
		if _, err := Sheet(set, bad.samples, bad.scale); err == nil {
			t.Errorf("samples %v at scale %d were drawn", bad.samples, bad.scale)
		}
	}
}

func sequenceBytes(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i)
	}
	return out
}

// Cameras that come later add views and no samples: whoever trained on six cameras must find
// the same frames, labels and pictures where there are eight, and the new ones must see
// something.
func TestStreetCameras(t *testing.T) {
	const ref = "street:samples=80,seed=5"
	six, err := Open(ref, Options{})
	if err != nil {
		t.Fatal(err)
	}
	eight, err := Open(ref+",cameras=8", Options{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := eight.SelectViews([]int{0, 1, 2, 3, 4, 5})
	if err != nil {
		t.Fatal(err)
	}
	if len(eight.Views) != 8 || first.Hash != six.Hash {
		t.Errorf("of %d views the first six have hash %x, want %x", len(eight.Views), first.Hash, six.Hash)
	}
	for v := 6; v < 8; v++ {
		seen := 0
		for i := range eight.Len() {
			if eight.ViewLabel(i, v) != NotPresent {
				seen++
			}
		}
		if seen < eight.Len()/4 || seen == eight.Len() {
			t.Errorf("%s sees %d of %d samples, want a quarter at least and not all", eight.Views[v], seen, eight.Len())
		}
	}
	for _, bad := range []string{"5", "9"} {
		if _, err := Open(ref+",cameras="+bad, Options{}); err == nil {
			t.Errorf("%s cameras were taken", bad)
		}
	}
}
