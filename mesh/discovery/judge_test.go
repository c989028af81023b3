package discovery

import (
	"net/netip"
	"testing"
)

// TestJudge goes through what can come out of a socket. Authentication comes
// first: a forged datagram is forged whatever else is wrong with it.
func TestJudge(t *testing.T) {
	const (
		self  = Instance(0x99aabbccddeeff00)
		there = "192.168.1.20:40000"
	)
	link := netip.MustParsePrefix("192.168.1.1/24")
	signed := func(change func(*announcement)) []byte {
		a := example()
		change(&a)
		return a.encode(testKey())
	}
	unchanged := func(*announcement) {}
	damaged := func(at int) []byte {
		d := signed(unchanged)
		d[at] ^= 1
		return d
	}
	tests := []struct {
		name     string
		datagram []byte
		source   string
		tokened  bool // the judge has the token
		sort     sort
		refused  Refusal
	}{
		{"a member", signed(unchanged), there, true, sortMember, ""},
		{"without a token all are foreign", signed(func(a *announcement) { a.kind, a.echo = kindAsk, 0 }), there, false, sortForeign, ""},
		{"of another mesh", signed(func(a *announcement) { a.fingerprint = "zzzzzzzz" }), there, true, sortForeign, ""},
		{"a seeker", func() []byte { a := seeking(1); return a.encode(&key{}) }(), there, true, sortSeeker, ""},
		{"own", signed(func(a *announcement) { a.instance = self }), there, true, sortOwn, ""},
		{"another version", damaged(4), there, true, sortStranger, ""},
		{"empty", nil, there, true, 0, RefusedAlien},
		{"something else", []byte("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n..............."), there, true, 0, RefusedAlien},
		{"too long", make([]byte, MaxDatagramBytes+1), there, true, 0, RefusedOversized},
		{"a bit of the body", damaged(60), there, true, 0, RefusedForged},
		{"a bit of the sequence", damaged(29), there, true, 0, RefusedForged},
		{"a bit of the code", damaged(len(signed(unchanged)) - 1), there, true, 0, RefusedForged},
		{"forged and malformed", append(damaged(60), 0), there, true, 0, RefusedForged},
		{"signed and malformed", signed(func(a *announcement) { a.sequence = 0 }), there, true, 0, RefusedMalformed},
		{"from an address that it does not announce", signed(unchanged), "192.168.1.66:40000", true, 0, RefusedMisplaced},
		{"from beyond the link", signed(unchanged), "192.168.2.20:40000", true, 0, RefusedMisplaced},
		{"a seeker from beyond the link", func() []byte { a := seeking(1); return a.encode(&key{}) }(), "8.8.8.8:1", true, 0, RefusedMisplaced},
		{"an answer to somebody else", signed(func(a *announcement) { a.echo = 1 }), there, true, 0, RefusedMisdirected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := judge{instance: self}
			if tt.tokened {
				j.fingerprint, j.key = testMesh, *testKey()
			}
			got, refused := j.judge(tt.datagram, netip.MustParseAddrPort(tt.source), link)
			if got.sort != tt.sort || refused != tt.refused {
				t.Errorf("sort %d refused %q, want %d %q", got.sort, refused, tt.sort, tt.refused)
			}
		})
	}
}

// TestWindow covers replays: each number counts once, also when datagrams
// overtake one another, and what is too old to tell does not count.
func TestWindow(t *testing.T) {
	var w window
	steps := []struct {
		sequence uint64
		want     bool
	}{
		{5, true},
		{5, false},
		{4, true},
		{4, false},
		{6, true},
		{69, true},
		{6, false},
		{7, true},
		{5, false},
		{1, false},
		{1000, true},
		{936, false},
		{937, true},
		{937, false},
		{1<<64 - 1, true},
		{1000, false},
	}
	for _, s := range steps {
		if got := w.fresh(s.sequence); got != s.want {
			t.Errorf("sequence %d is fresh: %v, want %v", s.sequence, got, s.want)
		}
	}
}
