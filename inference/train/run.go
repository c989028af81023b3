package train

import (
	"context"
	"errors"
	"fmt"

	"ganglion/inference/dataset"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// Version is the version of the training procedure that bundles record. It
// changes whenever the same settings would make other weights.
const Version = "1"

// ErrInterrupted is returned, wrapped, by a Run whose context ended.
var ErrInterrupted = errors.New("training interrupted")

// Run trains a topology on the training part of a split and returns the network
// of the best validation as a bundle, its thresholds calibrated on the validation
// part. The samples of the test part are not looked at.
//
// It blocks until training is over or ctx ends; it then saves a checkpoint, if
// the configuration names one, and returns an error that wraps ErrInterrupted. A
// checkpoint stays where it is at the end, too, for the caller to remove once the
// bundle is safe: resuming a finished run makes the bundle again.
//
// progress may be nil; it is called from Run's goroutine, which waits for it. The
// topology must be valid, and it and the set must not change meanwhile.
func Run(ctx context.Context, cfg Config, set *dataset.Set, split dataset.Split, topo *topology.Topology, progress func(Progress)) (*modelpb.Bundle, error) {
	t, err := newTrainer(cfg, set, split, topo)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	defer t.close()
	if cfg.Resume {
		if err := t.resume(); err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	if err := t.run(ctx, progress); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	t.net.restore(t.state.best)
	bundle := t.bundle()
	if err := calibrate(topo, bundle, set, split.Validation); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return bundle, nil
}

// run trains until finished.
func (t *trainer) run(ctx context.Context, progress func(Progress)) error {
	reporter := newReporter(t, progress)
	for !t.finished() {
		t.shuffle(t.state.epoch)
		reporter.begin()
		for t.state.batch < t.batches() {
			if ctx.Err() != nil {
				return t.interrupted()
			}
			rate := t.rate()
			figures, loss, err := t.step()
			if err != nil {
				return err
			}
			reporter.batch(rate, loss, figures)
		}
		if t.validates() {
			switch err := t.compare(ctx); {
			case err != nil && ctx.Err() != nil:
				return t.interrupted()
			case err != nil:
				return err
			}
			reporter.validated()
		}
		t.state.epoch, t.state.batch = t.state.epoch+1, 0
		if t.state.epoch%t.cfg.CheckpointEvery == 0 || t.finished() {
			if err := t.save(); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare validates and keeps the network if it is the best so far.
func (t *trainer) compare(ctx context.Context) error {
	if err := t.estimate(ctx); err != nil {
		return err
	}
	v, err := t.validate(ctx)
	if err != nil {
		return err
	}
	if !finite(v.Score) {
		return fmt.Errorf("validation score is %v in epoch %d: lower the learning rate", v.Score, t.state.epoch+1)
	}
	t.latest = &v
	if best := &t.state.best; best.epoch == 0 || v.Score < best.result.Score {
		t.net.snapshot(best)
		best.epoch, best.result = t.state.epoch+1, v
	}
	return nil
}

// interrupted saves the run as it is, between two batches.
func (t *trainer) interrupted() error {
	at := fmt.Sprintf("after %d epochs and %d batches", t.state.epoch, t.state.batch)
	if t.cfg.Checkpoint == "" {
		return fmt.Errorf("%w %s; no checkpoint was configured, so nothing is saved", ErrInterrupted, at)
	}
	if err := t.save(); err != nil {
		return errors.Join(fmt.Errorf("%w %s", ErrInterrupted, at), err)
	}
	return fmt.Errorf("%w %s; saved in %s, resume to go on", ErrInterrupted, at, t.cfg.Checkpoint)
}
