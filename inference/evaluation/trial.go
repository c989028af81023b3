package evaluation

import (
	"context"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"ganglion/inference"
	"ganglion/inference/dataset"
)

// trial is one sample whose device sections have run. It answers for any set of its
// views.
type trial struct {
	model   *inference.Model
	scratch *inference.Scratch
	devices *inference.DeviceOutputs
	pixels  [][]byte                        // [view]
	answers map[uint64][]inference.Proposal // by the views that are seen
}

// proposals is what every exit answers from the views in left, see
// [inference.Model.Propose]. Nothing is run twice for the same seen views.
func (t *trial) proposals(left uint64) []inference.Proposal {
	seen := t.devices.Seen & left
	if seen == 0 {
		return nil
	}
	p, known := t.answers[seen]
	if !known {
		p = t.model.Propose(t.devices, seen, t.scratch)
		t.answers[seen] = p
	}
	return p
}

// eachTrial runs the device sections of samples and hands each, with its place in
// samples, to visit; several at the same time, each place once. A trial is only
// valid during its visit.
func eachTrial(ctx context.Context, m *inference.Model, set *dataset.Set, samples []int, visit func(place int, t *trial)) error {
	group, ctx := errgroup.WithContext(ctx)
	var taken atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(samples)) {
		group.Go(func() error {
			t := &trial{
				model: m, scratch: m.NewScratch(), devices: m.NewDeviceOutputs(),
				pixels:  make([][]byte, len(set.Views)),
				answers: make(map[uint64][]inference.Proposal),
			}
			for {
				place := int(taken.Add(1)) - 1
				if place >= len(samples) {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				for v := range t.pixels {
					t.pixels[v] = set.View(samples[place], v)
				}
				clear(t.answers)
				m.Devices(t.devices, t.pixels, t.scratch)
				visit(place, t)
			}
		})
	}
	return group.Wait()
}
