package link

import (
	"sync"
	"time"

	"ganglion/mesh/secret"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// watchers are told of events, one at a time and in order.
type watchers struct {
	mu   sync.Mutex
	next int
	by   map[int]func(Event)
}

// add returns what removes the watcher again.
func (w *watchers) add(watch func(Event)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil {
		w.by = make(map[int]func(Event))
	}
	id := w.next
	w.next++
	w.by[id] = watch
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.by, id)
	}
}

// tell runs change and, where that finds an event, tells it. Both happen under one
// lock: watchers hear of changes in the order in which they happened.
func (w *watchers) tell(change func() (Event, bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	event, ok := change()
	if !ok {
		return
	}
	for _, watch := range w.by {
		watch(event)
	}
}

// connections are those to one peer.
type connections struct {
	peer    Peer
	open    int
	arrived chan struct{} // closed with the first connection
}

// Watch calls watch for every peer that gets its first connection or loses its last,
// from the moment at which it happens: a killed process is told of within
// milliseconds. Events come one at a time, in order; a peer that is connected when
// Watch is called has no event of its own. The function must not block, nor call
// Watch or its stop. When stop has returned it is not called any more.
func (h *Host) Watch(watch func(Event)) (stop func()) { return h.watchers.add(watch) }

// Connected tells whether there is a connection to the peer now.
func (h *Host) Connected(p Peer) bool {
	id, err := p.Peer()
	return err == nil && h.host.Network().Connectedness(id) == network.Connected
}

// told tells whether the peer is connected as far as watchers have been told.
func (h *Host) told(p Peer) bool {
	id, err := p.Peer()
	if err != nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	of, ok := h.connections[id]
	return ok && of.open > 0
}

// Peers returns the peers that are connected now, in no order.
func (h *Host) Peers() []Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	peers := make([]Peer, 0, len(h.connections))
	for _, c := range h.connections {
		if c.open > 0 {
			peers = append(peers, c.peer)
		}
	}
	return peers
}

// connected is told by libp2p, once for each connection and before any of its
// streams.
func (h *Host) connected(_ network.Network, c network.Conn) {
	p, err := secret.MemberIDOf(c.RemotePeer())
	if err != nil {
		// Its key is none that members have: nothing here can name it.
		h.log.Warn("ending connection to peer without a member ID", "peer", c.RemotePeer().String(), "address", remoteAddrPort(c).String())
		_ = c.Close() // it is gone either way
		return
	}
	h.meter.established(c, p)
	h.watchers.tell(func() (Event, bool) {
		h.mu.Lock()
		defer h.mu.Unlock()
		of := h.of(c.RemotePeer(), p)
		of.open++
		if of.open > 1 {
			return Event{}, false
		}
		close(of.arrived)
		return Event{Peer: p, Up: true, At: time.Now()}, true
	})
	if h.spare(c) {
		_ = c.Close() // nothing was opened on it yet
	}
}

// spare tells whether a new connection is one too many: this host dialled it and has
// one already, that it dialled as well (by another address of the peer) or that the
// smaller ID did. By this rule the two ends never end both of two.
func (h *Host) spare(c network.Conn) bool {
	if c.Stat().Direction != network.DirOutbound {
		return false
	}
	for _, other := range h.host.Network().ConnsToPeer(c.RemotePeer()) {
		if other == c || other.IsClosed() {
			continue
		}
		if other.Stat().Direction == network.DirOutbound || Peer(c.RemotePeer().String()) < h.peer {
			return true
		}
	}
	return false
}

// disconnected is told by libp2p, once for each connection, after connected.
func (h *Host) disconnected(_ network.Network, c network.Conn) {
	broken := h.meter.broken(c)
	h.watchers.tell(func() (Event, bool) {
		h.mu.Lock()
		defer h.mu.Unlock()
		of, ok := h.connections[c.RemotePeer()]
		if !ok || of.open == 0 {
			return Event{}, false
		}
		of.open--
		if of.open > 0 {
			return Event{}, false
		}
		delete(h.connections, c.RemotePeer())
		return Event{Peer: of.peer, Broken: broken, At: time.Now()}, true
	})
}

// of returns the peer's connections, under the lock.
func (h *Host) of(id peer.ID, p Peer) *connections {
	c, ok := h.connections[id]
	if !ok {
		c = &connections{peer: p, arrived: make(chan struct{})}
		h.connections[id] = c
	}
	return c
}
