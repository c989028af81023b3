package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ganglion/inference"
)

// tiny is a training that ends in seconds: what is tested is the verb, not the network.
func tiny(out string, more ...string) []string {
	return append([]string{
		"train", "--data", "street:samples=60,seed=3", "--epochs", "2", "--batch", "16", "--out", out,
	}, more...)
}

// From data to a bundle that the next verb takes, and nothing left beside it.
func TestTrainWritesABundle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.ganglion")
	code, out, errs := invoke(tiny(path, "--json")...)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var got trained
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	b, err := inference.ReadBundle(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != b.ID().String() || got.Model != path || len(got.Thresholds["local"]) == 0 {
		t.Errorf("told %+v of bundle %s", got, b.ID())
	}
	if !b.Provenance().GetSynthetic() || b.Provenance().GetTestFrames() == "" {
		t.Errorf("the provenance lacks what the data was: %v", b.Provenance())
	}
	if !strings.Contains(errs, "epoch 2 of 2") || strings.Contains(errs, "\r") {
		t.Errorf("progress where there is no terminal should be plain lines: %q", errs)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("left beside the bundle: %v, %v", files, err)
	}
}

// Three minutes of training must not end in a fault that was there from the start.
func TestTrainRefusesAtOnce(t *testing.T) {
	folder := t.TempDir()
	for _, row := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a folder that is not there", tiny(filepath.Join(folder, "absent", "m")), exitFailed, "no such file"},
		{"a folder as the bundle", tiny(folder), exitFailed, "not a regular file"},
		{"several faults at once", tiny(filepath.Join(folder, "m"), "--epochs", "0", "--view-dropout", "1"), exitUsage, "view dropout"},
		{"frames that are none", tiny(filepath.Join(folder, "m"), "--test-frames", "9-1"), exitUsage, "--test-frames"},
		{"a topology for one view", tiny(filepath.Join(folder, "m"), "--topology", "b"), exitFailed, "--views"},
		{"an unknown topology", tiny(filepath.Join(folder, "m"), "--topology", "elastc"), exitFailed, "elastic"},
		{"an unknown view", tiny(filepath.Join(folder, "m"), "--views", "7"), exitFailed, "7"},
		{"nothing to resume", tiny(filepath.Join(folder, "m"), "--resume"), exitFailed, "m.checkpoint"},
		{"an argument", tiny(filepath.Join(folder, "m"), "street"), exitUsage, "unexpected argument"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if code, _, errs := invoke(row.args...); code != row.code || !strings.Contains(errs, row.want) {
				t.Errorf("exit code %d and %q, want %d with %q", code, errs, row.code, row.want)
			}
		})
	}
}

// A topology for some of the views of the data is trained on those views.
func TestTrainOnOneView(t *testing.T) {
	path := filepath.Join(t.TempDir(), "one.ganglion")
	if code, _, errs := invoke(tiny(path, "--views", "camera4", "--topology", "device-cloud")...); code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	b, err := inference.ReadBundle(path)
	if err != nil {
		t.Fatal(err)
	}
	if views := b.Topology().Views; len(views) != 1 || views[0] != "camera4" {
		t.Errorf("views are %q, want camera4 alone", views)
	}
}

func TestVersionTells(t *testing.T) {
	code, out, _ := invoke("version", "--json")
	var got versionInfo
	if code != exitDone || json.Unmarshal([]byte(out), &got) != nil || got.Version == "" || got.BundleFormat != inference.BundleFormat {
		t.Errorf("exit code %d: %s", code, out)
	}
}
