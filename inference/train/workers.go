package train

import (
	"sync"
	"sync/atomic"
)

// inlineElements is the size of a job, in elements touched, under which waking
// other goroutines costs more than it saves.
const inlineElements = 1 << 13

// workers runs the units of a job on a fixed number of goroutines, one of which
// is the caller's.
//
// Results do not depend on the number of workers, because of how jobs are cut:
// a unit writes what no other unit writes, and every sum lies whole within one
// unit, in an order that the unit itself fixes. Nothing is ever reduced across
// units.
//
// A workers value has one user at a time; close ends its goroutines and waits
// for them.
type workers struct {
	count int
	wake  []chan struct{} // one per goroutine beside the caller
	ended sync.WaitGroup  // those goroutines, for close

	// The current job; written by each before it wakes the others.
	unit  func(worker, unit int)
	units int64
	next  atomic.Int64
	busy  sync.WaitGroup
}

// newWorkers starts count-1 goroutines; count is at least 1.
func newWorkers(count int) *workers {
	w := &workers{count: max(count, 1)}
	for i := 1; i < w.count; i++ {
		wake := make(chan struct{})
		w.wake = append(w.wake, wake)
		w.ended.Go(func() {
			for range wake {
				w.drain(i)
				w.busy.Done()
			}
		})
	}
	return w
}

// each calls unit(worker, u) once for every u in [0, units), from any worker,
// and returns when all calls have. No two calls at one time have the same
// worker, which may therefore index scratch. size is about how many elements
// the job touches; a small job runs on the caller alone. each does not allocate.
func (w *workers) each(units, size int, unit func(worker, unit int)) {
	if units < 2 || size < inlineElements || w.count == 1 {
		for u := range units {
			unit(0, u)
		}
		return
	}
	w.unit, w.units = unit, int64(units)
	w.next.Store(0)
	w.busy.Add(len(w.wake))
	for _, wake := range w.wake {
		wake <- struct{}{}
	}
	w.drain(0)
	w.busy.Wait()
}

func (w *workers) drain(worker int) {
	for {
		u := w.next.Add(1) - 1
		if u >= w.units {
			return
		}
		w.unit(worker, int(u))
	}
}

// close ends the goroutines. The workers must be idle.
func (w *workers) close() {
	for _, wake := range w.wake {
		close(wake)
	}
	w.ended.Wait()
}
