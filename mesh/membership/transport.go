package membership

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"ganglion/mesh/secret"

	"github.com/hashicorp/memberlist"
)

// The address that memberlist has for every node. It is never dialled.
const (
	nominalIP   = "127.0.0.1"
	nominalPort = 1
)

const streamsMax = 64 // of memberlist's that wait or are served at once

// transport carries memberlist over streams between peers. memberlist's addresses are
// ignored: its names are the peers.
type transport struct {
	network Network
	refused func(peer MemberID, kind faultKind, err error)
	answers func(peer MemberID) // it knows our protocols

	queues   *packetQueues
	packets  chan *memberlist.Packet
	streams  chan net.Conn
	slots    chan struct{} // one for each stream that was accepted and is not closed
	closing  chan struct{}
	shutdown sync.Once
	dialing  context.Context //nolint:containedctx // ends when this node leaves
	stop     context.CancelFunc

	mu       sync.Mutex // guards what follows
	incoming map[MemberID]net.Conn
	closed   bool
	readers  sync.WaitGroup // Add only where closed is false
}

var _ memberlist.NodeAwareTransport = (*transport)(nil)

// newTransport accepts streams from now on, until Shutdown.
func newTransport(n Network, timeout time.Duration, f *faults, dropped func()) *transport {
	t := &transport{
		network:  n,
		refused:  f.count,
		answers:  f.answers,
		packets:  make(chan *memberlist.Packet, packetsReceived),
		streams:  make(chan net.Conn),
		slots:    make(chan struct{}, streamsMax),
		closing:  make(chan struct{}),
		incoming: make(map[MemberID]net.Conn),
	}
	t.dialing, t.stop = context.WithCancel(context.Background())
	t.queues = newPacketQueues(func(ctx context.Context, peer MemberID) (net.Conn, error) {
		return n.Open(ctx, peer, packetsProtocol)
	}, dropped)
	n.Accept(packetsProtocol, t.acceptPackets)
	n.Accept(streamsProtocol, func(peer MemberID, s net.Conn) { t.acceptStream(peer, s, timeout) })
	return t
}

// peerAddr is the address of a peer, for memberlist: its name, which is never read.
type peerAddr MemberID

// Network names the kind of address.
func (peerAddr) Network() string { return "ganglion" }

// String returns the name of the peer.
func (a peerAddr) String() string { return string(a) }

// FinalAdvertiseAddr returns the address that all nodes have.
func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.ParseIP(nominalIP).To4(), nominalPort, nil
}

// WriteToAddress queues a packet. An unreachable peer is no error: memberlist would
// end its probe, and find nobody dead.
func (t *transport) WriteToAddress(b []byte, to memberlist.Address) (time.Time, error) {
	if peer, err := secret.ParseMemberID(to.Name); err == nil {
		t.queues.send(peer, b)
	}
	return time.Now(), nil
}

// WriteTo cannot tell whom it writes to, and drops the packet.
func (t *transport) WriteTo([]byte, string) (time.Time, error) { return time.Now(), nil }

// PacketCh returns the packets that arrived.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// StreamCh returns the streams that arrived.
func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

// DialTimeout cannot tell whom it dials.
func (t *transport) DialTimeout(addr string, _ time.Duration) (net.Conn, error) {
	return nil, fmt.Errorf("dial %q: a member is dialled by its name", addr)
}

// DialAddressTimeout opens a stream to a peer.
func (t *transport) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	peer, err := secret.ParseMemberID(to.Name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(t.dialing, timeout)
	defer cancel()
	s, err := t.network.Open(ctx, peer, streamsProtocol)
	if errors.Is(err, ErrOtherVersion) {
		t.refused(peer, faultVersion, err)
	}
	if err != nil {
		return nil, err
	}
	t.answers(peer)
	stop := context.AfterFunc(t.dialing, func() { reset(s) })
	served := &servedStream{Conn: s, closed: func() { stop() }}
	return newGuardedStream(served, func(err error) { t.refused(peer, faultStream, err) }), nil
}

// stopDialing ends the streams that this node opened for memberlist, and opens no
// more: whoever waits for one need not, when this node leaves. Packets go on.
func (t *transport) stopDialing() { t.stop() }

// Shutdown ends all streams and returns when nothing of the transport runs any more.
func (t *transport) Shutdown() error {
	t.shutdown.Do(func() {
		t.network.Accept(packetsProtocol, nil)
		t.network.Accept(streamsProtocol, nil)
		close(t.closing)
		t.stop()
		t.mu.Lock()
		t.closed = true
		for _, s := range t.incoming {
			reset(s)
		}
		t.mu.Unlock()
		t.queues.close()
		t.readers.Wait()
	})
	return nil
}

// acceptPackets hands packets of a peer to memberlist until the stream ends.
func (t *transport) acceptPackets(peer MemberID, s net.Conn) {
	if !t.admit(peer, s) {
		reset(s)
		return
	}
	defer t.readers.Done()
	defer t.dismiss(peer, s)
	r := bufio.NewReader(s)
	for {
		packet, err := readPacket(r)
		if err == nil {
			err = checkPacket(packet)
		} else if !isMalformed(err) {
			return // the stream ended
		}
		if err != nil {
			t.refused(peer, faultPacket, err)
			return
		}
		select {
		case t.packets <- &memberlist.Packet{Buf: packet, From: peerAddr(peer), Timestamp: time.Now()}:
		default: // memberlist is behind: a packet may be lost
		}
	}
}

// admit makes the stream the peer's, in place of an earlier one.
func (t *transport) admit(peer MemberID, s net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	if earlier, ok := t.incoming[peer]; ok {
		reset(earlier)
	}
	t.incoming[peer] = s
	t.readers.Add(1)
	return true
}

func (t *transport) dismiss(peer MemberID, s net.Conn) {
	reset(s)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.incoming[peer] == s {
		delete(t.incoming, peer)
	}
}

// acceptStream hands a stream to memberlist.
func (t *transport) acceptStream(peer MemberID, s net.Conn, timeout time.Duration) {
	select {
	case t.slots <- struct{}{}:
	default:
		reset(s)
		return
	}
	release := sync.OnceFunc(func() { <-t.slots })
	g := newGuardedStream(&servedStream{Conn: s, closed: release}, func(err error) { t.refused(peer, faultStream, err) })
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case t.streams <- g:
	case <-timer.C:
		reset(s)
		release()
	case <-t.closing:
		reset(s)
		release()
	}
}

// servedStream tells when it is closed.
type servedStream struct {
	net.Conn
	closed func()
}

// Close closes the stream.
func (s *servedStream) Close() error {
	defer s.closed()
	return s.Conn.Close()
}
