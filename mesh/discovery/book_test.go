package discovery

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// said is an announcement of the n-th peer.
func said(n byte, life Instance, sequence uint64, at string) announcement {
	return announcement{
		kind: kindAsk, fingerprint: testMesh, instance: life, sequence: sequence, peer: testPeer(n),
		addresses: []netip.AddrPort{netip.MustParseAddrPort(at)},
	}
}

// TestBookReports shows when a member is reported: at first, at a new address,
// and again after the repeat time; a replay never.
func TestBookReports(t *testing.T) {
	const here, there = "10.0.0.1:1", "10.0.0.1:2"
	tests := []struct {
		name    string
		at      int // seconds
		a       announcement
		record  bool
		report  bool
		refused Refusal
	}{
		{"first", 0, said(1, 7, 1, here), false, true, ""},
		{"again", 1, said(1, 7, 2, here), false, false, ""},
		{"replayed", 1, said(1, 7, 2, here), false, false, RefusedReplayed},
		{"overtaken", 1, said(1, 7, 9, here), false, false, ""},
		{"late", 1, said(1, 7, 8, here), false, false, ""},
		{"another address", 2, said(1, 7, 10, there), false, true, ""},
		{"by turns", 3, said(1, 7, 11, here), false, false, ""},
		{"another peer", 3, said(2, 8, 1, here), false, true, ""},
		{"after the repeat time", 6, said(1, 7, 12, here), false, true, ""},
		{"restarted", 7, said(1, 99, 1, here), false, false, ""},
		{"its former life replayed", 8, said(1, 7, 12, here), false, false, RefusedReplayed},
		{"the present life goes on", 8, said(1, 99, 2, there), false, true, ""},
		{"a record", 9, said(3, 5, 1, here), true, true, ""},
		{"a record again", 9, said(3, 5, 1, here), true, false, ""},
	}
	b := newBook(5 * time.Second)
	for _, tt := range tests {
		now := time.Unix(0, 0).Add(time.Duration(tt.at) * time.Second)
		if report, refused := b.hear(now, tt.a, tt.record); report != tt.report || refused != tt.refused {
			t.Errorf("%s: report %v refused %q, want %v %q", tt.name, report, refused, tt.report, tt.refused)
		}
	}
}

// TestBookIsBounded floods every table: memory stays, and whoever was heard last
// stays too.
func TestBookIsBounded(t *testing.T) {
	b := newBook(time.Hour)
	now := time.Unix(0, 0)
	for n := range 5000 {
		now = now.Add(time.Millisecond)
		a := said(1, Instance(n+1), 1, "10.0.0.1:1")
		a.addresses[0] = netip.AddrPortFrom(a.addresses[0].Addr(), uint16(n+1))
		b.hear(now, a, false)
		a.peer = peer.ID(binary.BigEndian.AppendUint32(nil, uint32(n)))
		b.hear(now, a, false)
		b.hearForeign(now, Foreign{Address: a.addresses[0]})
		b.hearClone(now, a.addresses[0])
		b.answersSeeker(now, netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}))
	}
	one := b.members[testPeer(1)]
	if one == nil {
		t.Fatal("the member that speaks most is forgotten")
	}
	for _, tt := range []struct {
		table      string
		got, limit int
	}{
		{"members", len(b.members), maxMembers},
		{"lives", len(one.instances), maxInstances},
		{"addresses", len(one.reported), maxReports},
		{"foreign", len(b.foreign), maxForeign},
		{"clones", len(b.clones), maxReports},
		{"seekers", len(b.seekers.sources), b.seekers.limit},
	} {
		if tt.got > tt.limit {
			t.Errorf("%s: %d entries, want at most %d", tt.table, tt.got, tt.limit)
		}
	}
}

// TestBookAnswers bounds the answers that questions can draw, from one and from
// all.
func TestBookAnswers(t *testing.T) {
	b := newBook(time.Second)
	now := time.Unix(1000, 0)
	b.hear(now, said(1, 1, 1, "10.0.0.1:1"), false)
	if b.answersMember(now, testPeer(2)) {
		t.Error("answered somebody who was not heard")
	}
	if !b.answersMember(now, testPeer(1)) || b.answersMember(now.Add(answerEvery-1), testPeer(1)) || !b.answersMember(now.Add(answerEvery), testPeer(1)) {
		t.Error("a member is answered once in answerEvery")
	}
	all, one := 0, 0
	for n := range 100000 {
		if n%2 == 0 && b.answersSeeker(now, netip.MustParseAddr("10.9.9.9")) {
			one++
		} else if b.answersSeeker(now, netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)})) {
			all++
		}
	}
	if one > 8 || all > 128 {
		t.Errorf("at one moment %d answers to one source and %d to others, want at most 8 and 128", one, all)
	}
}

// TestBookForeign shows that a foreign node is told once, and again when it comes
// back, so that two meshes side by side do not fill the logs.
func TestBookForeign(t *testing.T) {
	b := newBook(time.Second)
	f := Foreign{Fingerprint: "zzzzzzzz", Address: netip.MustParseAddrPort("10.0.0.9:1")}
	for _, s := range []struct {
		at   int // seconds
		want bool
	}{{0, true}, {5, false}, {60, false}, {119, false}, {180, true}, {181, false}} {
		if got := b.hearForeign(time.Unix(int64(s.at), 0), f); got != s.want {
			t.Errorf("after %d s reported: %v, want %v", s.at, got, s.want)
		}
	}
	now := time.Unix(200, 0)
	if got := b.foreigners(now, foreignMemory); len(got) != 1 || got[0].Silent != 19*time.Second {
		t.Errorf("listed %+v, want one silent for 19s", got)
	}
	if got := b.foreigners(now.Add(foreignMemory), foreignMemory); len(got) != 0 {
		t.Errorf("listed after a minute of silence: %+v", got)
	}
}
