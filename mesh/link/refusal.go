package link

import (
	"sync"
	"time"
)

// Refusals counts the frames of one peer that were not handled.
type Refusals struct {
	Unknown   uint64 // of a kind that nobody here handles
	TooLarge  uint64 // larger than their kind allows
	Malformed uint64 // not frames; each ended the stream
	Slow      uint64 // begun and not finished in time; each ended the stream
	Late      uint64 // replies that nobody waited for any more
}

// refusals also remembers what of it was reported.
type refusals struct {
	mu         sync.Mutex
	now        Refusals
	reported   Refusals
	reportedAt time.Time
}

// count adds one, and returns the counts where it is time to report them.
func (r *refusals) count(add func(*Refusals), now time.Time, interval time.Duration) (Refusals, bool) {
	r.mu.Lock()
	add(&r.now)
	r.mu.Unlock()
	return r.report(now, interval)
}

// report returns the counts where they have grown since the last report, that being
// at least an interval ago.
func (r *refusals) report(now time.Time, interval time.Duration) (Refusals, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == r.reported || !r.reportedAt.IsZero() && now.Sub(r.reportedAt) < interval {
		return Refusals{}, false
	}
	r.reported, r.reportedAt = r.now, now
	return r.now, true
}

func (r *refusals) total() Refusals {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}
