package layer

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func norm(t *testing.T, gamma, beta, mean, variance float32) *BatchNorm {
	t.Helper()
	n, err := NewBatchNorm(1, []float32{gamma}, []float32{beta}, []float32{mean}, []float32{variance})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A folded network must not differ from the float one for any sum that can occur, for
// negative and zero gamma, with ties, and where one sign never occurs.
func TestFoldAgreesWithTheFormulaEverywhere(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	const limit = 400
	for range 500 {
		gamma := float32(random.NormFloat64())
		if random.IntN(10) == 0 {
			gamma = 0
		}
		n := norm(t, gamma, float32(random.NormFloat64()), float32(random.IntN(2*limit)-limit), random.Float32()*1000)
		for name, x := range map[string]func(int32) float32{
			"sums of signs":  func(s int32) float32 { return float32(s) },
			"sums of pixels": func(s int32) float32 { return float32(s) / 255 },
			"means of three": func(s int32) float32 { return float32(s) / 3 },
		} {
			folded := n.Fold(0, limit, x)
			for s := int32(-limit); s <= limit; s++ {
				if got, want := (s >= folded.At) != folded.Flip, n.Apply(0, x(s)) >= 0; got != want {
					t.Fatalf("%s, %+v folded to %+v: sum %d gives %t, the formula %t", name, n, folded, s, got, want)
				}
			}
		}
	}
}

// The sign of zero is +1 (section IV-A binarizes so), also where the formula meets zero
// from above.
func TestFoldOfATie(t *testing.T) {
	for _, row := range []struct {
		name  string
		gamma float32
		want  func(s int32) bool
	}{
		{"rising", 1, func(s int32) bool { return s >= 7 }},
		{"falling", -1, func(s int32) bool { return s <= 7 }},
	} {
		folded := norm(t, row.gamma, 0, 7, 1).Fold(0, 20, func(s int32) float32 { return float32(s) })
		for s := int32(-20); s <= 20; s++ {
			if got := (s >= folded.At) != folded.Flip; got != row.want(s) {
				t.Errorf("%s: sum %d gives %t", row.name, s, got)
			}
		}
	}
}

func TestNewBatchNormRefuses(t *testing.T) {
	one, nan := []float32{1}, []float32{float32(math.NaN())}
	for _, row := range []struct {
		name                        string
		gamma, beta, mean, variance []float32
		want                        string
	}{
		{"a short gamma", nil, one, one, one, "0 values of gamma"},
		{"a long mean", one, one, []float32{1, 2}, one, "2 values of mean"},
		{"NaN", one, nan, one, one, "beta of channel 0"},
		{"infinity", one, one, []float32{float32(math.Inf(1))}, one, "mean of channel 0"},
		{"a negative variance", one, one, one, []float32{-0.5}, "negative"},
		{"an overflow", []float32{math.MaxFloat32}, one, one, []float32{0}, "overflows"},
	} {
		if _, err := NewBatchNorm(1, row.gamma, row.beta, row.mean, row.variance); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want an error with %q", row.name, err, row.want)
		}
	}
}

// Bound is what keeps a hostile bundle from making infinities: no value may pass it.
func TestBoundHolds(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	for range 1000 {
		n := norm(t, float32(random.NormFloat64()*10), float32(random.NormFloat64()*10), float32(random.NormFloat64()*10), random.Float32())
		const limit = 100
		x := float32((random.Float64()*2 - 1) * limit)
		if y := math.Abs(float64(n.Apply(0, x))); y > n.Bound(limit)*(1+1e-6) {
			t.Fatalf("%+v makes %v of %v, over its bound %v", n, y, x, n.Bound(limit))
		}
	}
}
