package meshtest

import (
	"math/rand/v2"
	"sync"
	"time"

	"ganglion/mesh/secret"
)

// Quality says how bytes travel between any two hosts.
type Quality struct {
	Latency time.Duration // one way
	Jitter  time.Duration // added to it, up to so much
	// Loss is the part of all writes that are lost and sent again, 0 to 1.
	Loss float64
}

const (
	// retransmitAfter is how long TCP waits for an acknowledgement the first time; each
	// time it doubles.
	retransmitAfter = 200 * time.Millisecond
	// keepAlive is how long a connection lives on in silence.
	keepAlive = 40 * time.Second
	// windowBytes may be under way in one direction of a stream.
	windowBytes = 256 << 10
)

// Network joins hosts. All methods are safe for concurrent use.
type Network struct {
	mu      sync.Mutex // guards what follows, and all of the hosts and streams
	random  *rand.Rand
	quality Quality
	hosts   map[secret.MemberID]*Host
	clones  map[secret.MemberID]*Host
	made    byte                    // hosts so far
	side    map[secret.MemberID]int // hosts of different sides do not reach one another
	conns   map[pair]*conn
}

// New returns a network without hosts.
func New(seed uint64, q Quality) *Network {
	return &Network{
		random:  rand.New(rand.NewPCG(seed, 0)),
		quality: q,
		hosts:   make(map[secret.MemberID]*Host),
		clones:  make(map[secret.MemberID]*Host),
		side:    make(map[secret.MemberID]int),
		conns:   make(map[pair]*conn),
	}
}

// Host returns a new host of that name. One of the same name before it is killed.
func (n *Network) Host(id secret.MemberID) *Host {
	n.mu.Lock()
	earlier := n.hosts[id]
	n.mu.Unlock()
	if earlier != nil {
		earlier.Kill()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.host(id)
	n.hosts[id] = h
	return h
}

// Clone returns a second host of a name that there is, as a copied identity makes one:
// streams to that name go to either of the two.
func (n *Network) Clone(id secret.MemberID) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.host(id)
	n.clones[id] = h
	return h
}

func (n *Network) host(id secret.MemberID) *Host {
	n.made++
	return &Host{
		network: n, id: id, address: n.made,
		accept: make(map[string]acceptor), watchers: make(map[int]func(secret.MemberID, bool)),
	}
}

// pick returns whom a stream to that name goes to, or nil.
func (n *Network) pick(id secret.MemberID) *Host {
	if clone := n.clones[id]; clone != nil && n.random.IntN(2) == 0 {
		return clone
	}
	return n.hosts[id]
}

// Partition keeps the hosts named from all others, until [Network.Heal].
func (n *Network) Partition(ids ...secret.MemberID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	side := 1
	for _, s := range n.side {
		side = max(side, s+1)
	}
	for _, id := range ids {
		n.side[id] = side
	}
	n.wake()
	for p, c := range n.conns {
		if n.apart(p) && c.giveUp == nil {
			c.giveUp = time.AfterFunc(keepAlive, func() { n.end(c) })
		}
	}
}

// Heal ends all partitions.
func (n *Network) Heal() {
	n.mu.Lock()
	clear(n.side)
	var told []func()
	for p, c := range n.conns {
		if n.hosts[p.low].killed || n.hosts[p.high].killed {
			told = append(told, n.breakConn(c)...)
			continue
		}
		if c.giveUp != nil {
			c.giveUp.Stop()
			c.giveUp = nil
		}
		c.heal(time.Now())
	}
	n.wake()
	n.mu.Unlock()
	for _, tell := range told {
		tell()
	}
}

// apart tells whether two hosts are kept from one another.
func (n *Network) apart(p pair) bool { return n.side[p.low] != n.side[p.high] }

// wake has all streams look again.
func (n *Network) wake() {
	for _, c := range n.conns {
		c.wake()
	}
}

// pair names two hosts.
type pair struct{ low, high secret.MemberID }

func pairOf(a, b secret.MemberID) pair { return pair{min(a, b), max(a, b)} }

// conn is the connection between two hosts.
type conn struct {
	pair    pair
	streams map[*stream]struct{} // both ends of each
	giveUp  *time.Timer
	ended   bool
}

// wake has all of its streams look again.
func (c *conn) wake() {
	for s := range c.streams {
		s.wake()
	}
}

// heal has what was held arrive when TCP next sends it again.
func (c *conn) heal(now time.Time) {
	for s := range c.streams {
		for i := range s.arriving {
			if g := &s.arriving[i]; g.held {
				g.held, g.at = false, resent(g.sent, now)
			}
		}
	}
}

// end breaks a connection: both sides are told.
func (n *Network) end(c *conn) {
	n.mu.Lock()
	told := n.breakConn(c)
	n.mu.Unlock()
	for _, tell := range told {
		tell()
	}
}

// breakConn breaks it under the lock, and returns what is to be called after.
func (n *Network) breakConn(c *conn) []func() {
	if c.ended {
		return nil
	}
	c.ended = true
	if c.giveUp != nil {
		c.giveUp.Stop()
	}
	delete(n.conns, c.pair)
	for s := range c.streams {
		s.broken = errBroken
	}
	c.wake()
	var told []func()
	for _, at := range []struct{ here, there secret.MemberID }{{c.pair.low, c.pair.high}, {c.pair.high, c.pair.low}} {
		if h := n.hosts[at.here]; h != nil && !h.killed {
			for _, watch := range h.watchers {
				told = append(told, func() { watch(at.there, false) })
			}
		}
	}
	return told
}
