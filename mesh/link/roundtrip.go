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

// roundTrips keeps the last of them, in a ring.
type roundTrips struct {
	ring []time.Duration
	next int
	kept int
	last time.Time // when the last one was measured
}

func newRoundTrips(n int) roundTrips { return roundTrips{ring: make([]time.Duration, n)} }

func (r *roundTrips) add(d time.Duration, now time.Time) {
	r.ring[r.next] = d
	r.next = (r.next + 1) % len(r.ring)
	r.kept = min(r.kept+1, len(r.ring))
	r.last = now
}

func (r *roundTrips) summary() RoundTrip {
	if r.kept == 0 {
		return RoundTrip{}
	}
	sorted := slices.Clone(r.ring[:r.kept])
	slices.Sort(sorted)
	last := (r.next + len(r.ring) - 1) % len(r.ring)
	return RoundTrip{
		Best:    sorted[0],
		Last:    r.ring[last],
		P99:     sorted[(99*(len(sorted)-1)+50)/100], //nolint:mnd // per cent, rounded
		Samples: r.kept,
	}
}

// sendTimes remembers when the frames that are not acknowledged yet were queued. It
// has room for some of them: of many under way the newest are not remembered, so that
// the oldest always is.
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
		return
	}
	s.ring[(s.first+s.kept)%len(s.ring)] = sendTime{number, at}
	s.kept++
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
