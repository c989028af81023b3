package link

import (
	"errors"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of wirepb.Frame.
const (
	fieldKind         protowire.Number = 1
	fieldRequest      protowire.Number = 2
	fieldReply        protowire.Number = 3
	fieldStatus       protowire.Number = 4
	fieldAcknowledged protowire.Number = 5
	fieldHeld         protowire.Number = 6
	fieldProbe        protowire.Number = 7
	fieldPayload      protowire.Number = 15
)

// frameBytesMax is the greatest length of a frame.
const frameBytesMax = headerBytesMax + PayloadBytesMax

// lengthBytesMax is the longest encoding of a frame's length.
const lengthBytesMax = 4

// errMalformed is the end of a stream: what follows cannot be understood.
var errMalformed = errors.New("malformed frame")

// header is a frame without its payload. It is read and written by hand, not by the
// generated code, because the payload must be judged before it is there, and to save
// its copying.
type header struct {
	kind         Kind
	request      uint64
	reply        uint64
	status       Status
	acknowledged uint64
	held         time.Duration // whole microseconds travel
	probe        bool
}

// numbered tells whether acknowledgements count the frame.
func (h header) numbered() bool { return h.kind != 0 || h.probe }

// appendFrame appends length, header and payload.
func appendFrame(b []byte, h header, payload []byte) []byte {
	b = protowire.AppendVarint(b, uint64(h.bytes(len(payload))))
	b = appendVarint(b, fieldKind, uint64(h.kind))
	b = appendVarint(b, fieldRequest, h.request)
	b = appendVarint(b, fieldReply, h.reply)
	b = appendVarint(b, fieldStatus, uint64(h.status))
	b = appendVarint(b, fieldAcknowledged, h.acknowledged)
	b = appendVarint(b, fieldHeld, h.heldMicroseconds())
	b = appendVarint(b, fieldProbe, protowire.EncodeBool(h.probe))
	if len(payload) > 0 {
		b = protowire.AppendTag(b, fieldPayload, protowire.BytesType)
		b = protowire.AppendBytes(b, payload)
	}
	return b
}

// bytes returns the length of the frame.
func (h header) bytes(payloadBytes int) int {
	n := sizeVarint(fieldKind, uint64(h.kind)) +
		sizeVarint(fieldRequest, h.request) +
		sizeVarint(fieldReply, h.reply) +
		sizeVarint(fieldStatus, uint64(h.status)) +
		sizeVarint(fieldAcknowledged, h.acknowledged) +
		sizeVarint(fieldHeld, h.heldMicroseconds()) +
		sizeVarint(fieldProbe, protowire.EncodeBool(h.probe))
	if payloadBytes > 0 {
		n += protowire.SizeTag(fieldPayload) + protowire.SizeBytes(payloadBytes)
	}
	return n
}

func (h header) heldMicroseconds() uint64 { return uint64(max(h.held, 0).Microseconds()) }

// appendVarint appends a field unless it is zero, as proto3 has it.
func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func sizeVarint(field protowire.Number, v uint64) int {
	if v == 0 {
		return 0
	}
	return protowire.SizeTag(field) + protowire.SizeVarint(v)
}

// parseHeader reads the header of a frame of that many bytes from its beginning, which
// is the whole frame or its first headerBytesMax bytes. It returns where the payload
// begins; it ends where the frame does.
func parseHeader(b []byte, frameBytes int) (h header, payloadAt int, err error) {
	at := 0
	last := protowire.Number(0)
	for at < len(b) {
		field, wire, n := protowire.ConsumeTag(b[at:])
		if n < 0 || field <= last || !field.IsValid() {
			return header{}, 0, errMalformed
		}
		last = field
		at += n
		if field == fieldPayload {
			return payloadHeader(h, b, at, wire, frameBytes)
		}
		n, ok := h.consume(field, wire, b[at:])
		if !ok {
			return header{}, 0, errMalformed
		}
		at += n
	}
	if at != frameBytes {
		return header{}, 0, errMalformed // more header than allowed
	}
	return h, at, nil
}

// payloadHeader checks that the payload fills the frame to its end.
func payloadHeader(h header, b []byte, at int, wire protowire.Type, frameBytes int) (header, int, error) {
	size, n := protowire.ConsumeVarint(b[at:])
	if wire != protowire.BytesType || n < 0 || size > PayloadBytesMax || at+n+int(size) != frameBytes {
		return header{}, 0, errMalformed
	}
	return h, at + n, nil
}

// consume reads the value of a field and returns its length.
func (h *header) consume(field protowire.Number, wire protowire.Type, b []byte) (n int, ok bool) {
	if field > fieldProbe {
		n = protowire.ConsumeFieldValue(field, wire, b)
		return n, n >= 0 // of a later version
	}
	v, n := protowire.ConsumeVarint(b)
	if wire != protowire.VarintType || n < 0 {
		return 0, false
	}
	switch field {
	case fieldKind:
		h.kind = Kind(v)
		return n, v <= uint64(KindMax)
	case fieldRequest:
		h.request = v
	case fieldReply:
		h.reply = v
	case fieldStatus:
		h.status = Status(v)
		const most = 1 << 16
		return n, v < most
	case fieldAcknowledged:
		h.acknowledged = v
	case fieldHeld:
		h.held = time.Duration(v) * time.Microsecond
		return n, v <= uint64(time.Hour/time.Microsecond)
	default: // fieldProbe
		h.probe = v != 0
	}
	return n, true
}
