package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// The bundle is the program's file format: what is in it must be told, in the shape that
// programs read too, and a bundle that is not sound must be refused by name.
func TestModelInspect(t *testing.T) {
	code, out, errs := invoke("model", "inspect", "--json")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var got inspection
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.ID) != 64 || got.Bytes < 1000 || len(got.Thresholds["local"]) != 6 || got.Payload.Features != 128 {
		t.Errorf("got %+v", got)
	}
	code, out, _ = invoke("model", "inspect")
	for _, want := range []string{got.ID, "synthetic", "topology", "filters: 4"} {
		if !strings.Contains(out, want) {
			t.Errorf("exit code %d, the text lacks %q: %s", code, want, out)
		}
	}
}

// What a view is said to send must be what it sends: without a local exit, or alone in its
// group, no scores; without a section on its device the view itself.
func TestInspectPayload(t *testing.T) {
	of := func(preset string, views int) string {
		top, err := topology.Preset(preset, topology.Base{
			Views: topology.ViewNames(views), Classes: []string{"car", "bus", "person"}, Input: topology.Shape{Channels: 3, Rows: 32, Cols: 32},
		})
		if err != nil {
			t.Fatal(err)
		}
		return payloadOf(top).text(top)
	}
	for _, row := range []struct{ preset, got, want string }{
		{"a", of("a", 6), "sends itself, 3072 bytes: nothing runs on its device"},
		{"b", of("b", 1), "sends 128 bytes of features where a sample goes up; raw it is 3072"},
		{"c", of("c", 6), "sends 12 bytes of scores, 128 bytes of features where a sample goes up; raw it is 3072"},
	} {
		if row.got != row.want {
			t.Errorf("%s: %q, want %q", row.preset, row.got, row.want)
		}
	}
}

// Verifying must run the kernels of this machine, not only read the file.
func TestModelVerify(t *testing.T) {
	code, out, errs := invoke("model", "verify", "--samples", "2", "--json")
	var got verification
	if code != exitDone || json.Unmarshal([]byte(out), &got) != nil {
		t.Fatalf("exit code %d: %s %s", code, out, errs)
	}
	if got.Samples != 2 || got.Bits == 0 || got.Scores == 0 {
		t.Errorf("compared nothing: %+v", got)
	}
}

func TestModelFaults(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "damaged.ganglion")
	if err := os.WriteFile(damaged, []byte("ganglion, but not for long"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a damaged file", []string{"model", "verify", damaged}, exitFailed, damaged},
		{"no such file", []string{"model", "inspect", damaged + ".absent"}, exitFailed, damaged + ".absent"},
		{"two files", []string{"model", "inspect", damaged, damaged}, exitUsage, "unexpected argument"},
		{"no samples", []string{"model", "verify", "--samples", "0"}, exitUsage, "--samples 0"},
		{"an unknown verb", []string{"model", "inspct"}, exitUsage, "inspect"},
		{"an unknown flag", []string{"model", "verify", "--sample", "1"}, exitUsage, "--sample"},
		{"an unknown first verb", []string{"trian"}, exitUsage, "train"},
	} {
		t.Run(row.name, func(t *testing.T) {
			code, out, errs := invoke(row.args...)
			if code != row.code || !strings.Contains(errs, row.want) || out != "" {
				t.Errorf("exit code %d, %q on standard error and %q on standard output; want %d with %q", code, errs, out, row.code, row.want)
			}
			if code == exitFailed && strings.Count(strings.TrimSpace(errs), "\n") > 0 {
				t.Errorf("more than one line: %q", errs)
			}
		})
	}
}

// Bundles come from other nodes, and say of themselves what they like: nothing of it may
// reach a terminal as anything but text of one line.
func TestBundlesDoNotSteerTerminals(t *testing.T) {
	const steering = "\x1b[2J\nbundle      forged\u202e"
	_, b, _ := streetModel(t)
	content := b.Content()
	content.Calibration.How = "how" + steering
	p := content.Provenance
	p.Data, p.TrainFrames, p.ValidationFrames, p.Trainer = "data"+steering, "train"+steering, "validation"+steering, "trainer"+steering
	p.Settings, p.Figures = map[string]string{"setting" + steering: "value" + steering}, map[string]float64{"figure" + steering: 1}
	forged, err := inference.NewBundle(content)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "forged.ganglion")
	if err := forged.Write(path); err != nil {
		t.Fatal(err)
	}
	steers := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	told := map[string]string{"import": (&imported{Calibrated: "how" + steering}).text(nil)}
	for _, args := range [][]string{{"model", "inspect", path}, {"eval", "--model", path, "--data", smallStreet}} {
		code, out, errs := invoke(args...)
		if code != exitDone {
			t.Fatalf("%v: exit code %d: %s", args, code, errs)
		}
		told[args[0]] = out + errs
	}
	for verb, text := range told {
		if strings.ContainsFunc(text, steers) || strings.Contains(text, "\nbundle      forged") {
			t.Errorf("%s prints what a bundle says as it is: %q", verb, text)
		}
		if !strings.Contains(text, "how?[2J?bundle      forged?") {
			t.Errorf("%s says nothing of what the thresholds are for: %s", verb, text)
		}
	}
}
