package benchmesh

import (
	"encoding/binary"
	"fmt"
	"io"
)

// frameMost bounds a frame of the floor, in bytes of payload.
const frameMost = 64 << 10

// frameHead is the length of a frame's length.
const frameHead = 4

// appendFrame appends a frame: the length of a payload, big-endian, and the payload.
func appendFrame(dst, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	return append(dst, payload...)
}

// readFrame reads the payload of a frame into buf, which it grows where it must.
func readFrame(r io.Reader, buf []byte) ([]byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > frameMost {
		return nil, fmt.Errorf("read frame: %d bytes are more than %d", n, frameMost)
	}
	if cap(buf) < int(n) {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	return buf, nil
}
