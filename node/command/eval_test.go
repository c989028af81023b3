package command

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/evaluation"
	"ganglion/inference/report"
)

// The numbers of a model's own test frames are the ones to quote: they must be the
// default, and any other choice must be said.
func TestEvalChoosesSamples(t *testing.T) {
	model, b, set := streetModel(t)
	own, _, err := evaluation.Remembered(b, set, evaluation.Test)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		args    []string
		split   string
		samples int
		remark  string
	}{
		{"its own data", []string{"--data", smallStreet}, "test", len(own), ""},
		{"all of its own data", []string{"--data", smallStreet, "--all"}, "all", set.Len(), ""},
		{"other data", []string{"--data", "street:samples=30,seed=4"}, "all", 30, "remembers no test frames of data set street: using all 30 samples\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := invoke(append([]string{"eval", "--json", "--model", model}, tt.args...)...)
			if code != exitDone {
				t.Fatalf("exit code %d: %s", code, errs)
			}
			var got evaluation.Report
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("read %q: %v", out, err)
			}
			if got.Split != tt.split || got.Samples != tt.samples || got.Bundle != b.ID().String() || !got.Synthetic {
				t.Errorf("split %q, %d samples, bundle %s, synthetic %v; want %q, %d, %s, true", got.Split, got.Samples, got.Bundle, got.Synthetic, tt.split, tt.samples, b.ID())
			}
			if !strings.HasSuffix(errs, tt.remark) || (errs == "") != (tt.remark == "") || strings.Count(errs, "\n") > 1 {
				t.Errorf("stderr %q, want %q", errs, tt.remark)
			}
		})
	}
}

// The text must have everything that the issue asks for, and rendered views must
// never pass for photographed ones.
func TestEvalText(t *testing.T) {
	model, _, _ := streetModel(t)
	code, out, errs := invoke("eval", "--model", model, "--data", smallStreet)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, want := range []string{
		"street (synthetic: rendered, not photographed), test samples",
		"Accuracy over the samples", "95 % interval", "by the exit rule", "every sample at exit local", "every sample at exit cloud",
		"balanced over classes", "baseline: always", "baseline: presence bits",
		"Exits", "Each view alone", "Sweep: one T", "calibrated", "Views missing", "Without these views", "Confusion", "raw view has 3072",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the report has no %q:\n%s", want, out)
		}
	}
	for line := range strings.Lines(out) {
		if trimmed := strings.TrimRight(line, " \n"); trimmed+"\n" != line {
			t.Errorf("line %q ends in spaces", line)
		}
		if len([]rune(line)) > 120 {
			t.Errorf("line %q is wider than a terminal", line)
		}
	}
	if strings.Contains(out, "NaN") {
		t.Errorf("the report says NaN:\n%s", out)
	}
}

// Programs read verdicts line by line, from a file or a pipe; a pipe must carry
// nothing else.
func TestEvalVerdicts(t *testing.T) {
	model, b, set := streetModel(t)
	own, _, err := evaluation.Remembered(b, set, evaluation.Test)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "verdicts.jsonl")
	if code, out, errs := invoke("eval", "--model", model, "--data", smallStreet, "--verdicts", path); code != exitDone || !strings.Contains(out, "Sweep") {
		t.Fatalf("exit code %d, %s; want the report beside the verdicts:\n%s", code, errs, out)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	code, piped, errs := invoke("eval", "--model", model, "--data", smallStreet, "--verdicts", "-")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if diff := cmp.Diff(string(file), piped); diff != "" {
		t.Errorf("verdicts (-file +pipe):\n%s", diff)
	}
	var refs []int
	for line := range strings.Lines(piped) {
		var v evaluation.Verdict
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("read %q: %v", line, err)
		}
		refs = append(refs, v.Ref)
	}
	if diff := cmp.Diff(own, refs); diff != "" {
		t.Errorf("refs (-test samples +got):\n%s", diff)
	}
}

// A figure that says other than the report beside it would be worse than none: the page
// must have the report's own figures, and say how to make it again.
func TestEvalPlots(t *testing.T) {
	model, b, _ := streetModel(t)
	folder := filepath.Join(t.TempDir(), "my plots")
	compared := filepath.Join(t.TempDir(), comparisonName)
	if err := os.WriteFile(compared, []byte(`{"by":"filters","data":"elsewhere","networks":[{"cloud":"CC","filters":4,"bundle":"0ff1ce"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errs := invoke("eval", "--model", model, "--data", smallStreet, "--plots", folder, "--together", "camera0,1", "--together", "2,3", "--comparison", compared)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	page, err := os.ReadFile(filepath.Join(folder, report.PageName))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		b.ID().String(), "<code>ganglion eval --", "--data " + smallStreet, "--plots &#39;" + folder + "&#39;", "--together camera0,1 --together 2,3", "Any one node lost",
		"0ff1ce",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	rule := "by the exit rule"
	line := out[strings.Index(out, rule)+len(rule):]
	overall := strings.TrimSpace(line[:strings.Index(line, "%")])
	if !strings.Contains(string(page), "<th scope=\"row\">"+rule+"</th><td>"+overall+" %</td>") {
		t.Errorf("the page does not say that the exit rule's accuracy is %s %%", overall)
	}
	if pictures, err := filepath.Glob(filepath.Join(folder, "*.png")); err != nil || len(pictures) < 10 {
		t.Errorf("pictures %v, %v", pictures, err)
	}
}

// What cannot be done must not be half done.
func TestEvalRefuses(t *testing.T) {
	model, _, _ := streetModel(t)
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a part of the report that is not made", []string{"--model", model, "--together", "0,1", "--verdicts", "-"}, exitUsage, "--together"},
		{"two things on standard output", []string{"--model", model, "--json", "--verdicts", "-"}, exitUsage, "--verdicts"},
		{"figures of what is not measured", []string{"--model", model, "--verdicts", "-", "--plots", t.TempDir()}, exitUsage, "--plots"},
		{"a comparison without figures", []string{"--model", model, "--comparison", "c.json"}, exitUsage, "--plots"},
		{"a comparison that is none", []string{"--model", model, "--plots", t.TempDir(), "--comparison", model}, exitFailed, "ganglion train --compare"},
		{"a view on two nodes", []string{"--model", model, "--together", "0,1", "--together", "1,2"}, exitFailed, "view 1 is named twice"},
		{"a view that is not there", []string{"--model", model, "--together", "0,9"}, exitFailed, "--together 0,9"},
		{"no such model", []string{"--model", "nowhere.ganglion"}, exitFailed, "nowhere.ganglion"},
		{"verdicts in no folder", []string{"--model", model, "--verdicts", filepath.Join(t.TempDir(), "no", "verdicts")}, exitFailed, "verdicts"},
		{"unknown flag", []string{"--modle", model}, exitUsage, "modle"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := invoke(append([]string{"eval", "--data", smallStreet}, tt.args...)...)
			if code != tt.code || !strings.Contains(errs, tt.want) || out != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d, nothing, %q", code, out, errs, tt.code, tt.want)
			}
		})
	}
}

// Pictures that a network wants as tiles lack a grid, and no names, which nobody gave.
func TestEvalAsksForAGrid(t *testing.T) {
	model, _, _ := streetModel(t)
	folder := t.TempDir()
	for name, content := range map[string][]byte{
		"train-images-idx3-ubyte": append([]byte{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28}, make([]byte, 2*28*28)...),
		"train-labels-idx1-ubyte": {0, 0, 8, 1, 0, 0, 0, 2, 0, 1},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	code, _, errs := invoke("eval", "--model", model, "--data", folder)
	if code != exitFailed || !strings.Contains(errs, "cut them into as many tiles with --grid") || strings.Contains(errs, "were given") {
		t.Errorf("exit code %d, %q", code, errs)
	}
}

// A comparison is a file that somebody may have sent: whatever is in it, it is refused or
// drawn, as pictures that every reader of SVG takes.
func FuzzComparison(f *testing.F) {
	f.Add([]byte(`{"by":"filters","data":"x","networks":[{"cloud":"CC","filters":4,"accuracy":{"overall":0.9,"local":null,"cloud":1},"intervals":{"overall":[0.8,0.95]},"payload_bytes_per_seen_view":44}]}`))
	f.Add([]byte(`{"by":"filters","networks":[{"cloud":"CC","payload_bytes_per_seen_view":null,"payload_bytes_all_up":null,"payload_formula_bytes":null}]}`))
	f.Add([]byte(`{"by":"filters","networks":[{"cloud":"CC","accuracy":{"overall":null,"local":null,"cloud":null},"intervals":{"local":[0.1,null],"cloud":[null,0.1]}}]}`))
	f.Add([]byte(`{"by":"aggregators","networks":[{"local":"MP","cloud":"CC","accuracy":{"overall":null},"intervals":{"overall":[0.5,null]}}]}`))
	f.Add([]byte(`{"by":"aggregators","networks":[{"local":"\u0001","cloud":"\ufffe]]>"},{"local":"MP","cloud":"CC"}]}`))
	f.Add([]byte(`{"by":"aggregators","networks":[{"local":"MP","cloud":"CC","accuracy":{"overall":1e300}}]}`))
	f.Add([]byte(`{"by":"filters","networks":[{"payload_bytes_all_up":1e308},{"payload_bytes_per_seen_view":-1}]}`))
	f.Add([]byte(`{"by":"filters","networks":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseComparison(text)
		if err != nil {
			return
		}
		d := report.NewDocument("fuzz", nil, c)
		var page bytes.Buffer
		if err := d.WriteHTML(&page); err != nil {
			t.Fatal(err)
		}
		pictures := inlinePictures(page.String())
		if len(pictures) != len(d.Figures) {
			t.Fatalf("%d pictures of %d figures", len(pictures), len(d.Figures))
		}
		for i := range d.Figures {
			var file bytes.Buffer
			if err := d.Figures[i].WriteSVG(&file); err != nil {
				t.Fatal(err)
			}
			pictures = append(pictures, file.String())
		}
		for _, svg := range pictures {
			if err := soundPicture(svg); err != nil {
				t.Errorf("%v in %s", err, svg)
			}
		}
	})
}

// inlinePictures is every picture of a page.
func inlinePictures(page string) []string {
	var pictures []string
	for _, part := range strings.Split(page, "<svg ")[1:] {
		svg, _, _ := strings.Cut(part, "</svg>")
		pictures = append(pictures, "<svg "+svg+"</svg>")
	}
	return pictures
}

// soundPicture reports what is wrong with a picture: XML that is none, or a coordinate that
// is no number.
func soundPicture(svg string) error {
	for _, none := range []string{"NaN", "Inf"} {
		if strings.Contains(svg, none) {
			return errors.New("a coordinate is " + none)
		}
	}
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// An oracle that finds nothing would pass whatever is drawn.
func TestSoundPictureCanFail(t *testing.T) {
	for _, svg := range []string{`<svg x="NaN"/>`, `<svg><text x="1">+Inf</text></svg>`, "<svg>\x01</svg>", `<svg><g></svg>`, `<svg>`} {
		if soundPicture(svg) == nil {
			t.Errorf("%q passes", svg)
		}
	}
	if err := soundPicture(`<svg viewBox="0 0 1 1"><text x="1">MP</text></svg>`); err != nil {
		t.Errorf("a sound picture: %v", err)
	}
}
