package link

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// link is what is known of the link to one peer, through all of its streams.
type link struct {
	peer    Peer
	current atomic.Pointer[session] // the one that is up; nil: none

	refusals refusals

	mu             sync.Mutex    // guards what follows
	latest         *session      // that was started, up or not; nil: none
	up             chan struct{} // closed when the link comes up, then replaced when it goes down
	since          time.Time     // of the last change between up and down
	acknowledgedAt time.Time
	roundTrips     roundTrips
	penaltyUntil   time.Time
	opening        bool // an opener runs
	again          bool // and is to look again before it ends
	forgotten      bool // it is no longer among the links
}

func newLink(p Peer, config LinksConfig) *link {
	return &link{peer: p, up: make(chan struct{}), since: time.Now(), roundTrips: newRoundTrips(config.RoundTrips)}
}

// rise returns the session that is up, or what to wait for.
func (k *link) rise() (<-chan struct{}, *session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.up, k.current.Load()
}

// acknowledged notes an acknowledgement, and a round trip where it measured one.
func (k *link) acknowledged(now time.Time, roundTrip time.Duration, measured bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.acknowledgedAt = now
	if measured && roundTrip > 0 {
		k.roundTrips.add(roundTrip, now)
	}
}

// forget tells whether the link has been down for so long that it is not worth its
// memory. Then nothing may be started on it any more.
func (k *link) forget(now time.Time, after time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgotten = k.latest == nil && !k.opening && now.Sub(k.since) > after
	return k.forgotten
}

// Health is the state of the link to one peer.
type Health struct {
	Up    bool
	Since time.Time // when it came up or, if it is not up, went down; zero: never known
	// Acknowledged is when the peer last acknowledged a frame; zero: never.
	Acknowledged time.Time
	// Waiting is when the oldest frame that is not acknowledged was queued; zero: all
	// are. A link that is up and waits for much longer than a round trip and the
	// acknowledgement's delay has a peer that is stalled, or a network that lost it.
	Waiting        time.Time
	Unacknowledged int
	QueuedBytes    int
	RoundTrip      RoundTrip
	Refused        Refusals // of the peer's frames, by us
}

// Health returns the state of the link to a peer.
func (l *Links) Health(p Peer) Health {
	l.mu.RLock()
	link := l.links[p]
	l.mu.RUnlock()
	if link == nil {
		return Health{}
	}
	s := link.current.Load()
	link.mu.Lock()
	h := Health{
		Up: s != nil, Since: link.since,
		Acknowledged: link.acknowledgedAt, RoundTrip: link.roundTrips.summary(),
	}
	link.mu.Unlock()
	h.Refused = link.refusals.total()
	if s != nil {
		s.health(&h)
	}
	return h
}

// rose makes a session the link's.
func (l *Links) rose(s *session) {
	l.watchers.tell(func() (Event, bool) {
		s.link.mu.Lock()
		defer s.link.mu.Unlock()
		if s.link.latest != s {
			return Event{}, false // replaced meanwhile
		}
		s.rose = true
		s.link.current.Store(s)
		s.link.since = time.Now()
		close(s.link.up)
		return Event{Peer: s.link.peer, Up: true, At: s.link.since}, true
	})
}

// fell takes a session that ended from its link.
func (l *Links) fell(s *session, err error) {
	l.watchers.tell(func() (Event, bool) {
		k := s.link
		k.mu.Lock()
		defer k.mu.Unlock()
		now := time.Now()
		if errors.Is(err, errMalformed) || errors.Is(err, errSlow) {
			k.penaltyUntil = now.Add(l.config.Penalty)
		}
		if k.latest == s {
			k.latest = nil
		}
		if !k.current.CompareAndSwap(s, nil) {
			return Event{}, false // it was never up
		}
		k.since = now
		k.up = make(chan struct{})
		return Event{Peer: k.peer, Broken: broken(err), At: now}, true
	})
}

// countRefusal counts, and logs at most once an interval for each peer.
func (l *Links) countRefusal(ctx context.Context, k *link, add func(*Refusals)) {
	if line, ok := k.refusals.count(add, time.Now(), l.config.ReportInterval); ok {
		l.warnRefused(ctx, k.peer, line)
	}
}
