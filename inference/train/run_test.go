package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// quick is a run of a second or less on randomSet, with everything turned on.
func quick() Config {
	cfg := Defaults()
	cfg.Seed = 5
	cfg.Epochs = 6
	cfg.Batch = 7 // does not divide the samples
	cfg.WarmUp = 1
	cfg.ValidateEvery = 2
	cfg.CheckpointEvery = 1
	cfg.Augment = Augment{Shift: 1, Flip: 0.5, Gain: 0.2, Offset: 0.1, Cutout: 2}
	return cfg
}

func quickData(t testing.TB, topo *topology.Topology) (*dataset.Set, dataset.Split) {
	t.Helper()
	set := randomSet(t, topo, 48, 80, 60)
	var split dataset.Split
	for i := range set.Len() {
		switch {
		case i < 32:
			split.Train = append(split.Train, i)
		case i < 40:
			split.Validation = append(split.Validation, i)
		default:
			split.Test = append(split.Test, i)
		}
	}
	return set, split
}

func marshal(t testing.TB, b *modelpb.Bundle) []byte {
	t.Helper()
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustRun(t testing.TB, cfg Config, topo *topology.Topology, progress func(Progress)) *modelpb.Bundle {
	t.Helper()
	set, split := quickData(t, topo)
	b, err := Run(context.Background(), cfg, set, split, topo, progress)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Same seed, same bytes, whatever the number of cores.
func TestRunIsReproducible(t *testing.T) {
	for _, preset := range []string{"c", "f", "elastic"} {
		t.Run(preset, func(t *testing.T) {
			// Maps above the size under which jobs run on the caller alone.
			topo := largeTopology(t, preset)
			var first []byte
			for _, procs := range []int{1, 2, 5} {
				before := runtime.GOMAXPROCS(procs)
				got := marshal(t, mustRun(t, quick(), topo, nil))
				runtime.GOMAXPROCS(before)
				if first == nil {
					first = got
				}
				if !bytes.Equal(got, first) {
					t.Errorf("GOMAXPROCS=%d made another bundle than 1", procs)
				}
			}
			other := quick()
			other.Seed++
			if bytes.Equal(marshal(t, mustRun(t, other, topo, nil)), first) {
				t.Error("another seed made the same bundle")
			}
		})
	}
}

func largeTopology(t testing.TB, preset string) *topology.Topology {
	t.Helper()
	topo, err := topology.Preset(preset, topology.Base{
		Views: topology.ViewNames(4), Classes: []string{"car", "bus", "person"},
		Input: topology.Shape{Channels: 3, Rows: 16, Cols: 16},
	})
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// Training must learn: random pixels around a brightness that tells the class.
func TestRunLearns(t *testing.T) {
	for name, topo := range networkCases(t) {
		t.Run(name, func(t *testing.T) {
			cfg := quick()
			cfg.Epochs, cfg.Augment = 40, Augment{}
			var first, last Progress
			b := mustRun(t, cfg, topo, func(p Progress) {
				if p.Epoch == 1 && p.Batch == p.Batches {
					first = p
				}
				last = p
			})
			joint := func(f Figures) (sum float64) {
				for _, tally := range f {
					sum += tally.MeanLoss()
				}
				return sum
			}
			if was, is := joint(first.Train), joint(last.Train); is > 0.8*was {
				t.Errorf("joint training loss went from %v to %v, want at most four fifths", was, is)
			}
			if b.GetProvenance().GetBestEpoch() == 0 {
				t.Error("no best epoch in the provenance")
			}
		})
	}
}

// A run that is interrupted after any batch, over and over, ends with the bytes
// of one that never was.
func TestResumeIsBitIdentical(t *testing.T) {
	topo := smallTopology(t, "c", 3)
	set, split := quickData(t, topo)
	want := marshal(t, mustRun(t, quick(), topo, nil))
	for _, every := range []int{1, 3, 5} {
		cfg := quick()
		cfg.Checkpoint = filepath.Join(t.TempDir(), "run.checkpoint")
		for attempt := 0; ; attempt++ {
			ctx, cancel := context.WithCancel(context.Background())
			left := every
			b, err := Run(ctx, cfg, set, split, topo, func(Progress) {
				if left--; left == 0 {
					cancel()
				}
			})
			cancel()
			if err == nil {
				if attempt < 3 {
					t.Errorf("ended after %d interruptions: the test shows nothing", attempt)
				}
				if !bytes.Equal(marshal(t, b), want) {
					t.Errorf("interrupted every %d calls: another bundle than in one go", every)
				}
				break
			}
			if !errors.Is(err, ErrInterrupted) || !strings.Contains(err.Error(), cfg.Checkpoint) {
				t.Fatalf("interrupted run: error %q, want ErrInterrupted with the name of the checkpoint", err)
			}
			cfg.Resume = true
		}
	}
}

func TestInterruptedWithoutCheckpoint(t *testing.T) {
	topo := smallTopology(t, "c", 3)
	set, split := quickData(t, topo)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Run(ctx, quick(), set, split, topo, nil)
	if !errors.Is(err, ErrInterrupted) || !strings.Contains(err.Error(), "nothing is saved") {
		t.Errorf("error %v, want ErrInterrupted that says that nothing is saved", err)
	}
}

// Whatever would change the result must be named, and nothing be trained.
func TestResumeOfAnotherRun(t *testing.T) {
	topo := smallTopology(t, "c", 3)
	set, split := quickData(t, topo)
	cfg := quick()
	cfg.Epochs = 1
	cfg.Checkpoint = filepath.Join(t.TempDir(), "run.checkpoint")
	if _, err := Run(context.Background(), cfg, set, split, topo, nil); err != nil {
		t.Fatal(err)
	}
	cfg.Resume = true
	for _, c := range []struct {
		name   string
		change func(cfg *Config, set *dataset.Set, split *dataset.Split, topo *topology.Topology)
		want   string
	}{
		{"seed", func(cfg *Config, _ *dataset.Set, _ *dataset.Split, _ *topology.Topology) { cfg.Seed++ }, "seed 5, this run has 6"},
		{"rate", func(cfg *Config, _ *dataset.Set, _ *dataset.Split, _ *topology.Topology) { cfg.LearningRate = 0.5 }, "learning rate"},
		{"epochs", func(cfg *Config, _ *dataset.Set, _ *dataset.Split, _ *topology.Topology) { cfg.Epochs = 9 }, "epochs 1, this run has 9"},
		{"data", func(_ *Config, set *dataset.Set, _ *dataset.Split, _ *topology.Topology) { set.Hash[0]++ }, "another data"},
		{"split", func(_ *Config, _ *dataset.Set, s *dataset.Split, _ *topology.Topology) { s.Train = s.Train[1:] }, "training frames"},
		{"topology", func(_ *Config, _ *dataset.Set, _ *dataset.Split, topo *topology.Topology) {
			topo.Local = &topology.Local{Scores: topology.AP}
		}, "another topology"},
		{"missing file", func(cfg *Config, _ *dataset.Set, _ *dataset.Split, _ *topology.Topology) { cfg.Checkpoint += "x" }, "no such checkpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, set, split, topo := cfg, *set, split, *topo
			c.change(&cfg, &set, &split, &topo)
			_, err := Run(context.Background(), cfg, &set, split, &topo, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.want)
			}
		})
	}
	if _, err := Run(context.Background(), cfg, set, split, topo, nil); err != nil {
		t.Errorf("resuming the finished run itself: %v", err)
	}
}

// A checkpoint that cannot be written ends the run: going on would lose it later.
func TestCheckpointCannotBeWritten(t *testing.T) {
	topo := smallTopology(t, "c", 3)
	set, split := quickData(t, topo)
	cfg := quick()
	cfg.Checkpoint = filepath.Join(t.TempDir(), "no such folder", "run.checkpoint")
	if _, err := Run(context.Background(), cfg, set, split, topo, nil); err == nil || !strings.Contains(err.Error(), "save checkpoint") {
		t.Errorf("error %v, want one about saving the checkpoint", err)
	}
}

func TestRunRefuses(t *testing.T) {
	topo := smallTopology(t, "c", 3)
	set, split := quickData(t, topo)
	for _, c := range []struct {
		name   string
		change func(cfg *Config, split *dataset.Split, topo *topology.Topology)
		want   string
	}{
		{"settings", func(cfg *Config, _ *dataset.Split, _ *topology.Topology) { cfg.Batch = 1 }, "batch is 1"},
		{"views", func(_ *Config, _ *dataset.Split, topo *topology.Topology) { *topo = *smallTopology(t, "c", 4) }, "views"},
		{"no validation", func(_ *Config, split *dataset.Split, _ *topology.Topology) { split.Validation = nil }, "0 validation samples"},
		{"memory", func(cfg *Config, _ *dataset.Split, topo *topology.Topology) {
			cfg.Batch = 4096
			blocks := []topology.Block{{Filters: 64, Pool: topology.NoPool}, {Filters: 64, Pool: topology.NoPool}}
			topo.Cloud.Blocks = append(append(blocks, blocks...), append(blocks, blocks...)...)
			topo.Device.Blocks = topo.Cloud.Blocks
		}, "use a smaller batch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, split, topo := quick(), split, *topo
			c.change(&cfg, &split, &topo)
			_, err := Run(context.Background(), cfg, set, split, &topo, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// A gradient that is not finite must stop training before it spoils a weight.
func TestAdamRefusesNotFinite(t *testing.T) {
	p := newParam("p", 2, true)
	p.grad[0], p.grad[1] = 1, float32(math.NaN())
	if err := adam([]*param{p}, 0.1, 1); !errors.Is(err, errNotFinite) {
		t.Errorf("error %v, want %v", err, errNotFinite)
	}
	if p.latent[0] != 0 {
		t.Error("a weight was moved all the same")
	}
}

// Algorithm 1 of the paper by hand: the first step is the rate, whatever the
// gradient's size; binary weights stay in [-1, 1].
func TestAdamSteps(t *testing.T) {
	p, b := newParam("float", 2, false), newParam("binary", 1, true)
	p.grad[0], p.grad[1], b.grad[0] = 1e-3, -50, -1
	b.latent[0] = 0.95
	if err := adam([]*param{p, b}, 0.1, 1); err != nil {
		t.Fatal(err)
	}
	got := []float32{p.latent[0], p.latent[1], b.latent[0], b.value[0]}
	for i, want := range []float32{-0.1, 0.1, 1, 1} {
		if diff := got[i] - want; diff > 1e-5 || diff < -1e-5 {
			t.Errorf("weight %d is %v, want %v", i, got[i], want)
		}
	}
}

func TestLearningRate(t *testing.T) {
	for _, c := range []struct {
		step int
		want float64
	}{{0, 0.25}, {3, 1}, {4, 1}, {8, 0.5}, {12, 0}} {
		if got := learningRate(1, c.step, 4, 12); got < c.want-1e-12 || got > c.want+1e-12 {
			t.Errorf("rate of step %d is %v, want %v", c.step, got, c.want)
		}
	}
}

// All faults at once, each named.
func TestConfigValidate(t *testing.T) {
	if d := Defaults(); d.Validate() != nil {
		t.Errorf("defaults are refused: %v", d.Validate())
	}
	err := (&Config{Batch: 1, ViewDropout: 1, LearningRate: math.NaN(), Resume: true}).Validate()
	for _, want := range []string{"epochs is 0", "batch is 1", "view dropout is 1", "learning rate is NaN", "spread", "cloud weight", "validate every", "passes", "checkpoint every", "resume needs"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

// Once all buffers are there, a batch must not allocate.
func TestStepDoesNotAllocate(t *testing.T) {
	for _, preset := range []string{"c", "f", "elastic"} {
		topo := largeTopology(t, preset)
		set, split := quickData(t, topo)
		tr, err := newTrainer(quick(), set, split, topo)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tr.close)
		tr.shuffle(0)
		if got := testing.AllocsPerRun(3, func() {
			tr.state.batch = 0
			if _, _, err := tr.step(); err != nil {
				t.Fatal(err)
			}
		}); got != 0 {
			t.Errorf("%s: %v allocations a batch, want 0", preset, got)
		}
	}
}

// The provenance must say what the network was made of.
func TestProvenance(t *testing.T) {
	topo := smallTopology(t, "c", 3)
	set, split := quickData(t, topo)
	b, err := Run(context.Background(), quick(), set, split, topo, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := b.GetProvenance()
	got := []any{p.GetData(), p.GetDataHash(), p.GetTrainFrames(), p.GetValidationFrames(), p.GetTestFrames(), p.GetSeed(), p.GetEpochs(), p.GetTrainer(), p.GetSettings()["batch"]}
	want := []any{"random", set.Hash[:], "0-31", "32-39", "40-47", uint64(5), uint32(6), Version, "7"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("provenance differs (-want +got):\n%s", diff)
	}
	if len(b.GetCalibration().GetExits()) != 1 {
		t.Errorf("calibration of %d exits, want that of the local one", len(b.GetCalibration().GetExits()))
	}
	if _, ok := p.GetFigures()["validation overall, all views: accuracy"]; !ok {
		t.Errorf("no overall accuracy among the figures %v", p.GetFigures())
	}
}

// Truncated or damaged checkpoints are one-line errors.
func TestDamagedCheckpoint(t *testing.T) {
	data := sampleCheckpoint().encode()
	if _, err := decodeCheckpoint(data); err != nil {
		t.Fatal(err)
	}
	damaged := map[string][]byte{"empty": nil, "other file": []byte("PK\x03\x04 and more"), "magic alone": []byte(checkpointMagic)}
	for cut := 1; cut < len(data); cut += 7 {
		damaged["cut"] = data[:cut]
	}
	for bit := range 8 * len(data) {
		flipped := bytes.Clone(data)
		flipped[bit/8] ^= 1 << (bit % 8)
		if _, err := decodeCheckpoint(flipped); err == nil {
			t.Fatalf("a checkpoint with bit %d flipped is accepted", bit)
		}
	}
	for name, bad := range damaged {
		if _, err := decodeCheckpoint(bad); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line", name, err)
		}
	}
}

func sampleCheckpoint() *checkpoint {
	return &checkpoint{
		settings: []setting{{"seed", "1"}, {"topology", "a\nb"}},
		epoch:    3, batch: 2, best: 2,
		result:  Validation{Full: Figures{HeadCloud: {Count: 3, Correct: 2, Loss: 0.5}}, Score: 0.25},
		tensors: []tensor{{"a", []float32{1, -2}}, {"b", nil}},
	}
}

// A damaged file must never panic or allocate beyond its length; behind a right
// checksum, neither.
func FuzzCheckpoint(f *testing.F) {
	data := sampleCheckpoint().encode()
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte(checkpointMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := decodeCheckpoint(data); err == nil && !bytes.Equal(c.encode(), data) {
			t.Error("a checkpoint that is read is written in other bytes")
		}
		r := &fieldReader{rest: data}
		if _, err := r.checkpoint(); err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("error %v, want %v", err, errDamaged)
		}
	})
}

// Under the final name there is a whole checkpoint after every run.
func TestCheckpointIsWhole(t *testing.T) {
	topo := smallTopology(t, "c", 3)
	cfg := quick()
	cfg.Checkpoint = filepath.Join(t.TempDir(), "run.checkpoint")
	mustRun(t, cfg, topo, func(p Progress) {
		data, err := os.ReadFile(cfg.Checkpoint)
		if errors.Is(err, os.ErrNotExist) && p.Epoch == 1 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeCheckpoint(data); err != nil {
			t.Errorf("epoch %d: %v", p.Epoch, err)
		}
	})
}

// A loss that is not finite must stop the run before anything is updated.
func TestStepRefusesNotFinite(t *testing.T) {
	topo := smallTopology(t, "c", 3)
	set, split := quickData(t, topo)
	tr, err := newTrainer(quick(), set, split, topo)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.close()
	tr.shuffle(0)
	tr.net.cloud.exit.norm.gamma.latent[0] = float32(math.NaN())
	before := tr.net.devices[0].blocks[0].conv.weights.latent[0]
	if _, _, err := tr.step(); err == nil || !strings.Contains(err.Error(), "epoch 1, batch 1") {
		t.Errorf("error %v, want one that names the epoch and the batch", err)
	}
	if after := tr.net.devices[0].blocks[0].conv.weights.latent[0]; after != before || tr.state.batch != 0 {
		t.Error("a batch without a finite loss changed the run")
	}
}
