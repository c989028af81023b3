package command

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ganglion/inference"
	"ganglion/inference/evaluation"
)

// The way of a person who has more cameras than the network was trained with: train, widen,
// and measure on data of all of them, on the frames that were kept aside.
func TestModelWiden(t *testing.T) {
	folder := t.TempDir()
	elastic, eight := filepath.Join(folder, "elastic.ganglion"), filepath.Join(folder, "eight.ganglion")
	if code, _, errs := invoke(tiny(elastic, "--topology", "elastic")...); code != exitDone {
		t.Fatal(errs)
	}
	code, out, errs := invoke("model", "widen", elastic, "--add", "camera6,camera7", "--out", eight)
	if code != exitDone || !strings.Contains(out, "8 views") {
		t.Fatalf("exit code %d, %q, %q", code, out, errs)
	}
	b, err := inference.ReadBundle(eight)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Topology().Views; len(got) != 8 || got[7] != "camera7" {
		t.Errorf("views %v", got)
	}
	frames := b.Provenance().GetTestFrames()
	code, out, errs = invoke("eval", "--model", eight, "--data", "street:samples=60,seed=3,cameras=8", "--frames", frames, "--json")
	var r evaluation.Report
	if code != exitDone || json.Unmarshal([]byte(out), &r) != nil {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if r.Frames != frames || len(r.Growth) != 8 || errs != "" {
		t.Errorf("frames %s, want %s; %d numbers of views; %q", r.Frames, frames, len(r.Growth), errs)
	}
}

func TestModelWidenRefuses(t *testing.T) {
	folder := t.TempDir()
	paper, out := filepath.Join(folder, "c.ganglion"), filepath.Join(folder, "out.ganglion")
	if code, _, errs := invoke(tiny(paper)...); code != exitDone {
		t.Fatal(errs)
	}
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"weights by view", []string{paper, "--add", "roof", "--out", out}, exitFailed, "elastic"},
		{"no views", []string{paper, "--out", out}, exitUsage, "--add"},
		{"nowhere to write", []string{paper, "--add", "roof"}, exitUsage, "--out"},
		{"no model", []string{"--add", "roof", "--out", out}, exitUsage, "no file"},
	} {
		code, printed, errs := invoke(slices.Concat([]string{"model", "widen"}, test.args)...)
		if code != test.code || !strings.Contains(errs, test.want) || printed != "" {
			t.Errorf("%s: exit code %d, %q, %q; want %d and %q", test.name, code, printed, errs, test.code, test.want)
		}
	}
}
