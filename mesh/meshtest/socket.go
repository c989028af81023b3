package meshtest

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// wire is a connection between two machines of a [LAN], or of one with itself.
type wire struct{ ends [2]*socket }

// socket is one end of a connection. All fields are guarded by the lock of the LAN.
type socket struct {
	lan     *LAN
	wire    *wire
	machine *Machine
	address netip.AddrPort
	other   *socket

	inbox
	flight  int   // bytes that this end has sent while no acknowledgement came back
	unheard bool  // this end has sent to one who knows nothing of the connection
	broken  error // nil: not
	closed  bool  // by this end

	readBy, writeBy time.Time // deadlines; zero: none
}

var _ net.Conn = (*socket)(nil)

// connection makes both ends of a connection.
func (l *LAN) connection(a *Machine, from netip.AddrPort, b *Machine, to netip.AddrPort) (near, far *socket) {
	near = &socket{lan: l, machine: a, address: from, inbox: inbox{signal: newSignal(&l.mu)}}
	far = &socket{lan: l, machine: b, address: to, inbox: inbox{signal: newSignal(&l.mu)}, other: near}
	near.other = far
	w := &wire{ends: [2]*socket{near, far}}
	near.wire, far.wire = w, w
	l.wires[w] = struct{}{}
	return near, far
}

// wake has both ends look again.
func (w *wire) wake() {
	for _, s := range w.ends {
		s.wake()
	}
}

// rerouted has both ends go by who reaches whom now.
func (w *wire) rerouted(now time.Time) {
	for _, s := range w.ends {
		if !s.muted() {
			s.flight = 0
		}
	}
	for _, s := range w.ends {
		s.rerouted(now)
	}
	w.wake()
}

// rerouted looks again at what is on its way from this end to the other.
func (s *socket) rerouted(now time.Time) {
	if s.unheard && !s.muted() {
		s.breaks(errReset)
	}
	o := s.other
	var last time.Time
	behind := false // one that is held
	for i := range o.arriving {
		g := &o.arriving[i]
		if !g.held && !g.at.After(now) {
			last = g.at
			continue // it is there
		}
		open := s.passes(len(g.data)) && !behind
		switch {
		case open && g.held:
			g.held, g.at = false, resent(g.sent, now).Add(s.lan.delay(retransmitAfter))
		case !open:
			g.held, behind = true, true
		}
		if g.at.Before(last) {
			g.at = last
		}
		last = g.at
	}
}

// muted tells whether anything between this end and the other does not get through.
func (s *socket) muted() bool {
	return s.lan.apart(s.machine, s.other.machine) || s.lan.apart(s.other.machine, s.machine)
}

// passes tells whether as many bytes of this end get through now, and counts them where
// nobody acknowledges any.
func (s *socket) passes(n int) bool {
	if s.lan.apart(s.machine, s.other.machine) {
		return false
	}
	if !s.lan.apart(s.other.machine, s.machine) {
		return true
	}
	if s.flight+n > flightBytes {
		return false
	}
	s.flight += n
	return true
}

// stalled is until when nothing gets in from the other end.
func (s *socket) stalled() time.Time {
	if s.other.machine == s.machine {
		return time.Time{}
	}
	return s.machine.stalled
}

// Read reads.
func (s *socket) Read(p []byte) (int, error) {
	s.lan.mu.Lock()
	defer s.lan.mu.Unlock()
	for {
		now := time.Now()
		ready, at := s.ready(now, s.stalled())
		switch {
		case s.broken != nil:
			return 0, s.fault("read", s.broken)
		case s.closed:
			return 0, s.fault("read", net.ErrClosed)
		case !s.readBy.IsZero() && !now.Before(s.readBy):
			return 0, s.fault("read", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return 0, nil
		case ready && s.arriving[0].end:
			return 0, io.EOF
		case ready:
			s.other.wake() // there will be room
			return s.take(p), nil
		}
		s.wait(soonest(at, s.readBy))
	}
}

// Write writes, in as many pieces as there is room for.
func (s *socket) Write(p []byte) (n int, err error) {
	s.lan.mu.Lock()
	defer s.lan.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case s.broken != nil:
			return n, s.fault("write", s.broken)
		case s.closed:
			return n, s.fault("write", net.ErrClosed)
		case !s.writeBy.IsZero() && !now.Before(s.writeBy):
			return n, s.fault("write", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return n, nil
		case s.other.closed:
			// Nobody is there any more. Who sends is told so, if the answer arrives.
			if !s.muted() {
				s.breaks(errReset)
				continue
			}
			s.unheard = true
			return n + len(p), nil
		}
		if room := sendBufferBytes - s.other.bytes; room > 0 {
			part := p[:min(len(p), room)]
			s.send(segment{data: bytes.Clone(part)}, now)
			n, p = n+len(part), p[len(part):]
			continue
		}
		s.wait(s.writeBy)
	}
}

// send puts a segment on its way.
func (s *socket) send(g segment, now time.Time) {
	o := s.other
	g.sent = now
	if o.machine == s.machine {
		g.at = now
	} else {
		s.machine.sent += uint64(len(g.data))
		g.at = now
		if g.at.Before(s.machine.stalled) {
			g.at = s.machine.stalled
		}
		g.at = g.at.Add(s.lan.delay(retransmitAfter))
		g.held = !s.passes(len(g.data))
	}
	if len(o.arriving) > 0 {
		last := o.arriving[len(o.arriving)-1]
		g.held = g.held || last.held
		if last.at.After(g.at) {
			g.at = last.at
		}
	}
	o.arriving = append(o.arriving, g)
	o.bytes += len(g.data)
	o.wake()
}

// breaks ends the connection at this end, by the word of the other's machine.
func (s *socket) breaks(err error) {
	if s.broken == nil {
		s.broken = err
	}
	s.forget()
	s.wake()
}

// Close ends the connection: what was written arrives, and then the word that it ended.
func (s *socket) Close() error {
	s.lan.mu.Lock()
	defer s.lan.mu.Unlock()
	s.close()
	return nil
}

func (s *socket) close() {
	if s.closed {
		return
	}
	s.closed = true
	if s.broken == nil && !s.other.closed {
		s.send(segment{end: true}, time.Now())
	}
	s.arriving, s.bytes = nil, 0
	s.forget()
	s.wake()
	s.other.wake()
}

// forget takes a connection that both ends have done with from the LAN.
func (s *socket) forget() {
	if (s.closed || s.broken != nil) && (s.other.closed || s.other.broken != nil) {
		delete(s.lan.wires, s.wire)
	}
}

// fault is an error in the form of package net.
func (s *socket) fault(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}

// SetDeadline sets both deadlines.
func (s *socket) SetDeadline(t time.Time) error { return s.set(func() { s.readBy, s.writeBy = t, t }) }

// SetReadDeadline sets when reading fails; zero: never.
func (s *socket) SetReadDeadline(t time.Time) error { return s.set(func() { s.readBy = t }) }

// SetWriteDeadline sets when writing fails; zero: never.
func (s *socket) SetWriteDeadline(t time.Time) error { return s.set(func() { s.writeBy = t }) }

func (s *socket) set(deadlines func()) error {
	s.lan.mu.Lock()
	defer s.lan.mu.Unlock()
	deadlines()
	s.wake()
	return nil
}

// LocalAddr returns this end's address.
func (s *socket) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(s.address) }

// RemoteAddr returns the other end's address.
func (s *socket) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.other.address) }
