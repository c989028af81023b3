package link

import (
	"sync"
	"time"
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// timing is the deadline of one direction of a [plug]. The socket has it too, except while
// it is lent to a pump. It is safe for concurrent use.
type timing struct {
	apply func(time.Time) error // to the socket
	moved chan struct{}         // holds a token when the deadline has changed

	mu   sync.Mutex // guards what follows
	at   time.Time  // zero: none
	lent bool
}

func newTiming(apply func(time.Time) error) *timing {
	return &timing{apply: apply, moved: make(chan struct{}, 1)}
}

// set changes the deadline.
func (t *timing) set(at time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at = at
	notify(t.moved)
	if t.lent {
		return nil
	}
	return t.apply(at)
}

// passed tells whether the deadline has.
func (t *timing) passed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.at.IsZero() && !time.Now().Before(t.at)
}

// lend takes the deadline off the socket.
func (t *timing) lend() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lent = true
	_ = t.apply(time.Time{}) // a socket that is closed tells the pump
}

// restore gives the socket the deadline again, after an interruption.
func (t *timing) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.lent {
		_ = t.apply(t.at) // as above
	}
}

// giveBack ends what lend began.
func (t *timing) giveBack() { t.giveBackIf(func() bool { return true }) }

// giveBackIf ends what lend began if that is still right when it has.
func (t *timing) giveBackIf(right func() bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !right() {
		return false
	}
	t.lent = false
	_ = t.apply(t.at) // as above
	return true
}

// interrupt ends what is under way at the socket, which is not what its deadline says.
func (t *timing) interrupt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.apply(longAgo) // a socket that is closed has nothing under way
}

// wait returns after the time, at the deadline, or when one of the others says so. No time
// is as long as it takes.
func (t *timing) wait(atMost time.Duration, some, other, more <-chan struct{}) {
	t.mu.Lock()
	at := t.at
	t.mu.Unlock()
	if !at.IsZero() {
		left := max(time.Until(at), 0)
		if atMost == 0 || left < atMost {
			atMost = max(left, 1)
		}
	}
	var timer <-chan time.Time
	if atMost > 0 {
		one := time.NewTimer(atMost)
		defer one.Stop()
		timer = one.C
	}
	select {
	case <-timer:
	case <-t.moved:
	case <-some:
	case <-other:
	case <-more:
	}
}
