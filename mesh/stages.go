package mesh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// stage is a part of the mesh that runs until its context ends.
type stage struct {
	name string
	run  func(context.Context) error
}

// runStages starts the stages in order and, when ctx ends or one of them does, ends
// them in the reverse order, each when the one started after it has ended. Each has
// within for it: a busy machine ends all of them slowly, and none is stuck. Where one is,
// it goes on without waiting for that one, and with little patience for the rest; the
// error names those that have not ended. An end of a stage before it was told to is an
// error.
func runStages(ctx context.Context, stages []stage, within time.Duration) error {
	var running sync.WaitGroup
	early := make(chan string, len(stages))
	cancels := make([]context.CancelFunc, len(stages))
	ended := make([]chan error, len(stages))
	for i, s := range stages {
		stageCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		cancels[i], ended[i] = cancel, make(chan error, 1)
		running.Go(func() {
			err := s.run(stageCtx)
			if stageCtx.Err() == nil {
				early <- s.name
				err = errors.Join(fmt.Errorf("%s ended by itself", s.name), err)
			}
			ended[i] <- err
		})
	}
	select {
	case <-ctx.Done():
	case <-early:
	}
	var errs []error
	stuck := false
	for i, s := range slices.Backward(stages) {
		const moment = 100 * time.Millisecond
		patience := within
		if stuck {
			patience = moment
		}
		cancels[i]()
		there, err := wait(ended[i], patience)
		if !there {
			stuck = true
			err = fmt.Errorf("%s has not ended %v after it was told to: a handler blocks, or the disk", s.name, patience)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			errs = append(errs, fmt.Errorf("run mesh: %w", err))
		}
	}
	if !stuck {
		running.Wait()
	}
	return errors.Join(errs...)
}

// wait returns what a stage ended with, if it has ended in time.
func wait(ended <-chan error, patience time.Duration) (there bool, err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-ended:
		return true, err
	case <-timer.C:
		return false, nil
	}
}
