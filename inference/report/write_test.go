package report

import (
	"bytes"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ganglion/inference/evaluation"
)

// The page is said to have all of a report: what the terminal prints as a table must be in
// it, for every kind of network.
func TestPageHasEveryTable(t *testing.T) {
	for _, tt := range []struct {
		preset   string
		together [][]int
	}{{"a", nil}, {"b", nil}, {"c", [][]int{{0, 1}}}, {"f", nil}} {
		r := found(t, tt.preset, tt.together)
		var page bytes.Buffer
		if err := NewDocument("x", r).WriteHTML(&page); err != nil {
			t.Fatal(err)
		}
		for _, table := range Tables(r) {
			if !strings.Contains(page.String(), "<h3>"+html.EscapeString(table.Title)+"</h3>") {
				t.Errorf("preset %s: the page has no table %q", tt.preset, table.Title)
			}
		}
	}
}

// Two comparisons of one kind, of two seeds for instance, are two figures: neither may take
// the other's files, nor its place in the page.
func TestComparisonsOfOneKind(t *testing.T) {
	folder := t.TempDir()
	d := NewDocument("x", nil, comparison(evaluation.ByAggregators), comparison(evaluation.ByFilters),
		comparison(evaluation.ByAggregators), comparison(evaluation.ByAggregators))
	files, err := d.Write(folder)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"aggregators.svg", "aggregators.png", "filters.svg", "filters.png", "aggregators-2.svg", "aggregators-2.png",
		"aggregators-3.svg", "aggregators-3.png", PageName,
	}
	if !slices.Equal(files, want) {
		t.Errorf("files %v, want %v", files, want)
	}
	page, err := os.ReadFile(filepath.Join(folder, PageName))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"aggregators", "aggregators-2", "aggregators-3", "filters"} {
		if n := bytes.Count(page, []byte(`<section id="`+id+`">`)); n != 1 {
			t.Errorf("the page has %d places called %s", n, id)
		}
	}
}
