package report

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
)

// found is the evaluation of random weights on a small scene: its figures look like
// nothing, but every number in them is a real one.
func found(t *testing.T, preset string, together [][]int) *evaluation.Report {
	t.Helper()
	set, err := dataset.Open("street:samples=24,seed=3", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if preset == "b" {
		if set, err = set.SelectViews([]int{4}); err != nil {
			t.Fatal(err)
		}
	}
	top, err := topology.Preset(preset, topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := inference.NewBundle(reference.Random(top, 1))
	if err != nil {
		t.Fatal(err)
	}
	r, err := evaluation.RunWith(context.Background(), b, set, evaluation.Options{
		Samples: evaluation.Every(set), Split: evaluation.SplitAll, Together: together,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// comparison is made up: how networks are trained is not this package's business.
func comparison(by string) *evaluation.Comparison {
	c := &evaluation.Comparison{By: by, Data: "made up", DataHash: "c0ffee", Frames: "1-9", Samples: 50, Seed: 1, Epochs: 2}
	for i, scheme := range []string{"MP-MP", "MP-CC", "AP-AP"} {
		local, cloud, _ := strings.Cut(scheme, "-")
		right := 40 + i
		c.Networks = append(c.Networks, evaluation.Compared{
			Local: local, Cloud: cloud, Filters: 1 << i, Bundle: strings.Repeat("ab", 32),
			Accuracy:           evaluation.Accuracy{Overall: 0.9, Local: 0.8, Cloud: 0.85},
			Intervals:          map[string]evaluation.Interval{"overall": evaluation.Wilson(right, 50), "local": evaluation.Wilson(right, 50)},
			PayloadPerSeenView: evaluation.Number(20 + 8*i), PayloadFormula: evaluation.Number(21 + 8*i), PayloadAllUp: evaluation.Number(int(44) << i),
		})
	}
	return c
}

// Every figure must come out as well-formed SVG, for every kind of
// network: one without a local exit, or with one view, has fewer.
func TestFigures(t *testing.T) {
	tests := []struct {
		preset   string
		together [][]int
		want     []string // among the figures
		never    []string
	}{
		{"a", nil, []string{"growth", "one-lost", "subsets", "reliability-cloud", "entropy-cloud", "classes"}, []string{"threshold", "payload", "exited-local", "node-lost"}},
		{"b", nil, []string{"threshold", "payload", "exited-local"}, []string{"growth", "one-lost", "subsets"}},
		{"c", [][]int{{0, 1}}, []string{"threshold", "node-lost", "exited-local", "reliability-local", "entropy-local"}, []string{"exited-cloud"}},
		{"f", nil, []string{"exited-local", "exited-edge", "entropy-edge"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.preset, func(t *testing.T) {
			var names []string
			figures := Figures(found(t, tt.preset, tt.together))
			for i := range figures {
				f := &figures[i]
				names = append(names, f.Name)
				wellFormed(t, f.Name, f.svg(nil))
				if f.Caption == "" || len(f.Table.Rows) == 0 {
					t.Errorf("%s has no caption or no table", f.Name)
				}
			}
			for _, name := range tt.want {
				if !slices.Contains(names, name) {
					t.Errorf("no figure %s among %v", name, names)
				}
			}
			for _, name := range tt.never {
				if slices.Contains(names, name) {
					t.Errorf("figure %s of a network that has no such thing", name)
				}
			}
		})
	}
}

func wellFormed(t *testing.T, name string, text []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s is not well-formed: %v", name, err)
		}
	}
}

// Pictures are for print: as many dots as it has.
func TestPNGIsForPrint(t *testing.T) {
	figures := Figures(found(t, "c", nil))
	for _, f := range figures[:1] {
		var picture bytes.Buffer
		if err := f.WritePNG(&picture); err != nil {
			t.Fatal(err)
		}
		config, err := png.DecodeConfig(&picture)
		if want := int(float64(f.width) / 72 * pngDPI); err != nil || config.Width < want {
			t.Errorf("%s: %d pixels wide, %v; want %d", f.Name, config.Width, err, want)
		}
	}
}

// A coordinate that is no number is drawn nowhere, in silence.
func TestFiguresHaveNumbers(t *testing.T) {
	for _, c := range []string{evaluation.ByAggregators, evaluation.ByFilters} {
		f := ComparisonFigure(comparison(c))
		wellFormed(t, f.Name, f.svg(nil))
		if bytes.Contains(f.svg(nil), []byte("NaN")) || bytes.Contains(f.svg(nil), []byte("Inf")) {
			t.Errorf("%s has a coordinate that is no number", f.Name)
		}
	}
	// What a file leaves out, or half of it.
	for _, by := range []string{evaluation.ByAggregators, evaluation.ByFilters} {
		c, none := comparison(by), evaluation.Number(math.NaN())
		c.Networks[0].Accuracy = evaluation.Accuracy{Overall: none, Local: none, Cloud: none}
		c.Networks[1].PayloadAllUp, c.Networks[1].PayloadPerSeenView, c.Networks[1].PayloadFormula = none, none, none
		c.Networks[2].Intervals = map[string]evaluation.Interval{"overall": {0.5, none}, "local": {none, 0.5}}
		f := ComparisonFigure(c)
		if svg := f.svg(nil); bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s has a coordinate that is no number, of what was not measured", f.Name)
		}
		if by == evaluation.ByFilters && bytes.Count(f.svg(nil), []byte("fill:#0072B2\">")) != 1 {
			t.Error("filters beside a circle that is not there, or none beside the one that is")
		}
	}
	figures := Figures(found(t, "c", nil))
	for i := range figures {
		if svg := figures[i].svg(nil); bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s has a coordinate that is no number", figures[i].Name)
		}
	}
}

// The report must be readable on a machine without a network, and must not tell
// anybody that it was read.
func TestHTMLAsksNobody(t *testing.T) {
	r := found(t, "c", nil)
	r.Data = `<script>alert("data")</script>`
	r.Views[0], r.Classes[0] = `a<b>&"camera`, `</svg></td><b>`
	folder := t.TempDir()
	d := NewDocument("ganglion eval --data x", r, comparison(evaluation.ByAggregators), comparison(evaluation.ByFilters))
	// The other pictures are made alike, and take a while under the race detector.
	d.Figures = slices.DeleteFunc(d.Figures, func(f Figure) bool {
		return !slices.Contains([]string{"growth", "entropy-cloud", "classes", "aggregators"}, f.Name)
	})
	files, err := d.Write(filepath.Join(folder, "new", "plots"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "new", "plots", PageName))
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, loads := range []string{`(?i)<script`, `(?i)<img`, `(?i)<link`, `(?i)\bsrc\s*=`, `(?i)\bhref\s*=`, `(?i)url\(`, `(?i)@import`, `(?i)https?://`} {
		if found := regexp.MustCompile(loads).FindString(strings.ReplaceAll(page, "http://www.w3.org/", "")); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
	for _, want := range []string{"ganglion eval --data x", r.Bundle, r.DataHash, "c0ffee", "prefers-color-scheme: dark", "@media print", "Figure 1."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(page, "#000000") {
		t.Error("black ink is not seen on a dark ground")
	}
	if got := strings.Count(page, "<svg "); 2*got != len(files)-1 {
		t.Errorf("%d pictures for %d files", got, len(files))
	}
}

// The same results make the same bytes: a report can be compared with another.
func TestHTMLRepeats(t *testing.T) {
	r := found(t, "c", nil)
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := NewDocument("x", r).WriteHTML(w); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two pages of one report differ")
	}
}

// A report may come from a file, in which figures of nothing are null: what was read
// again must be drawn as it was.
func TestReportSurvivesJSON(t *testing.T) {
	r := found(t, "a", nil)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again evaluation.Report
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := errors.Join(NewDocument("x", r).WriteHTML(&first), NewDocument("x", &again).WriteHTML(&second)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the page differs once the report was read again")
	}
}

// A table with a row too short would move numbers below other names.
func TestTablesAreWhole(t *testing.T) {
	for _, preset := range []string{"a", "e"} {
		tables := Tables(found(t, preset, [][]int{{0, 5}}))
		for _, c := range []string{evaluation.ByAggregators, evaluation.ByFilters} {
			tables = append(tables, ComparisonTable(comparison(c)))
		}
		for _, table := range tables {
			for _, row := range table.Rows {
				if len(row) != len(table.Names) {
					t.Errorf("%s: %d cells for %d names", table.Title, len(row), len(table.Names))
				}
			}
		}
	}
}

// Marks of an axis are what a person would choose.
func TestEvenTicks(t *testing.T) {
	for _, tt := range []struct {
		low, high float64
		want      string
	}{
		{0, 1, "0 0.2 0.4 0.6 0.8 1"},
		{90, 100, "90 92 94 96 98 100"},
		{40, 100, "40 60 80 100"},
		{0, 147, "0 50 100"},
		{-0.3, 0.3, "-0.2 0 0.2"},
	} {
		var labels []string
		for _, tick := range (evenTicks{6}).Ticks(tt.low, tt.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != tt.want {
			t.Errorf("%v to %v: marks %s, want %s", tt.low, tt.high, got, tt.want)
		}
	}
}

// Long names must stay apart, and stay different from one another.
func TestShortNames(t *testing.T) {
	short := shortNames([]string{"north entrance camera 1", "north entrance camera 2", "c", "d", "e", "f"})
	if short[0] == short[1] || len([]rune(short[0])) > 10 {
		t.Errorf("short names %q", short)
	}
}
