package link

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	manet "github.com/multiformats/go-multiaddr/net"
)

// errHangUp ends the outgoing lane of a connection that was closed here.
var errHangUp = errors.New("closed here")

// plug is a connection on a wire that may be impaired. While the wire is idle, reads and
// writes go to the socket, by no detour. While it is not, each direction is a lane: a pump,
// a goroutine, moves bytes between it and the socket. The pump of what goes out ends when
// nothing is left to send; that of what comes in, with what comes next on an idle wire.
type plug struct {
	manet.Conn
	wire *wire
	in   *lane // from the socket to Read
	out  *lane // from Write to the socket

	reading, writing   sync.Mutex // one at a time
	incoming, outgoing *timing    // of reads and of writes
	failed             atomic.Pointer[error]

	closing  sync.Once
	closed   chan struct{} // by Close: nobody reads or writes any more
	severing sync.Once
	severed  error // what the socket's own Close returned
	lingers  bool  // written before closed is
}

func newPlug(w *wire, c manet.Conn, in, out rand.Source) *plug {
	return &plug{
		Conn: c, wire: w, in: newLane(in), out: newLane(out), closed: make(chan struct{}),
		incoming: newTiming(c.SetReadDeadline), outgoing: newTiming(c.SetWriteDeadline),
	}
}

// Read reads what has come through the wire.
func (p *plug) Read(b []byte) (int, error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	b = b[:min(len(b), batchBytes)] // it must fit into the lane
	for {
		if err := p.over(p.incoming); err != nil {
			return 0, err
		}
		if state := p.wire.get(); !state.idle || p.in.busy() {
			if n, err, direct := p.readLane(b, state); !direct {
				return n, err
			}
			continue
		}
		n, err := p.Conn.Read(b)
		state := p.wire.get()
		switch {
		case n == 0 && timedOut(err):
			// Closed, too late, or the deadline has moved.
		case state.idle:
			return n, err
		default:
			// It came while the wire was being impaired.
			now := time.Now()
			p.in.push(b[:n], now, state.Loss)
			if err != nil {
				p.in.finish(err, now)
			}
		}
	}
}

// readLane reads from the lane, or finds that the socket may be read by no detour.
func (p *plug) readLane(b []byte, state *wireState) (n int, err error, direct bool) { //nolint:revive // what Read returns, and whether it does
	for {
		if err := p.over(p.incoming); err != nil {
			return 0, err, false
		}
		got := p.in.peek(b, time.Now(), state.Impairment)
		if got.n > 0 {
			p.in.pop(got.n)
			return got.n, nil, false
		}
		if got.err != nil {
			return 0, got.err, false
		}
		if got.none && state.idle && !p.in.busy() {
			return 0, nil, true
		}
		if !state.idle && !p.in.ended() && p.in.claim() {
			p.incoming.lend()
			if !p.wire.start(p.pumpIn) {
				return 0, net.ErrClosed, false
			}
		}
		p.incoming.wait(got.wait, state.replaced, p.in.pushed, p.closed)
		state = p.wire.get()
	}
}

// pumpIn moves what comes from the socket into the lane.
func (p *plug) pumpIn() {
	buffer := make([]byte, batchBytes)
	for !isClosed(p.closed) {
		state := p.wire.get()
		room := p.in.room()
		if state.Cut || room == 0 {
			select {
			case <-p.closed:
				return
			case <-p.wire.dead:
				return
			case <-state.replaced:
			case <-p.in.popped:
			}
			continue
		}
		n, err := p.Conn.Read(buffer[:min(room, len(buffer))])
		now := time.Now()
		state = p.wire.get()
		p.in.push(buffer[:n], now, state.Loss)
		switch {
		case err != nil && !timedOut(err):
			p.in.finish(err, now)
			return
		case state.idle:
			p.incoming.giveBack()
			p.in.retire(false)
			return
		}
	}
}

// Write writes into the wire. A nil error says that the bytes are under way.
func (p *plug) Write(b []byte) (int, error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	written := 0
	for {
		if err := p.over(p.outgoing); err != nil {
			return written, err
		}
		if state := p.wire.get(); !state.idle || p.out.busy() {
			n, err := p.writeLane(b[written:])
			return written + n, err
		}
		n, err := p.Conn.Write(b[written:])
		written += n
		if !timedOut(err) || written == len(b) {
			return written, err
		}
		if p.over(p.outgoing) == nil {
			p.outgoing.restore() // called back, see wire.impair
		}
	}
}

// writeLane puts all bytes into the lane, and waits where it is full.
func (p *plug) writeLane(b []byte) (written int, err error) {
	for {
		if err := p.over(p.outgoing); err != nil {
			return written, err
		}
		if failed := p.failed.Load(); failed != nil {
			return written, *failed
		}
		state := p.wire.get()
		written += p.out.push(b[written:], time.Now(), state.Loss)
		if !p.pumpsOut() {
			return written, net.ErrClosed
		}
		if written == len(b) {
			return written, nil
		}
		p.outgoing.wait(0, p.out.popped, nil, p.closed)
	}
}

// pumpsOut sees to it that there is a pump.
func (p *plug) pumpsOut() bool {
	if !p.out.claim() {
		return true
	}
	p.outgoing.lend()
	return p.wire.start(p.pumpOut)
}

// pumpOut moves what has arrived in the lane to the socket.
func (p *plug) pumpOut() {
	buffer := make([]byte, batchBytes)
	for {
		state := p.wire.get()
		got := p.out.peek(buffer, time.Now(), state.Impairment)
		switch {
		case got.err != nil:
			_ = p.sever() // its error has nobody to go to
			return
		case got.n > 0:
			n, err := p.Conn.Write(buffer[:got.n])
			p.out.pop(n)
			if err == nil {
				continue
			}
			if timedOut(err) {
				p.outgoing.lend() // called back
				continue
			}
			p.failed.CompareAndSwap(nil, &err)
			p.out.drop()
			if isClosed(p.closed) {
				_ = p.sever()
			}
			return
		case got.none && p.outgoing.giveBackIf(func() bool { return p.out.retire(true) }):
			return
		}
		if !p.rest(got.wait, state.replaced) {
			_ = p.sever()
			return
		}
	}
}

// rest waits until something is due, and tells whether the wire is still there.
func (p *plug) rest(wait time.Duration, replaced <-chan struct{}) bool {
	var timer <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
	case <-replaced:
	case <-p.out.pushed:
	case <-p.wire.dead:
		return false
	}
	return true
}

// over returns why nothing can be read or written any more.
func (p *plug) over(t *timing) error {
	if isClosed(p.closed) {
		return net.ErrClosed
	}
	if t.passed() {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// Close closes the connection here at once. The other end hears of it when the wire lets
// it: after what is under way, and not before a cut has healed.
func (p *plug) Close() error {
	err := net.ErrClosed
	p.closing.Do(func() {
		state := p.wire.get()
		direct := state.idle && !p.out.busy()
		if !direct {
			p.lingers = p.wire.linger()
		}
		close(p.closed)
		if !p.lingers {
			err = p.sever()
			return
		}
		err = nil
		p.in.drop()
		p.incoming.interrupt()
		if state.Cut {
			p.out.drop() // libp2p's connections do not linger for what was not sent
		}
		p.out.finish(errHangUp, time.Now())
		if p.failed.Load() != nil || !p.pumpsOut() {
			err = p.sever()
		}
	})
	return err
}

// sever closes the socket.
func (p *plug) sever() error {
	p.severing.Do(func() {
		p.severed = p.Conn.Close()
		p.wire.unplug(p, isClosed(p.closed) && p.lingers)
	})
	return p.severed
}

// SetDeadline is both of the following.
func (p *plug) SetDeadline(t time.Time) error {
	return errors.Join(p.incoming.set(t), p.outgoing.set(t))
}

// SetReadDeadline ends reads at that time, those under way included. Zero: never.
func (p *plug) SetReadDeadline(t time.Time) error { return p.incoming.set(t) }

// SetWriteDeadline ends writes at that time, those under way included. Zero: never.
func (p *plug) SetWriteDeadline(t time.Time) error { return p.outgoing.set(t) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func timedOut(err error) bool {
	return err != nil && errors.Is(err, os.ErrDeadlineExceeded)
}
