package link

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrUnreachable says that there is no connection to the peer, or that it broke
	// before an answer came. Whether the peer got the frame is not known.
	ErrUnreachable = errors.New("peer is unreachable")
	// ErrQueueFull says that the peer takes frames more slowly than they are sent. The
	// frame was not queued; the link goes on.
	ErrQueueFull = errors.New("queue to peer is full")
	// ErrDenied says that the peer is on the list of denied peers.
	ErrDenied = errors.New("peer is denied")
	// ErrNoAddress says that no address of the peer is known.
	ErrNoAddress = errors.New("no address of peer is known")
	// ErrNoAnswer says that nothing answered at the address in time, not even to refuse.
	ErrNoAnswer = errors.New("nothing answers: no such machine, or a firewall is between")
	// ErrNotOurMesh says that what listens at the address completed no handshake: it
	// has another secret, or is no ganglion at all. The two cannot be told apart.
	ErrNotOurMesh = errors.New("no handshake: another mesh's secret, or not a ganglion")
	// ErrSelf says that the peer, or what listens at the address, is this host.
	ErrSelf = errors.New("that is this host itself")
	// ErrOtherPeer says that another peer of the mesh listens at the address.
	ErrOtherPeer = errors.New("another node of the mesh listens there")
	// ErrOtherProtocol says that the peer shares the secret and speaks another version
	// of the protocol.
	ErrOtherProtocol = errors.New("peer speaks another protocol version")
	// ErrNoRoom says that this host opens no further connection now: there are too many, or
	// they came too fast. It says nothing of the peer.
	ErrNoRoom = errors.New("this host opens no more connections for now")
	// ErrNotImpairable says that the host was not made to have its traffic impaired.
	ErrNotImpairable = errors.New("faults may not be injected into this node; start it with --allow-chaos")
	// ErrClosed says that the host or its links have ended.
	ErrClosed = errors.New("link is closed")
)

// SizeError says that a payload is larger than its kind allows.
type SizeError struct {
	Kind         Kind
	PayloadBytes int
	MaxBytes     int
}

// Error names the kind and both sizes.
func (e *SizeError) Error() string {
	return fmt.Sprintf("payload of kind %d has %d bytes, at most %d are allowed", e.Kind, e.PayloadBytes, e.MaxBytes)
}

// RefusedError is the answer of a peer that got a request and refused it.
type RefusedError struct {
	Status Status
	Reason string // for people, from the peer; at most [ReasonBytesMax] bytes
}

// Error gives the status and the peer's words.
func (e *RefusedError) Error() string {
	if e.Reason == "" {
		return "peer refused: " + e.Status.String()
	}
	return fmt.Sprintf("peer refused: %s: %q", e.Status, e.Reason)
}

// Event is a change between this host and a peer.
type Event struct {
	Peer Peer
	// Up tells whether the peer is there now. Of a [Host], it has a connection, which
	// the peer may yet refuse; of [Links], it has answered.
	Up bool
	// Broken tells, where Up is false, that the other end or the network ended it: the
	// process died, was restarted, or the cable was pulled. If not, this host did: a
	// keep-alive that found no answer, a denied peer, too many peers. A kept peer is
	// dialled again in either case.
	Broken bool
	At     time.Time
}
