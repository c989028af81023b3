package inference_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/reference"
	"ganglion/inference/topology"
)

// A network with places for cameras to come must answer what its own cameras see as it did
// without them, and use a new one as it would any other: its weights are the same.
func TestWithViews(t *testing.T) {
	narrow := seal(t, reference.Random(preset(t, "elastic", "a", "b", "c"), 3))
	wide, err := narrow.WithViews([]string{"d", "e"})
	if err != nil {
		t.Fatal(err)
	}
	if got := wide.Topology().Views; !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) || len(wide.Topology().Groups[0]) != 5 {
		t.Errorf("views %v in groups %v", got, wide.Topology().Groups)
	}
	if id := narrow.ID(); !slices.Equal(wide.Provenance().GetParent(), id[:]) {
		t.Errorf("its parent is %x, want %s", wide.Provenance().GetParent(), id)
	}
	answer := func(b *inference.Bundle, pixels ...[]byte) inference.Verdict {
		return b.Model().Classify(pixels, exitAll(t, b.Topology(), topology.ExitCloud), b.Model().NewScratch())
	}
	p := views(narrow.Topology(), 1, 0)
	want, got := answer(narrow, p...), answer(wide, p[0], p[1], p[2], nil, nil)
	if diff := cmp.Diff(want.Proposals, got.Proposals); diff != "" {
		t.Errorf("the new views change what the old ones say (-want +got): %s", diff)
	}
	moved := answer(wide, nil, nil, p[0], p[1], p[2])
	if diff := cmp.Diff(want.Proposals, moved.Proposals); diff != "" {
		t.Errorf("a picture says something else in a new place (-want +got): %s", diff)
	}
}

// Weights that are for certain views must not be stretched over others, nor names be taken
// twice.
func TestWithViewsRefuses(t *testing.T) {
	elastic := reference.Random(preset(t, "elastic", "a", "b"), 1)
	for _, row := range []struct {
		name  string
		of    *inference.Bundle
		views []string
		want  error // nil: any
	}{
		{"weights by view", seal(t, reference.Random(preset(t, "c", "a", "b"), 1)), []string{"d"}, inference.ErrNotElastic},
		{"no view", seal(t, elastic), nil, nil},
		{"a name that is there", seal(t, elastic), []string{"b"}, nil},
		{"more than a mask holds", seal(t, elastic), topology.ViewNames(topology.MaxViews), nil},
	} {
		if _, err := row.of.WithViews(row.views); err == nil || row.want != nil && !errors.Is(err, row.want) {
			t.Errorf("%s: error %v, want %v", row.name, err, row.want)
		}
	}
}
