package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
)

// attempt is a dial that is under way.
type attempt struct {
	peer      peer.ID
	connected atomic.Bool // to whatever listens at one of the addresses, by TCP
}

// attempt begins to watch how far a dial gets; end ends it.
func (m *meter) attempt(p peer.ID) (a *attempt, end func()) {
	a = &attempt{peer: p}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dials[a] = struct{}{}
	return a, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.dials, a)
	}
}

// reached notes that a dial for the peer has got as far as a connection.
func (m *meter) reached(p peer.ID) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for a := range m.dials {
		if a.peer == p {
			a.connected.Store(true)
		}
	}
}

// failed adds to the error of a dial whether it got as far as a connection. A dial that was
// given up says nothing.
func (a *attempt) failed(ctx context.Context, err error) error {
	refused := (*net.OpError)(nil)
	switch {
	case errors.Is(ctx.Err(), context.Canceled) || errors.Is(err, ErrNoRoom) || errors.As(err, &refused) && refused.Op == "dial":
		return err
	case !a.connected.Load():
		return fmt.Errorf("%w (%w)", ErrNoAnswer, err)
	}
	return fmt.Errorf("%w (%w)", ErrNotOurMesh, err)
}

// handshake connects to an address by the transport alone, so that no watcher hears
// of it. The caller closes the connection.
func (h *Host) handshake(ctx context.Context, m ma.Multiaddr, p peer.ID) (transport.CapableConn, error) {
	ctx, cancel := context.WithTimeout(ctx, h.config.DialTimeout)
	defer cancel()
	return h.meter.tcp.Dial(ctx, m, p)
}
