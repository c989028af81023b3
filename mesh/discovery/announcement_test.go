package discovery

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// example is an announcement in which every field says something.
func example() announcement {
	return announcement{
		kind: kindAnswer, fingerprint: testMesh, instance: 0x1122334455667788, sequence: 3, echo: 0x99aabbccddeeff00,
		name: "küche", peer: testPeer(1),
		addresses: []netip.AddrPort{
			netip.MustParseAddrPort("192.168.1.20:4801"), netip.MustParseAddrPort("[fd00::20]:4801"),
		},
	}
}

// seeking is what a node without a token says.
func seeking(instance Instance) announcement {
	return announcement{kind: kindSeek, instance: instance, sequence: 1, name: "new"}
}

// testKey is the tests' mesh's.
func testKey() *key { return (*key)(&[32]byte{1, 2, 3}) }

// TestFormat pins the bytes on the wire: other versions of this program, and
// other programs, read them.
func TestFormat(t *testing.T) {
	a := example()
	want := strings.Join([]string{
		"676e67b1",            // magic
		"01",                  // version
		"03",                  // answer
		"6162636465666768",    // fingerprint
		"1122334455667788",    // instance
		"0000000000000003",    // sequence
		"99aabbccddeeff00",    // echo
		"06" + "6bc3bc636865", // name
		"26" + "002408011220", // peer ID: identity multihash of an Ed25519 public key, which follows
		hex.EncodeToString([]byte(testPeer(1))[6:]),
		"02",                       // addresses
		"04" + "c0a80114" + "12c1", // IPv4
		"10" + "fd000000000000000000000000000020" + "12c1", // IPv6
		"c2aea10c2521da7bf8fcbaefd7ceb2f9",                 // authentication code
	}, "")
	if got := hex.EncodeToString(a.encode(testKey())); got != want {
		t.Errorf("datagram\ngot  %s\nwant %s", got, want)
	}
}

// TestRoundTrip shows that what is said is heard.
func TestRoundTrip(t *testing.T) {
	tests := []struct {
		name string
		a    announcement
	}{
		{"answer", example()},
		{"seek", seeking(7)},
		{"longest", announcement{
			kind: kindAsk, fingerprint: testMesh, instance: 1, sequence: 1 << 63, name: strings.Repeat("n", MaxNameBytes), peer: testPeer(2),
			addresses: []netip.AddrPort{
				netip.MustParseAddrPort("[fd00::1]:1"), netip.MustParseAddrPort("[fd00::2]:1"),
				netip.MustParseAddrPort("[fd00::3]:1"), netip.MustParseAddrPort("[fd00::4]:1"),
				netip.MustParseAddrPort("[fd00::5]:1"), netip.MustParseAddrPort("[fd00::6]:1"),
				netip.MustParseAddrPort("[fd00::7]:1"), netip.MustParseAddrPort("[fd00::8]:1"),
			},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			datagram := tt.a.encode(testKey())
			if len(datagram) > MaxDatagramBytes {
				t.Fatalf("datagram of %d bytes", len(datagram))
			}
			got, err := decode(datagram)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.a, got, cmp.AllowUnexported(announcement{}), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
				t.Errorf("announcement (-said +heard):\n%s", diff)
			}
		})
	}
}

// TestDecodeRefuses goes through the format's rules: each row breaks one.
func TestDecodeRefuses(t *testing.T) {
	one := netip.MustParseAddrPort("10.0.0.1:4801")
	tests := []struct {
		name   string
		change func(*announcement)
	}{
		{"unknown kind", func(a *announcement) { a.kind = 9 }},
		{"no instance", func(a *announcement) { a.instance = 0 }},
		{"no sequence", func(a *announcement) { a.sequence = 0 }},
		{"an answer to nobody", func(a *announcement) { a.echo = 0 }},
		{"an echo in an announcement", func(a *announcement) { a.kind = kindAnnounce }},
		{"a mesh without a fingerprint", func(a *announcement) { a.fingerprint = "" }},
		{"a fingerprint of other characters", func(a *announcement) { a.fingerprint = "ABCDEFGH" }},
		{"no peer", func(a *announcement) { a.peer = "" }},
		{"no peer ID", func(a *announcement) { a.peer = "peer" }},
		{"no address", func(a *announcement) { a.addresses = nil }},
		{"port 0", func(a *announcement) { a.addresses = []netip.AddrPort{netip.AddrPortFrom(one.Addr(), 0)} }},
		{"any address", func(a *announcement) { a.addresses = []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:1")} }},
		{"multicast", func(a *announcement) { a.addresses = []netip.AddrPort{netip.MustParseAddrPort("224.0.0.1:1")} }},
		{"broadcast", func(a *announcement) { a.addresses = []netip.AddrPort{netip.MustParseAddrPort("255.255.255.255:1")} }},
		{"link-local IPv6", func(a *announcement) { a.addresses = []netip.AddrPort{netip.MustParseAddrPort("[fe80::1]:1")} }},
		{"IPv4 in IPv6", func(a *announcement) { a.addresses = []netip.AddrPort{netip.MustParseAddrPort("[::ffff:10.0.0.1]:1")} }},
		{"nine addresses", func(a *announcement) { a.addresses = []netip.AddrPort{one, one, one, one, one, one, one, one, one} }},
		{"a name that moves the cursor", func(a *announcement) { a.name = "\x1b[2J" }},
		{"a name of two lines", func(a *announcement) { a.name = "a\nb" }},
		{"a name that is not UTF-8", func(a *announcement) { a.name = "\xff" }},
		{"a name too long", func(a *announcement) { a.name = strings.Repeat("n", MaxNameBytes+1) }},
		{"a seek that names a mesh", func(a *announcement) { *a = seeking(1); a.fingerprint = testMesh }},
		{"a seek that names a peer", func(a *announcement) { *a = seeking(1); a.peer = testPeer(1) }},
		{"a seek with an address", func(a *announcement) { *a = seeking(1); a.addresses = []netip.AddrPort{one} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := example()
			tt.change(&a)
			if got, err := decode(a.encode(testKey())); err == nil {
				t.Errorf("accepted as %+v", got)
			}
		})
	}
	t.Run("cut anywhere", func(t *testing.T) {
		a := example()
		datagram := a.encode(testKey())
		for n := headBytes + macBytes; n < len(datagram); n++ {
			if got, err := decode(datagram[:n]); err == nil {
				t.Errorf("the first %d bytes are accepted as %+v", n, got)
			}
		}
	})
	t.Run("one byte more", func(t *testing.T) {
		a := example()
		if got, err := decode(append(a.encode(testKey()), 0)); err == nil {
			t.Errorf("accepted as %+v", got)
		}
	})
}

// FuzzJudge feeds datagrams from anywhere to the judge: it must not panic, must
// not call a datagram authentic that the key did not sign, and what it reads
// must have one spelling only.
func FuzzJudge(f *testing.F) {
	a, s := example(), seeking(5)
	ours := judge{instance: 0x99aabbccddeeff00, fingerprint: testMesh, key: *testKey()}
	f.Add(a.encode(testKey()))
	f.Add(a.encode(&key{}))
	f.Add(s.encode(&key{}))
	f.Add([]byte(magic))
	f.Add(make([]byte, MaxDatagramBytes+1))
	f.Add([]byte(magic + strings.Repeat("\x02", 80)))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		h, refused := ours.judge(datagram, netip.MustParseAddrPort("192.168.1.20:9"), netip.MustParsePrefix("192.168.1.1/24"))
		if (refused == "") != (h.sort != 0) {
			t.Fatalf("refusal %q with sort %d", refused, h.sort)
		}
		if h.sort == sortMember && !testKey().signed(datagram) {
			t.Fatal("unsigned, and taken for a member's")
		}
		if refused != "" || h.sort == sortStranger {
			return
		}
		again := h.announcement.encode(testKey())
		if end := len(datagram) - macBytes; string(again[:end]) != string(datagram[:end]) || len(again) != len(datagram) {
			t.Errorf("said again\ngot  %x\nwant %x", again, datagram)
		}
	})
}
