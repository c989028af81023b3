package meshtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"ganglion/mesh/secret"
)

var (
	errBroken = errors.New("connection is broken")
	errReset  = errors.New("stream was reset")
	errKilled = errors.New("host is killed")
)

// Host is one node's end of a [Network]. It has the methods that package
// mesh/membership wants of a network and of an address book: it reaches every host of
// the network, addresses or not.
type Host struct {
	network *Network
	id      secret.MemberID

	// Guarded by the network's lock.
	accept   map[string]acceptor
	watchers map[int]func(secret.MemberID, bool)
	nextID   int
	address  byte // the last number of its IP address
	sent     uint64
	killed   bool
	stalled  time.Time // until when nothing goes in or out
}

type acceptor func(peer secret.MemberID, stream net.Conn)

// ID returns the host's name.
func (h *Host) ID() secret.MemberID { return h.id }

// SentBytes returns how much the host has written to all of its streams.
func (h *Host) SentBytes() uint64 {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	return h.sent
}

// Kill ends the host as the end of its process does: all others hear of it at once,
// unless they are partitioned, and it hears of nothing any more.
func (h *Host) Kill() {
	n := h.network
	n.mu.Lock()
	h.killed = true
	var told []func()
	for p, c := range n.conns {
		if (p.low == h.id || p.high == h.id) && n.hosts[h.id] == h && !n.apart(p) {
			told = append(told, n.breakConn(c)...)
		}
	}
	n.wake()
	n.mu.Unlock()
	for _, tell := range told {
		tell()
	}
}

// Cut breaks the connection to a peer, which can be made anew at once.
func (h *Host) Cut(peer secret.MemberID) {
	n := h.network
	n.mu.Lock()
	c := n.conns[pairOf(h.id, peer)]
	n.mu.Unlock()
	if c != nil {
		n.end(c)
	}
}

// Stall holds up all that goes in or out of the host for a while, as if its process
// had been stopped; its timers go on.
func (h *Host) Stall(d time.Duration) {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.stalled = time.Now().Add(d)
	h.network.wake()
}

// Open opens a stream of a protocol to a peer, and connects first if need be.
func (h *Host) Open(ctx context.Context, peer secret.MemberID, protocol string) (net.Conn, error) {
	n := h.network
	fail := func(err error) (net.Conn, error) {
		return nil, fmt.Errorf("open %s to %s: %w", protocol, peer.Short(), err)
	}
	if peer == h.id {
		return fail(errors.New("that is this host itself"))
	}
	dialAgain := time.Second // as TCP does, and twice as long each time
	for {
		n.mu.Lock()
		other := n.pick(peer)
		if h.killed || other == nil || other.killed {
			n.mu.Unlock()
			return fail(errKilled)
		}
		pair := pairOf(h.id, peer)
		c, connected := n.conns[pair]
		if !connected && n.apart(pair) {
			n.mu.Unlock()
			timer := time.NewTimer(dialAgain)
			select {
			case <-timer.C:
				dialAgain *= 2
				continue
			case <-ctx.Done():
				timer.Stop()
				return fail(context.Cause(ctx))
			}
		}
		var told []func()
		roundTrips := 0
		if !connected {
			roundTrips = 3 // TCP, Noise and the muxer
			c, told = n.connect(pair)
		}
		handle, ok := other.accept[protocol]
		near, far := n.streams(c, h, other)
		wait := time.Duration(2*roundTrips) * n.quality.Latency
		n.mu.Unlock()
		for _, tell := range told {
			tell()
		}
		if !ok {
			_ = near.Reset() // it cannot fail
			return fail(errors.New("protocol is not accepted"))
		}
		if wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				_ = near.Reset() // it cannot fail
				return fail(context.Cause(ctx))
			}
		}
		go func() {
			if far.begun() {
				handle(h.id, far)
			}
		}()
		return near, nil
	}
}

// connect makes a connection, and returns what is to be called after.
func (n *Network) connect(p pair) (*conn, []func()) {
	c := &conn{pair: p, streams: make(map[*stream]struct{})}
	n.conns[p] = c
	var told []func()
	for _, watch := range n.hosts[p.low].watchers {
		told = append(told, func() { watch(p.high, true) })
	}
	for _, watch := range n.hosts[p.high].watchers {
		told = append(told, func() { watch(p.low, true) })
	}
	return c, told
}

// Accept has handle called with every stream of the protocol that a peer opens. Nil
// stops accepting.
func (h *Host) Accept(protocol string, handle func(peer secret.MemberID, stream net.Conn)) {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	if handle == nil {
		delete(h.accept, protocol)
		return
	}
	h.accept[protocol] = handle
}

// Connected tells whether there is a connection to the peer.
func (h *Host) Connected(peer secret.MemberID) bool {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	_, ok := h.network.conns[pairOf(h.id, peer)]
	return ok && !h.killed
}

// Watch has watch called for every peer that gets a connection or loses it.
func (h *Host) Watch(watch func(peer secret.MemberID, up bool)) (stop func()) {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	id := h.nextID
	h.nextID++
	h.watchers[id] = watch
	return func() {
		h.network.mu.Lock()
		defer h.network.mu.Unlock()
		delete(h.watchers, id)
	}
}

// Addresses returns one, which differs between the first hosts and is never dialled.
func (h *Host) Addresses() []netip.AddrPort {
	const port = 4801
	return []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, h.address}), port)}
}

// AddAddresses does nothing: all hosts are reached.
func (h *Host) AddAddresses(secret.MemberID, []netip.AddrPort, time.Duration) error { return nil }
