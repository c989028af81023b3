package benchtopologies

import (
	"math"
	"testing"

	"ganglion/inference/topology"
)

// The claim stands on this p. The values are of the binomial distribution, by hand.
func TestMcNemar(t *testing.T) {
	for _, test := range []struct {
		a, b int
		want float64
	}{
		{0, 0, 1},
		{1, 0, 1},
		{5, 0, 2.0 / 32},
		{0, 6, 2.0 / 64},
		{1, 7, 2 * (1 + 8.0) / 256},
		{3, 3, 1}, // more than half on either side, cut at 1
		{4, 16, 2 * (1 + 20 + 190 + 1140 + 4845.0) / (1 << 20)},
	} {
		if got := mcNemar(test.a, test.b); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%d against %d: p %v, want %v", test.a, test.b, got, test.want)
		}
	}
	if p := mcNemar(4000, 5000); !(p > 0 && p < 1e-20) {
		t.Errorf("of thousands of samples p is %v", p)
	}
}

// A network is better only where the samples on which the two differ say so; the ones that
// both get right say nothing.
func TestVersus(t *testing.T) {
	outcome := func(rights ...int) *answers { // numbers of samples: both, first alone, other alone
		a := &answers{}
		for at, n := range rights {
			for range n {
				a.right = append(a.right, at < 2)
			}
		}
		return a
	}
	flipped := func(a *answers, both, first int) *answers {
		b := &answers{}
		for i := range a.right {
			b.right = append(b.right, i < both || i >= both+first)
		}
		return b
	}
	for _, test := range []struct {
		name               string
		both, first, other int
		want               string
	}{
		{"alike", 100, 0, 0, Equal},
		{"a handful", 100, 4, 0, Equal},
		{"clearly more", 10, 12, 1, Better},
		{"clearly less", 10, 1, 12, Worse},
	} {
		first := outcome(test.both, test.first, test.other)
		v := versus(first, flipped(first, test.both, test.first))
		if v.Verdict != test.want || v.OnlyFirst != test.first || v.OnlyOther != test.other {
			t.Errorf("%s: %+v, want %s", test.name, v, test.want)
		}
	}
}

// What goes to the last tier is what a thin line carries: pictures, features of the seen
// views, or what the edges make of them, one for each group that saw something.
func TestUplinkBytes(t *testing.T) {
	base := topology.Base{Views: topology.ViewNames(6), Classes: []string{"a", "b"}}
	for _, test := range []struct {
		preset string
		seen   uint64
		want   int
	}{
		{"a", 0b000101, 2 * 3072},
		{"c", 0b000101, 2 * 128},
		{"e", 0b000101, 128},
		{"f", 0b000101, 128},
		{"f", 0b100101, 2 * 128},
	} {
		top, err := topology.Preset(test.preset, base)
		if err != nil {
			t.Fatal(err)
		}
		if got := uplinkBytes(top, test.seen); got != test.want {
			t.Errorf("%s, views %b: %d bytes, want %d", test.preset, test.seen, got, test.want)
		}
	}
}

// A live run that lost something, or in which a beat never came, must fail the comparison: its
// figures are of other samples than the others'.
func TestLiveFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		live  Live
		fault bool
	}{
		{"all decided", Live{Due: 9, Decided: 9}, false},
		{"views came late", Live{Due: 9, Decided: 9, Short: 2}, false},
		{"lost", Live{Due: 9, Decided: 8, Lost: 1}, true},
		{"a beat that nobody knows of", Live{Due: 8, Decided: 8}, true},
		{"another answer", Live{Due: 9, Decided: 9, Wrong: 1}, true},
	} {
		if err := test.live.fault(9); (err != nil) != test.fault {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
