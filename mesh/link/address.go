package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"ganglion/mesh/secret"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// addressesMax is how many addresses of one peer are taken at once.
const addressesMax = 32

// AddAddresses notes that the peer may be reached there, for the time given; longer
// where it is known already. What cannot be dialled (port 0, an unspecified or
// multicast address) is left out. It is safe for concurrent use.
func (h *Host) AddAddresses(p Peer, addresses []netip.AddrPort, ttl time.Duration) error {
	id, err := p.Peer()
	if err != nil {
		return err
	}
	var multi []ma.Multiaddr
	for _, a := range addresses[:min(len(addresses), addressesMax)] {
		if m, ok := multiaddr(a); ok && dialable(a) {
			multi = append(multi, m)
		}
	}
	h.host.Peerstore().AddAddrs(id, multi, ttl)
	return nil
}

// Addresses returns where peers are told to reach this host, sorted. It changes with
// the machine's addresses. It is safe for concurrent use.
func (h *Host) Addresses() []netip.AddrPort {
	// libp2p answers this too, and remembers its answer for a minute: a machine that has
	// got another address would send everybody to the old one.
	bound := h.host.Network().ListenAddresses()
	if len(bound) == 0 {
		return nil
	}
	all, err := manet.ResolveUnspecifiedAddresses(bound, nil)
	if err != nil {
		h.log.Debug("addresses of this machine cannot be read", "error", err)
		return nil
	}
	addresses := addrPorts(h.advertised(all))
	slices.SortFunc(addresses, netip.AddrPort.Compare)
	return slices.Compact(addresses)
}

// Identify asks who listens at an address, for a peer that was given by address
// alone. The errors are [ErrNotOurMesh], [ErrNoAnswer], this host's own address
// included as [ErrSelf], and those of the network.
func (h *Host) Identify(ctx context.Context, address netip.AddrPort) (Peer, error) {
	m, ok := multiaddr(address)
	if !ok || !dialable(address) {
		return "", fmt.Errorf("identify %v: not an address to dial", address)
	}
	if !h.gater.allowsAddress(m) {
		return "", fmt.Errorf("identify %v: not by way of the interfaces %q that this host is restricted to", address, h.config.Interfaces)
	}
	// Who dials a peer that does not exist is told whom it met instead.
	stranger, err := secret.NewIdentity()
	if err != nil {
		return "", err
	}
	id, err := stranger.ID().Peer()
	if err != nil {
		return "", err
	}
	attempt, end := h.meter.attempt(id)
	defer end()
	conn, err := h.handshake(ctx, m, id)
	if err == nil {
		return "", errors.Join(fmt.Errorf("identify %v: it has the key of a stranger that was just made", address), conn.Close())
	}
	mismatch := sec.ErrPeerIDMismatch{}
	if errors.As(err, &mismatch) {
		return identified(address, mismatch.Actual, h.peer)
	}
	return "", fmt.Errorf("identify %v: %w", address, attempt.failed(ctx, err))
}

func identified(address netip.AddrPort, id peer.ID, self Peer) (Peer, error) {
	p, err := secret.MemberIDOf(id)
	if err != nil {
		return "", fmt.Errorf("identify %v: %w", address, err)
	}
	if p == self {
		return "", fmt.Errorf("identify %v: %w", address, ErrSelf)
	}
	return p, nil
}

// dialable tells whether an address can be that of one peer.
func dialable(a netip.AddrPort) bool {
	return a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified() && !a.Addr().IsMulticast()
}

func multiaddr(a netip.AddrPort) (ma.Multiaddr, bool) {
	if !a.IsValid() {
		return nil, false
	}
	m, err := manet.FromNetAddr(net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.Addr().Unmap(), a.Port())))
	return m, err == nil
}

// addrPorts returns those of the addresses that are a TCP port of an IP address.
func addrPorts(multi []ma.Multiaddr) []netip.AddrPort {
	addresses := make([]netip.AddrPort, 0, len(multi))
	for _, m := range multi {
		if a, ok := addrPort(m); ok {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

func addrPort(m ma.Multiaddr) (netip.AddrPort, bool) {
	a, err := manet.ToNetAddr(m)
	if err != nil {
		return netip.AddrPort{}, false
	}
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), true
}

// remoteAddrPort returns the other end of a connection.
func remoteAddrPort(c network.ConnMultiaddrs) netip.AddrPort {
	a, _ := addrPort(c.RemoteMultiaddr())
	return a
}
