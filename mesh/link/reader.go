package link

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-yamux/v5"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	readBytes     = 8 << 10  // room of a reader at rest
	readBytesKept = 64 << 10 // room that is kept after a larger frame
	slowestBytes  = 64 << 10 // a second: what a long frame must arrive at
)

// errSlow is the end of a stream whose peer began a frame and did not finish it, or
// never began its first.
var errSlow = errors.New("frame did not arrive in time")

// source is a stream to read frames from.
type source interface {
	io.Reader
	SetReadDeadline(t time.Time) error
}

// frameReader cuts a stream into frames. One goroutine may use it.
type frameReader struct {
	from    source
	timeout time.Duration // for a frame that has begun
	// allows tells whether a payload of that size may come with the header. A frame
	// that may not is read past.
	allows func(header, int) bool

	room       []byte // room[start:end] is read and not yet used
	start, end int
	deadline   deadline
}

// deadline is which one is set on the stream.
type deadline int

const (
	deadlineNone  deadline = iota
	deadlineBegun          // for the beginning of a frame
	deadlineSized          // for a frame of known length
)

// newFrameReader returns a reader whose first frame must begin within the timeout.
func newFrameReader(from source, timeout time.Duration, allows func(header, int) bool) (*frameReader, error) {
	r := &frameReader{from: from, timeout: timeout, allows: allows, room: make([]byte, readBytes)}
	return r, r.hurry(0)
}

// frame is what was read of a frame.
type frame struct {
	header
	payload      []byte // valid until the next frame is read; nil where it was not allowed
	payloadBytes int
	allowed      bool
}

// next reads the next frame.
func (r *frameReader) next() (frame, error) {
	r.settle()
	frameBytes, err := r.length()
	if err != nil {
		return frame{}, err
	}
	peek := min(frameBytes, headerBytesMax)
	if err := r.need(peek, frameBytes); err != nil {
		return frame{}, err
	}
	h, payloadAt, err := parseHeader(r.room[r.start:r.start+peek], frameBytes)
	if err != nil {
		return frame{}, err
	}
	f := frame{header: h, payloadBytes: frameBytes - payloadAt}
	if f.allowed = r.allows(h, f.payloadBytes); !f.allowed {
		return f, r.skip(frameBytes)
	}
	if err := r.need(frameBytes, frameBytes); err != nil {
		return frame{}, err
	}
	f.payload = r.room[r.start+payloadAt : r.start+frameBytes : r.start+frameBytes]
	r.start += frameBytes
	return f, r.rest()
}

// settle makes room at the beginning, and gives back what a large frame needed.
func (r *frameReader) settle() {
	if r.start == r.end {
		r.start, r.end = 0, 0
		if len(r.room) > readBytesKept {
			r.room = make([]byte, readBytes)
		}
	}
}

// length reads the length of the next frame. The wait for its first byte has no end,
// except for the first frame of all.
func (r *frameReader) length() (int, error) {
	for {
		n, size := protowire.ConsumeVarint(r.room[r.start:min(r.end, r.start+lengthBytesMax)])
		switch {
		case size > 0 && n >= 1 && n <= frameBytesMax:
			r.start += size
			return int(n), nil
		case size > 0:
			return 0, fmt.Errorf("%w: it has %d bytes, a frame has 1 to %d", errMalformed, n, frameBytesMax)
		case r.end-r.start >= lengthBytesMax:
			return 0, fmt.Errorf("%w: its length takes more than %d bytes", errMalformed, lengthBytesMax)
		}
		if r.end > r.start {
			if err := r.hurry(0); err != nil {
				return 0, err
			}
		}
		if err := r.read(); err != nil {
			return 0, err
		}
	}
}

// need reads until there are n bytes of a frame of that length.
func (r *frameReader) need(n, frameBytes int) error {
	for r.end-r.start < n {
		if err := r.hurry(frameBytes); err != nil {
			return err
		}
		if err := r.read(); err != nil {
			return unfinished(err)
		}
	}
	return nil
}

// skip reads past a frame.
func (r *frameReader) skip(frameBytes int) error {
	for left := frameBytes; ; {
		n := min(left, r.end-r.start)
		r.start += n
		left -= n
		if left == 0 {
			return r.rest()
		}
		if err := r.hurry(frameBytes); err != nil {
			return err
		}
		r.settle()
		if err := r.read(); err != nil {
			return unfinished(err)
		}
	}
}

// read reads what there is, at least a byte, and makes room for it first. Room grows
// with what has arrived, not with what was announced.
func (r *frameReader) read() error {
	if r.start > 0 && r.end == len(r.room) {
		copy(r.room, r.room[r.start:r.end])
		r.start, r.end = 0, r.end-r.start
	}
	if r.end == len(r.room) {
		grown := make([]byte, 2*len(r.room))
		copy(grown, r.room)
		r.room = grown
	}
	n, err := r.from.Read(r.room[r.end:])
	r.end += n
	if n > 0 {
		return nil // an error comes again
	}
	if r.deadline != deadlineNone && errors.Is(err, yamux.ErrTimeout) {
		return errSlow
	}
	return err
}

// hurry sets the deadline of a frame that has begun: once when it begins, and once
// more when its length is known.
func (r *frameReader) hurry(frameBytes int) error {
	want := deadlineBegun
	if frameBytes > 0 {
		want = deadlineSized
	}
	if r.deadline >= want {
		return nil
	}
	r.deadline = want
	slowest := time.Duration(frameBytes) * time.Second / slowestBytes
	return r.from.SetReadDeadline(time.Now().Add(r.timeout + slowest))
}

// rest lifts the deadline when the frame is there.
func (r *frameReader) rest() error {
	if r.deadline == deadlineNone {
		return nil
	}
	r.deadline = deadlineNone
	return r.from.SetReadDeadline(time.Time{})
}

// unfinished turns the end of a stream within a frame into an error.
func unfinished(err error) error {
	if err == io.EOF { //nolint:errorlint // as io.Reader has it
		return io.ErrUnexpectedEOF
	}
	return err
}
