package command

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// A calibration must change the thresholds and nothing else, and leave a trace.
func TestCalibrateWritesBundle(t *testing.T) {
	model, b, _ := streetModel(t)
	path := filepath.Join(t.TempDir(), "new.ganglion")
	code, out, errs := invoke("calibrate", "--model", model, "--data", smallStreet, "--min-local", "0.6", "--out", path, "--json")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	made, err := inference.ReadBundle(path)
	if err != nil {
		t.Fatal(err)
	}
	var told calibrated
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatalf("read %q: %v", out, err)
	}
	parent := b.ID()
	if got := made.Provenance().GetParent(); string(got) != string(parent[:]) || told.Parent != parent.String() || told.Bundle != made.ID().String() {
		t.Errorf("parent %x, told %s from %s; want %v from %v", got, told.Bundle, told.Parent, made.ID(), parent)
	}
	if told.Split != "validation" || told.Before.LocalExit != 0 || told.After.LocalExit < 0.6 {
		t.Errorf("split %q, local %v to %v; want the validation frames, 0 to at least 0.6", told.Split, told.Before.LocalExit, told.After.LocalExit)
	}
	for n, v := range made.Thresholds().BySeen(topology.ExitLocal) {
		if got := told.New["local"][string(rune('1'+n))]; got != v {
			t.Errorf("T with %d views is told as %v, is %v", n+1, got, v)
		}
	}
	if how := made.CalibratedFor(); !strings.Contains(how, "0.6") || !strings.Contains(how, "validation") {
		t.Errorf("calibrated for %q, want the goal and the samples in it", how)
	}
	before, after := b.Content(), made.Content()
	before.Calibration, after.Calibration = nil, nil
	before.Provenance, after.Provenance = nil, nil
	if diff := cmp.Diff(before.String(), after.String()); diff != "" {
		t.Errorf("more than the thresholds changed (-before +after):\n%s", diff)
	}
}

// People must see what they trade.
func TestCalibrateText(t *testing.T) {
	model, _, _ := streetModel(t)
	code, out, errs := invoke("calibrate", "--model", model, "--data", smallStreet, "--out", filepath.Join(t.TempDir(), "new.ganglion"))
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, want := range []string{"parent", "synthetic", "before", "after", "overall accuracy", "local exits", "bytes per seen view", "T of local, 6 seen"} {
		if !strings.Contains(out, want) {
			t.Errorf("the text has no %q:\n%s", want, out)
		}
	}
}

// Where a goal is out of reach nothing may be written, and the nearest must be told.
func TestCalibrateRefuses(t *testing.T) {
	model, _, _ := streetModel(t)
	path := filepath.Join(t.TempDir(), "new.ganglion")
	out := []string{"--out", path}
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"out of reach", append(out, "--max-bytes", "1"), exitFailed, "out of reach on validation data: the nearest is"},
		{"two goals", append(out, "--max-bytes", "40", "--min-local", "0.5"), exitUsage, "two goals"},
		{"accuracy in percent", append(out, "--accuracy", "97"), exitUsage, "--accuracy: 97 is not a share"},
		{"bytes that are no number", append(out, "--max-bytes", "NaN"), exitUsage, "--max-bytes"},
		{"no file", []string{"--min-local", "0.5"}, exitUsage, "--out"},
		{"no folder", []string{"--out", filepath.Join(filepath.Dir(path), "no", "new")}, exitFailed, "new"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := invoke(append([]string{"calibrate", "--model", model, "--data", smallStreet}, tt.args...)...)
			if code != tt.code || !strings.Contains(errs, tt.want) || out != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d, nothing, %q", code, out, errs, tt.code, tt.want)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s was written (%v)", path, err)
			}
		})
	}
}
