package meshtest

import (
	"sync"
	"time"
)

// signal wakes whoever waits for something to change that a lock guards. Its methods are
// called with the lock held.
type signal struct {
	lock    *sync.Mutex
	changed chan struct{} // closed, and made anew, at each change
}

func newSignal(lock *sync.Mutex) signal { return signal{lock, make(chan struct{})} }

// wake has all who wait look again.
func (s *signal) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait gives up the lock until a time, if it is not zero, or until something changes.
func (s *signal) wait(until time.Time) {
	changed := s.changed
	s.lock.Unlock()
	defer s.lock.Lock()
	if until.IsZero() {
		<-changed
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}

// soonest returns the earlier of two times, of which zero is never.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
