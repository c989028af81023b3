package link

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// Contact is how a peer is reached: what was tried, and what stands.
type Contact struct {
	Addresses []netip.AddrPort // that are dialled, as they are known
	Lines     []Line           // connections that stand
	// Tried is when this host dialled the peer last; zero: never. Err says why that failed;
	// nil: it did not. Failures is how many dials have failed since the last that did not.
	Tried    time.Time
	Err      error
	Failures uint64
}

// Line is a connection that stands.
type Line struct {
	Remote  netip.AddrPort
	Inbound bool // the peer dialled it
}

// Contact returns how the peer is reached.
func (h *Host) Contact(p Peer) Contact {
	c := h.dialled.of(p)
	id, err := p.Peer()
	if err != nil {
		return c
	}
	for _, m := range h.host.Peerstore().Addrs(id) {
		if a, ok := addrPort(m); ok {
			c.Addresses = append(c.Addresses, a)
		}
	}
	for _, conn := range h.host.Network().ConnsToPeer(id) {
		c.Lines = append(c.Lines, Line{Remote: remoteAddrPort(conn), Inbound: conn.Stat().Direction == network.DirInbound})
	}
	return c
}

// Probe tells whether the peer can be dialled at an address: it goes as far as to learn who
// listens there, and leaves no connection. The errors are those of [Host.Identify] and
// [ErrOtherPeer].
func (h *Host) Probe(ctx context.Context, p Peer, address netip.AddrPort) error {
	met, err := h.Identify(ctx, address)
	if err != nil {
		return err
	}
	if met != p {
		return fmt.Errorf("probe %v: %w: %s", address, ErrOtherPeer, met)
	}
	return nil
}

// dialledMax is how many peers' dials are remembered.
const dialledMax = 1024

// dialled remembers what became of dials. It is safe for concurrent use.
type dialled struct {
	mu sync.Mutex // guards what follows
	by map[Peer]Contact
}

// note notes how a dial went. One that was given up, for the peer has come by itself or the
// host ends, says nothing of the peer.
func (d *dialled) note(p Peer, err error, now time.Time) {
	if errors.Is(err, context.Canceled) || errors.Is(err, ErrClosed) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	last, known := d.by[p]
	if !known && len(d.by) >= dialledMax {
		d.forget()
	}
	if d.by == nil {
		d.by = make(map[Peer]Contact)
	}
	failures := uint64(0)
	if err != nil {
		failures = last.Failures + 1
	}
	d.by[p] = Contact{Tried: now, Err: err, Failures: failures}
}

// forget makes room, under the lock.
func (d *dialled) forget() {
	var oldest Peer
	var at time.Time
	for p, c := range d.by {
		if oldest == "" || c.Tried.Before(at) {
			oldest, at = p, c.Tried
		}
	}
	delete(d.by, oldest)
}

func (d *dialled) of(p Peer) Contact {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.by[p]
}
