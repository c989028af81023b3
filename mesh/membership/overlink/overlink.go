package overlink

import (
	"context"
	"errors"
	"fmt"
	"net"

	"ganglion/mesh/link"
	"ganglion/mesh/membership"

	"github.com/libp2p/go-libp2p/core/protocol"
)

// Network is a host, as package membership wants it. The host itself is its
// [membership.AddressBook].
type Network struct{ host *link.Host }

var (
	_ membership.Network     = Network{}
	_ membership.AddressBook = (*link.Host)(nil)
)

// New returns the network of a host.
func New(host *link.Host) Network { return Network{host} }

// Open opens a stream, and connects first if need be.
func (n Network) Open(ctx context.Context, peer membership.MemberID, name string) (net.Conn, error) {
	s, err := n.host.Open(ctx, peer, protocol.ID(name))
	if errors.Is(err, link.ErrOtherProtocol) {
		return nil, fmt.Errorf("%w: %w", membership.ErrOtherVersion, err)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Accept has handle called with every stream of the protocol that a peer opens.
func (n Network) Accept(name string, handle func(peer membership.MemberID, stream net.Conn)) {
	if handle == nil {
		n.host.Accept(protocol.ID(name), nil)
		return
	}
	n.host.Accept(protocol.ID(name), func(s *link.Stream) { handle(s.Peer(), s) })
}

// Connected tells whether there is a connection to the peer.
func (n Network) Connected(peer membership.MemberID) bool { return n.host.Connected(peer) }

// Watch has watch called for every peer that gets its first connection or loses its
// last.
func (n Network) Watch(watch func(peer membership.MemberID, up bool)) (stop func()) {
	return n.host.Watch(func(e link.Event) { watch(e.Peer, e.Up) })
}
