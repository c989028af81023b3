package membership

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	queuePackets    = 64               // that wait for one peer
	packetTimeout   = time.Second      // for one to be written
	packetIdle      = time.Minute      // before the stream of a peer that is sent nothing is closed
	packetHoldoff   = time.Second      // between two attempts to reach a peer
	packetPeersMax  = MembersMax       // with a queue
	packetLenBytes  = 2                // the length before each
	packetsReceived = 4 * queuePackets // that wait for memberlist
)

// packetQueues send memberlist's packets, each peer's by a goroutine and a stream of
// its own. Nothing here blocks its caller.
type packetQueues struct {
	open    func(ctx context.Context, peer MemberID) (net.Conn, error)
	dropped func()

	mu     sync.Mutex // guards what follows
	queues map[MemberID]chan []byte
	closed bool

	running sync.WaitGroup  // Add only where closed is false
	ctx     context.Context //nolint:containedctx // ends with the queues
	cancel  context.CancelFunc
}

func newPacketQueues(open func(context.Context, MemberID) (net.Conn, error), dropped func()) *packetQueues {
	q := &packetQueues{open: open, dropped: dropped, queues: make(map[MemberID]chan []byte)}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	return q
}

// send queues a copy of a packet, or drops it.
func (q *packetQueues) send(peer MemberID, packet []byte) {
	if len(packet) == 0 || len(packet) > PacketBytesMax {
		q.dropped()
		return
	}
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, packetLenBytes+len(packet)), uint16(len(packet)))
	framed = append(framed, packet...)
	q.mu.Lock()
	defer q.mu.Unlock()
	queue, ok := q.queues[peer]
	if !ok {
		if q.closed || len(q.queues) >= packetPeersMax {
			q.dropped()
			return
		}
		queue = make(chan []byte, queuePackets)
		q.queues[peer] = queue
		q.running.Go(func() { q.run(peer, queue) })
	}
	select {
	case queue <- framed:
	default:
		q.dropped()
	}
}

// retire takes an empty queue away, and tells whether it did.
func (q *packetQueues) retire(peer MemberID, queue chan []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(queue) > 0 {
		return false
	}
	delete(q.queues, peer)
	return true
}

// run writes what is queued for a peer until nothing was for a while.
func (q *packetQueues) run(peer MemberID, queue chan []byte) {
	w := packetWriter{q: q, peer: peer}
	defer w.end()
	idle := time.NewTimer(packetIdle)
	defer idle.Stop()
	for {
		select {
		case packet := <-queue:
			w.write(packet)
			idle.Reset(packetIdle)
		case <-idle.C:
			if q.retire(peer, queue) {
				return
			}
			idle.Reset(packetIdle)
		case <-q.ctx.Done():
			return
		}
	}
}

// close ends all queues and waits for their goroutines.
func (q *packetQueues) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.cancel()
	q.running.Wait()
}

// packetWriter has the stream to a peer.
type packetWriter struct {
	q      *packetQueues
	peer   MemberID
	stream net.Conn  // nil: none
	failed time.Time // when the peer was last found unreachable
}

// write sends a packet, or drops it. One that meets a stream that ended meanwhile is
// sent on a new one.
func (w *packetWriter) write(packet []byte) {
	had := w.stream != nil
	if w.try(packet) || had && w.try(packet) {
		return
	}
	w.q.dropped()
}

func (w *packetWriter) try(packet []byte) bool {
	if w.stream == nil {
		if !w.failed.IsZero() && time.Since(w.failed) < packetHoldoff {
			return false
		}
		ctx, cancel := context.WithTimeout(w.q.ctx, packetTimeout)
		stream, err := w.q.open(ctx, w.peer)
		cancel()
		if err != nil {
			w.failed = time.Now()
			return false
		}
		w.stream, w.failed = stream, time.Time{}
	}
	err := w.stream.SetWriteDeadline(time.Now().Add(packetTimeout))
	if err == nil {
		_, err = w.stream.Write(packet)
	}
	if err != nil {
		w.end()
		return false
	}
	return true
}

func (w *packetWriter) end() {
	if w.stream != nil {
		reset(w.stream)
		w.stream = nil
	}
}

// readPacket reads one; the result is the caller's.
func readPacket(r *bufio.Reader) ([]byte, error) {
	var length [packetLenBytes]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(length[:]))
	if n == 0 || n > PacketBytesMax {
		return nil, fmt.Errorf("read packet: %d bytes, 1 to %d are allowed: %w", n, PacketBytesMax, ErrMalformed)
	}
	packet := make([]byte, n)
	if _, err := io.ReadFull(r, packet); err != nil {
		return nil, err
	}
	return packet, nil
}

// reset ends a stream at once, both ways.
func reset(s net.Conn) {
	if r, ok := s.(interface{ Reset() error }); ok {
		_ = r.Reset() // it is gone either way
		return
	}
	_ = s.Close() // it is gone either way
}
