package membership

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math"
	"net/netip"
	"strings"
	"testing"

	"ganglion/mesh/secret"
	"ganglion/proto/wirepb"
)

// TestMetaFits: memberlist panics at a meta that is too long, so the longest must fit
// and what does not must be an error of ours.
func TestMetaFits(t *testing.T) {
	identity := testIdentity(t)
	longest := netip.AddrPortFrom(netip.MustParseAddr("1111:2222:3333:4444:5555:6666:7777:8888"), 65535).String()
	raw := testMeta(t, identity, meta{
		counter: counterMax, claim: math.MaxUint64, instance: math.MaxUint64, address: longest, leaving: true,
	})
	if len(raw) > MetaBytesMax {
		t.Errorf("longest meta has %d bytes, at most %d are allowed", len(raw), MetaBytesMax)
	}
	t.Logf("longest meta has %d bytes", len(raw))
	if _, err := encodeMeta(identity, meta{counter: 1, address: strings.Repeat("1", MetaBytesMax)}); err == nil {
		t.Error("a meta that is too long was made")
	}
}

// TestDecodeMetaRefuses names each way in which a meta can be wrong.
func TestDecodeMetaRefuses(t *testing.T) {
	identity, other := testIdentity(t), testIdentity(t)
	signedMeta := func(identity secret.Identity, purpose string, body *wirepb.MemberMeta) []byte {
		signed, err := sign(identity, purpose, body)
		if err != nil {
			t.Fatal(err)
		}
		return testMarshal(t, signed)
	}
	good := func() *wirepb.MemberMeta {
		return &wirepb.MemberMeta{Version: Version, Counter: 1, RecordHash: make([]byte, sha256.Size), Address: "127.0.0.1:1"}
	}
	with := func(change func(*wirepb.MemberMeta)) *wirepb.MemberMeta {
		m := good()
		change(m)
		return m
	}
	tests := []struct {
		name string
		raw  []byte
		want error // nil: it is taken
	}{
		{"good", signedMeta(identity, purposeMeta, good()), nil},
		{"empty", nil, ErrOtherVersion},
		{"garbage", []byte{0xff, 0xff}, ErrMalformed},
		{"too long", bytes.Repeat([]byte{0}, MetaBytesMax+1), ErrMalformed},
		{"another version", signedMeta(identity, purposeMeta, with(func(m *wirepb.MemberMeta) { m.Version = Version + 1 })), ErrOtherVersion},
		{"another's", signedMeta(other, purposeMeta, good()), ErrSignature},
		{"signed for something else", signedMeta(identity, purposeRecord, good()), ErrSignature},
		{"short hash", signedMeta(identity, purposeMeta, with(func(m *wirepb.MemberMeta) { m.RecordHash = []byte{1} })), ErrMalformed},
		{"no counter", signedMeta(identity, purposeMeta, with(func(m *wirepb.MemberMeta) { m.Counter = 0 })), ErrMalformed},
		{"last counter", signedMeta(identity, purposeMeta, with(func(m *wirepb.MemberMeta) { m.Counter = math.MaxUint64 })), ErrMalformed},
		{"no address", signedMeta(identity, purposeMeta, with(func(m *wirepb.MemberMeta) { m.Address = "" })), nil},
		{"address with a zone", signedMeta(identity, purposeMeta, with(func(m *wirepb.MemberMeta) { m.Address = "[fe80::1%\x1b[2J]:1" })), ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decodeMeta(identity.ID(), tt.raw)
			if (err == nil) != (tt.want == nil) || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// TestCheckPacket: what memberlist would unpack or hand to the application must not
// reach it, however it is wrapped.
func TestCheckPacket(t *testing.T) {
	const user, compressed, encrypted = 8, 9, 10
	tests := []struct {
		name   string
		packet []byte
		ok     bool
	}{
		{"ping", []byte{messagePing, 1}, true},
		{"negative acknowledgement", []byte{messageNack, 1}, true},
		{"checksum", []byte{messageChecksum, 0, 0, 0, 0, messageAlive}, true},
		{"compound", []byte{messageCompound, 2, 0, 1, 0, 1, messageAck, messageDead}, true},
		{"empty", nil, false},
		{"user", []byte{user, 1}, false},
		{"compressed", []byte{compressed, 1}, false},
		{"encrypted", []byte{encrypted, 1}, false},
		{"push/pull", []byte{messagePushPull, 1}, false},
		{"compressed behind a checksum", []byte{messageChecksum, 0, 0, 0, 0, compressed}, false},
		{"checksum behind a checksum", []byte{messageChecksum, 0, 0, 0, 0, messageChecksum, 0, 0, 0, 0, messagePing}, false},
		{"compressed in a compound", []byte{messageCompound, 1, 0, 1, compressed}, false},
		{"compound in a compound", []byte{messageCompound, 1, 0, 2, messageCompound, 0}, false},
		{"part that is not there", []byte{messageCompound, 1, 0, 9, messagePing}, false},
		{"lengths that are not there", []byte{messageCompound, 9, 0, 1}, false},
		{"empty part", []byte{messageCompound, 1, 0, 0}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := checkPacket(tt.packet); (err == nil) != tt.ok {
				t.Errorf("got %v, want ok %t", err, tt.ok)
			}
		})
	}
}

// TestCheckStream: memberlist makes room for what a header announces, so the header is
// judged before it sees it.
func TestCheckStream(t *testing.T) {
	twice := append([]byte{messagePushPull, 0x83}, bytes.Repeat([]byte("\xa5Nodes\x01"), 3)...)
	tests := []struct {
		name string
		head []byte
		ok   bool
	}{
		{"push/pull", pushPull(8, 4096), true},
		{"the most", pushPull(StateNodesMax, StateBytesMax), true},
		{"too many nodes", pushPull(StateNodesMax+1, 0), false},
		{"too many bytes", pushPull(0, StateBytesMax+1), false},
		{"negative", []byte("\x06\x83\xa5Nodes\xff\xacUserStateLen\x00\xa4Join\xc3"), false},
		{"negative in 8 bytes", []byte("\x06\x83\xa5Nodes\xd3\xff\xff\xff\xff\xff\xff\xff\xff\xacUserStateLen\x00\xa4Join\xc3"), false},
		{"signed in 2 bytes", []byte("\x06\x83\xa5Nodes\xd1\x00\x10\xacUserStateLen\x00\xa4Join\xc3"), true},
		{"NaN", []byte("\x06\x83\xa5Nodes\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01\xacUserStateLen\x00\xa4Join\xc3"), false},
		{"a key three times", twice, false},
		{"an array", []byte{messagePushPull, 0x93, 1, 2, 0xc3}, false},
		{"ping", []byte{messagePing, 0x80}, true},
		{"compressed", []byte{9, 0x82}, false},
		{"user", []byte{8, 0x81}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			malformed, err := checkStream(bufio.NewReader(bytes.NewReader(tt.head)))
			if err != nil || (malformed == nil) != tt.ok {
				t.Errorf("got %v and %v, want ok %t", malformed, err, tt.ok)
			}
		})
	}
	t.Run("cut off", func(t *testing.T) {
		malformed, err := checkStream(bufio.NewReader(bytes.NewReader(pushPull(8, 1)[:9])))
		if malformed != nil || !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Errorf("got %v and %v, want the stream's end", malformed, err)
		}
	})
}

// TestOwnRecordLimits: what others would refuse must fail here, where somebody reads
// the error.
func TestOwnRecordLimits(t *testing.T) {
	o, err := newOwn(testIdentity(t), 1, "porch", &counter{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.setPayload(make([]byte, PayloadBytesMax+1)); err == nil {
		t.Error("a payload that is too long was taken")
	}
	many := make([]netip.AddrPort, 0, 2*AddressesMax)
	for i := range 2 * AddressesMax {
		many = append(many, netip.AddrPortFrom(netip.MustParseAddr("fe80::1%eth0"), uint16(i+1)))
	}
	o.setAddresses(many)
	if err := o.setPayload(make([]byte, PayloadBytesMax)); err != nil {
		t.Fatal(err)
	}
	if _, err := o.sign(); err != nil {
		t.Errorf("largest record: %v", err)
	}
	if got := len(o.member().Record.Addresses); got != AddressesMax {
		t.Errorf("record has %d addresses, want %d", got, AddressesMax)
	}
}
