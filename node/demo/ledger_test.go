package demo

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference/builtin"
	"ganglion/inference/evaluation"
	"ganglion/proto/controlpb"
)

// Nearest rank is what people expect of a percentile: a value that occurred.
func TestPercentile(t *testing.T) {
	ms := func(n ...int) (out []time.Duration) {
		for _, v := range n {
			out = append(out, time.Duration(v)*time.Millisecond)
		}
		return out
	}
	tests := []struct {
		name   string
		values []time.Duration
		p      float64
		want   evaluation.Number
	}{
		{"of one", ms(7), 0.99, 7},
		{"median of two is the first", ms(1, 9), 0.5, 1},
		{"median of three", ms(1, 2, 9), 0.5, 2},
		{"p90 of ten", ms(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 0.9, 9},
		{"p99 of ten is the last", ms(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 0.99, 10},
		{"the least", ms(1, 2, 3), 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := percentile(tt.values, tt.p); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if got := percentile(nil, 0.5); !math.IsNaN(float64(got)) {
		t.Errorf("of none: got %v, want NaN", got)
	}
}

// A sample counts once, by the verdict that survives, in whatever order the two come: or a
// partition that healed would count as an answer too many, or as a difference.
func TestLedgerKeepsSurvivors(t *testing.T) {
	b, set := street(t)
	good := func(beat uint64) *controlpb.Verdict {
		v := answered(b, set, beat, int(beat))
		v.Hash = "good"
		return v
	}
	worse := func(beat uint64, supersededBy string) *controlpb.Verdict {
		v := good(beat)
		v.Hash, v.SupersededBy, v.StoppedEarly = "worse", supersededBy, true
		return v
	}
	demand := good(0)
	demand.Beat = nil
	tests := []struct {
		name      string
		lines     []*controlpb.Verdict
		samples   int
		differing uint64
	}{
		{"two samples", []*controlpb.Verdict{good(0), good(1)}, 2, 0},
		{"told twice", []*controlpb.Verdict{good(0), good(0)}, 1, 0},
		{"on demand", []*controlpb.Verdict{demand}, 0, 0},
		{"the worse one alone", []*controlpb.Verdict{worse(0, "")}, 1, 1},
		{"worse, then its survivor", []*controlpb.Verdict{worse(0, ""), good(0), worse(0, "good")}, 1, 0},
		{"worse, said to be superseded first", []*controlpb.Verdict{worse(0, ""), worse(0, "good"), good(0)}, 1, 0},
		{"survivor first", []*controlpb.Verdict{good(0), worse(0, "good")}, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := NewLedger(NewJudge(b, set, evaluation.Every(set), b.Topology().AllViews()))
			for _, v := range tt.lines {
				l.Add(v)
			}
			n, _, first := l.Differing()
			if l.Len() != tt.samples || n != tt.differing || uint64(len(first)) != n {
				t.Errorf("%d samples, %d differ (%v); want %d and %d", l.Len(), n, first, tt.samples, tt.differing)
			}
		})
	}
}

// A superseded verdict whose survivor has not come is no answer yet: the run must not end.
func TestLedgerWaitsForSurvivor(t *testing.T) {
	b, set := street(t)
	l := NewLedger(NewJudge(b, set, evaluation.Every(set), b.Topology().AllViews()))
	v := answered(b, set, 0, 0)
	l.Add(v)
	v = answered(b, set, 0, 0)
	v.SupersededBy = "b"
	l.Add(v)
	if l.Len() != 0 {
		t.Errorf("%d samples have an answer, want none", l.Len())
	}
}

// evaluated is what eval says of the small scene.
var evaluated = sync.OnceValues(func() (*evaluation.Report, error) {
	b, err := builtin.Bundle()
	if err != nil {
		return nil, err
	}
	set, err := smallScene()
	if err != nil {
		return nil, err
	}
	return evaluation.Run(context.Background(), b, set, evaluation.Every(set), evaluation.SplitAll)
})

// What a demo says must be what eval says of the same samples: accuracy, shares and the
// payload that the formula gives.
func TestFiguresAreThoseOfEval(t *testing.T) {
	b, set := street(t)
	samples := evaluation.Every(set)
	want, err := evaluated()
	if err != nil {
		t.Fatal(err)
	}
	l := NewLedger(NewJudge(b, set, samples, b.Topology().AllViews()))
	var cost spent
	for beat := range uint64(set.Len()) {
		v := answered(b, set, beat, int(beat))
		l.Add(v)
		seen := uint64(len(v.GetSeen()))
		cost.views += seen
		cost.payload += seen * uint64(b.Topology().ScoreBytes())
		if v.GetExit() == "cloud" {
			cost.payload += seen * uint64(b.Topology().FeatureBytes())
		}
	}
	var got Result
	got.figures(l, b.Topology(), cost)
	if got.Accuracy != want.Accuracy.Overall || got.Interval != want.Intervals["overall"] {
		t.Errorf("accuracy %v in %v, eval %v in %v", got.Accuracy, got.Interval, want.Accuracy.Overall, want.Intervals["overall"])
	}
	if diff := cmp.Diff(want.Exits, got.Exits); diff != "" {
		t.Errorf("shares of exits (-eval +demo):\n%s", diff)
	}
	if diff := cmp.Diff(want.ExitAccuracy, got.ExitAccuracy); diff != "" {
		t.Errorf("accuracy by exit (-eval +demo):\n%s", diff)
	}
	if got.PayloadPerSeenView != want.PayloadPerSeenView || math.Abs(float64(got.FormulaPerSeenView-want.PayloadPerSeenView)) > 1e-9 {
		t.Errorf("payload %v, by formula %v; eval %v", got.PayloadPerSeenView, got.FormulaPerSeenView, want.PayloadPerSeenView)
	}
	if !got.AgreesWithEval {
		t.Errorf("%d differ: %v", got.Differing, got.Differences)
	}
}

// A demo without some views must say what eval says of the others, whichever they are.
func TestFiguresWithoutViewsAreThoseOfEval(t *testing.T) {
	b, set := street(t)
	samples := evaluation.Every(set)
	report, err := evaluated()
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Missing) != 62 {
		t.Fatalf("eval tried %d sets of missing views, want every one", len(report.Missing))
	}
	for i, want := range report.Missing {
		if i%5 != 0 {
			continue // some of each size are enough
		}
		c := Config{Bundle: b, Missing: want.Views}
		l := NewLedger(NewJudge(b, set, samples, c.live()))
		for beat := range uint64(set.Len()) {
			l.Add(answeredBy(b, set, beat, int(beat), c.live()))
		}
		var got Result
		got.figures(l, b.Topology(), spent{})
		none := evaluation.Number(float64(want.NoView) / float64(want.Samples))
		if got.Accuracy != want.Overall || got.Interval != want.Interval || got.Exits["local"] != want.LocalExit || got.Exits["none"] != none {
			t.Errorf("without views %v: accuracy %v in %v, %v local, %v none; eval says %v in %v, %v, %v", want.Views,
				got.Accuracy, got.Interval, got.Exits["local"], got.Exits["none"], want.Overall, want.Interval, want.LocalExit, none)
		}
		if !got.AgreesWithEval {
			t.Errorf("without views %v: %d differ: %v", want.Views, got.Differing, got.Differences)
		}
	}
}

// A demo that is kept running for days must not grow without end, and must go on counting
// what differed.
func TestLedgerForgets(t *testing.T) {
	b, set := street(t)
	l := NewLedger(NewJudge(b, set, []int{0}, b.Topology().AllViews()))
	for beat := range uint64(kept + shown + 5) {
		number := beat
		l.Add(&controlpb.Verdict{Beat: &number, Hash: "x", Exit: refused})
	}
	n, _, first := l.Differing()
	if l.Len() != kept || len(l.order) != kept || len(l.differ) != kept || n != kept+shown+5 || len(first) != shown {
		t.Errorf("%d samples, %d in order, %d differences; %d differ, %d by name", l.Len(), len(l.order), len(l.differ), n, len(first))
	}
}
