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
// them in the reverse order, each when the one started after it has ended. After
// within, it goes on without waiting for those that do not end; the error names them.
// An end of a stage before it was told to is an error.
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
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	var errs []error
	late, stuck := false, false
	for i, s := range slices.Backward(stages) {
		cancels[i]()
		there, err := wait(ended[i], deadline.C, &late)
		if !there {
			stuck = true
			err = fmt.Errorf("%s has not ended after %v: a handler blocks, or the disk", s.name, within)
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

// wait returns what a stage ended with, if it has ended in time. When it is late, only a moment is left to each
// stage.
func wait(ended <-chan error, deadline <-chan time.Time, late *bool) (there bool, err error) {
	const moment = 100 * time.Millisecond
	if *late {
		timer := time.NewTimer(moment)
		defer timer.Stop()
		deadline = timer.C
	}
	select {
	case err := <-ended:
		return true, err
	case <-deadline:
		*late = true
		return false, nil
	}
}
