package mesh

import (
	"ganglion/mesh/link"

	"github.com/libp2p/go-libp2p/core/protocol"
)

// Samples is the part of the traffic that the framed links have: what the application
// sends, with its share of the transport's own bytes. Membership, gossip and discovery are
// apart.
func (t Traffic) Samples() link.Count {
	return t.Share(func(id protocol.ID) bool { return id == link.DefaultProtocol })
}
