package meshtest

import (
	"bytes"
	"io"
	"net"
	"os"
	"time"

	"ganglion/mesh/secret"
)

// stream is one end. All fields are guarded by the network's lock.
type stream struct {
	network *Network
	conn    *conn
	host    *Host
	other   *stream

	inbox
	broken error // nil: none
	closed bool  // by this end
	ended  bool  // by the other end: after what is arriving there is no more

	readBy, writeBy time.Time // deadlines; zero: none
}

var _ net.Conn = (*stream)(nil)

// streams makes both ends of a stream.
func (n *Network) streams(c *conn, a, b *Host) (near, far *stream) {
	near = &stream{network: n, conn: c, host: a, inbox: inbox{signal: newSignal(&n.mu)}}
	far = &stream{network: n, conn: c, host: b, other: near, inbox: inbox{signal: newSignal(&n.mu)}}
	near.other = far
	c.streams[near], c.streams[far] = struct{}{}, struct{}{}
	return near, far
}

// begun waits for the first bytes, as libp2p does, and tells whether any came.
func (s *stream) begun() bool {
	s.network.mu.Lock()
	defer s.network.mu.Unlock()
	for {
		ready, at := s.ready(time.Now(), s.host.stalled)
		if ready {
			return true
		}
		if s.broken != nil || s.ended && len(s.arriving) == 0 {
			return false
		}
		s.wait(at)
	}
}

// Read reads.
func (s *stream) Read(p []byte) (int, error) {
	s.network.mu.Lock()
	defer s.network.mu.Unlock()
	for {
		now := time.Now()
		ready, at := s.ready(now, s.host.stalled)
		switch {
		case s.broken != nil:
			return 0, s.broken
		case s.closed:
			return 0, net.ErrClosed
		case ready:
			s.other.wake() // there will be room
			return s.take(p), nil
		case s.ended && len(s.arriving) == 0:
			return 0, io.EOF
		case !s.readBy.IsZero() && !now.Before(s.readBy):
			return 0, os.ErrDeadlineExceeded
		}
		s.wait(soonest(at, s.readBy))
	}
}

// Write writes, in one piece.
func (s *stream) Write(p []byte) (int, error) {
	n := s.network
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case s.broken != nil:
			return 0, s.broken
		case s.closed:
			return 0, net.ErrClosed
		case !s.writeBy.IsZero() && !now.Before(s.writeBy):
			return 0, os.ErrDeadlineExceeded
		case s.other.closed:
			return 0, errReset
		case s.other.bytes == 0 || s.other.bytes+len(p) <= windowBytes:
			s.send(p, now)
			return len(p), nil
		}
		s.wait(s.writeBy)
	}
}

func (s *stream) send(p []byte, now time.Time) {
	n, o := s.network, s.other
	s.host.sent += uint64(len(p))
	at := now
	if at.Before(s.host.stalled) {
		at = s.host.stalled
	}
	c := segment{data: bytes.Clone(p), sent: now, at: at.Add(n.quality.delay(n.random, retransmitAfter)), held: n.apart(s.conn.pair)}
	if len(o.arriving) > 0 {
		if last := o.arriving[len(o.arriving)-1]; last.at.After(c.at) {
			c.at = last.at
		}
	}
	if len(p) > 0 {
		o.arriving = append(o.arriving, c)
		o.bytes += len(p)
	}
	o.wake()
}

// Close ends both directions; what was written still arrives.
func (s *stream) Close() error {
	s.network.mu.Lock()
	defer s.network.mu.Unlock()
	s.closed, s.other.ended = true, true
	s.forget()
	s.wake()
	s.other.wake()
	return nil
}

// Reset ends both directions at once.
func (s *stream) Reset() error {
	s.network.mu.Lock()
	defer s.network.mu.Unlock()
	s.closed = true
	if s.broken == nil {
		s.broken = errReset
	}
	if s.other.broken == nil {
		s.other.broken = errReset
	}
	s.forget()
	s.wake()
	s.other.wake()
	return nil
}

// forget takes a stream that both ends have done with from its connection.
func (s *stream) forget() {
	if s.closed && (s.other.closed || s.other.broken != nil) {
		delete(s.conn.streams, s)
		delete(s.conn.streams, s.other)
	}
}

// SetDeadline sets both deadlines.
func (s *stream) SetDeadline(t time.Time) error {
	s.network.mu.Lock()
	defer s.network.mu.Unlock()
	s.readBy, s.writeBy = t, t
	s.wake()
	return nil
}

// SetReadDeadline sets when reading fails; zero: never.
func (s *stream) SetReadDeadline(t time.Time) error {
	s.network.mu.Lock()
	defer s.network.mu.Unlock()
	s.readBy = t
	s.wake()
	return nil
}

// SetWriteDeadline sets when writing fails; zero: never.
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.network.mu.Lock()
	defer s.network.mu.Unlock()
	s.writeBy = t
	s.wake()
	return nil
}

// LocalAddr returns this end's name.
func (s *stream) LocalAddr() net.Addr { return addr(s.host.id) }

// RemoteAddr returns the other end's name.
func (s *stream) RemoteAddr() net.Addr { return addr(s.other.host.id) }

type addr secret.MemberID

// Network names the kind of address.
func (addr) Network() string { return "meshtest" }

// String returns the name of the peer.
func (a addr) String() string { return string(a) }
