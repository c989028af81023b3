package link

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// tape is a source that plays bytes, and remembers the deadlines that were set.
type tape struct {
	io.Reader
	deadlines []time.Time
}

func (t *tape) SetReadDeadline(at time.Time) error {
	t.deadlines = append(t.deadlines, at)
	return nil
}

func reads(t *testing.T, from io.Reader, limit int) (*frameReader, *tape) {
	t.Helper()
	source := &tape{Reader: from}
	r, err := newFrameReader(source, time.Minute, func(_ header, payloadBytes int) bool { return payloadBytes <= limit })
	if err != nil {
		t.Fatal(err)
	}
	return r, source
}

// TestReaderCutsFrames plays frames of many sizes, in pieces of every sort: what
// arrives does not depend on how TCP cuts it.
func TestReaderCutsFrames(t *testing.T) {
	var stream []byte
	sizes := []int{0, 1, 127, 128, 300, readBytes, 5, readBytesKept + 1, 0, 200_000, 3}
	for i, size := range sizes {
		stream = appendFrame(stream, header{kind: Kind(i + 1)}, bytes.Repeat([]byte{byte(i)}, size))
	}
	const limit = 100_000 // the largest is read past
	tests := []struct {
		name string
		from io.Reader
	}{
		{"at once", bytes.NewReader(stream)},
		{"byte by byte", iotest.OneByteReader(bytes.NewReader(stream))},
		{"halves", iotest.HalfReader(bytes.NewReader(stream))},
		{"data with its error", iotest.DataErrReader(bytes.NewReader(stream))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, source := reads(t, tt.from, limit)
			for i, size := range sizes {
				f, err := r.next()
				if err != nil {
					t.Fatalf("frame %d: %v", i, err)
				}
				want := bytes.Repeat([]byte{byte(i)}, size)
				if f.kind != Kind(i+1) || f.payloadBytes != size || f.allowed != (size <= limit) || f.allowed && !bytes.Equal(f.payload, want) {
					t.Fatalf("frame %d: got kind %d, %d bytes, allowed %v", i, f.kind, f.payloadBytes, f.allowed)
				}
				if len(r.room) > 2*(limit+headerBytesMax) {
					t.Errorf("frame %d: %d bytes of room", i, len(r.room))
				}
			}
			if _, err := r.next(); err != io.EOF { //nolint:errorlint // the plain end
				t.Errorf("at the end: got %v, want EOF", err)
			}
			if last := source.deadlines[len(source.deadlines)-1]; !last.IsZero() {
				t.Error("a deadline is left between frames")
			}
			if len(r.room) != readBytes {
				t.Errorf("%d bytes of room are kept at rest, want %d", len(r.room), readBytes)
			}
		})
	}
}

// TestReaderMakesNoRoomForPromises announces the largest frame and sends little of
// it: memory must follow what has arrived.
func TestReaderMakesNoRoomForPromises(t *testing.T) {
	whole := appendFrame(nil, header{kind: 1}, make([]byte, PayloadBytesMax))
	r, _ := reads(t, bytes.NewReader(whole[:1000]), PayloadBytesMax)
	if _, err := r.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want %v", err, io.ErrUnexpectedEOF)
	}
	if len(r.room) > readBytes {
		t.Errorf("%d bytes of room for a frame of which 1000 arrived", len(r.room))
	}
}

// TestReaderRefusesLengths ends streams whose framing cannot be trusted.
func TestReaderRefusesLengths(t *testing.T) {
	tests := []struct {
		name  string
		bytes []byte
	}{
		{"zero", []byte{0}},
		{"one more than allowed", protowire.AppendVarint(nil, frameBytesMax+1)},
		{"a varint of five bytes", []byte{0xff, 0xff, 0xff, 0xff, 0x01}},
		{"a varint without end", bytes.Repeat([]byte{0xff}, 64)},
		{"text", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + string(make([]byte, 128)))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := reads(t, bytes.NewReader(tt.bytes), PayloadBytesMax)
			if _, err := r.next(); !errors.Is(err, errMalformed) {
				t.Errorf("got %v, want %v", err, errMalformed)
			}
		})
	}
}

// FuzzReader looks for a stream that crashes the reader or makes it hold more than
// the stream has sent.
func FuzzReader(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, header{kind: 1}, []byte("one")), header{kind: 2}, make([]byte, 300)))
	f.Add([]byte{0xff, 0xff, 0xff, 0x01, 0x08, 0x01})
	f.Fuzz(func(t *testing.T, stream []byte) {
		r, _ := reads(t, iotest.HalfReader(bytes.NewReader(stream)), 1000)
		for {
			f, err := r.next()
			if err != nil {
				return
			}
			if f.allowed && len(f.payload) != f.payloadBytes || !f.allowed && f.payload != nil {
				t.Fatalf("got %+v", f)
			}
			if len(r.room) > 2*max(readBytes, len(stream)) {
				t.Fatalf("%d bytes of room for a stream of %d", len(r.room), len(stream))
			}
		}
	})
}
