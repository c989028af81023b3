package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The explanation has everything that the answer rests on, and says plainly what weakens
// it.
func TestClassifyText(t *testing.T) {
	a := newAsked()
	ask(t, a)
	golden(t, "classify", must(t, "classify"))

	alone := askedVerdict(0)
	alone.Sample, alone.Beat, alone.SinceBeatNs, alone.Label, alone.Ref, alone.Aggregators = "yard/0b5e77aa01c2d3e4", nil, nil, "", nil, nil
	alone.Seen, alone.Nothing = []string{"north"}, []string{"east", "south", "west", "roof", "door"}
	alone.Used, alone.Proposals[0].Seen = alone.GetSeen(), 1
	alone.Alone = "no live node feeds view north: this node ran the whole network on its own"
	a.answer = alone
	golden(t, "classify-alone", must(t, "classify"))

	none := a.lines[3].GetVerdict()
	a.answer = none
	golden(t, "classify-none", must(t, "classify"))

	early := a.lines[5].GetVerdict()
	early.Proposals[0].Entropy = 0.8
	early.Aggregators = []string{"gate", "shed"}
	early.Used = []string{"north", "east"}
	a.answer = early
	golden(t, "classify-early", must(t, "classify"))
}

func TestClassifyJSON(t *testing.T) {
	ask(t, newAsked())
	out := must(t, "classify", "--json")
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"class": "bus", "beat": nil, "alone": nil, "cloud": "big", "answered": 1.0, "synthetic_model": true,
		"reasons":       map[string]any{"west": "not held", "door": "silent"},
		"probabilities": map[string]any{"car": 0.0713, "bus": 0.9045, "person": 0.0242},
		"payload_bytes": map[string]any{"device-local": 36.0, "device-cloud": 384.0},
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Pictures reach the node as the bytes of their files, each with its view; what is
// ambiguous is refused before anything is sent.
func TestClassifyPictures(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("picture "+filepath.Base(name)), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := write("one.png")
	folder := filepath.Dir(write("sample/north.png"))
	write("sample/east.JPG")
	write("sample/notes.txt")
	double := filepath.Dir(write("double/north.png"))
	write("double/0.png")
	stray := filepath.Dir(write("stray/moon.png"))
	empty := t.TempDir()
	large := filepath.Join(dir, "large.png")
	if err := os.WriteFile(large, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 32<<20); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		views int
		args  []string
		want  string // views and bytes; or part of the error
		code  int
	}{
		{"none", 6, nil, "", exitDone},
		{"an element", 6, []string{"--ref", "12"}, "ref 12", exitDone},
		{"of two views", 6, []string{"--view", "south=" + one, "--view", "0=" + one}, "north picture one.png, south picture one.png", exitDone},
		{"a folder", 6, []string{folder}, "north picture north.png, east picture east.JPG", exitDone},
		{"a file, of one view", 1, []string{one}, "north picture one.png", exitDone},
		{"a file, of six", 6, []string{one}, "the network has 6 views, north, east", exitUsage},
		{"no such view", 6, []string{"--view", "moon=" + one}, "no such view, it has north", exitUsage},
		{"no such number", 6, []string{"--view", "6=" + one}, "no such view", exitUsage},
		{"twice", 6, []string{"--view", "north=" + one, "--view", "0=" + one}, "given twice", exitUsage},
		{"no file in it", 6, []string{"--view", "north"}, "NAME=FILE", exitUsage},
		{"both", 6, []string{folder, "--view", "north=" + one}, "give one of them", exitUsage},
		{"element and pictures", 6, []string{folder, "--ref", "1"}, "give none", exitUsage},
		{"element below 0", 6, []string{"--ref", "-1"}, "count from 0", exitUsage},
		{"not there", 6, []string{"--view", "north=" + dir + "/gone.png"}, "no such file", exitFailed},
		{"a folder without pictures", 6, []string{empty}, "north.png, east.png", exitFailed},
		{"a picture of no view", 6, []string{stray}, "moon.png is of no view", exitFailed},
		{"two of one view", 6, []string{double}, "keep one", exitFailed},
		{"too large", 6, []string{"--view", "north=" + large}, "32 MiB", exitFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAsked()
			a.status.Views = a.status.GetViews()[:tt.views]
			ask(t, a)
			code, _, errs := invoke(append([]string{"classify"}, tt.args...)...)
			if code != tt.code {
				t.Fatalf("exit code %d, want %d: %s", code, tt.code, errs)
			}
			if code != exitDone {
				if !strings.Contains(errs, tt.want) || len(a.pictures) > 0 {
					t.Errorf("%q, want it to contain %q; asked %d times", errs, tt.want, len(a.pictures))
				}
				return
			}
			var parts []string
			for _, p := range a.pictures[0].GetPictures() {
				parts = append(parts, p.GetView()+" "+string(p.GetFile()))
			}
			if a.pictures[0].Ref != nil {
				parts = append(parts, "ref 12")
			}
			if got := strings.Join(parts, ", "); got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
		})
	}
}
