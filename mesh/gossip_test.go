package mesh

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"ganglion/mesh/link"
	"ganglion/mesh/secret"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const gossipProtocol = pubsub.GossipSubID_v12

// inTouch waits until all take part in the topic with all.
func inTouch(t testing.TB, nodes []*node) {
	t.Helper()
	for _, n := range nodes {
		n.until(t, "in touch with all by gossip", func() bool { return n.Status().Gossip.Peers == len(nodes)-1 })
	}
}

// from fits a message of a size and an author.
func from(n *node, payload []byte) func(gossipMessage) bool {
	return func(m gossipMessage) bool { return m.from == n.Self() && bytes.Equal(m.payload, payload) }
}

// TestGossip: what one publishes all others hear, and it does not hear itself; what is
// too large, or empty, is refused before it is sent.
func TestGossip(t *testing.T) {
	nodes := newEther(t).mesh(t, 3)
	inTouch(t, nodes)
	largest := bytes.Repeat([]byte("v"), GossipBytesMax)
	for _, payload := range [][]byte{[]byte("one"), largest} {
		for _, author := range nodes {
			if err := author.Gossip(payload); err != nil {
				t.Fatal(err)
			}
			for _, n := range nodes {
				if n != author {
					await(t, n.gossip, "gossip", from(author, payload))
				}
			}
		}
	}
	for _, payload := range [][]byte{nil, make([]byte, GossipBytesMax+1)} {
		if err := nodes[0].Gossip(payload); err == nil {
			t.Errorf("gossip of %d bytes was taken", len(payload))
		}
	}
	for _, n := range nodes {
		// A message may be heard before its author has counted it.
		n.until(t, "counting 2 published and 4 heard", func() bool {
			s := n.Status().Gossip
			return s.Published == 2 && s.Heard == 4
		})
		if s := n.Status().Gossip; len(s.Refused) != 0 || len(n.gossip) != 0 {
			t.Errorf("got %+v and %d more messages, want nothing refused, none of its own", s, len(n.gossip))
		}
	}
	if err := nodes[2].stop(); err != nil {
		t.Fatal(err)
	}
	if err := nodes[2].Gossip([]byte("late")); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after the end: got %v", err)
	}
}

// TestGossipRelayed: who has no connection to the author hears it by way of others,
// which the pause before passing on must not prevent.
func TestGossipRelayed(t *testing.T) {
	nodes := newEther(t).mesh(t, 3)
	inTouch(t, nodes)
	a, c := nodes[0], nodes[2]
	if err := a.host.Deny([]MemberID{c.Self()}); err != nil {
		t.Fatal(err)
	}
	c.until(t, "disconnected", func() bool { return !c.host.Connected(a.Self()) })
	// What is published before the third has taken both in is lost, as gossip may be.
	payload := []byte("by way of the third")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	c.until(t, "told by way of others", func() bool {
		if err := a.Gossip(payload); err != nil {
			t.Fatal(err)
		}
		<-tick.C
		return len(c.gossip) > 0
	})
	await(t, c.gossip, "gossip", from(a, payload))
}

// TestGossipRegained: a peer whose streams have ended some times, as those of a busy machine
// do, is gossiped to again while the connection lasts. Left to gossipsub it never was: a node
// heard another by way of third ones alone, for as long as both lived.
func TestGossipRegained(t *testing.T) {
	e := newEther(t)
	n := e.start(t, e.config(t, "node"))
	identity, err := secret.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	host, err := link.New(e.config(t, "busy").link(), identity, e.keys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	const ended = pubsub.MaxBackoffAttempts + 2
	streams := make(chan int, ended+1)
	var count atomic.Int32
	host.Libp2p().SetStreamHandler(gossipProtocol, func(s network.Stream) {
		k := int(count.Add(1))
		if k <= ended {
			_ = s.Reset()
		}
		tell(streams, k)
	})
	if err := host.AddAddresses(n.Self(), n.Addresses(), candidateTTL); err != nil {
		t.Fatal(err)
	}
	if err := host.ConnectNow(within(t), n.Self()); err != nil {
		t.Fatal(err)
	}
	await(t, streams, "stream that stays", func(k int) bool { return k > ended })
}

// TestGossipRefused: what must not be heard is refused, each for its own reason.
func TestGossipRefused(t *testing.T) {
	nodes := newEther(t).mesh(t, 1)
	n := nodes[0]
	other := newEther(t).start(t, newEther(t).config(t, "other"))
	author, err := other.Self().Peer()
	if err != nil {
		t.Fatal(err)
	}
	topic, elsewhere := gossipTopic, "elsewhere"
	message := func(from peer.ID, topic *string, size int) *pubsub.Message {
		return &pubsub.Message{Message: &pubsub_pb.Message{From: []byte(from), Topic: topic, Data: make([]byte, size)}}
	}
	tests := []struct {
		want    refusal
		message *pubsub.Message
		view    view
	}{
		{refusedTopic, message(author, &elsewhere, 1), view{members: map[MemberID]bool{other.Self(): true}}},
		{refusedSize, message(author, &topic, 0), view{members: map[MemberID]bool{other.Self(): true}}},
		{refusedSize, message(author, &topic, GossipBytesMax+1), view{members: map[MemberID]bool{other.Self(): true}}},
		{refusedAuthor, message("nobody", &topic, 1), view{}},
		{refusedStranger, message(author, &topic, 1), view{}},
		{refusedDenied, message(author, &topic, 1), view{
			members: map[MemberID]bool{other.Self(): true}, denied: map[MemberID]bool{other.Self(): true},
		}},
		{"", message(author, &topic, 1), view{members: map[MemberID]bool{other.Self(): true}}},
	}
	for _, tt := range tests {
		g := newGossiper(n.host.Libp2p(), func(p MemberID) refusal { return admit(&tt.view, p, false) }, n.log)
		result := g.check(t.Context(), author, tt.message)
		status := g.counts.status()
		if tt.want == "" {
			if result != pubsub.ValidationAccept || status.Heard != 1 || len(g.inbox) != 1 {
				t.Errorf("a member's message: got %v, %+v", result, status)
			}
			continue
		}
		if result != pubsub.ValidationReject || status.Refused[string(tt.want)] != 1 || len(g.inbox) != 0 {
			t.Errorf("%s: got %v, %+v", tt.want, result, status)
		}
	}
}

// TestGossipBounded: what comes faster than it is handled is lost and counted, and
// waits nowhere; so are own messages that nobody takes.
func TestGossipBounded(t *testing.T) {
	e := newEther(t)
	m := e.idle(t)
	for range publishQueue {
		if err := m.Gossip([]byte("v")); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Gossip([]byte("v")); !errors.Is(err, ErrGossipBusy) || m.gossip.counts.status().Busy != 1 {
		t.Errorf("got %v", err)
	}
	other := e.idle(t)
	author, err := other.Self().Peer()
	if err != nil {
		t.Fatal(err)
	}
	m.seen.Store(&view{members: map[MemberID]bool{other.Self(): true}})
	topic := gossipTopic
	for range inboxQueue + 3 {
		m.gossip.check(t.Context(), author, &pubsub.Message{Message: &pubsub_pb.Message{From: []byte(author), Topic: &topic, Data: []byte("v")}})
	}
	if s := m.gossip.counts.status(); s.Heard != inboxQueue || s.Overflow != 3 {
		t.Errorf("got %+v", s)
	}
}

// gossiped returns what all nodes sent by gossip, and how many copies too many arrived.
func gossiped(nodes []*node) (sentBytes, duplicates uint64) {
	for _, n := range nodes {
		sentBytes += n.Traffic().Protocols[gossipProtocol].SentBytes
		duplicates += n.Status().Gossip.Duplicates
	}
	return sentBytes, duplicates
}

// TestGossipCost prints what the tuning is for: a large message travels once to each node,
// or little more, as long as all are connected and nobody is slower than the pause. What it
// holds is that every message arrives and that copies are bounded by the degree, however
// busy the machine is. TUNE=1 measures other tunings too.
func TestGossipCost(t *testing.T) {
	tunings := []tuning{tunedLAN()}
	if os.Getenv("TUNE") != "" {
		tunings = append(tunings, tuning{2, 0}, tuning{4, 0}, tuning{6, 0}, tuning{6, 25 * time.Millisecond})
	}
	for _, tune := range tunings {
		nodes := newEther(t).mesh(t, 8, func(m *Mesh) { m.gossip.tuned = tune })
		inTouch(t, nodes)
		for _, size := range []int{300, 30_000} {
			const messages = 20
			before, duplicatesBefore := gossiped(nodes)
			ticker := time.NewTicker(50 * time.Millisecond) // as often as a holder publishes
			slowest := time.Duration(0)
			for i := range messages {
				payload := bytes.Repeat([]byte{byte(i)}, size)
				begin := time.Now()
				if err := nodes[0].Gossip(payload); err != nil {
					t.Fatal(err)
				}
				for _, n := range nodes[1:] {
					await(t, n.gossip, "gossip", from(nodes[0], payload))
				}
				slowest = max(slowest, time.Since(begin))
				<-ticker.C
			}
			ticker.Stop()
			sent, duplicates := gossiped(nodes)
			ratio := float64(sent-before) / float64(messages*size*(len(nodes)-1))
			t.Logf("%+v: %d bytes: %.2f bytes sent for each that arrived, %d copies too many, slowest to all %v",
				tune, size, ratio, duplicates-duplicatesBefore, slowest)
			if tune == tunedLAN() && size > 10_000 && ratio > float64(tune.degree+1) {
				t.Errorf("%d bytes: %.2f bytes were sent for each that arrived", size, ratio)
			}
		}
		stop(t, nodes)
	}
}
