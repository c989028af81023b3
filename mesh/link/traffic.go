package link

import (
	"math"

	"github.com/libp2p/go-libp2p/core/protocol"
)

// Count is a number of bytes in each direction.
type Count struct {
	SentBytes, ReceivedBytes uint64
}

// ProtocolTraffic is what passed the streams of one protocol, before encryption.
type ProtocolTraffic struct {
	Count
	Writes, Reads uint64 // calls; each write becomes one or more messages of the transport
}

// Traffic is what passed a host since it was made.
type Traffic struct {
	// Socket is counted at the TCP connections: encryption, multiplexing and
	// handshakes are in it, the headers of TCP and IP are not.
	Socket Count
	// Protocols has the streams by protocol; "" is a stream's beginning, before its
	// protocol is agreed.
	Protocols map[protocol.ID]ProtocolTraffic
}

// Traffic returns a snapshot. The numbers in it were read one after another while
// bytes went on passing.
func (h *Host) Traffic() Traffic {
	t := Traffic{Protocols: make(map[protocol.ID]ProtocolTraffic)}
	h.meter.mu.RLock()
	for p, c := range h.meter.streams {
		t.Protocols[p] = ProtocolTraffic{
			Count:  Count{c.sent.Load(), c.received.Load()},
			Writes: c.writes.Load(),
			Reads:  c.reads.Load(),
		}
	}
	h.meter.mu.RUnlock()
	// Last, so that no stream has more than its socket.
	t.Socket = Count{h.meter.sent.Load(), h.meter.received.Load()}
	return t
}

// Sub returns what passed between an earlier snapshot of the same host and this one.
func (t Traffic) Sub(earlier Traffic) Traffic {
	d := Traffic{
		Socket:    t.Socket.sub(earlier.Socket),
		Protocols: make(map[protocol.ID]ProtocolTraffic, len(t.Protocols)),
	}
	for id, now := range t.Protocols {
		before := earlier.Protocols[id]
		d.Protocols[id] = ProtocolTraffic{
			Count:  now.sub(before.Count),
			Writes: now.Writes - before.Writes,
			Reads:  now.Reads - before.Reads,
		}
	}
	return d
}

func (c Count) add(d Count) Count {
	return Count{c.SentBytes + d.SentBytes, c.ReceivedBytes + d.ReceivedBytes}
}

func (c Count) sub(d Count) Count {
	return Count{c.SentBytes - d.SentBytes, c.ReceivedBytes - d.ReceivedBytes}
}

// Share returns the part of the socket's bytes that the protocols chosen account for:
// their streams' bytes, which are exact, and of the transport's own bytes the part
// that their writes (of what was received: reads) are of all. The shares of all
// protocols add up to the socket's count, to within a byte each.
func (t Traffic) Share(chosen func(protocol.ID) bool) Count {
	var all, ours ProtocolTraffic
	for id, p := range t.Protocols {
		all = all.add(p)
		if chosen(id) {
			ours = ours.add(p)
		}
	}
	return Count{
		SentBytes:     ours.SentBytes + part(t.Socket.SentBytes, all.SentBytes, ours.Writes, all.Writes),
		ReceivedBytes: ours.ReceivedBytes + part(t.Socket.ReceivedBytes, all.ReceivedBytes, ours.Reads, all.Reads),
	}
}

func (p ProtocolTraffic) add(q ProtocolTraffic) ProtocolTraffic {
	return ProtocolTraffic{
		Count:  p.Count.add(q.Count),
		Writes: p.Writes + q.Writes,
		Reads:  p.Reads + q.Reads,
	}
}

// part returns n/of of what the socket has beyond the streams.
func part(socket, streams, n, of uint64) uint64 {
	if of == 0 || socket < streams {
		return 0
	}
	return uint64(math.Round(float64(socket-streams) * float64(n) / float64(of)))
}
