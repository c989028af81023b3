package mesh

import (
	"encoding/binary"
	"log/slog"
	"testing"

	"ganglion/mesh/link"
	"ganglion/mesh/secret"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"
)

// TestGossipHostile: a peer that has the token, but no other's key, cannot speak in
// another's name, nor make a node take what is too large; the node goes on and says
// what it refused.
func TestGossipHostile(t *testing.T) {
	e := newEther(t)
	nodes := e.mesh(t, 2)
	inTouch(t, nodes)
	victim, other := nodes[0], nodes[1]
	identity, err := secret.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	host, err := link.New(e.config(t, "hostile").link(), identity, e.keys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	if err := host.AddAddresses(victim.Self(), victim.Addresses(), candidateTTL); err != nil {
		t.Fatal(err)
	}
	if err := host.ConnectNow(within(t), victim.Self()); err != nil {
		t.Fatal(err)
	}
	own, err := identity.ID().Peer()
	if err != nil {
		t.Fatal(err)
	}
	another, err := other.Self().Peer()
	if err != nil {
		t.Fatal(err)
	}
	self, err := victim.Self().Peer()
	if err != nil {
		t.Fatal(err)
	}
	sequence := uint64(0)
	message := func(from peer.ID, signature []byte) *pubsub_pb.Message {
		sequence++
		topic := gossipTopic
		return &pubsub_pb.Message{
			From: []byte(from), Topic: &topic, Data: []byte("lies"), Signature: signature,
			Seqno: binary.BigEndian.AppendUint64(nil, sequence),
		}
	}
	tests := []struct {
		want string
		lie  *pubsub_pb.Message
	}{
		{pubsub.RejectMissingSignature, message(own, nil)},
		{pubsub.RejectInvalidSignature, message(another, make([]byte, 64))},
		{pubsub.RejectSelfOrigin, message(self, make([]byte, 64))},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			stream, err := host.Open(within(t), victim.Self(), gossipProtocol)
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			body, err := proto.Marshal(&pubsub_pb.RPC{Publish: []*pubsub_pb.Message{tt.lie}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Write(append(binary.AppendUvarint(nil, uint64(len(body))), body...)); err != nil {
				t.Fatal(err)
			}
			victim.until(t, "warned", func() bool { return victim.Status().Gossip.Refused[tt.want] == 1 })
		})
	}
	stream, err := host.Open(within(t), victim.Self(), gossipProtocol)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Write(binary.AppendUvarint(nil, GossipBytesMax+envelopeBytesMax+1)); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Read(make([]byte, 1)); err == nil {
		t.Error("a frame that is too long did not end the stream")
	}
	if err := other.Gossip([]byte("truth")); err != nil {
		t.Fatal(err)
	}
	await(t, victim.gossip, "gossip", func(m gossipMessage) bool {
		if string(m.payload) == "lies" {
			t.Errorf("a lie was heard from %s", m.from)
		}
		return string(m.payload) == "truth"
	})
}
