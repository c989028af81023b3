package evaluation

import (
	"context"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// surely is an answer of the local exit with a probability of its class out of two,
// and one of the cloud.
func surely(probability float64, local, cloud, label int) answer {
	scores := make([]float32, 2)
	scores[local] = float32(math.Log(probability / (1 - probability)))
	return answer{label, 1, []inference.Proposal{
		{Exit: topology.ExitLocal, Seen: 1, Scores: scores, Class: local, Entropy: inference.NormalizedEntropy(scores)},
		{Exit: topology.ExitCloud, Seen: 1, Scores: []float32{0, 1}, Class: cloud},
	}}
}

// The calibration error is compared with other people's: it must be theirs, from four
// answers that one can add up by hand.
func TestQualityByHand(t *testing.T) {
	top := paperTopology(t, "c", 1)
	open, err := inference.NewThresholds(top, map[topology.Exit][]float64{topology.ExitLocal: {0.5}})
	if err != nil {
		t.Fatal(err)
	}
	q := &quality{exit: topology.ExitLocal, seen: 1, thresholds: open, p: make([]float64, 2)}
	for _, c := range []weighed{
		{surely(0.95, 0, 0, 0), 1},   // exits, right
		{surely(0.95, 0, 1, 1), 1},   // exits, wrong, though the cloud knew
		{surely(0.65, 1, 0, 0), 1},   // goes up, and the cloud is right
		{surely(0.65, 1, 0, 1), 0.5}, // goes up in half of its cases, and the cloud is wrong
	} {
		q.add([]weighed{c})
	}
	got := q.sum()
	near := func(name string, got Number, want float64) {
		t.Helper()
		if math.Abs(float64(got)-want) > 1e-6 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	near("samples", got.Samples, 3.5)
	near("exit share", got.ExitShare, 2/3.5)
	near("accuracy of the exited", got.Exited.Accuracy, 0.5)
	near("accuracy of those sent up", got.SentUp.Accuracy, 1/1.5)
	near("what they would have had here", got.Withheld, 0.5/1.5)
	near("mean confidence of the last bin", got.Reliability[9].Confidence, 0.95)
	near("calibration error", got.CalibrationError, (2*math.Abs(0.95-0.5)+1.5*math.Abs(0.65-0.5/1.5))/3.5)
	right, wrong := Number(0), Number(0)
	for _, b := range got.Entropy {
		right, wrong = right+b.Right, wrong+b.Wrong
	}
	near("right answers in the histogram", right, 1.5)
	near("wrong answers in the histogram", wrong, 2)
}

// With all views the rows of an exit must be the report's other figures of it, and
// with fewer the parts must add up, for every deployment: a histogram that loses
// samples would still look like one.
func TestExitQualityAddsUp(t *testing.T) {
	for _, preset := range []string{"a", "c", "e", "f"} {
		t.Run(preset, func(t *testing.T) {
			top := paperTopology(t, preset, 3)
			b, set := untrained(t, top), scene(t, top)
			r, err := Run(context.Background(), b, set, Every(set), SplitAll)
			if err != nil {
				t.Fatal(err)
			}
			rows := 0
			for _, q := range r.ExitQuality {
				rows++
				inBins, inHistogram := Number(0), Number(0)
				for i := range q.Reliability {
					inBins += q.Reliability[i].Samples
				}
				for _, e := range q.Entropy {
					inHistogram += e.Right + e.Wrong
				}
				parts := q.Exited.Samples + q.SentUp.Samples
				for name, sum := range map[string]Number{"bins": inBins, "histogram": inHistogram, "parts": parts} {
					if math.Abs(float64(sum-q.Samples)) > 1e-6 {
						t.Errorf("%s exit with %d views: %s have %v samples of %v", q.Exit, q.Seen, name, sum, q.Samples)
					}
				}
				if float64(q.Samples) > float64(len(r.Views)*r.Samples) || q.Seen > 0 && float64(q.Samples) > float64(r.Samples)+1e-6 {
					t.Errorf("%s exit with %d views: %v samples of %d", q.Exit, q.Seen, q.Samples, r.Samples)
				}
				if at := r.ExitAccuracy[q.Exit]; q.Seen == 0 && len(top.Groups) == 1 {
					if diff := cmp.Diff(at, ExitAccuracy{int(q.Exited.Samples), q.Exited.Accuracy, q.Exited.Interval}, sameNumber); diff != "" {
						t.Errorf("%s exit (-by the exit rule +quality):\n%s", q.Exit, diff)
					}
				}
			}
			if rows < len(top.Exits())*(1+1) {
				t.Errorf("%d rows for %d exits", rows, len(top.Exits()))
			}
		})
	}
}
