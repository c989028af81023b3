package roles

import "time"

// How often a holder sends its heartbeat.
const (
	HeartbeatInterval = 100 * time.Millisecond // while it has work, or had some of late
	RestInterval      = time.Second            // while it rests
	RestAfter         = 5 * time.Second        // without work, and it rests
)

// pace is when a holder's next heartbeat is due. One that had no work for RestAfter rests,
// and says so with the heartbeat after which the longer interval follows. Work ends the
// rest: a heartbeat is due at once.
type pace struct {
	beat   Instant // of the last heartbeat
	worked Instant // when there was work last
	rests  bool    // as the last heartbeat said
}

// work notes that there is work at now, or that something of the role has changed.
func (p *pace) work(now Instant) {
	p.worked = max(p.worked, now)
	if p.rests {
		p.rests = false
		p.beat = now.Add(-HeartbeatInterval)
	}
}

// next is when the next heartbeat is due.
func (p *pace) next() Instant {
	if p.rests {
		return p.beat.Add(RestInterval)
	}
	return p.beat.Add(HeartbeatInterval)
}

// sent notes a heartbeat, and reports whether it says that the holder rests.
func (p *pace) sent(now Instant) bool {
	p.beat, p.rests = now, now >= p.worked.Add(RestAfter)
	return p.rests
}
