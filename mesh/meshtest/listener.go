package meshtest

import (
	"net"
	"net/netip"
)

// listener is where connections to a machine arrive. All fields are guarded by the lock of
// the LAN.
type listener struct {
	machine *Machine
	at      netip.AddrPort
	backlog []*socket
	closed  bool
	changed chan struct{} // closed, and made anew, when any of this changes
}

var _ net.Listener = (*listener)(nil)

// Accept returns the next connection.
func (l *listener) Accept() (net.Conn, error) {
	mu := &l.machine.lan.mu
	mu.Lock()
	defer mu.Unlock()
	for {
		if l.closed {
			return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
		}
		if len(l.backlog) > 0 {
			next := l.backlog[0]
			l.backlog = l.backlog[1:]
			return next, nil
		}
		changed := l.changed
		mu.Unlock()
		<-changed
		mu.Lock()
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

func (l *listener) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Addr returns where it listens.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }
