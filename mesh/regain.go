package mesh

import (
	"context"
	"fmt"
	"slices"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
)

// regainEvery is how often it is looked for peers that gossip does not reach.
const regainEvery = 3 * time.Second

// regain has gossipsub try again to reach peers that it has given up, until ctx ends. It
// gives up for as long as the connection lasts where a stream is not opened at the first
// try, where four in a row have ended, and where the peer did not say in time which
// protocols it speaks: on a busy machine, and where one of two connections is closed. Of
// one that was missed twice gossipsub is told as of one that is new.
func (g *gossiper) regain(ctx context.Context, ps *pubsub.PubSub) error {
	emitter, err := g.host.EventBus().Emitter(new(event.EvtPeerProtocolsUpdated))
	if err != nil {
		return fmt.Errorf("start gossip: %w", err)
	}
	defer emitter.Close()
	ticker := time.NewTicker(regainEvery)
	defer ticker.Stop()
	missed := map[peer.ID]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		reached, before := ps.ListPeers(""), missed
		missed = map[peer.ID]bool{}
		for _, p := range g.host.Network().Peers() {
			if slices.Contains(reached, p) {
				continue
			}
			missed[p] = true
			if !before[p] {
				continue // it may have come just now
			}
			g.log.Debug("gossip tries again to reach a peer", "peer", p.String())
			again := event.EvtPeerProtocolsUpdated{Peer: p, Added: gossipProtocols}
			if err := emitter.Emit(again); err != nil {
				return fmt.Errorf("try gossip again: %w", err)
			}
		}
	}
}
