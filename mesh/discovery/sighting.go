package discovery

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// sightingMemory is how long a member that has fallen silent is listed. A record of mDNS
// that is still there is heard again after two minutes.
const sightingMemory = 3 * time.Minute

// Sighting is a member as it was heard last by one way, on one interface.
type Sighting struct {
	Peer      peer.ID
	Name      string           // as announced; may be empty
	Addresses []netip.AddrPort // on networks of ours, likeliest first
	Way       Way
	Interface string        // that heard it; empty by mDNS
	Silent    time.Duration // since it was last heard
	Known     time.Duration // since it was first heard
}

// post is where something is heard: a way and, of a beacon, an interface.
type post struct {
	way   Way
	iface string
}

// sighting is what the book knows of a member at one post.
type sighting struct {
	name         string
	addresses    []netip.AddrPort
	first, heard time.Time
}

// sight notes by which way a member was heard, once [book.hear] has taken what it said.
func (b *book) sight(now time.Time, h heard, addresses []ma.Multiaddr) {
	m := b.members[h.announcement.peer]
	if m == nil {
		return
	}
	at := post{h.way, h.lane().iface}
	s := m.sightings[at]
	if s == nil {
		s = &sighting{first: now}
		m.sightings[at] = s
	}
	s.name, s.heard, s.addresses = h.announcement.name, now, nil
	for _, one := range addresses {
		if address, ok := tcpAddress(one); ok {
			s.addresses = append(s.addresses, address)
		}
	}
}

// sightings returns where members were heard of late, by peer, way and interface. Older
// ones are forgotten.
func (b *book) sightings(now time.Time) []Sighting {
	var list []Sighting
	for id, m := range b.members {
		for at, s := range m.sightings {
			if now.Sub(s.heard) > sightingMemory {
				delete(m.sightings, at)
				continue
			}
			list = append(list, Sighting{
				Peer: id, Name: s.name, Addresses: s.addresses, Way: at.way, Interface: at.iface,
				Silent: now.Sub(s.heard), Known: now.Sub(s.first),
			})
		}
	}
	slices.SortFunc(list, func(a, b Sighting) int {
		return cmp.Or(cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Way, b.Way), cmp.Compare(a.Interface, b.Interface))
	})
	return list
}
