package discovery

import "sync"

// surroundings tells several goroutines which interfaces are in use, and when
// that changes.
type surroundings struct {
	mu      sync.Mutex
	used    []Interface
	changed chan struct{} // closed at the next change
}

func newSurroundings() *surroundings {
	return &surroundings{changed: make(chan struct{})}
}

// set replaces the interfaces, which nobody may change any more.
func (s *surroundings) set(used []Interface) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = used
	close(s.changed)
	s.changed = make(chan struct{})
}

// get returns the interfaces and a channel that is closed when they change.
func (s *surroundings) get() (used []Interface, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used, s.changed
}
