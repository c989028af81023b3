package discovery

import (
	"context"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"ganglion/mesh/secret"
)

// Way is how something was heard of.
type Way string

// The ways, each of which may fail without stopping the others.
const (
	Beacon     Way = "beacon"     // our UDP broadcast
	MDNS       Way = "mdns"       // multicast DNS
	Join       Way = "join"       // an address that the operator gave
	Remembered Way = "remembered" // the file of last known peers
)

// Ways returns all ways.
func Ways() []Way { return []Way{Beacon, MDNS, Join, Remembered} }

// Candidate is a peer that may be a member: dial it to know. A beacon and mDNS
// prove that somebody with the token once announced these addresses, Join that
// somebody there holds the peer's key and the token now, Remembered nothing.
type Candidate struct {
	Peer      peer.ID
	Addresses []ma.Multiaddr // without /p2p, likeliest first, never empty
	Name      string         // as announced; empty if not heard
	Way       Way
	Interface string // that heard the beacon; else empty
}

// Foreign is a node of another mesh, or of another version of this protocol.
// Nothing of it is authenticated.
type Foreign struct {
	Fingerprint secret.Fingerprint // empty: not known
	Version     uint8              // of its beacon; if not ours, only Fingerprint, Address, Way and Interface are known
	Name        string             // printable; may be empty
	Address     netip.AddrPort     // where it may be joined; port 0: not known
	Way         Way
	Interface   string        // that heard it; empty by mDNS
	Silent      time.Duration // since it was last heard; 0 in a report
	Known       time.Duration // since it was first heard; 0 in a report
}

// Clone is another process that announces this node's peer ID: a copied
// identity. Whoever copied it has the token too.
type Clone struct {
	Name      string // of the other
	Address   netip.AddrPort
	Interface string
}

// Consumer is told what is heard. The calls come one after another from one
// goroutine, which hears nothing meanwhile: return soon. What is lost is heard
// again.
type Consumer interface {
	// Found reports a candidate that the host is not connected to.
	Found(Candidate)
	// Foreign reports a node of another mesh.
	Foreign(Foreign)
	// Cloned reports a copy of this node's identity.
	Cloned(Clone)
}

// Host is this node's end of the mesh's connections; see [OnLibp2p].
type Host interface {
	// ID is this node's.
	ID() peer.ID
	// ListenAddrs returns where the host listens, now.
	ListenAddrs() []ma.Multiaddr
	// Connected tells whether there is a connection to the peer.
	Connected(peer.ID) bool
	// Identify finds out which peer listens at an address without /p2p.
	Identify(context.Context, ma.Multiaddr) (peer.ID, error)
}
