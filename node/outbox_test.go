package node

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

	"ganglion/mesh"
	"ganglion/roles"
)

// The last frame of an answer to a claim says that all of it is there. Where the link had no room
// for one before it, and had for the last, the claimant decided again what it was not told.
func TestFramesBehindARefusedOneAreNotSent(t *testing.T) {
	var o outbox
	answer := func(to roles.Peer) {
		big := roles.Seal(&roles.Verdict{Sample: roles.SampleID{Site: partedSite, Run: partedRun}, Epoch: roles.Epoch{Counter: 1, Peer: "c"}}, make([]byte, parcelBytes-1000))
		for range 3 {
			o.add(roles.Send{To: to, Message: &roles.ClaimAnswer{
				Role: roles.CoordinatorOf(partedSite, 1), Epoch: roles.Epoch{Counter: 1, Peer: "c"}, Seals: []roles.StoredSeal{{Claim: roles.Epoch{Counter: 1, Peer: "c"}, Sealed: big}},
			}})
		}
		o.add(roles.Send{To: to, Message: &roles.ClaimAnswer{Role: roles.CoordinatorOf(partedSite, 1), Epoch: roles.Epoch{Counter: 1, Peer: "c"}, Last: true}})
	}
	answer("slow")
	answer("fast")
	sent := map[roles.Peer]int{}
	o.flush("n", func(to roles.Peer, _ mesh.Kind, payload []byte) bool {
		if to == "slow" && sent[to] == 1 && len(payload) > parcelBytes/2 {
			return false
		}
		sent[to]++
		return true
	})
	if sent["slow"] != 1 || sent["fast"] < 3 {
		t.Errorf("sent %v: want 1 frame to the slow one, and all to the other", sent)
	}
}

// A message holds as many verdicts as it may have bytes: those of many classes are large, and one
// with too many was refused whole, again and again.
func TestLargeVerdictsArePublished(t *testing.T) {
	n, of := published(t, 100)
	rng := rand.New(rand.NewPCG(1, 1))
	var large []*roles.Published
	for i, p := range of { // bytes that do not pack
		b := make([]byte, 20_000)
		for j := range b {
			b[j] = byte(rng.Uint32())
		}
		q := *p
		sealed := *p.Sealed
		sealed.Bytes = append(fmt.Append(nil, i), b...)
		q.Sealed = &sealed
		large = append(large, &q)
	}
	messages := 0
	g := newGossiper(func(payload []byte) error {
		if messages++; len(payload) > mesh.GossipBytesMax {
			t.Errorf("a message of %d bytes, at most %d are taken", len(payload), mesh.GossipBytesMax)
		}
		return nil
	}, func() *roles.Node { return n }, slog.New(slog.DiscardHandler))
	g.add(large)
	g.flush(0)
	if least := len(large) * 20_000 / mesh.GossipBytesMax; messages < least || messages > 2*least {
		t.Errorf("%d messages, want %d to %d", messages, least, 2*least)
	}
	if bytes.Equal(large[0].Sealed.Bytes, of[0].Sealed.Bytes) {
		t.Error("the verdicts are not large")
	}
}
