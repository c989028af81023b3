package link

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/transport"
	manet "github.com/multiformats/go-multiaddr/net"
)

// dialer is what connections are dialled with.
type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// cutDialer dials when the wire is not cut. Nobody answers where it is.
type cutDialer struct {
	dialer
	wire *wire
}

// DialContext waits for the wire and then dials. Its error is that of a dial that nothing
// answers.
func (d *cutDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if d.wire.whole(ctx.Done()) {
		return d.dialer.DialContext(ctx, network, address)
	}
	err := ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		err = os.ErrDeadlineExceeded
	}
	return nil, &net.OpError{Op: "dial", Net: network, Addr: tcpAddr(address), Err: err}
}

// tcpAddr is an address in the form in which errors carry it; nil: it is none.
func tcpAddr(address string) net.Addr {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil
	}
	return net.TCPAddrFromAddrPort(a)
}

// cutListener accepts when the wire is not cut. What the kernel takes meanwhile waits
// there, unread and bounded by the listener's backlog.
type cutListener struct {
	transport.GatedMaListener
	wire *wire
	done chan struct{} // closed by Close
	once sync.Once
}

// Accept returns the next connection.
func (l *cutListener) Accept() (manet.Conn, network.ConnManagementScope, error) {
	if !l.wire.whole(l.done) {
		return nil, nil, net.ErrClosed
	}
	c, scope, err := l.GatedMaListener.Accept()
	if err != nil {
		return c, scope, err
	}
	if l.wire.whole(l.done) { // it may have been cut since
		return c, scope, nil
	}
	scope.Done()
	_ = l.wire.plugIn(c).Close() // in silence
	return nil, nil, net.ErrClosed
}

// Close ends the listener.
func (l *cutListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.GatedMaListener.Close()
}
