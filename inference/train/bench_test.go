package train

import (
	"runtime"
	"testing"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// BenchmarkEpoch is an epoch of 680 six-view samples, all seen, in the paper's
// topology, at batch 32: what must take at most 1.2 s on two quiet cores, in less
// than 400 MB. It reports the heap in use beside the time.
func BenchmarkEpoch(b *testing.B) {
	const samples = 680
	topo, err := topology.Preset("c", topology.Base{
		Views: topology.ViewNames(6), Classes: []string{"car", "bus", "person"},
		Input: topology.Shape{Channels: 3, Rows: 32, Cols: 32},
	})
	if err != nil {
		b.Fatal(err)
	}
	topo.Presence = topology.Always // randomSet leaves views black
	set := randomSet(b, topo, samples+1, 40, 120)
	split := dataset.Split{Validation: []int{samples}}
	for i := range samples {
		split.Train = append(split.Train, i)
	}
	cfg := Defaults()
	cfg.Batch, cfg.ViewDropout = 32, 0
	t, err := newTrainer(cfg, set, split, topo)
	if err != nil {
		b.Fatal(err)
	}
	defer t.close()
	b.ReportAllocs()
	for b.Loop() {
		t.shuffle(0)
		for t.state.batch = 0; t.state.batch < t.batches(); {
			if _, _, err := t.step(); err != nil {
				b.Fatal(err)
			}
		}
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.Sys)/1e6, "MB-total")
}
