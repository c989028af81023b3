package membership

import (
	"log/slog"
	"sync"
	"time"
)

// tripsKept is how many of the longest round trips are kept of each minute: the shortest of
// them is what a network takes. The longest may have met a process that stood still, or
// died, and says nothing about the network.
const tripsKept = 5

// trips keep the longest round trips of the last minute or two.
type trips struct {
	limit time.Duration // beyond which probes do not wait long enough
	log   *slog.Logger

	mu            sync.Mutex // guards what follows
	now, before   [tripsKept]trip
	nowSince      time.Time
	warnedAlready bool // in this minute
}

type trip struct {
	peer MemberID
	took time.Duration
}

func (t *trips) add(peer MemberID, d time.Duration, at time.Time) {
	t.mu.Lock()
	if at.Sub(t.nowSince) >= reportInterval {
		t.before, t.now, t.nowSince, t.warnedAlready = t.now, [tripsKept]trip{}, at, false
	}
	one := trip{peer, d}
	for i := range t.now { // descending
		if one.took > t.now[i].took {
			t.now[i], one = one, t.now[i]
		}
	}
	typical := t.now[tripsKept-1]
	warn := typical.took > t.limit && !t.warnedAlready
	t.warnedAlready = t.warnedAlready || warn
	t.mu.Unlock()
	if warn {
		t.log.Warn("round trips are longer than probes of members expect: raise the round trip maximum of the configuration",
			"peer", string(typical.peer), "round_trip", typical.took, "expected", t.limit)
	}
}

// worst is the round trip that the longest, but for a few, take.
func (t *trips) worst() (time.Duration, MemberID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, before := t.now[tripsKept-1], t.before[tripsKept-1]
	if before.took > now.took {
		return before.took, before.peer
	}
	return now.took, now.peer
}
