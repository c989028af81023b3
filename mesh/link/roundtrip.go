package link

import (
	"slices"
	"time"
)

// RoundTrip sums up the last round trips to a peer. They are measured at frames and
// probes: from a frame's queuing here to the acknowledgement's arrival, less the time
// for which the peer held it.
type RoundTrip struct {
	Best, Last, P99 time.Duration // zero: none was measured yet
	Samples         int           // that these are of
}

// Which round trips count: so many back from the last one, and so many where a quiet link had
// fewer in that time. A best of more is slow to tell that the way has become longer.
const (
	roundTripsFor   = 10 * time.Second
	roundTripsLeast = 16
)

// roundTrips keeps the last of them, in a ring.
type roundTrips struct {
	ring []roundTripTime
	next int
	kept int
	last time.Time // when the last one was measured
}

type roundTripTime struct {
	took time.Duration
	at   time.Time
}

func newRoundTrips(n int) roundTrips { return roundTrips{ring: make([]roundTripTime, n)} }

func (r *roundTrips) add(d time.Duration, now time.Time) {
	r.ring[r.next] = roundTripTime{d, now}
	r.next = (r.next + 1) % len(r.ring)
	r.kept = min(r.kept+1, len(r.ring))
	r.last = now
}

// counting is the round trips that count, the last one first.
func (r *roundTrips) counting() []time.Duration {
	out := make([]time.Duration, 0, r.kept)
	for back := 1; back <= r.kept; back++ {
		of := r.ring[(r.next-back+len(r.ring))%len(r.ring)]
		if back > roundTripsLeast && r.last.Sub(of.at) > roundTripsFor {
			break
		}
		out = append(out, of.took)
	}
	return out
}

func (r *roundTrips) summary() RoundTrip {
	if r.kept == 0 {
		return RoundTrip{}
	}
	sorted := r.counting()
	last := sorted[0]
	slices.Sort(sorted)
	return RoundTrip{
		Best:    sorted[0],
		Last:    last,
		P99:     sorted[(99*(len(sorted)-1)+50)/100], //nolint:mnd // per cent, rounded
		Samples: len(sorted),
	}
}

// sendTimes remembers when the frames that are not acknowledged yet were queued. It
// has room for some of them: of many under way it remembers the oldest, the last, at least
// every other of those just before it, and fewer and fewer of those between. Where a network
// stands still for seconds, it is the last that tell how long the way is once it goes on.
type sendTimes struct {
	ring        [sendTimesMax]sendTime
	first, kept int
}

const sendTimesMax = 128

type sendTime struct {
	number uint64
	at     time.Time
}

func (s *sendTimes) add(number uint64, at time.Time) {
	if s.kept == len(s.ring) {
		s.thin()
	}
	s.ring[(s.first+s.kept)%len(s.ring)] = sendTime{number, at}
	s.kept++
}

// thin forgets every other frame but the oldest.
func (s *sendTimes) thin() {
	s.kept = (s.kept + 1) / 2 //nolint:mnd // every other
	for i := range s.kept {
		s.ring[(s.first+i)%len(s.ring)] = s.ring[(s.first+2*i)%len(s.ring)]
	}
}

// acknowledge forgets the frames up to number, and returns when that one was queued,
// if it is remembered.
func (s *sendTimes) acknowledge(number uint64) (at time.Time, ok bool) {
	for s.kept > 0 && s.ring[s.first].number <= number {
		at, ok = s.ring[s.first].at, s.ring[s.first].number == number
		s.first = (s.first + 1) % len(s.ring)
		s.kept--
	}
	return at, ok
}

// oldest returns when the oldest frame that is remembered was queued; zero: there is
// none.
func (s *sendTimes) oldest() time.Time {
	if s.kept == 0 {
		return time.Time{}
	}
	return s.ring[s.first].at
}
