package evaluation

import (
	"math"
	"math/bits"
	"math/rand/v2"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// The bins of the histograms of an exit, over 0 to 1.
const (
	reliabilityBins = 10
	entropyBins     = 20
)

// weighed is one sample with one set of views, and what it weighs among all with
// as many views.
type weighed struct {
	answer
	weight float64
}

// casesOf is a sample with each subset of the views that it sees, or, of a large
// set, with some drawn by its place: within each number of views they weigh 1
// together.
func casesOf(t *trial, label, place, limit int) []weighed {
	var cases []weighed
	seen := t.devices.Seen
	r := rand.NewPCG(subsetSeed, uint64(place))
	for size := 1; size <= bits.OnesCount64(seen); size++ {
		sets := subsets(seen, size, limit, r)
		for _, s := range sets {
			cases = append(cases, weighed{answer{label, s, t.proposals(s)}, 1 / float64(len(sets))})
		}
	}
	return cases
}

// caseLimit is how many subsets of one size are looked at of each of some samples.
func caseLimit(t *topology.Topology, samples int) int {
	limit := max(1, casesPerSize/max(1, samples))
	if len(t.Views) > ExhaustiveViews {
		limit = min(limit, sampledSets)
	}
	return limit
}

// confidence measures every exit by the number of views seen: on the samples as
// they are, and on their subsets of views.
func (e *evaluation) confidence() []ExitQuality {
	var out []ExitQuality
	for _, exit := range e.topology.Exits() {
		whole := e.newQuality(exit, 0)
		bySeen := make([]*quality, len(e.topology.Views))
		for n := range bySeen {
			bySeen[n] = e.newQuality(exit, n+1)
		}
		for i := range e.answers {
			if e.answers[i].scored() {
				whole.add([]weighed{{e.answers[i], 1}})
			}
			for _, q := range bySeen {
				q.add(e.cases[i])
			}
		}
		for _, q := range append([]*quality{whole}, bySeen...) {
			if q.met > 0 {
				out = append(out, q.sum())
			}
		}
	}
	return out
}

// quality gathers what one exit makes of answers that rest on as many views.
type quality struct {
	exit       topology.Exit
	seen       int // views; 0: any number
	thresholds inference.Thresholds
	p          []float64 // room for probabilities

	met         float64 // weight of what was proposed
	exited      float64 // of it: what was answered here
	here        float64 // of that: rightly
	stays       float64 // what was sent up
	finally     float64 // of that: answered rightly in the end
	wouldBe     float64 // what would have been right here
	reliability [reliabilityBins]struct{ weight, confidence, right float64 }
	entropy     [entropyBins]struct{ right, wrong float64 }
}

func (e *evaluation) newQuality(exit topology.Exit, seen int) *quality {
	return &quality{exit: exit, seen: seen, thresholds: e.thresholds, p: make([]float64, len(e.topology.Classes))}
}

// add counts what the exit proposes in the cases of one sample, where the sample came
// so far. Of several groups each has a proposal; together they weigh 1 at most.
func (q *quality) add(cases []weighed) {
	total := 0.0
	for i := range cases {
		q.each(&cases[i], func(*inference.Proposal, bool) { total += cases[i].weight })
	}
	for i := range cases {
		weight := cases[i].weight / max(1, total)
		q.each(&cases[i], func(p *inference.Proposal, final bool) { q.count(p, p.Class == cases[i].label, final, weight) })
	}
}

// each calls visit with every proposal of the exit that the sample came to, and
// whether the answer is right in the end.
func (q *quality) each(c *weighed, visit func(p *inference.Proposal, final bool)) {
	chosen := inference.Choose(c.proposals, q.thresholds)
	for i := range c.proposals[:chosen+1] {
		if p := &c.proposals[i]; p.Exit == q.exit && (q.seen == 0 || p.Seen == q.seen) {
			visit(p, c.proposals[chosen].Class == c.label)
		}
	}
}

// count adds one proposal; final tells whether the answer is right in the end.
func (q *quality) count(p *inference.Proposal, right, final bool, weight float64) {
	q.met += weight
	if p.Exits(q.thresholds) {
		q.exited += weight
		q.here += weightIf(right, weight)
	} else {
		q.stays += weight
		q.finally += weightIf(final, weight)
		q.wouldBe += weightIf(right, weight)
	}
	inference.Softmax(q.p, p.Scores)
	confidence := min(1, q.p[p.Class])
	bin := &q.reliability[min(reliabilityBins-1, int(confidence*reliabilityBins))]
	bin.weight += weight
	bin.confidence += float64(weight * confidence)
	bin.right += weightIf(right, weight)
	at := &q.entropy[min(entropyBins-1, int(p.Entropy*entropyBins))]
	at.right += weightIf(right, weight)
	at.wrong += weightIf(!right, weight)
}

func weightIf(yes bool, weight float64) float64 {
	if yes {
		return weight
	}
	return 0
}

// sum is the figures of what was gathered.
func (q *quality) sum() ExitQuality {
	out := ExitQuality{
		Exit: q.exit.String(), Seen: q.seen, Samples: samples(q.met), T: thresholdOf(q),
		ExitShare: share(q.exited, q.met),
		Exited:    WeighedAccuracy{samples(q.exited), share(q.here, q.exited), wilson(q.here, q.exited)},
		SentUp:    WeighedAccuracy{samples(q.stays), share(q.finally, q.stays), wilson(q.finally, q.stays)},
		Withheld:  share(q.wouldBe, q.stays),
	}
	gap := 0.0
	for i, b := range q.reliability {
		out.Reliability = append(out.Reliability, ReliabilityBin{
			From: Number(i) / reliabilityBins, To: Number(i+1) / reliabilityBins, Samples: samples(b.weight),
			Confidence: share(b.confidence, b.weight), Accuracy: share(b.right, b.weight), Interval: wilson(b.right, b.weight),
		})
		gap += max(b.confidence-b.right, b.right-b.confidence)
	}
	out.CalibrationError = share(gap, q.met)
	for i, b := range q.entropy {
		out.Entropy = append(out.Entropy, EntropyBin{
			From: Number(i) / entropyBins, To: Number(i+1) / entropyBins, Right: samples(b.right), Wrong: samples(b.wrong),
		})
	}
	return out
}

// thresholdOf is T for the exit, or of none for any number of views.
func thresholdOf(q *quality) *float64 {
	if q.seen == 0 {
		return nil
	}
	t := q.thresholds.At(q.exit, q.seen)
	return &t
}

// samples is a sum of weights without what rounding left in it.
func samples(weight float64) Number {
	const digits = 1e9
	return Number(math.Round(weight*digits) / digits)
}
