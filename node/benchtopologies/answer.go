package benchtopologies

import (
	"math"
	"math/big"
	"math/bits"

	"ganglion/inference"
	"ganglion/inference/dataset"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
)

// answers is what a network makes of some samples, by the exit rule.
type answers struct {
	right    []bool // [sample]: it is labelled, and answered so
	labelled int
	answered int // labelled samples of which the network sees a view
	exits    map[topology.Exit]int
	uplink   uint64 // bytes to the last tier
}

// answer runs the network on samples in this process.
func answer(b *inference.Bundle, set *dataset.Set, samples []int) answers {
	t, m := b.Topology(), b.Model()
	a := answers{right: make([]bool, len(samples)), exits: map[topology.Exit]int{}}
	scratch, pixels := m.NewScratch(), make([][]byte, len(t.Views))
	for i, sample := range samples {
		for v := range pixels {
			pixels[v] = set.View(sample, v)
		}
		v := m.Classify(pixels, b.Thresholds(), scratch)
		a.exits[v.Exit]++
		if v.Exit == topology.ExitCloud {
			a.uplink += uint64(uplinkBytes(t, v.Seen))
		}
		label := set.Labels[sample]
		if label == dataset.NotPresent {
			continue
		}
		a.labelled++
		if v.Exit != topology.ExitNone {
			a.answered++
		}
		a.right[i] = v.Class == label
	}
	return a
}

// uplinkBytes is what a sample that the last tier answers sends to it.
func uplinkBytes(t *topology.Topology, seen uint64) int {
	if t.Edge == nil {
		return bits.OnesCount64(seen) * t.ViewSentUpBytes()
	}
	groups := 0
	for g := range t.Groups {
		if t.GroupMask(g)&seen != 0 {
			groups++
		}
	}
	return groups * t.EdgeFeatureBytes()
}

// rights is how many samples are answered rightly.
func (a *answers) rights() (n int) {
	for _, right := range a.right {
		if right {
			n++
		}
	}
	return n
}

// Versus compares two networks on the same samples.
type Versus struct {
	Other      string              `json:"other"`
	Accuracy   evaluation.Number   `json:"accuracy"` // of the other
	Interval   evaluation.Interval `json:"interval"`
	OnlyFirst  int                 `json:"only_first"`  // samples that the first alone answers rightly
	OnlyOther  int                 `json:"only_other"`  // samples that the other alone answers rightly
	P          float64             `json:"p"`           // of so uneven a split or a more uneven one, were both as good
	Verdict    string              `json:"verdict"`     // Better, Equal or Worse
	TimesBytes evaluation.Number   `json:"times_bytes"` // payload of the other over that of the first
}

// What a comparison comes to.
const (
	Better = "better"
	Equal  = "equal within chance"
	Worse  = "worse"
)

// significance is the p below which a difference is none of chance.
const significance = 0.05

// versus compares the right answers of two networks, sample by sample.
func versus(first, other *answers) (v Versus) {
	for i := range first.right {
		switch {
		case first.right[i] && !other.right[i]:
			v.OnlyFirst++
		case !first.right[i] && other.right[i]:
			v.OnlyOther++
		}
	}
	v.P = mcNemar(v.OnlyFirst, v.OnlyOther)
	switch {
	case v.P >= significance:
		v.Verdict = Equal
	case v.OnlyFirst > v.OnlyOther:
		v.Verdict = Better
	default:
		v.Verdict = Worse
	}
	return v
}

// mcNemar is the exact two-sided p of a split of n = a + b samples where each falls to
// either side with the same chance: twice the binomial tail, at most 1.
func mcNemar(a, b int) float64 {
	n, tail := int64(a+b), new(big.Int)
	for k := range int64(min(a, b)) + 1 {
		tail.Add(tail, new(big.Int).Binomial(n, k))
	}
	p, _ := new(big.Rat).SetFrac(tail.Lsh(tail, 1), new(big.Int).Lsh(big.NewInt(1), uint(n))).Float64()
	return math.Min(p, 1)
}
