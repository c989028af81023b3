package membership

import "sync"

// signals tell several listeners that something changed. Changes that nobody has
// looked at yet coalesce. The zero signals are ready.
type signals struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
}

// listen returns a channel that gets a value after each change, and what ends it.
func (s *signals) listen() (changed <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners == nil {
		s.listeners = make(map[chan struct{}]struct{})
	}
	s.listeners[c] = struct{}{}
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners, c)
	}
}

// raise tells all. It never blocks.
func (s *signals) raise() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.listeners {
		wake(c)
	}
}

// wake leaves a value in a channel of one place.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
