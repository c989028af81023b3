package roles

import "time"

// The limits by which a holder is found silent.
const (
	leastSilence  = 200 * time.Millisecond                 // of a holder that is not resting, two intervals
	mostSilence   = 600 * time.Millisecond                 // of one whose heartbeats are late
	silenceFactor = 4                                      // times the 99th percentile of the gaps
	restSilence   = 2 * (RestInterval - HeartbeatInterval) // that is added for one that rests: two of its intervals, too
)

// StallLimit is how long a node's own loop may stand still before the node doubts what
// it knows: others may have moved on.
const StallLimit = 100 * time.Millisecond

// Silence tells when a holder has been quiet for too long, by the interval that its last
// heartbeat spoke of. The zero value has heard nothing yet.
type Silence struct {
	gaps    Tail
	last    Instant
	heard   bool
	resting bool // as the holder said
}

// Expect starts to listen at now: the holder has from here to be heard.
func (s *Silence) Expect(now Instant) { s.last, s.heard = now, false }

// Follow starts to listen at now to a new holder, which does not rest.
func (s *Silence) Follow(now Instant) {
	s.Expect(now)
	s.resting = false
}

// Miss has the gap up to the next heartbeat not measured: it says more of this node, whose
// loop stood still, than of the holder.
func (s *Silence) Miss() { s.heard = false }

// Heard notes a heartbeat; resting is what it says of the one that follows. Only a gap
// between two heartbeats of one holder that is not resting is measured.
func (s *Silence) Heard(now Instant, resting bool) {
	if s.heard && !s.resting {
		s.gaps.Add(now.Sub(s.last))
	}
	s.last, s.heard, s.resting = now, true, resting
}

// Rouse notes that the holder was given work at now: if it rests, it has from here to send
// the heartbeat that ends its rest, and no longer than it had.
func (s *Silence) Rouse(now Instant) {
	if s.resting {
		s.last, s.resting = min(now, s.last.Add(restSilence)), false
	}
}

// Limit is the silence after which the holder is asked about: four times the 99th
// percentile of the gaps, within 200 and 600 ms; of a resting one 1.8 s more.
func (s *Silence) Limit() time.Duration {
	limit := min(mostSilence, max(leastSilence, silenceFactor*s.gaps.P99()))
	if s.resting {
		limit += restSilence
	}
	return limit
}

// Until is the instant at which the holder will have been silent for too long.
func (s *Silence) Until() Instant { return s.last.Add(s.Limit()) }
