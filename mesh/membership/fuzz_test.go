package membership

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"ganglion/mesh/secret"
	"ganglion/proto/wirepb"

	"google.golang.org/protobuf/proto"
)

// What peers send is read here first: no bytes may crash it, make room for more than
// is allowed, or be taken for signed when they are not.

func testIdentity(tb testing.TB) secret.Identity {
	tb.Helper()
	identity, err := secret.NewIdentity()
	if err != nil {
		tb.Fatal(err)
	}
	return identity
}

func testMeta(tb testing.TB, identity secret.Identity, m meta) []byte {
	tb.Helper()
	raw, err := encodeMeta(identity, m)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func testRecord(tb testing.TB, identity secret.Identity, r Record) *signedRecord {
	tb.Helper()
	record, err := signRecord(identity, r)
	if err != nil {
		tb.Fatal(err)
	}
	return record
}

func testSetting(tb testing.TB, identity secret.Identity, key string, counter uint64, value []byte) *wirepb.Signed {
	tb.Helper()
	signed, err := sign(identity, purposeSetting, &wirepb.Setting{
		Key: key, Counter: counter, Signer: string(identity.ID()), Value: value,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return signed
}

func testMarshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func FuzzDecodeMeta(f *testing.F) {
	identity := testIdentity(f)
	f.Add(testMeta(f, identity, meta{counter: 7, claim: 3, instance: 9, address: "127.0.0.1:4801"}))
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0x0a, 0x7f}, 300))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMeta(identity.ID(), data)
		if err != nil {
			return
		}
		var signed wirepb.Signed
		if proto.Unmarshal(data, &signed) != nil || !identity.ID().Verify(purposeMeta, signed.GetBody(), signed.GetSignature()) {
			t.Errorf("took a meta that is not signed: %+v", m)
		}
		if m.counter == 0 || m.counter > counterMax || len(data) > MetaBytesMax {
			t.Errorf("took a meta beyond the limits: %+v", m)
		}
	})
}

func FuzzDecodeRecord(f *testing.F) {
	identity := testIdentity(f)
	f.Add(testMarshal(f, testRecord(f, identity, Record{Counter: 1, Name: "porch", Payload: []byte("x")}).signed))
	f.Add([]byte{0x0a, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var signed wirepb.Signed
		if proto.Unmarshal(data, &signed) != nil {
			return
		}
		r, err := decodeRecord(identity.ID(), &signed)
		if err != nil {
			return
		}
		if !identity.ID().Verify(purposeRecord, signed.GetBody(), signed.GetSignature()) {
			t.Errorf("took a record that is not signed: %+v", r.Record)
		}
		if len(r.Payload) > PayloadBytesMax || len(r.Addresses) > AddressesMax || len(r.Name) > NameBytesMax {
			t.Errorf("took a record beyond the limits: %+v", r.Record)
		}
	})
}

func FuzzDecodeSetting(f *testing.F) {
	f.Add(testMarshal(f, testSetting(f, testIdentity(f), "rate", 4, []byte("10"))))
	f.Add([]byte{0x0a, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var signed wirepb.Signed
		if proto.Unmarshal(data, &signed) != nil {
			return
		}
		s, err := decodeSetting(&signed)
		if err != nil {
			return
		}
		if !s.Signer.Verify(purposeSetting, signed.GetBody(), signed.GetSignature()) {
			t.Errorf("took a setting that is not signed: %+v", s)
		}
		if len(s.Value) > ValueBytesMax || checkKey(s.Key) != nil {
			t.Errorf("took a setting beyond the limits: %+v", s)
		}
	})
}

func FuzzDecodeState(f *testing.F) {
	identity := testIdentity(f)
	f.Add(testMarshal(f, &wirepb.MembershipState{
		Records:  []*wirepb.SignedRecord{{Member: string(identity.ID()), Record: testRecord(f, identity, Record{Counter: 1}).signed}},
		Settings: []*wirepb.Signed{testSetting(f, identity, "rate", 1, nil)},
	}))
	f.Add([]byte("garbage"))
	f.Fuzz(func(t *testing.T, data []byte) {
		state, err := decodeState(data)
		if err == nil && (len(state.GetRecords()) > MembersMax || len(state.GetSettings()) > SettingsMax) {
			t.Errorf("took %d records and %d settings", len(state.GetRecords()), len(state.GetSettings()))
		}
	})
}

func FuzzReadMessage(f *testing.F) {
	var framed bytes.Buffer
	if err := writeMessage(&framed, &wirepb.RecordsRequest{Member: "somebody"}); err != nil {
		f.Fatal(err)
	}
	f.Add(framed.Bytes())
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		const maxBytes = 1024
		var request wirepb.RecordsRequest
		err := readMessage(bytes.NewReader(data), maxBytes, "request", &request)
		if err == nil && proto.Size(&request) > maxBytes {
			t.Errorf("read %d bytes", proto.Size(&request))
		}
	})
}

func FuzzCheckPacket(f *testing.F) {
	f.Add([]byte{messagePing, 0x80})
	f.Add([]byte{messageChecksum, 1, 2, 3, 4, messageCompound, 2, 0, 1, 0, 2, messageAck, messageAlive, 9})
	f.Add([]byte{messageCompound, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		if checkPacket(data) != nil {
			return
		}
		const unpacks = 9 // memberlist's compressed message
		if len(data) == 0 || data[0] == unpacks {
			t.Errorf("let pass %v", data)
		}
	})
}

func FuzzReadPacket(f *testing.F) {
	f.Add([]byte{0, 1, messagePing})
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		packet, err := readPacket(bufio.NewReader(bytes.NewReader(data)))
		if err == nil && (len(packet) == 0 || len(packet) > PacketBytesMax) {
			t.Errorf("read a packet of %d bytes", len(packet))
		}
	})
}

// byteStream is a stream that has these bytes and no more.
type byteStream struct {
	net.Conn
	r io.Reader
}

func (s byteStream) Read(p []byte) (int, error) { return s.r.Read(p) }
func (byteStream) SetDeadline(time.Time) error  { return nil }
func (byteStream) Close() error                 { return nil }

func FuzzCheckStream(f *testing.F) {
	f.Add(pushPull(3, 100))
	f.Add(pushPull(1<<20, 1<<30))
	f.Add([]byte{messagePing})
	f.Add([]byte{messagePushPull, 0x83, 0xa4})
	f.Fuzz(func(t *testing.T, data []byte) {
		refused := false
		g := newGuardedStream(byteStream{r: bytes.NewReader(data)}, func(error) { refused = true })
		got, err := io.ReadAll(g)
		if refused != errors.Is(err, ErrMalformed) {
			t.Errorf("refused is %t with error %v", refused, err)
		}
		if err == nil && !bytes.Equal(got, data) {
			t.Errorf("read %d bytes of %d, or others", len(got), len(data))
		}
	})
}

// pushPull is the head of one that announces that much.
func pushPull(nodes, userBytes uint32) []byte {
	u32 := func(v uint32) []byte { return []byte{0xce, byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)} }
	b := []byte{messagePushPull, 0x83}
	b = append(append(append(b, 0xa5), "Nodes"...), u32(nodes)...)
	b = append(append(append(b, 0xac), "UserStateLen"...), u32(userBytes)...)
	return append(append(append(b, 0xa4), "Join"...), 0xc3)
}
