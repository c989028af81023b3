package inference

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"ganglion/inference/topology"
)

// The exit rule is compared across machines, so its elementary functions are ours;
// they must still be the mathematical ones.
func TestElementaryFunctionsAreAccurate(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		x := -random.Float64() * 60
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > 4e-16*want {
			t.Fatalf("exp(%v) = %v, want %v", x, got, want)
		}
		y := 1 + random.Float64()*300
		if got, want := log(y), math.Log(y); math.Abs(got-want) > 4e-16*max(1, want) {
			t.Fatalf("log(%v) = %v, want %v", y, got, want)
		}
	}
	for _, x := range []float64{0, -1e-300, -699.9, -700.1, math.Inf(-1)} {
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > 1e-300 && got != want {
			t.Errorf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	if log(1) != 0 || exp(0) != 1 {
		t.Errorf("log(1) = %v, exp(0) = %v, want exactly 0 and 1", log(1), exp(0))
	}
}

// The bits below were computed once on amd64; every architecture must reproduce them,
// or two nodes of one mesh could disagree on whether a sample exits.
func TestEntropyIsTheSameBitsEverywhere(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	hash := uint64(14695981039346656037)
	for range 2000 {
		scores := make([]float32, 2+random.IntN(9))
		for c := range scores {
			scores[c] = float32(random.IntN(4001)-2000) / 128
		}
		p := make([]float64, len(scores))
		Softmax(p, scores)
		for _, v := range append(p, NormalizedEntropy(scores)) {
			hash = (hash ^ math.Float64bits(v)) * 1099511628211
		}
	}
	if want := uint64(goldenEntropyHash); hash != want {
		t.Errorf("hash of 2000 softmaxes and entropies is %#x, want %#x", hash, want)
	}
}

// Section III-D of the paper: eta is the entropy of the softmax over log |C|; near 0 is
// confident, 1 is not at all.
func TestNormalizedEntropy(t *testing.T) {
	for _, row := range []struct {
		name   string
		scores []float32
		want   float64
	}{
		{"uniform scores have entropy 1", []float32{2, 2, 2}, 1},
		{"uniform over two classes as well", []float32{-5, -5}, 1},
		{"one class far ahead has entropy 0", []float32{900, 0, 0}, 0},
		{"probabilities 1/2, 1/4, 1/4", []float32{float32(math.Ln2), 0, 0}, 1.5 * math.Ln2 / math.Log(3)},
		{"extreme scores stay finite", []float32{math.MaxFloat32, -math.MaxFloat32, 0}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := NormalizedEntropy(row.scores); math.Abs(got-row.want) > 1e-7 {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

// Section III-D: a sample exits where eta is at most T, so T = 1 lets everything exit and
// T = 0 only certainty.
func TestExitRuleAtItsEnds(t *testing.T) {
	top := threeViews(t)
	none, err := NewThresholds(top, map[topology.Exit][]float64{topology.ExitLocal: {0}})
	if err != nil {
		t.Fatal(err)
	}
	uniform := propose(topology.ExitLocal, 0, 3, []float32{1, 1, 1})
	certain := propose(topology.ExitLocal, 0, 3, []float32{800, 0, 0})
	last := propose(topology.ExitCloud, 0, 3, []float32{1, 1, 1})
	for _, row := range []struct {
		name string
		p    Proposal
		t    Thresholds
		want bool
	}{
		{"T=1, uniform", uniform, none.WithAll(1), true},
		{"T=0, uniform", uniform, none, false},
		{"T=0, certain", certain, none, true},
		{"the last exit always answers", last, none, true},
	} {
		if got := row.p.Exits(row.t); got != row.want {
			t.Errorf("%s: exits %t, want %t", row.name, got, row.want)
		}
	}
	if got := Choose(nil, none); got != -1 {
		t.Errorf("without a seen view the chosen proposal is %d, want -1", got)
	}
	if got := Choose([]Proposal{uniform, last}, none); got != 1 {
		t.Errorf("an unsure local exit is chosen over the cloud: %d", got)
	}
}

// Fewer views, other confidence: T is looked up by views seen, and a table that is too
// short answers with its last value.
func TestThresholdsByViewsSeen(t *testing.T) {
	top := threeViews(t)
	th, err := NewThresholds(top, map[topology.Exit][]float64{topology.ExitLocal: {0.2, 0.5}})
	if err != nil {
		t.Fatal(err)
	}
	for seen, want := range map[int]float64{0: 0.2, 1: 0.2, 2: 0.5, 3: 0.5, 64: 0.5} {
		if got := th.At(topology.ExitLocal, seen); got != want {
			t.Errorf("with %d views T is %v, want %v", seen, got, want)
		}
	}
	if got := th.At(topology.ExitCloud, 3); got != 1 {
		t.Errorf("the last exit has T %v, want 1", got)
	}
	for name, row := range map[string]struct {
		values map[topology.Exit][]float64
		reason string
	}{
		"nothing for an exit":           {nil, "0 values"},
		"more values than views":        {map[topology.Exit][]float64{topology.ExitLocal: {0, 0, 0, 0}}, "4 values"},
		"not a number":                  {map[topology.Exit][]float64{topology.ExitLocal: {math.NaN()}}, "not in [0, 1]"},
		"over 1":                        {map[topology.Exit][]float64{topology.ExitLocal: {1.01}}, "not in [0, 1]"},
		"decreasing":                    {map[topology.Exit][]float64{topology.ExitLocal: {0.5, 0.4}}, "must not decrease"},
		"an exit that is not the net's": {map[topology.Exit][]float64{topology.ExitLocal: {0}, topology.ExitEdge: {0}}, "2 exits"},
	} {
		if _, err := NewThresholds(top, row.values); err == nil || !strings.Contains(err.Error(), row.reason) {
			t.Errorf("%s: got %v, want an error with %q", name, err, row.reason)
		}
	}
}

// Section III-B: MP takes the largest of each component, AP the mean; over the seen views.
// CC keeps each view's place, unseen ones zero.
func TestScoreAggregators(t *testing.T) {
	scores := [][]float32{{1, -2, 3}, {4, 0, -6}, {100, 100, 100}}
	identity := []float32{ // [class, view, class]: the sum over the views
		1, 0, 0, 1, 0, 0, 1, 0, 0,
		0, 1, 0, 0, 1, 0, 0, 1, 0,
		0, 0, 1, 0, 0, 1, 0, 0, 1,
	}
	for _, row := range []struct {
		name   string
		scheme topology.Aggregator
		seen   uint64
		want   [3]float32
	}{
		{"MP", topology.MP, 0b011, [3]float32{4, 0, 3}},
		{"MP of one", topology.MP, 0b010, [3]float32{4, 0, -6}},
		{"AP", topology.AP, 0b011, [3]float32{2.5, -1, -1.5}},
		{"AP of one", topology.AP, 0b001, [3]float32{1, -2, 3}},
		{"CC, summed by its layer", topology.CC, 0b011, [3]float32{5.5, -2, -3}},
		{"CC of one", topology.CC, 0b001, [3]float32{1.5, -2, 3}},
	} {
		a := scoreAggregator{scheme: row.scheme, views: []int{0, 1, 2}, classes: 3, weights: identity, bias: []float32{0.5, 0, 0}}
		var got [3]float32
		a.apply(got[:], scores, row.seen, make([]float32, 9))
		if got != row.want {
			t.Errorf("%s: got %v, want %v", row.name, got, row.want)
		}
	}
}

func threeViews(t *testing.T) *topology.Topology {
	t.Helper()
	top, err := topology.Preset("c", topology.Base{Views: []string{"x", "y", "z"}, Classes: []string{"car", "bus", "person"}})
	if err != nil {
		t.Fatal(err)
	}
	return top
}

const goldenEntropyHash = 0x36097932cec7a95
