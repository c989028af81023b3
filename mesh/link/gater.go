package link

import (
	"sync/atomic"

	"ganglion/mesh/secret"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// gater keeps out denied peers, and keeps connections on the allowed interfaces. It
// is libp2p's connmgr.ConnectionGater and safe for concurrent use.
type gater struct {
	reach  sharedReach
	denied atomic.Pointer[map[peer.ID]bool]
}

func newGater(r reach) *gater {
	g := &gater{}
	g.reach.set(r)
	g.denied.Store(&map[peer.ID]bool{})
	return g
}

// deny replaces the denied peers and returns them as libp2p's.
func (g *gater) deny(peers []secret.MemberID) ([]peer.ID, error) {
	set := make(map[peer.ID]bool, len(peers))
	ids := make([]peer.ID, 0, len(peers))
	for _, p := range peers {
		id, err := p.Peer()
		if err != nil {
			return nil, err
		}
		set[id] = true
		ids = append(ids, id)
	}
	g.denied.Store(&set)
	return ids, nil
}

func (g *gater) allowsPeer(p peer.ID) bool { return !(*g.denied.Load())[p] }

func (g *gater) allowsAddress(m ma.Multiaddr) bool {
	a, ok := addrPort(m)
	return ok && g.reach.get().allowsRemote(a.Addr(), sourceOf)
}

// InterceptPeerDial refuses denied peers before an address is tried.
func (g *gater) InterceptPeerDial(p peer.ID) bool { return g.allowsPeer(p) }

// InterceptAddrDial refuses what would leave by another interface.
func (g *gater) InterceptAddrDial(_ peer.ID, m ma.Multiaddr) bool { return g.allowsAddress(m) }

// InterceptAccept refuses what came in by another interface.
func (g *gater) InterceptAccept(c network.ConnMultiaddrs) bool {
	a, ok := addrPort(c.LocalMultiaddr())
	return ok && g.reach.get().allowsLocal(a.Addr())
}

// InterceptSecured refuses denied peers as soon as their key is known.
func (g *gater) InterceptSecured(_ network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	return g.allowsPeer(p)
}

// InterceptUpgraded refuses nothing more.
func (g *gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
