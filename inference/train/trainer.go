package train

import (
	"fmt"
	"math/rand/v2"
	"runtime"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
)

// trainer is one run: what it works on, and how far it is.
type trainer struct {
	cfg   Config
	set   *dataset.Set
	split dataset.Split
	topo  *topology.Topology

	w         *workers
	net       *network
	batch     *batch
	loader    *loader
	objective objective

	seen       []uint64   // [sample]: views that the presence rule finds
	samples    []int      // training samples that have a label and a view
	validation []int      // validation samples that have
	subsets    [][]uint64 // [validation sample]: sets of views to validate with, all views first
	order      []int      // samples, in the order of the current epoch

	source *rand.PCG
	draw   *rand.Rand

	state  state
	latest *Validation // nil before the first of this process
}

// state is what a checkpoint holds beside the tensors.
type state struct {
	epoch int // complete epochs
	batch int // batches done of the next one
	best  snapshot
}

// newTrainer prepares a run from its beginning. The caller must close it.
func newTrainer(cfg Config, set *dataset.Set, split dataset.Split, topo *topology.Topology) (*trainer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check settings: %w", err)
	}
	if err := topo.Fits(len(set.Views), len(set.Classes), set.Shape()); err != nil {
		return nil, err
	}
	t := &trainer{cfg: cfg, set: set, split: split, topo: topo}
	if err := checkMemory(topo, cfg.Batch, max(cfg.Batch, subsetsPerSample+1)); err != nil {
		return nil, err
	}
	t.seen = seenViews(set, topo.Presence)
	t.samples, t.validation = t.usable(split.Train), t.usable(split.Validation)
	if len(t.samples) < 2 || len(t.validation) == 0 {
		return nil, fmt.Errorf("data set %s has %d training and %d validation samples with a label and a view: at least 2 and 1 are needed",
			set.Name, len(t.samples), len(t.validation))
	}
	workers := cfg.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	t.w = newWorkers(workers)
	t.net = newNetwork(topo, t.w, cfg.Batch, max(cfg.Batch, subsetsPerSample+1))
	t.batch = newBatch(topo, cfg.Batch, max(cfg.Batch, subsetsPerSample+1))
	t.loader = newLoader(t.w, set, topo.Input, cfg.Augment, cfg.Seed, t.samples, t.seen)
	t.objective = objective{set: set, smoothing: cfg.Smoothing}
	t.objective.weights = [Heads]float64{cfg.DeviceWeight, cfg.LocalWeight, cfg.EdgeWeight, cfg.CloudWeight}
	t.source = rand.NewPCG(0, 0)
	t.draw = rand.New(t.source)
	t.order = make([]int, len(t.samples))
	t.drawSubsets()
	t.state.best = t.net.newSnapshot()
	t.net.initialize(cfg.Spread, func(tensor int) *rand.Rand {
		seedStream(t.source, cfg.Seed, purposeInit, 0, tensor)
		return t.draw
	})
	return t, nil
}

func (t *trainer) close() { t.w.close() }

// usable drops the samples without a label or without a seen view.
func (t *trainer) usable(samples []int) []int {
	var kept []int
	for _, s := range samples {
		if t.set.Labels[s] != dataset.NotPresent && t.seen[s] != 0 {
			kept = append(kept, s)
		}
	}
	return kept
}

// batches is the number of batches of an epoch. The samples are cut into batches
// whose sizes differ by one at most, so that none is left with a single sample.
func (t *trainer) batches() int { return (len(t.samples) + t.cfg.Batch - 1) / t.cfg.Batch }

// shuffle puts the samples into the order of an epoch.
func (t *trainer) shuffle(epoch int) {
	copy(t.order, t.samples)
	seedStream(t.source, t.cfg.Seed, purposeOrder, epoch, 0)
	t.draw.Shuffle(len(t.order), func(i, j int) { t.order[i], t.order[j] = t.order[j], t.order[i] })
}

// step trains on one batch of the epoch under way and returns its figures.
func (t *trainer) step() (Figures, float64, error) {
	epoch, batch, batches := t.state.epoch, t.state.batch, t.batches()
	t.batch.reset()
	for i := batch * len(t.order) / batches; i < (batch+1)*len(t.order)/batches; i++ {
		sample := t.order[i]
		seedStream(t.source, t.cfg.Seed, purposeDropout, epoch, sample)
		t.batch.add(sample, dropViews(t.seen[sample], t.cfg.ViewDropout, len(t.topo.Views), t.draw))
	}
	t.loader.vary(t.net, t.batch, epoch)
	t.net.normalize(0, normBatch)
	t.net.forward(t.batch, t.net.levels)
	figures := t.objective.evaluate(t.net, true)
	loss := t.objective.total(figures)
	if !finite(loss) {
		return figures, loss, fmt.Errorf("loss is %v in epoch %d, batch %d: lower the learning rate", loss, epoch+1, batch+1)
	}
	t.net.backward()
	if err := adam(t.net.params, t.rate(), epoch*batches+batch+1); err != nil {
		return figures, loss, fmt.Errorf("%w in epoch %d, batch %d: lower the learning rate", err, epoch+1, batch+1)
	}
	t.state.batch++
	return figures, loss, nil
}

// rate is the learning rate of the next batch.
func (t *trainer) rate() float64 {
	batches := t.batches()
	return learningRate(t.cfg.LearningRate, t.state.epoch*batches+t.state.batch, t.cfg.WarmUp*batches, t.cfg.Epochs*batches)
}

// finished reports whether all epochs are done, or patience is at an end.
func (t *trainer) finished() bool {
	best := t.state.best.epoch
	impatient := t.cfg.Patience > 0 && best > 0 && t.state.epoch-best >= t.cfg.Patience
	return t.state.epoch >= t.cfg.Epochs || impatient
}

// validates reports whether the epoch under way ends with a validation.
func (t *trainer) validates() bool {
	epoch := t.state.epoch + 1
	return epoch%t.cfg.ValidateEvery == 0 || epoch == t.cfg.Epochs
}
