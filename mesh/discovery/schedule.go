package discovery

import (
	"math/rand/v2"
	"time"
)

// schedule says when a node speaks: at once and often at first, then ever more
// seldom, down to a steady beat. It holds no timer.
type schedule struct {
	first  time.Duration // the first gap, above 0
	steady time.Duration // the longest gap, at least first
	gap    time.Duration // the last gap given out; 0: none
}

// next returns the time until the next announcement: first, then twice the gap
// before it, up to steady, each within a quarter either way, so that nodes that
// were switched on together do not go on speaking together.
func (s *schedule) next(random *rand.Rand) time.Duration {
	switch {
	case s.gap == 0:
		s.gap = s.first
	case s.gap < s.steady/2:
		s.gap *= 2
	default:
		s.gap = s.steady
	}
	return jitter(random, s.gap)
}

// quick tells whether the steady beat is yet to come.
func (s *schedule) quick() bool { return s.gap < s.steady }

// hurry begins anew, as at the start.
func (s *schedule) hurry() { s.gap = 0 }

// jitter returns a duration within a quarter of d either way.
func jitter(random *rand.Rand, d time.Duration) time.Duration {
	if d < 4 {
		return d
	}
	return d - d/4 + time.Duration(random.Int64N(int64(d/2)))
}

// backoff is the wait before another attempt at what has failed so far: first,
// doubled at each failure up to longest.
type backoff struct {
	first, longest time.Duration
	gap            time.Duration // the last wait; 0: none
}

// next returns the wait, within a quarter either way.
func (b *backoff) next(random *rand.Rand) time.Duration {
	b.gap = min(max(2*b.gap, b.first), b.longest)
	return jitter(random, b.gap)
}

// reset forgets the failures.
func (b *backoff) reset() { b.gap = 0 }
