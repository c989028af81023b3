package mesh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/mesh/secret"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// HeardKind says what discovery has heard.
type HeardKind string

// The kinds.
const (
	// HeardCandidate is a node that says it is of this mesh, and is not connected.
	HeardCandidate HeardKind = "candidate"
	// HeardForeign is a node of another mesh, or of another version.
	HeardForeign HeardKind = "foreign"
	// HeardClone is another process with this node's identity.
	HeardClone HeardKind = "clone"
)

// Heard is what discovery has heard, for people. Of a foreign node nothing is
// authenticated.
type Heard struct {
	Kind        HeardKind
	Peer        MemberID // of a candidate
	Name        string   // as announced; printable, may be empty
	Addresses   []netip.AddrPort
	Way         discovery.Way
	Interface   string             // that heard it; may be empty
	Fingerprint secret.Fingerprint // of a foreign node's mesh; empty: not known
	Version     uint8              // of a foreign node's beacon
	At          time.Time
}

const (
	candidateTTL = 10 * time.Minute // of addresses that discovery found
	dialsMax     = 32               // candidates that wait to be dialled
)

// consumer is what discovery tells the mesh, apart from the mesh's own methods. It
// never blocks.
type consumer struct{ m *Mesh }

// Found has the candidate joined at once.
func (c consumer) Found(found discovery.Candidate) {
	m := c.m
	id, err := secret.MemberIDOf(found.Peer)
	if err != nil {
		m.log.Debug("candidate has no member id", "peer", found.Peer.String(), "error", err)
		return
	}
	addresses := addrPorts(found.Addresses)
	if m.current().denied[id] {
		return
	}
	if err := m.host.AddAddresses(id, addresses, candidateTTL); err != nil {
		m.log.Debug("addresses of candidate are not noted", "peer", string(id), "error", err)
		return
	}
	if found.Way == discovery.Join {
		select {
		case m.dials <- id:
		default: // it is found again
		}
	}
	if err := m.members.Join(id); err != nil {
		m.log.Debug("candidate is not joined", "peer", string(id), "error", err)
		return
	}
	m.log.Debug("candidate found", "peer", string(id), "name", found.Name, "way", string(found.Way), "interface", found.Interface)
	c.tell(Heard{Kind: HeardCandidate, Peer: id, Name: found.Name, Addresses: addresses, Way: found.Way, Interface: found.Interface})
}

// Foreign passes on that there is another mesh; discovery's status remembers it.
func (c consumer) Foreign(f discovery.Foreign) {
	c.m.log.Info("another mesh is on this network", "mesh", f.Fingerprint, "name", f.Name, "address", f.Address.String(), "way", string(f.Way))
	c.tell(Heard{
		Kind: HeardForeign, Name: f.Name, Addresses: []netip.AddrPort{f.Address}, Way: f.Way, Interface: f.Interface,
		Fingerprint: f.Fingerprint, Version: f.Version,
	})
}

// Cloned remembers the other process for the warnings.
func (c consumer) Cloned(clone discovery.Clone) {
	c.m.log.Warn("another process uses this node's identity", "name", clone.Name, "address", clone.Address.String(), "interface", clone.Interface)
	h := Heard{Kind: HeardClone, Name: clone.Name, Addresses: []netip.AddrPort{clone.Address}, Way: discovery.Beacon, Interface: clone.Interface}
	h.At = time.Now()
	c.m.clone.Store(&h)
	c.tell(h)
}

func (c consumer) tell(h Heard) {
	h.At = time.Now()
	if on := c.m.onHeard; on != nil {
		on(h)
	}
}

// identify finds out who listens at an address. For this node's own it is this node, which
// discovery has a sentence for.
func (m *Mesh) identify(ctx context.Context, address ma.Multiaddr) (peer.ID, error) {
	at := addrPorts([]ma.Multiaddr{address})
	if len(at) == 0 {
		return "", fmt.Errorf("identify %v: not the TCP port of an IP address", address)
	}
	id, err := m.host.Identify(ctx, at[0])
	if errors.Is(err, link.ErrSelf) {
		id, err = m.Self(), nil
	}
	if err != nil {
		return "", err
	}
	return id.Peer()
}

// addrPorts returns the addresses that are a TCP port of an IP address.
func addrPorts(multi []ma.Multiaddr) []netip.AddrPort {
	addresses := make([]netip.AddrPort, 0, len(multi))
	for _, one := range multi {
		a, err := manet.ToNetAddr(one)
		if err != nil {
			continue
		}
		if tcp, ok := a.(*net.TCPAddr); ok {
			ap := tcp.AddrPort()
			addresses = append(addresses, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
		}
	}
	return addresses
}

// multiaddrs is the way back.
func multiaddrs(addresses []netip.AddrPort) []ma.Multiaddr {
	multi := make([]ma.Multiaddr, 0, len(addresses))
	for _, a := range addresses {
		if one, err := manet.FromNetAddr(net.TCPAddrFromAddrPort(a)); err == nil {
			multi = append(multi, one)
		}
	}
	return multi
}
