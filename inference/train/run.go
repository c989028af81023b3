package train

import (
	"context"
	"errors"
	"fmt"
	"time"

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
// of the best validation as a bundle, its thresholds calibrated. It blocks until training is over or ctx ends; it then saves a checkpoint, if the
// configuration names one, and returns an error that wraps ErrInterrupted.
// progress may be nil; it is called from Run's goroutine and must not block for
// long. The samples of the test part are not looked at.
//
// The topology and the set must not change meanwhile.
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
			err := t.compare(ctx)
			if ctx.Err() != nil {
				return t.interrupted()
			}
			if err != nil {
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

// reporter makes Progress of what a run does.
type reporter struct {
	t       *trainer
	report  func(Progress)
	p       Progress
	started time.Time
	done    int // batches of this process
}

func newReporter(t *trainer, report func(Progress)) *reporter {
	return &reporter{t: t, report: report, started: time.Now()}
}

func (r *reporter) begin() { r.p.Train = Figures{} }

func (r *reporter) batch(rate, loss float64, figures Figures) {
	r.done++
	r.p.Rate, r.p.Loss = rate, loss
	r.p.Train.add(figures)
	r.send()
}

func (r *reporter) validated() {
	r.p.Validation = r.t.latest
	r.p.BestEpoch = r.t.state.best.epoch
	r.send()
}

func (r *reporter) send() {
	s, batches := &r.t.state, r.t.batches()
	r.p.Epoch, r.p.Epochs = s.epoch+1, r.t.cfg.Epochs
	r.p.Batch, r.p.Batches = s.batch, batches
	r.p.Elapsed = time.Since(r.started)
	left := (r.p.Epochs-s.epoch)*batches - s.batch
	r.p.Remaining = time.Duration(float64(r.p.Elapsed) / float64(max(r.done, 1)) * float64(left))
	r.report(r.p)
}
