package link

import (
	"context"
	"errors"
	"fmt"
	"net"

	"ganglion/mesh/secret"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	ms "github.com/multiformats/go-multistream"
)

// Stream is a raw, ordered, reliable stream of bytes to a peer: a net.Conn. What is
// written is sent at once. Close ends both directions gracefully, Reset both at once.
type Stream struct {
	network.Stream
	local, remote Peer
}

// PeerAddr is the address of one end of a [Stream]: it is named by its peer.
type PeerAddr Peer

// Network returns "ganglion".
func (PeerAddr) Network() string { return "ganglion" }

// String returns the peer's ID.
func (a PeerAddr) String() string { return string(a) }

var _ net.Conn = (*Stream)(nil)

// Peer returns the other end.
func (s *Stream) Peer() Peer { return s.remote }

// LocalAddr returns this host's end, a [PeerAddr].
func (s *Stream) LocalAddr() net.Addr { return PeerAddr(s.local) }

// RemoteAddr returns the other end, a [PeerAddr].
func (s *Stream) RemoteAddr() net.Addr { return PeerAddr(s.remote) }

// Open opens a stream of a protocol to a peer, and connects first where there is no
// connection, by the rule of [Host.Connect]. The errors are those of Connect and
// [ErrOtherProtocol], which may also come from the first read instead.
func (h *Host) Open(ctx context.Context, p Peer, name protocol.ID) (*Stream, error) {
	if err := h.Connect(ctx, p); err != nil {
		return nil, err
	}
	return h.open(ctx, p, name)
}

// OpenConnected is [Host.Open] for a peer that is connected: where it is not, the
// error is [ErrUnreachable] at once.
func (h *Host) OpenConnected(ctx context.Context, p Peer, name protocol.ID) (*Stream, error) {
	if !h.Connected(p) {
		return nil, fmt.Errorf("open %s to %s: %w", name, p, ErrUnreachable)
	}
	return h.open(ctx, p, name)
}

func (h *Host) open(ctx context.Context, p Peer, name protocol.ID) (*Stream, error) {
	id, err := p.Peer()
	if err != nil {
		return nil, err
	}
	s, err := h.host.NewStream(network.WithNoDial(ctx, "connected already"), id, name)
	if err == nil {
		return &Stream{Stream: s, local: h.peer, remote: p}, nil
	}
	switch unsupported := (ms.ErrNotSupported[protocol.ID]{}); {
	case errors.As(err, &unsupported):
		err = ErrOtherProtocol
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	default:
		err = fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return nil, fmt.Errorf("open %s to %s: %w", name, p, err)
}

// Accept calls handle with every stream of the protocol that a peer opens, each in a
// goroutine of its own. The handler closes or resets the stream; until it has, the
// host's Close waits. Of several calls for one protocol the last one holds; nil stops
// accepting it.
func (h *Host) Accept(name protocol.ID, handle func(*Stream)) {
	if handle == nil {
		h.host.RemoveStreamHandler(name)
		return
	}
	h.host.SetStreamHandler(name, func(s network.Stream) {
		p, err := secret.MemberIDOf(s.Conn().RemotePeer())
		if err != nil {
			_ = s.Reset() // its connection is ending as well
			return
		}
		handle(&Stream{Stream: s, local: h.peer, remote: p})
	})
}
