package command

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ganglion/inference/evaluation"
)

// nextWords is what a shell makes of the "next:" line, without the name of the program.
func nextWords(t *testing.T, out string) []string {
	t.Helper()
	_, line, found := strings.Cut(out, "next: ")
	if !found {
		t.Fatalf("no next line in %q", out)
	}
	line, _, _ = strings.Cut(line, "\n")
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no POSIX shell to read the line")
	}
	words, err := exec.CommandContext(t.Context(), shell, "-c", `ganglion() { for word; do printf '%s\n' "$word"; done; }; `+line).Output()
	if err != nil {
		t.Fatalf("the shell takes %q for %v", line, err)
	}
	return strings.Split(strings.TrimSuffix(string(words), "\n"), "\n")
}

// awkward is a folder whose name a shell takes apart unless it is quoted.
func awkward(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "it's $(my) models")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// Whoever copies the line that comes next must get the same data: the same views, and the
// names that the classes were given.
func TestTrainNextRuns(t *testing.T) {
	path := filepath.Join(awkward(t), "m.ganglion")
	code, out, errs := invoke(tiny(path, "--views", "camera4,camera1", "--classes", "a car,bus,person", "--topology", "c")...)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	next := nextWords(t, out)
	code, out, errs = invoke(append(next, "--json")...)
	var r evaluation.Report
	if code != exitDone || json.Unmarshal([]byte(out), &r) != nil {
		t.Fatalf("%q: exit code %d, %s", next, code, errs)
	}
	if r.Split != "test" || !slices.Equal(r.Views, []string{"camera4", "camera1"}) || r.Classes[0] != "a car" {
		t.Errorf("%q measures %s samples of views %v and classes %v", next, r.Split, r.Views, r.Classes)
	}
}

// The same of a comparison, whose file and model are in its folder.
func TestCompareNextRuns(t *testing.T) {
	folder := awkward(t)
	code, out, errs := invoke(small(folder, "--compare-filters", "1", "--views", "0,1", "--classes", "a car,bus,person")...)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	next := nextWords(t, out)
	for i, word := range next {
		if word == "--plots" { // a folder beside the reader
			next[i+1] = filepath.Join(t.TempDir(), next[i+1])
		}
	}
	if code, _, errs := invoke(next...); code != exitDone {
		t.Errorf("%q: exit code %d, %s", next, code, errs)
	}
}

// The same of imported weights, but for the data that only its reader has.
func TestImportNextRuns(t *testing.T) {
	folder := awkward(t)
	weights, bundle := filepath.Join(folder, "w.safetensors"), filepath.Join(folder, "b.ganglion")
	model, _, _ := streetModel(t)
	if code, _, errs := invoke("model", "export", model, "--safetensors", weights); code != exitDone {
		t.Fatal(errs)
	}
	for _, choice := range [][]string{nil, {"--calibrate", smallStreet, "--views", "5,4,3,2,1,0", "--classes", "a car,bus,person", "--topology", "c"}} {
		code, out, errs := invoke(append([]string{"model", "import", "--weights", weights, "--out", bundle}, choice...)...)
		if code != exitDone {
			t.Fatalf("exit code %d: %s", code, errs)
		}
		next := nextWords(t, out)
		for i, word := range next {
			if word == "DATA" {
				next[i] = smallStreet
			}
		}
		code, out, errs = invoke(append(next, "--json")...)
		var r evaluation.Report
		if code != exitDone || json.Unmarshal([]byte(out), &r) != nil {
			t.Fatalf("%q: exit code %d, %s", next, code, errs)
		}
		if choice != nil && (r.Classes[0] != "a car" || r.Views[0] != "camera5") {
			t.Errorf("%q measures the views %v and classes %v", next, r.Views, r.Classes)
		}
	}
}

// What is said behind the line is none of its words.
func TestImportNextCalibrates(t *testing.T) {
	got := nextWords(t, (&imported{Model: "my model"}).text(nil))
	if want := []string{"calibrate", "--model", "my model", "--data", "DATA", "--out", "FILE"}; !slices.Equal(got, want) {
		t.Errorf("words %q, want %q", got, want)
	}
}

// Names are anything that prints: what is written as a list must be read as the same list.
func TestListedIsRead(t *testing.T) {
	for _, names := range [][]string{{"a"}, {"a", "b c"}, {"left, below", `the "front"`}, {"[x]", "y]"}, {"it's"}} {
		cmd := newEvalCommand()
		if err := cmd.ParseFlags([]string{"--views", listed(names)}); err != nil {
			t.Errorf("%q: %v", names, err)
			continue
		}
		got, err := cmd.Flags().GetStringSlice("views")
		if err != nil || !slices.Equal(got, names) {
			t.Errorf("%q is read as %q, %v", names, got, err)
		}
		if line := commandLine(cmd); !strings.HasSuffix(line, "--views "+quoted(listed(names))) {
			t.Errorf("the command line is %s", line)
		}
	}
}
