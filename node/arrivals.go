package node

import (
	"context"
	"sync"

	"ganglion/roles"
)

// arrivalsKept is how many lines followers may be behind.
const arrivalsKept = 1 << 16

// arrival is one line for followers: a publication that is new in a log of this node, or a
// span that nobody has.
type arrival struct {
	published *roles.Published
	site      roles.Site
	gap       *roles.Gap
}

// arrivals is what came into the logs of this node, in that order, for any number of
// followers, each at its own place. It is safe for concurrent use.
type arrivals struct {
	mu     sync.Mutex // guards what follows
	ring   []arrival
	next   uint64 // number of the next arrival
	change chan struct{}
}

func newArrivals() *arrivals {
	return &arrivals{change: make(chan struct{})}
}

func (a *arrivals) add(of []*roles.Published) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range of {
		a.put(arrival{published: p, site: p.Sealed.Sample.Site})
	}
	a.wake()
}

// gap notes beats that no node has any more.
func (a *arrivals) gap(site roles.Site, g roles.Gap) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.put(arrival{site: site, gap: &g})
	a.wake()
}

// put adds one line, under the lock.
func (a *arrivals) put(one arrival) {
	if len(a.ring) < arrivalsKept {
		a.ring = append(a.ring, one)
	} else {
		a.ring[a.next%arrivalsKept] = one
	}
	a.next++
}

func (a *arrivals) wake() {
	close(a.change)
	a.change = make(chan struct{})
}

// end is the number of the next arrival.
func (a *arrivals) end() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.next
}

// wait returns what arrived from a number on, as much as is asked for at most, and the
// number to go on with. It waits while there is nothing. lost is how many are gone, because the follower
// was too slow.
func (a *arrivals) wait(ctx context.Context, from uint64, most int) (some []arrival, next, lost uint64, err error) {
	for {
		a.mu.Lock()
		oldest := a.next - uint64(len(a.ring))
		if from < oldest {
			lost, from = oldest-from, oldest
		}
		for ; from < a.next && len(some) < most; from++ {
			some = append(some, a.ring[from%arrivalsKept])
		}
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
