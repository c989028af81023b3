package meshtest

import (
	"net"
	"net/netip"
	"time"
)

// listener is where connections to a machine arrive. All fields are guarded by the lock of
// the LAN.
type listener struct {
	machine *Machine
	at      netip.AddrPort
	backlog []*socket
	closed  bool
	signal
}

var _ net.Listener = (*listener)(nil)

// Accept returns the next connection.
func (l *listener) Accept() (net.Conn, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	for {
		if l.closed {
			return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
		}
		if len(l.backlog) > 0 {
			next := l.backlog[0]
			l.backlog = l.backlog[1:]
			return next, nil
		}
		l.wait(time.Time{})
	}
}

// Close stops listening, and ends the connections that nobody has accepted.
func (l *listener) Close() error {
	l.machine.lan.mu.Lock()
	defer l.machine.lan.mu.Unlock()
	l.close()
	return nil
}

func (l *listener) close() {
	if l.closed {
		return
	}
	l.closed = true
	delete(l.machine.listeners, l.at)
	for _, s := range l.backlog {
		s.close()
	}
	l.backlog = nil
	l.wake()
}

// Addr returns where it listens.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }
