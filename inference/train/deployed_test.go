package train

import (
	"context"
	"math"
	"math/bits"
	"testing"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// deployedTolerance is how far a score of the deployed network may be from the
// trainer's: both are float32, summed in different orders.
const deployedTolerance = 1e-3

// flippedShare is the share of scores that may differ by more. The deployed
// network divides a sum of pixels by 255, the trainer each pixel: a value that is
// zero but for that rounding may get the other sign.
const flippedShare = 0.01

// The bundle must compute what was validated: every exit of the deployed, packed
// network against the trainer's own forward pass with the same statistics.
func TestBundleComputesWhatWasValidated(t *testing.T) {
	for name, topo := range networkCases(t) {
		t.Run(name, func(t *testing.T) {
			set, split := quickData(t, topo)
			tr, err := newTrainer(quick(), set, split, topo)
			if err != nil {
				t.Fatal(err)
			}
			defer tr.close()
			if err := tr.run(context.Background(), func(Progress) {}); err != nil {
				t.Fatal(err)
			}
			tr.net.restore(tr.state.best)
			content := tr.bundle()
			content.Calibration = inference.Uncalibrated(topo)
			sealed, err := inference.NewBundle(content)
			if err != nil {
				t.Fatal(err)
			}
			far, all := compareDeployed(t, tr, sealed.Model())
			if all == 0 || float64(far) > flippedShare*float64(all) {
				t.Errorf("%d of %d scores differ by more than %v", far, all, deployedTolerance)
			}
		})
	}
}

// compareDeployed counts the scores of all exits, over all samples, and those
// that differ.
func compareDeployed(t *testing.T, tr *trainer, m *inference.Model) (far, all int) {
	t.Helper()
	s := m.NewScratch()
	classes := len(tr.topo.Classes)
	tr.net.normalize(tr.net.levels, normFixed)
	for sample, seen := range tr.seen {
		if seen == 0 {
			continue
		}
		tr.batch.reset()
		tr.batch.add(sample, seen)
		tr.loader.plain(tr.net, tr.batch)
		tr.net.forward(tr.batch, tr.net.levels)
		pixels := make([][]byte, len(tr.topo.Views))
		for v := range pixels {
			pixels[v] = tr.set.View(sample, v)
		}
		d := m.NewDeviceOutputs()
		m.Devices(d, pixels, s)
		if d.Seen != seen {
			t.Fatalf("sample %d: the model sees %b, the trainer %b", sample, d.Seen, seen)
		}
		for _, p := range m.Propose(d, seen, s) {
			var own []float32
			switch p.Exit {
			case topology.ExitLocal:
				own = tr.net.localScores[p.Group]
			case topology.ExitEdge:
				own = tr.net.edgeScores[p.Group]
			default:
				own = tr.net.cloudScores
			}
			if want := bits.OnesCount64(seen & groupOrAll(tr.topo, p)); p.Seen != want {
				t.Fatalf("sample %d: an exit rests on %d views, want %d", sample, p.Seen, want)
			}
			for k, score := range p.Scores {
				all++
				if math.Abs(float64(score-own[:classes][k])) > deployedTolerance {
					far++
				}
			}
		}
	}
	return far, all
}

func groupOrAll(topo *topology.Topology, p inference.Proposal) uint64 {
	if p.Exit == topology.ExitCloud {
		return topo.AllViews()
	}
	return topo.GroupMask(p.Group)
}
