package mesh

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// refusal says why a message of another was not heard; empty: it was. gossipsub has
// reasons of its own besides.
type refusal string

const (
	refusedTopic    refusal = "topic"    // not of the mesh's topic
	refusedSize     refusal = "size"     // empty, or too large
	refusedAuthor   refusal = "author"   // its key is none that members have
	refusedDenied   refusal = "denied"   // the author is a denied member
	refusedStranger refusal = "stranger" // the author is neither a member nor connected
)

// GossipStatus says how gossip is doing. Counters run from the start.
type GossipStatus struct {
	Peers      int               // that take part, as far as this node knows
	Published  uint64            // own messages
	Heard      uint64            // messages of others that went to the handler
	Duplicates uint64            // copies of a message that was here already
	Refused    map[string]uint64 // messages of others that were not heard, by reason
	// Busy counts own messages that [Mesh.Gossip] refused with [ErrGossipBusy].
	Busy uint64
	// Overflow counts messages of others that the handler was too slow for.
	Overflow uint64
	// Dropped counts what was not sent, or not passed on, because a peer or this node
	// was too slow.
	Dropped uint64
}

// gossipCounts counts what gossipsub tells its tracer. The calls come from
// gossipsub's goroutines.
type gossipCounts struct {
	published, heard, duplicates, busy, overflow, dropped atomic.Uint64

	mu      sync.Mutex // guards refused
	refused map[string]uint64
}

var _ pubsub.RawTracer = (*gossipCounts)(nil)

func newGossipCounts() *gossipCounts { return &gossipCounts{refused: make(map[string]uint64)} }

func (c *gossipCounts) refuse(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused[why]++
}

func (c *gossipCounts) status() GossipStatus {
	c.mu.Lock()
	refused := maps.Clone(c.refused)
	c.mu.Unlock()
	return GossipStatus{
		Published: c.published.Load(), Heard: c.heard.Load(), Duplicates: c.duplicates.Load(), Refused: refused,
		Busy: c.busy.Load(), Overflow: c.overflow.Load(), Dropped: c.dropped.Load(),
	}
}

// RejectMessage counts what gossipsub refuses. What check refused it has counted, by a
// better name.
func (c *gossipCounts) RejectMessage(_ *pubsub.Message, reason string) {
	switch reason {
	case pubsub.RejectValidationFailed, pubsub.RejectValidationIgnored:
	case pubsub.RejectValidationThrottled: // it was heard, and is not passed on
		c.dropped.Add(1)
	default:
		c.refuse(reason)
	}
}

// DuplicateMessage counts.
func (c *gossipCounts) DuplicateMessage(*pubsub.Message) { c.duplicates.Add(1) }

// DropRPC counts.
func (c *gossipCounts) DropRPC(*pubsub.RPC, peer.ID) { c.dropped.Add(1) }

// OnNewOutboundStream does nothing.
func (*gossipCounts) OnNewOutboundStream(peer.ID, protocol.ID) {}

// OnClosedOutboundStream does nothing.
func (*gossipCounts) OnClosedOutboundStream(peer.ID) {}

// Join does nothing.
func (*gossipCounts) Join(string) {}

// Leave does nothing.
func (*gossipCounts) Leave(string) {}

// Graft does nothing.
func (*gossipCounts) Graft(peer.ID, string) {}

// Prune does nothing.
func (*gossipCounts) Prune(peer.ID, string) {}

// ValidateMessage does nothing.
func (*gossipCounts) ValidateMessage(*pubsub.Message) {}

// DeliverMessage does nothing: messages are heard before.
func (*gossipCounts) DeliverMessage(*pubsub.Message) {}

// ThrottlePeer does nothing.
func (*gossipCounts) ThrottlePeer(peer.ID) {}

// RecvRPC does nothing.
func (*gossipCounts) RecvRPC(*pubsub.RPC) {}

// SendRPC does nothing.
func (*gossipCounts) SendRPC(*pubsub.RPC, peer.ID) {}

// SendRPCCompleted does nothing.
func (*gossipCounts) SendRPCCompleted(*pubsub.RPC, peer.ID, time.Duration) {}

// UndeliverableMessage does nothing: nobody subscribes.
func (*gossipCounts) UndeliverableMessage(*pubsub.Message) {}
