package command

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/evaluation"
)

// Columns are read down: names and numbers must line up, and lines not end in spaces.
func TestSection(t *testing.T) {
	s := section{title: "Title", names: []string{"name", "share", ""}}
	s.add("first", "100.0 %", "")
	s.add("a longer one", "-", "x")
	want := "\nTitle\n" +
		"  name             share\n" +
		"  first          100.0 %\n" +
		"  a longer one         -   x\n"
	if diff := cmp.Diff(want, s.String()); diff != "" {
		t.Errorf("section (-want +got):\n%s", diff)
	}
}

// A figure of nothing must not read as a number.
func TestFigures(t *testing.T) {
	nan := evaluation.Number(math.NaN())
	for _, tt := range []struct{ got, want string }{
		{percent(0.985), "98.5 %"},
		{percent(1), "100.0 %"},
		{percent(nan), "-"},
		{byteCount(21.25), "21.2"},
		{byteCount(nan), "-"},
		{interval(evaluation.Interval{0.954, 1}), "95.4 to 100.0 %"},
		{interval(evaluation.Wilson(0, 0)), "-"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
