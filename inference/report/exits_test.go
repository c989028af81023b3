package report

import (
	"bytes"
	"context"
	"math/bits"
	"strings"
	"testing"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
)

// foundWith is the evaluation of samples of which each sees at least so many views, with
// local thresholds by the number of views seen.
func foundWith(t *testing.T, least int, local ...float64) *evaluation.Report {
	t.Helper()
	set, err := dataset.Open("street:samples=24,seed=3", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var samples []int
	for i := range set.Len() {
		seen := uint64(0)
		for v := range set.Views {
			if topology.Nonzero.Present(set.View(i, v)) {
				seen |= 1 << v
			}
		}
		if bits.OnesCount64(seen) >= least {
			samples = append(samples, i)
		}
	}
	if len(samples) == 0 {
		t.Fatalf("no sample sees %d views", least)
	}
	top, err := topology.Preset("c", topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := inference.NewBundle(reference.Random(top, 1))
	if err != nil {
		t.Fatal(err)
	}
	thresholds, err := inference.NewThresholds(top, map[topology.Exit][]float64{topology.ExitLocal: local})
	if err != nil {
		t.Fatal(err)
	}
	if b, err = b.WithThresholds(thresholds, "a test"); err != nil {
		t.Fatal(err)
	}
	r, err := evaluation.RunWith(context.Background(), b, set, evaluation.Options{Samples: samples, Split: evaluation.SplitAll})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func named(figures []Figure, name string) *Figure {
	for i := range figures {
		if figures[i].Name == name {
			return &figures[i]
		}
	}
	return nil
}

// An exit that no sample comes to is no fault: with T = 1 none goes up, and a page about
// that network must be written all the same.
func TestFiguresOfAnExitThatNobodyReaches(t *testing.T) {
	r := foundWith(t, 1, 1)
	if n := len(qualitiesOf(r, "cloud")); n != 0 {
		t.Fatalf("%d rows of the cloud exit, want none", n)
	}
	figures := Figures(r)
	for name, want := range map[string]bool{"reliability-local": true, "exited-local": true, "reliability-cloud": false, "entropy-cloud": false} {
		if got := named(figures, name) != nil; got != want {
			t.Errorf("figure %s is there: %v, want %v", name, got, want)
		}
	}
	var page bytes.Buffer
	if err := NewDocument("x", r).WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	pictured(t, figures)
}

// Where samples go up only with fewer views than they see, no row is of the samples as they
// are: the first one is not it, and must not be shown as such.
func TestFiguresWhereOnlySubsetsGoUp(t *testing.T) {
	r := foundWith(t, 2, 0, 1)
	rows := qualitiesOf(r, "cloud")
	if _, there := asSeen(r, "cloud"); there || len(rows) != 1 || rows[0].Seen != 1 {
		t.Fatalf("rows of the cloud exit %+v, want one, of a single view", rows)
	}
	figures := Figures(r)
	pictured(t, figures)
	for _, name := range []string{"reliability-cloud", "entropy-cloud"} {
		f := named(figures, name)
		if f == nil {
			t.Fatalf("no figure %s", name)
		}
		if len(f.Table.Rows) != 0 {
			t.Errorf("%s shows %v as what the samples are with all their views", name, f.Table.Rows)
		}
		if title := f.charts[0][0].plot.Title.Text; !strings.HasPrefix(title, "1 view,") {
			t.Errorf("%s has a panel %q, want one of 1 view", name, title)
		}
	}
}

// More numbers of views than fit a page, none of them as the samples are: the page stays a
// page.
func TestPanelsFitAPage(t *testing.T) {
	r := new(evaluation.Report)
	for n := range 30 {
		r.ExitQuality = append(r.ExitQuality, evaluation.ExitQuality{Exit: "cloud", Seen: n + 1})
	}
	got := panelled(r, "cloud")
	if len(got) != 9 || got[8].Seen != 30 {
		t.Errorf("%d panels, want 9, up to 30 views", len(got))
	}
	r.ExitQuality = append(r.ExitQuality, evaluation.ExitQuality{Exit: "cloud"})
	if got = panelled(r, "cloud"); len(got) != 1 || got[0].Seen != 0 {
		t.Errorf("panels of %+v, want the samples as they are", got)
	}
}

// pictured draws figures, which must be well-formed and have numbers for coordinates.
func pictured(t *testing.T, figures []Figure) {
	t.Helper()
	for i := range figures {
		svg := figures[i].svg(nil)
		wellFormed(t, figures[i].Name, svg)
		if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s has a coordinate that is no number", figures[i].Name)
		}
	}
}
