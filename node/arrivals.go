package node

import (
	"context"
	"sync"

	"ganglion/roles"
)

// The sizes of what followers get.
const (
	arrivalsKept   = 1 << 16 // lines of either kind that followers may be behind
	arrivalsFilled = 16      // late lines that a follower gets at least, behind the live ones
)

// arrival is one line for followers: a publication that is new in a log of this node, or a
// span that nobody has.
type arrival struct {
	published *roles.Published
	site      roles.Site
	gap       *roles.Gap
}

// arrivals is what came into the logs of this node, for any number of followers, each at its own
// place. What is live and what was fetched late, as by a node that was restarted and fetches
// a hundred thousand verdicts, are two queues, each in the order in which it came: live ones go
// before. It is safe for concurrent use.
type arrivals struct {
	mu     sync.Mutex // guards what follows
	live   arrivalRing
	filled arrivalRing
	change chan struct{}
}

// place is that of a follower: the numbers of the next arrivals.
type place struct{ live, filled uint64 }

// arrivalRing is the last arrivals of a kind.
type arrivalRing struct {
	ring []arrival
	next uint64 // number of the next arrival
}

func newArrivals() *arrivals {
	return &arrivals{change: make(chan struct{})}
}

// add takes verdicts as they fall, and others that were fetched.
func (a *arrivals) add(live, filled []*roles.Published) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range live {
		a.live.put(arrival{published: p, site: p.Sealed.Sample.Site})
	}
	for _, p := range filled {
		a.filled.put(arrival{published: p, site: p.Sealed.Sample.Site})
	}
	a.wake()
}

// gap notes beats that no node has any more.
func (a *arrivals) gap(site roles.Site, g roles.Gap) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.filled.put(arrival{site: site, gap: &g})
	a.wake()
}

func (r *arrivalRing) put(one arrival) {
	if len(r.ring) < arrivalsKept {
		r.ring = append(r.ring, one)
	} else {
		r.ring[r.next%arrivalsKept] = one
	}
	r.next++
}

// take appends what arrived from a number on, so many at most, and moves the number behind it.
// lost is how many are gone.
func (r *arrivalRing) take(to []arrival, from *uint64, most int) (some []arrival, lost uint64) {
	oldest := r.next - uint64(len(r.ring))
	if *from < oldest {
		lost, *from = oldest-*from, oldest
	}
	for ; *from < r.next && most > 0; *from, most = *from+1, most-1 {
		to = append(to, r.ring[*from%arrivalsKept])
	}
	return to, lost
}

// wake tells all who wait; under the lock.
func (a *arrivals) wake() {
	close(a.change)
	a.change = make(chan struct{})
}

// end is the place behind all that came.
func (a *arrivals) end() place {
	a.mu.Lock()
	defer a.mu.Unlock()
	return place{a.live.next, a.filled.next}
}

// wait returns what arrived from a place on, so much at most, what is live first and at least a
// little of what is late behind it, and the place to go on with. It waits while there is nothing.
// lost is how many are gone, because the follower was too slow.
func (a *arrivals) wait(ctx context.Context, from place, most int) (some []arrival, next place, lost uint64, err error) {
	for {
		a.mu.Lock()
		some, lost = a.live.take(nil, &from.live, most)
		some, late := a.filled.take(some, &from.filled, max(arrivalsFilled, most-len(some)))
		lost += late
		change := a.change
		a.mu.Unlock()
		if len(some) > 0 || lost > 0 {
			return some, from, lost, nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return nil, from, 0, context.Cause(ctx)
		}
	}
}
