package roles

import "time"

// The limits by which a holder is found silent.
const (
	HeartbeatInterval = 100 * time.Millisecond
	leastSilence      = 200 * time.Millisecond
	mostSilence       = time.Second
	silenceFactor     = 4 // times the 99th percentile of the gaps
)

// StallLimit is how long a node's own loop may stand still before the node doubts what
// it knows: others may have moved on.
const StallLimit = 100 * time.Millisecond

// Silence tells when a holder that sends a heartbeat every HeartbeatInterval has been
// quiet for too long. The zero value has heard nothing yet.
type Silence struct {
	gaps  Tail
	last  Instant
	heard bool
}

// Expect starts to listen at now: the holder has from here to be heard.
func (s *Silence) Expect(now Instant) { s.last, s.heard = now, false }

// Heard notes a heartbeat. Only a gap between two heartbeats of one holder is measured.
func (s *Silence) Heard(now Instant) {
	if s.heard {
		s.gaps.Add(now.Sub(s.last))
	}
	s.last, s.heard = now, true
}

// Limit is the silence after which the holder is asked about: four times the 99th
// percentile of the gaps, within 200 ms and 1 s.
func (s *Silence) Limit() time.Duration {
	return min(mostSilence, max(leastSilence, silenceFactor*s.gaps.P99()))
}

// Until is the instant at which the holder will have been silent for too long.
func (s *Silence) Until() Instant { return s.last.Add(s.Limit()) }
