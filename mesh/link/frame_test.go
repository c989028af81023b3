package link

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"ganglion/proto/wirepb"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// message returns a header and a payload as the schema's message.
func message(h header, payload []byte) *wirepb.Frame {
	return &wirepb.Frame{
		Kind: uint32(h.kind), Request: h.request, Reply: h.reply, Status: wirepb.Status(h.status),
		Acknowledged: h.acknowledged, HeldUs: uint64(h.held.Microseconds()), Probe: h.probe, Payload: payload,
	}
}

// TestFrameIsItsSchema holds the codec written by hand to the generated one, both
// ways: a client in another language has the schema alone.
func TestFrameIsItsSchema(t *testing.T) {
	full := header{
		kind: KindMax, request: math.MaxUint64, reply: math.MaxUint64, status: StatusFailed,
		acknowledged: math.MaxUint64, held: time.Hour, probe: true,
	}
	tests := []struct {
		name    string
		header  header
		payload []byte
	}{
		{"acknowledgement", header{acknowledged: 3, held: 20 * time.Millisecond}, nil},
		{"probe", header{probe: true}, nil},
		{"frame", header{kind: 1}, []byte("scores")},
		{"frame without payload", header{kind: 1}, nil},
		{"request", header{kind: 300, request: 7, acknowledged: 1}, make([]byte, 128)},
		{"reply", header{kind: 300, reply: 7}, make([]byte, 70_000)},
		{"refusal", header{kind: 300, reply: 7, status: StatusRefused}, []byte("busy")},
		{"everything", full, make([]byte, PayloadBytesMax)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, err := proto.MarshalOptions{Deterministic: true}.Marshal(message(tt.header, tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			got := appendFrame(nil, tt.header, tt.payload)
			size, n := protowire.ConsumeVarint(got)
			if int(size) != len(got)-n || !bytes.Equal(got[n:], want) {
				t.Errorf("written: got % x, want % x", head(got[n:]), head(want))
			}
			h, at, err := parseHeader(want[:min(len(want), headerBytesMax)], len(want))
			if err != nil || h != tt.header || !bytes.Equal(want[at:], tt.payload) {
				t.Errorf("read: got %+v, payload at %d, %v; want %+v", h, at, err, tt.header)
			}
			if at > headerBytesMax {
				t.Errorf("header takes %d bytes, allowed are %d", at, headerBytesMax)
			}
		})
	}
	for status, name := range wirepb.Status_name {
		words := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "STATUS_"), "_", " "))
		if got := Status(status).String(); status != 0 && !strings.Contains(got, strings.Fields(words)[0]) && !strings.Contains(got, "large") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func head(b []byte) []byte { return b[:min(len(b), 40)] }

// TestMalformedHeaders are frames that must not be taken for anything.
func TestMalformedHeaders(t *testing.T) {
	good := func(h header, payload string) []byte {
		_, n := protowire.ConsumeVarint(appendFrame(nil, h, []byte(payload)))
		return appendFrame(nil, h, []byte(payload))[n:]
	}
	field := func(n protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
	}
	text := func(n protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, n, protowire.BytesType), s)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	tests := []struct {
		name  string
		frame []byte
		fine  bool
	}{
		{"as it should be", good(header{kind: 3, request: 4}, "x"), true},
		{"a field of a later version", join(field(1, 3), text(9, "new"), field(12, 1), text(15, "x")), true},
		{"fields out of order", join(field(2, 4), field(1, 3), text(15, "x")), false},
		{"a field twice", join(field(1, 3), field(1, 3), text(15, "x")), false},
		{"something behind the payload", join(field(1, 3), text(15, "x"), field(16, 1)), false},
		{"payload shorter than said", join(field(1, 3), []byte{15<<3 | 2, 9}, []byte("x")), false},
		{"payload of 2^63 bytes", join(field(1, 3), []byte{15<<3 | 2}, protowire.AppendVarint(nil, 1<<63)), false},
		{"payload is a number", join(field(1, 3), field(15, 1)), false},
		{"kind is a string", join(text(1, "three")), false},
		{"kind too great", field(1, uint64(KindMax)+1), false},
		{"held for a year", join(field(1, 3), field(6, 1<<45)), false},
		{"status beyond all", join(field(1, 3), field(4, 1<<40)), false},
		{"field 0", []byte{0, 0}, false},
		{"a varint that never ends", bytes.Repeat([]byte{0xff}, 20), false},
		{"cut within a tag", []byte{0x80}, false},
		{"a header that is too long", join(field(1, 3), text(9, strings.Repeat("x", headerBytesMax)), text(15, "x")), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, at, err := parseHeader(tt.frame[:min(len(tt.frame), headerBytesMax)], len(tt.frame))
			if tt.fine != (err == nil) {
				t.Errorf("got %+v, payload at %d, %v", h, at, err)
			}
			if err != nil && !errors.Is(err, errMalformed) {
				t.Errorf("got %v, want %v", err, errMalformed)
			}
		})
	}
}

// FuzzFrame looks for bytes that crash the reader of headers, or that it and the
// generated code understand differently.
func FuzzFrame(f *testing.F) {
	f.Add(appendFrame(nil, header{kind: 3, request: 4, acknowledged: 9, held: time.Second}, []byte("payload"))[1:])
	f.Add(appendFrame(nil, header{probe: true}, nil)[1:])
	f.Add([]byte{0x7a, 0x00})
	f.Add(bytes.Repeat([]byte{0x08}, 200))
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, at, err := parseHeader(frame[:min(len(frame), headerBytesMax)], len(frame))
		if err != nil {
			return
		}
		if at > len(frame) || at > headerBytesMax {
			t.Fatalf("payload at %d of %d bytes", at, len(frame))
		}
		var m wirepb.Frame
		if err := proto.Unmarshal(frame, &m); err != nil {
			t.Fatalf("the schema's reader refuses what ours takes: %v", err)
		}
		if want := message(h, frame[at:]); m.GetKind() != want.GetKind() || m.GetRequest() != want.GetRequest() ||
			m.GetReply() != want.GetReply() || m.GetStatus() != want.GetStatus() || m.GetAcknowledged() != want.GetAcknowledged() ||
			m.GetHeldUs() != want.GetHeldUs() || m.GetProbe() != want.GetProbe() || !bytes.Equal(m.GetPayload(), want.GetPayload()) {
			t.Errorf("got %v, the schema's reader %v", want, &m)
		}
	})
}
