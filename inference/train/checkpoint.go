package train

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"ganglion/inference/durable"
	"ganglion/inference/topology"
)

// save writes the run as it is to the configured file, if there is one: under
// that name there is always a whole checkpoint.
func (t *trainer) save() error {
	if t.cfg.Checkpoint == "" {
		return nil
	}
	c := checkpoint{
		settings: t.identity(),
		epoch:    t.state.epoch, batch: t.state.batch,
		best: t.state.best.epoch, result: t.state.best.result,
		tensors: t.tensors(),
	}
	if err := durable.WriteFile(t.cfg.Checkpoint, c.encode(), 0o644); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

// resume puts the run where the configured checkpoint left it.
func (t *trainer) resume() error {
	data, err := os.ReadFile(t.cfg.Checkpoint)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("resume from %s: there is no such checkpoint; train without resuming", t.cfg.Checkpoint)
	}
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	c, err := decodeCheckpoint(data)
	if err == nil {
		err = t.apply(c)
	}
	if err != nil {
		return fmt.Errorf("resume from %s: %w", t.cfg.Checkpoint, err)
	}
	return nil
}

// identity lists everything that a run's result depends on: two runs that agree
// on it make the same bytes.
func (t *trainer) identity() []setting {
	frames := func(samples []int) string { return t.set.FramesOf(samples).String() }
	return append([]setting{
		{"trainer version", Version},
		{"architecture", runtime.GOARCH},
		{"data", fmt.Sprintf("%x", t.set.Hash)},
		{"training frames", frames(t.split.Train)},
		{"validation frames", frames(t.split.Validation)},
		{"topology", string(topology.Format(t.topo))},
	}, t.cfg.settings()...)
}

// tensors lists the vectors of a run, in place: what the optimiser holds, then
// the best network so far.
func (t *trainer) tensors() []tensor {
	var list []tensor
	for _, p := range t.net.params {
		list = append(list,
			tensor{p.name + ": latent", p.latent},
			tensor{p.name + ": first moment", p.first},
			tensor{p.name + ": second moment", p.second})
	}
	best := t.state.best
	for i, p := range t.net.params {
		list = append(list, tensor{p.name + ": best", best.latent[i]})
	}
	for i := range t.net.norms {
		list = append(list,
			tensor{fmt.Sprintf("norm %d: best mean", i), best.mean[i]},
			tensor{fmt.Sprintf("norm %d: best variance", i), best.variance[i]})
	}
	return list
}

// apply takes over a checkpoint of the same run, and changes nothing if it is of
// another.
func (t *trainer) apply(c *checkpoint) error {
	if err := sameSettings(c.settings, t.identity()); err != nil {
		return err
	}
	tensors := t.tensors()
	if len(c.tensors) != len(tensors) {
		return errors.New("the checkpoint is of another network; train without resuming")
	}
	for i, to := range tensors {
		from := c.tensors[i]
		if from.name != to.name || len(from.values) != len(to.values) {
			return fmt.Errorf("the checkpoint has %q of %d elements where the network has %q of %d; train without resuming",
				from.name, len(from.values), to.name, len(to.values))
		}
	}
	if c.epoch > t.cfg.Epochs || c.batch > t.batches() || c.best > c.epoch {
		return errors.New("the checkpoint's position is beyond the end of the run; train without resuming")
	}
	for i, to := range tensors {
		copy(to.values, c.tensors[i].values)
	}
	t.net.refresh()
	t.state.epoch, t.state.batch = c.epoch, c.batch
	t.state.best.epoch, t.state.best.result = c.best, c.result
	if c.best > 0 {
		t.latest = &c.result
	}
	return nil
}

// sameSettings names the first setting that differs.
func sameSettings(saved, own []setting) error {
	values := make(map[string]string, len(saved))
	for _, s := range saved {
		values[s.name] = s.value
	}
	for _, s := range own {
		value, ok := values[s.name]
		switch {
		case !ok:
			return fmt.Errorf("the checkpoint does not say its %s; train without resuming", s.name)
		case value != s.value && len(value)+len(s.value) > 80:
			return fmt.Errorf("the checkpoint was made with another %s; use the same, or train without resuming", s.name)
		case value != s.value:
			return fmt.Errorf("the checkpoint was made with %s %s, this run has %s; use the same, or train without resuming", s.name, value, s.value)
		}
	}
	if len(saved) != len(own) {
		return errors.New("the checkpoint has settings that this version does not know; train without resuming")
	}
	return nil
}
