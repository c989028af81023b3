package benchmesh

import (
	"math"
	"strings"
	"testing"
	"time"
)

// Ratios are judged by their interval, so the interval must be that of the books: Student's t
// of the logarithms.
func TestRatioOf(t *testing.T) {
	const tolerance = 1e-6
	// Of logarithms -0.1, 0, 0.1, 0.2: mean 0.05, deviation 0.129099, t(3, 97.5 %) 3.182446.
	got, err := ratioOf([]float64{-0.1, 0, 0.1, 0.2})
	if err != nil {
		t.Fatal(err)
	}
	half := 3.1824463 * 0.1290994449 / 2
	want := Ratio{math.Exp(0.05), math.Exp(0.05 - half), math.Exp(0.05 + half)}
	for _, of := range [][2]float64{{got.Mean, want.Mean}, {got.Low, want.Low}, {got.High, want.High}} {
		if math.Abs(of[0]-of[1]) > tolerance {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	for _, logs := range [][]float64{nil, {0.1}, {0, math.Inf(1)}, {0, math.NaN()}} {
		if got, err := ratioOf(logs); err == nil {
			t.Errorf("of %v it makes %+v", logs, got)
		}
	}
}

// The one is above the line: a swap would call what is slower faster.
func TestPairsSum(t *testing.T) {
	p := Pairs{Runs: []Pair{
		{One: PairRun{PerSecond: 50, Sample: 3 * time.Millisecond, Local: 4 * time.Millisecond}, Other: PairRun{PerSecond: 100, Sample: time.Millisecond, Local: time.Millisecond}},
		{One: PairRun{PerSecond: 50, Sample: 3 * time.Millisecond, Local: 4 * time.Millisecond}, Other: PairRun{PerSecond: 100, Sample: time.Millisecond, Local: time.Millisecond}},
	}}
	if err := p.sum(); err != nil {
		t.Fatal(err)
	}
	const tolerance = 1e-9
	for _, of := range [][2]float64{{p.PerSecond.Mean, 0.5}, {p.Processor.Mean, 3}, {p.Local.Mean, 4}, {p.Local.High, 4}} {
		if math.Abs(of[0]-of[1]) > tolerance {
			t.Errorf("got %v, want %v", of[0], of[1])
		}
	}
}

// Faults of a configuration are told all at once.
func TestPairsConfig(t *testing.T) {
	good := PairsConfig{Program: "ganglion", Pairs: 15, Rate: 500, For: time.Second}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	err := (&PairsConfig{Pairs: 1, Rate: math.NaN()}).Validate()
	for _, fault := range []string{"program", "rate", "run of", "pairs 1"} {
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("nothing of %q in %v", fault, err)
		}
	}
}
