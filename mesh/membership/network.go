package membership

import (
	"context"
	"net"
	"net/netip"
	"time"

	"ganglion/mesh/secret"
)

// MemberID names a member. The transport proves it.
type MemberID = secret.MemberID

// The stream protocols. Another number is another language.
const (
	packetsProtocol = "/ganglion/membership/packets/1"
	streamsProtocol = "/ganglion/membership/streams/1"
	recordsProtocol = "/ganglion/membership/records/1"
)

// Version is the version of the protocol that metas carry.
const Version = 1

// Network carries streams between peers whose IDs it has proved. It is safe for
// concurrent use. Its errors for a peer that shares none of our protocols wrap
// [ErrOtherVersion].
type Network interface {
	// Open opens a stream of a protocol to a peer and connects first if need be, until
	// ctx is done. A stream that also has a method Reset() error is ended by it where
	// something failed.
	Open(ctx context.Context, peer MemberID, protocol string) (net.Conn, error)
	// Accept has handle called with every stream of the protocol that a peer opens,
	// each in a goroutine of its own. Nil stops accepting.
	Accept(protocol string, handle func(peer MemberID, stream net.Conn))
	// Connected tells whether there is a connection to the peer.
	Connected(peer MemberID) bool
	// Watch has watch called for every peer that gets its first connection or loses its
	// last, in order, until stop returns. The function does not block.
	Watch(watch func(peer MemberID, up bool)) (stop func())
}

// AddressBook knows where this node and its peers are reached. It is safe for
// concurrent use.
type AddressBook interface {
	// Addresses returns where peers are told to reach this node.
	Addresses() []netip.AddrPort
	// AddAddresses notes where a peer may be reached, for that long.
	AddAddresses(peer MemberID, addresses []netip.AddrPort, ttl time.Duration) error
}
