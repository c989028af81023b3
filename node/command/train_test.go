package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/evaluation"
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
	interrupted := filepath.Join(folder, "interrupted")
	if err := os.WriteFile(interrupted, nil, 0o600); err != nil {
		t.Fatal(err)
	}
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
		{"two comparisons", tiny(filepath.Join(folder, "m"), "--compare-aggregators", "--compare-filters", "1"), exitUsage, "two comparisons"},
		{"figures of nothing", tiny(filepath.Join(folder, "m"), "--plots", folder), exitUsage, "ganglion eval --plots"},
		{"no filters", tiny(filepath.Join(folder, "m"), "--compare-filters", "0,4"), exitUsage, "--compare-filters: 0"},
		{"no exit to compare", tiny(filepath.Join(folder, "m"), "--compare-aggregators", "--topology", "a"), exitFailed, "no local exit"},
		{"a file as the folder", small(os.Args[0], "--compare-aggregators"), exitFailed, "--out"},
		{"the checkpoint is the bundle", tiny(filepath.Join(folder, "m"), "--checkpoint", filepath.Join(folder, ".", "x", "..", "m")), exitUsage, "same file"},
		{"nowhere to save", tiny(filepath.Join(folder, "m"), "--checkpoint", filepath.Join(folder, "absent", "c")), exitFailed, "no such file"},
		{"a training that was interrupted", tiny(filepath.Join(folder, "m"), "--checkpoint", interrupted), exitFailed, "--resume"},
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

// small is a comparison that ends in seconds.
func small(folder string, more ...string) []string {
	return append([]string{"train", "--data", "street:samples=60,seed=3", "--epochs", "2", "--batch", "16", "--out", folder}, more...)
}

// A row of the paper's table must be what eval prints of that row's bundle: it is the
// same computation, on the same samples.
func TestCompareAggregators(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "pairs")
	code, out, errs := invoke(small(folder, "--compare-aggregators", "--json")...)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var got evaluation.Comparison
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for _, n := range got.Networks {
		pairs = append(pairs, n.Local+"-"+n.Cloud)
	}
	want := []string{"MP-MP", "MP-AP", "MP-CC", "AP-MP", "AP-AP", "AP-CC", "CC-MP", "CC-AP", "CC-CC"}
	if diff := cmp.Diff(want, pairs); diff != "" {
		t.Fatalf("pairs (-want +got):\n%s", diff)
	}
	for _, n := range []evaluation.Compared{got.Networks[2], got.Networks[6]} {
		_, text, errs := invoke("eval", "--data", "street:samples=60,seed=3", "--model", n.Model, "--json")
		var r evaluation.Report
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatalf("%v: %s", err, errs)
		}
		if r.Bundle != n.Bundle || r.Frames != got.Frames || r.PayloadPerSeenView != n.PayloadPerSeenView || r.Accuracy.Overall != n.Accuracy.Overall ||
			r.Accuracy.Local != n.Accuracy.Local || r.Accuracy.Cloud != n.Accuracy.Cloud || r.MissingByCount[0].Worst != n.MissingOne.Worst {
			t.Errorf("%s-%s: eval says %+v of bundle %s, the table %+v of %s", n.Local, n.Cloud, r.Accuracy, r.Bundle, n.Accuracy, n.Bundle)
		}
	}
	if left, err := filepath.Glob(filepath.Join(folder, "*.checkpoint")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Nine trainings take a while: those that are done must not be done again, and must not
// be mixed with others.
func TestCompareFiltersResumes(t *testing.T) {
	folder := t.TempDir()
	run := func(more ...string) (code int, c evaluation.Comparison, errs string) {
		t.Helper()
		code, out, errs := invoke(small(folder, append(more, "--json")...)...)
		if code == exitDone {
			if err := json.Unmarshal([]byte(out), &c); err != nil {
				t.Fatal(err)
			}
		}
		return code, c, errs
	}
	code, first, errs := run("--compare-filters", "2")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	code, both, errs := run("--compare-filters", "1,2", "--resume")
	if code != exitDone || strings.Count(errs, "epoch 2 of 2") != 1 {
		t.Fatalf("exit code %d, %s; want one network trained and one kept", code, errs)
	}
	if diff := cmp.Diff(first.Networks[0], both.Networks[1]); diff != "" {
		t.Errorf("the kept network (-before +after):\n%s", diff)
	}
	for i, n := range both.Networks {
		// 16 x 16 bits a filter, 12 bytes of scores.
		if want := evaluation.Number(12 + 32*(i+1)); n.PayloadAllUp != want {
			t.Errorf("%d filters: %v bytes with all sent up, want %v", n.Filters, n.PayloadAllUp, want)
		}
	}
	if code, _, errs := run("--compare-filters", "1,2", "--resume", "--seed", "5"); code != exitFailed || !strings.Contains(errs, "other settings") {
		t.Errorf("exit code %d, %q; networks of another seed are not of this comparison", code, errs)
	}
	code, out, errs := invoke(small(folder, "--compare-filters", "1,2", "--resume", "--plots", filepath.Join(folder, "plots"))...)
	if code != exitDone || !strings.Contains(out, "formula") || !strings.Contains(out, "--comparison "+filepath.Join(folder, comparisonName)) {
		t.Errorf("exit code %d, %s:\n%s", code, errs, out)
	}
	if _, err := os.Stat(filepath.Join(folder, "plots", "filters.png")); err != nil {
		t.Error(err)
	}
}
