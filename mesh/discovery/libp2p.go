package discovery

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

// Libp2pHost is a libp2p host as Host.
type Libp2pHost struct{ host host.Host }

// OnLibp2p returns the host as discovery needs it.
func OnLibp2p(h host.Host) Libp2pHost { return Libp2pHost{h} }

// ID returns the host's peer ID.
func (l Libp2pHost) ID() peer.ID { return l.host.ID() }

// ListenAddrs returns where the host listens, unspecified addresses as they are.
func (l Libp2pHost) ListenAddrs() []ma.Multiaddr { return l.host.Network().ListenAddresses() }

// Connected tells whether there is a connection to the peer.
func (l Libp2pHost) Connected(id peer.ID) bool {
	return l.host.Network().Connectedness(id) == network.Connected
}

// Identify finds out which peer listens at an address. libp2p connects to peers,
// not to addresses; so this dials a peer that does not exist, and reads from the
// refusal of the handshake who is there instead. Only a node of the same private
// network gets that far, and the handshake has proved its key.
func (l Libp2pHost) Identify(ctx context.Context, address ma.Multiaddr) (peer.ID, error) {
	_, public, err := crypto.GenerateEd25519Key(crand.Reader)
	if err != nil {
		return "", fmt.Errorf("identify peer: %w", err)
	}
	nobody, err := peer.IDFromPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("identify peer: %w", err)
	}
	ctx = network.WithForceDirectDial(ctx, "identify")
	l.host.Peerstore().AddAddr(nobody, address, identifyTimeout)
	defer func() {
		l.host.Peerstore().ClearAddrs(nobody)
		l.host.Peerstore().RemovePeer(nobody)
	}()
	conn, err := l.host.Network().DialPeer(ctx, nobody)
	if err == nil {
		_ = conn.Close() // impossible: it would have somebody else's fresh key
		return "", errors.New("identify peer: it has a key that was made just now")
	}
	var mismatch sec.ErrPeerIDMismatch
	switch {
	case errors.As(err, &mismatch):
		return mismatch.Actual, nil
	case errors.Is(err, swarm.ErrDialToSelf):
		return l.host.ID(), nil
	}
	return "", fmt.Errorf("identify peer: nobody of this mesh answers: %w", err)
}
