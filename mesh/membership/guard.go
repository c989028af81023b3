package membership

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// memberlist's message types, as far as they may pass.
const (
	messagePing         = 0
	messageIndirectPing = 1
	messageAck          = 2
	messageSuspect      = 3
	messageAlive        = 4
	messageDead         = 5
	messagePushPull     = 6
	messageCompound     = 7
	messageNack         = 11
	messageChecksum     = 12
	messageError        = 13 // on a stream
)

// checkPacket tells whether a packet may be handed to memberlist: what it would
// unpack, in any depth, or treat as the application's is refused. Compound messages
// do not nest.
func checkPacket(packet []byte) error {
	const checksumBytes = 4
	if len(packet) > 1+checksumBytes && packet[0] == messageChecksum {
		packet = packet[1+checksumBytes:]
	}
	if len(packet) == 0 || packet[0] != messageCompound {
		return checkMessage(packet)
	}
	// A compound is the number of parts, their lengths and they themselves.
	packet = packet[1:]
	if len(packet) == 0 {
		return fmt.Errorf("check packet: compound without a length: %w", ErrMalformed)
	}
	parts := int(packet[0])
	lengths := packet[1:]
	if len(lengths) < 2*parts {
		return fmt.Errorf("check packet: compound of %d parts in %d bytes: %w", parts, len(lengths), ErrMalformed)
	}
	rest := lengths[2*parts:]
	for i := range parts {
		n := int(binary.BigEndian.Uint16(lengths[2*i:]))
		if n > len(rest) {
			return fmt.Errorf("check packet: part of %d bytes where %d are left: %w", n, len(rest), ErrMalformed)
		}
		if err := checkMessage(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func checkMessage(message []byte) error {
	if len(message) == 0 {
		return fmt.Errorf("check packet: empty message: %w", ErrMalformed)
	}
	switch message[0] {
	case messagePing, messageIndirectPing, messageAck, messageSuspect, messageAlive, messageDead, messageNack:
		return nil
	}
	return fmt.Errorf("check packet: message of type %d: %w", message[0], ErrMalformed)
}

// guardedStream is a stream for memberlist whose first bytes are checked before it
// reads them: it makes room for whatever a header announces.
type guardedStream struct {
	net.Conn
	reader  *bufio.Reader
	checked bool
	err     error
	refuse  func(error) // told once of a header that was refused
}

// headerBytesMax is more than the header of any push/pull takes.
const headerBytesMax = 64

func newGuardedStream(s net.Conn, refuse func(error)) *guardedStream {
	return &guardedStream{Conn: s, reader: bufio.NewReader(s), refuse: refuse}
}

// Read reads, from one goroutine at a time.
func (g *guardedStream) Read(p []byte) (int, error) {
	if !g.checked {
		g.checked = true
		malformed := error(nil)
		if malformed, g.err = checkStream(g.reader); malformed != nil {
			g.err = malformed
			g.refuse(malformed)
		}
	}
	if g.err != nil {
		return 0, g.err
	}
	return g.reader.Read(p)
}

// checkStream looks at the head of a stream and takes nothing from it. An error of the
// stream itself is not held against the peer.
func checkStream(r *bufio.Reader) (malformed, failed error) {
	first, err := r.Peek(1)
	if err != nil {
		return nil, err
	}
	switch first[0] {
	case messagePing, messageAck, messageError:
		return nil, nil
	case messagePushPull:
	default:
		return fmt.Errorf("check stream: message of type %d: %w", first[0], ErrMalformed), nil
	}
	header := &peeker{r: r, at: 1}
	announced, err := header.pushPull()
	switch {
	case header.err != nil:
		return nil, header.err
	case err != nil:
		return err, nil
	case announced.nodes > StateNodesMax || announced.userBytes > StateBytesMax:
		return fmt.Errorf("check stream: push/pull of %d nodes and %d bytes, at most %d and %d are allowed: %w",
			announced.nodes, announced.userBytes, StateNodesMax, StateBytesMax, ErrMalformed), nil
	}
	return nil, nil
}

// peeker reads MessagePack ahead of a reader.
type peeker struct {
	r   *bufio.Reader
	at  int
	err error // of the stream
}

type announcement struct{ nodes, userBytes uint64 }

// pushPull reads the header of a push/pull: a map with each of its three keys once.
func (p *peeker) pushPull() (announcement, error) {
	var a announcement
	const mapOf3 = 0x83
	if b := p.take(1); b == nil || b[0] != mapOf3 {
		return a, fmt.Errorf("check stream: push/pull begins with no map of 3: %w", ErrMalformed)
	}
	seen := map[string]bool{}
	for range 3 {
		key := p.text()
		if seen[key] {
			return a, fmt.Errorf("check stream: push/pull repeats %.16q: %w", key, ErrMalformed)
		}
		seen[key] = true
		ok := false
		switch key {
		case "Nodes":
			a.nodes, ok = p.unsigned()
		case "UserStateLen":
			a.userBytes, ok = p.unsigned()
		case "Join":
			const no, yes = 0xc2, 0xc3
			b := p.take(1)
			ok = b != nil && (b[0] == no || b[0] == yes)
		}
		if !ok {
			return a, fmt.Errorf("check stream: push/pull has no valid %.16q: %w", key, ErrMalformed)
		}
	}
	return a, nil
}

// take returns the next bytes, or nil.
func (p *peeker) take(n int) []byte {
	if p.err != nil || p.at+n > headerBytesMax {
		return nil
	}
	b, err := p.r.Peek(p.at + n)
	if err != nil {
		if p.err = err; errors.Is(err, io.EOF) {
			p.err = io.ErrUnexpectedEOF
		}
		return nil
	}
	b = b[p.at:]
	p.at += n
	return b
}

// text reads a string of up to 31 bytes, in the one form that is written.
func (p *peeker) text() string {
	const fixed, mask = 0xa0, 0xe0
	b := p.take(1)
	if b == nil || b[0]&mask != fixed {
		return ""
	}
	return string(p.take(int(b[0] &^ mask)))
}

// unsigned reads an integer that is not negative.
func (p *peeker) unsigned() (uint64, bool) {
	b := p.take(1)
	if b == nil {
		return 0, false
	}
	const (
		fixedMax = 0x7f
		unsigned = 0xcc // of 1, 2, 4 and 8 bytes
		signed   = 0xd0 // the same
		forms    = 4
	)
	switch form := b[0]; {
	case form <= fixedMax:
		return uint64(form), true
	case form >= unsigned && form < unsigned+forms:
		return p.bigEndian(1 << (form - unsigned))
	case form >= signed && form < signed+forms:
		n := 1 << (form - signed)
		v, ok := p.bigEndian(n)
		return v, ok && v>>(8*n-1) == 0
	}
	return 0, false
}

func (p *peeker) bigEndian(n int) (uint64, bool) {
	b := p.take(n)
	if b == nil {
		return 0, false
	}
	v := uint64(0)
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v, true
}
