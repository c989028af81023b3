package command

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
)

// cornerPhotos is a folder of pictures, class/sample/view.png, each view of one colour.
func cornerPhotos(t *testing.T, root string) {
	t.Helper()
	colours := map[string]color.Color{"gate": color.White, "roof": color.RGBA{200, 0, 0, 255}, "yard": color.RGBA{0, 0, 200, 255}}
	for c, class := range []string{"bus", "car"} {
		for n := range 20 {
			sample := filepath.Join(root, class, fmt.Sprint(c*100+n))
			if err := os.MkdirAll(sample, 0o755); err != nil {
				t.Fatal(err)
			}
			for view, colour := range colours {
				picture := image.NewRGBA(image.Rect(0, 0, 32, 32))
				for i := range 200 {
					picture.Set(i%(8+n%5), i/(8+n%5), colour)
				}
				f, err := os.Create(filepath.Join(sample, view+".png"))
				if err != nil {
					t.Fatal(err)
				}
				if err := png.Encode(f, picture); err != nil {
					t.Fatal(err)
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// A folder lists views and classes by the alphabet, a topology in its own order. What is trained
// as yard must be the pictures of yard: whoever runs the bundle goes by the name. It was trained
// on those of roof, and nobody was told.
func TestTrainTakesPicturesByName(t *testing.T) {
	root := t.TempDir()
	photos, corner := filepath.Join(root, "photos"), filepath.Join(root, "corner.yaml")
	cornerPhotos(t, photos)
	if err := os.WriteFile(corner, []byte("preset: c\nviews: [gate, yard, roof]\nclasses: [car, bus]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(root, "corner.ganglion")
	args := []string{"train", "--data", photos, "--topology", corner, "--epochs", "1", "--batch", "8", "--out", out}
	if code, _, errs := invoke(args...); code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	b, err := inference.ReadBundle(out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"gate", "yard", "roof"}, b.Topology().Views); diff != "" {
		t.Errorf("views (-topology +bundle):\n%s", diff)
	}
	// The bundle remembers its data by all pixels and labels, in their order: eval, which goes
	// by the names, must read the very same.
	code, _, errs := invoke("eval", "--data", photos, "--model", out)
	if code != exitDone || strings.Contains(errs, "remembers no") {
		t.Errorf("eval reads other data than train did: exit code %d, %s", code, errs)
	}

	code, _, errs = invoke(append(args, "--views", "gate,roof,yard")...)
	if code != exitFailed || !strings.Contains(errs, "--views gate,yard,roof") {
		t.Errorf("views in another order than the topology's: exit code %d, %s", code, errs)
	}
	if err := os.WriteFile(corner, []byte("preset: c\nviews: [gate, yard, roof]\nclasses: [car, lorry]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs = invoke(args...)
	if code != exitFailed || !strings.Contains(errs, "none of the classes car, lorry") || strings.Contains(errs, "epoch 1") {
		t.Errorf("classes that the data does not have: exit code %d, %s", code, errs)
	}
}
