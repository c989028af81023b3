package discovery

import (
	"context"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Libp2pHost is a libp2p host as Host.
type Libp2pHost struct {
	host     host.Host
	identify func(context.Context, ma.Multiaddr) (peer.ID, error)
}

// OnLibp2p returns the host as discovery needs it. Libp2p connects to peers, not to
// addresses: identify finds out which peer listens at one.
func OnLibp2p(h host.Host, identify func(context.Context, ma.Multiaddr) (peer.ID, error)) Libp2pHost {
	return Libp2pHost{h, identify}
}

// ID returns the host's peer ID.
func (l Libp2pHost) ID() peer.ID { return l.host.ID() }

// ListenAddrs returns where the host listens, unspecified addresses as they are.
func (l Libp2pHost) ListenAddrs() []ma.Multiaddr { return l.host.Network().ListenAddresses() }

// Connected tells whether there is a connection to the peer.
func (l Libp2pHost) Connected(id peer.ID) bool {
	return l.host.Network().Connectedness(id) == network.Connected
}

// Identify finds out which peer listens at an address.
func (l Libp2pHost) Identify(ctx context.Context, address ma.Multiaddr) (peer.ID, error) {
	return l.identify(ctx, address)
}
