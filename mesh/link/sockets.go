package link

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Sockets is where a host's connections come from, in place of the machine's TCP: a network
// in memory, for tests in virtual time. What is above it is the same: private network,
// Noise, yamux. Both ends of its connections have *net.TCPAddr as addresses.
type Sockets interface {
	// Addresses returns where the host is, one at least; it does not change.
	Addresses() []netip.Addr
	// Listen listens on an address, port 0: any free one.
	Listen(at netip.AddrPort) (net.Listener, error)
	// DialContext connects to HOST:PORT, HOST an IP address; network is "tcp".
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// reach is what the configured interfaces allow; other sockets reach whatever they reach.
func (c *Config) reach() (reach, error) {
	if c.Sockets == nil {
		return readReach(c.Interfaces)
	}
	return reach{local: c.Sockets.Addresses()}, nil
}

// onSockets is libp2p's TCP transport on other sockets than the machine's.
type onSockets struct {
	*tcp.TcpTransport
	sockets  Sockets
	upgrader transport.Upgrader
}

// dialsFrom has libp2p's TCP transport dial from there.
func dialsFrom(d dialer) tcp.Option {
	return tcp.WithDialerForAddr(func(ma.Multiaddr) (tcp.ContextDialer, error) { return d, nil })
}

// Listen listens on a multiaddress of an IP address and a TCP port.
func (t *onSockets) Listen(m ma.Multiaddr) (transport.Listener, error) {
	at, ok := addrPort(m)
	if !ok {
		return nil, fmt.Errorf("listen on %v: no TCP port of an IP address", m)
	}
	plain, err := t.sockets.Listen(at)
	if err != nil {
		return nil, err
	}
	wrapped, err := manet.WrapNetListener(plain)
	if err != nil {
		return nil, fmt.Errorf("listen on %v: %w", m, err)
	}
	return t.upgrader.UpgradeGatedMaListener(t, t.upgrader.GateMaListener(wrapped)), nil
}
