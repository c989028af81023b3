package command

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// smallStreet is a data set that takes no time.
const smallStreet = "street:samples=40,seed=3"

// invoke runs the program as a person does.
func invoke(args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = Main(args, strings.NewReader(""), &stdout, &stderr, "test")
	return code, stdout.String(), stderr.String()
}

// streetModel writes a bundle of random weights that says that it was trained on
// smallStreet, with test frames of its own, and returns its file and the set.
func streetModel(t *testing.T) (path string, b *inference.Bundle, set *dataset.Set) {
	t.Helper()
	set, err := dataset.Open(smallStreet, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	top, err := topology.Preset("c", topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		t.Fatal(err)
	}
	split, err := set.Split(dataset.SplitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	content := reference.Random(top, 1)
	content.Provenance = &modelpb.Provenance{
		Data: set.Name, DataHash: set.Hash[:], Synthetic: true,
		TestFrames:       set.FramesOf(split.Test).String(),
		ValidationFrames: set.FramesOf(split.Validation).String(),
	}
	if b, err = inference.NewBundle(content); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "street.ganglion")
	if err := b.Write(path); err != nil {
		t.Fatal(err)
	}
	return path, b, set
}

// A person must be told in one line what is wrong with the data, and scripts by the
// exit code whose fault it is.
func TestDataFaults(t *testing.T) {
	model, _, _ := streetModel(t)
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no such file", []string{"--data", "nowhere.npz"}, exitFailed, "nowhere.npz"},
		{"fewer views", []string{"--data", smallStreet, "--views", "0,2"}, exitFailed, "2 views, the model 6"},
		{"a view that is not there", []string{"--data", smallStreet, "--views", "9"}, exitFailed, `"9"`},
		{"views in another order fit", []string{"--data", smallStreet, "--views", "5,4,3,2,1,0"}, exitDone, ""},
		{"other classes", []string{"--data", smallStreet, "--classes", "a,b,c"}, exitFailed, "classes a,b,c, the model car,bus,person"},
		{"a grid that is none", []string{"--data", smallStreet, "--grid", "2by3"}, exitUsage, "--grid"},
		{"a grid of what has views already", []string{"--data", "../command", "--grid", "2x3"}, exitFailed, "only idx files"},
		{"empty reference", []string{"--data", ""}, exitUsage, "--data is missing"},
		{"stray argument", []string{"more"}, exitUsage, `"more"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, _, errs := invoke(append([]string{"eval", "--model", model}, tt.args...)...)
			if code != tt.code || !strings.Contains(errs, tt.want) {
				t.Errorf("exit code %d, stderr %q; want %d and %q in it", code, errs, tt.code, tt.want)
			}
			if tt.code == exitFailed && strings.Count(errs, "\n") != 1 {
				t.Errorf("stderr %q is not one line", errs)
			}
		})
	}
}

// A folder lists its classes by the alphabet and only the cameras that have a
// picture; the model's order and views must win, or labels would be swapped in
// silence.
func TestFolderTakesOrderFromModel(t *testing.T) {
	model, b, _ := streetModel(t)
	top := b.Topology()
	root := t.TempDir()
	picture := image.NewRGBA(image.Rect(0, 0, 50, 40))
	picture.Set(7, 7, color.White)
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, picture); err != nil {
		t.Fatal(err)
	}
	for _, class := range top.Classes {
		sample := filepath.Join(root, class, "first")
		if err := os.MkdirAll(sample, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sample, top.Views[4]+".png"), encoded.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f := dataFlags{ref: root}
	set, err := f.openFor(top)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(top.Classes, set.Classes); diff != "" {
		t.Errorf("classes (-model +data):\n%s", diff)
	}
	if diff := cmp.Diff(top.Views, set.Views); diff != "" {
		t.Errorf("views (-model +data):\n%s", diff)
	}
	if code, _, errs := invoke("eval", "--model", model, "--data", root); code != exitDone {
		t.Errorf("eval: exit code %d, %s", code, errs)
	}
}

// From pictures of digits to a report: tiles are views like any others, and the part that
// was published for test is what is tested.
func TestTilesOfDigits(t *testing.T) {
	folder := t.TempDir()
	for part, n := range map[string]int{"train": 60, "t10k": 24} {
		images := []byte{0, 0, 8, 3, 0, 0, 0, byte(n), 0, 0, 0, 28, 0, 0, 0, 28}
		labels := []byte{0, 0, 8, 1, 0, 0, 0, byte(n)}
		for i := range n {
			picture := make([]byte, 28*28)
			for j := range picture {
				if j*3/len(picture) == i%3 { // a third of the picture is bright
					picture[j] = byte(100 + i)
				}
			}
			images, labels = append(images, picture...), append(labels, byte(i%3))
		}
		for name, content := range map[string][]byte{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
			if err := os.WriteFile(filepath.Join(folder, part+name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	model := filepath.Join(folder, "digits.ganglion")
	code, out, errs := invoke("train", "--data", folder, "--grid", "2x3", "--epochs", "1", "--batch", "16", "--out", model)
	if code != exitDone || !strings.Contains(errs, "51 samples, 9 to validate, 24 set aside for test") {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	next := strings.Fields(out[strings.Index(out, "next: ganglion ")+len("next: ganglion "):])
	code, out, errs = invoke(append(next, "--json")...)
	if code != exitDone {
		t.Fatalf("%v: exit code %d: %s", next, code, errs)
	}
	var r evaluation.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Samples != 24 || r.Split != "test" || len(r.Views) != 6 || r.Views[1] != "r1c0" {
		t.Errorf("%d %s samples of views %v, want the 24 published ones of 2 x 3 tiles", r.Samples, r.Split, r.Views)
	}
}
