package link

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// hostile is a peer written by hand: it has the mesh's secret and opens the links'
// stream, and from there it does what it likes.
type hostile struct {
	*Host
	victim *node
	friend *node // of the victim, and honest
}

// besiege starts a victim with a short temper, its friend, and a hostile peer.
func besiege(t *testing.T) *hostile {
	t.Helper()
	first, second := orderedIdentities(t)
	o := handles(t, kindEcho, 100, echo)
	o.identity = second
	o.links = func(c *LinksConfig) {
		// A frame of an honest peer may take a while on a busy machine.
		c.FrameTimeout, c.Penalty = time.Second, 50*time.Millisecond
	}
	victim := start(t, o)
	friend := start(t, options{})
	introduce(t, friend.Host, victim.Host)
	await(t, friend.Links, victim.Self())
	config := loopback()
	h, err := New(config, first, testKeys(), victim.Host.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	introduce(t, h, victim.Host)
	return &hostile{h, victim, friend}
}

// open opens a stream and gets it up, as an honest peer would.
func (h *hostile) open(t *testing.T) *Stream {
	t.Helper()
	s, err := h.Open(within(t), h.victim.Self(), DefaultProtocol)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *hostile) openUp(t *testing.T) *Stream {
	t.Helper()
	s := h.open(t)
	if _, err := s.Write(appendFrame(nil, header{probe: true}, nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, 100)); err != nil {
		t.Fatalf("no acknowledgement: %v", err)
	}
	return s
}

// TestTCPHostileStream sends what no peer should. Every time the victim must end the
// stream, count it, and go on serving its friend.
func TestTCPHostileStream(t *testing.T) {
	frame := func(h header, payload []byte) []byte { return appendFrame(nil, h, payload) }
	tests := []struct {
		name string
		up   bool // after an honest beginning
		send []byte
		ends bool // it closes its side then
		want Refusals
	}{
		{"oversized varint", true, bytes.Repeat([]byte{0xff}, 10), false, Refusals{Malformed: 1}},
		{"length beyond all", true, protowire.AppendVarint(nil, 1<<27), false, Refusals{Malformed: 1}},
		{"length zero", true, []byte{0}, false, Refusals{Malformed: 1}},
		{"garbage", true, []byte("GET / HTTP/1.1\r\nHost: victim\r\n\r\n" + strings.Repeat("x", 200)), false, Refusals{Malformed: 1}},
		{"garbage at once", false, bytes.Repeat([]byte{0xa5, 0x5a, 0x13}, 100), false, Refusals{Malformed: 1}},
		{"no probe first", false, frame(header{kind: kindEcho}, []byte("x")), false, Refusals{Malformed: 1}},
		{"acknowledges what was not sent", true, frame(header{acknowledged: 1000}, nil), false, Refusals{Malformed: 1}},
		{"ends within a frame", true, frame(header{kind: kindEcho}, make([]byte, 50))[:20], true, Refusals{Malformed: 1}},
		{"slow: nothing at all", false, nil, false, Refusals{Slow: 1}},
		{"slow: half a length", true, []byte{0xff}, false, Refusals{Slow: 1}},
		{"slow: a frame that never comes", true, frame(header{kind: kindEcho}, make([]byte, 100))[:50], false, Refusals{Slow: 1}},
	}
	h := besiege(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := h.victim.Health(h.Self()).Refused
			eventually(t, "the penalty is over", func() bool {
				k, err := h.victim.link(h.Self())
				return err == nil && k.penalty() == 0
			})
			var s *Stream
			if tt.up {
				s = h.openUp(t)
			} else {
				s = h.open(t)
			}
			// An empty write still makes the stream known to the other side.
			if _, err := s.Write(tt.send); err != nil {
				t.Fatal(err)
			}
			if tt.ends {
				if err := s.CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := io.Copy(io.Discard, s); err == nil && !tt.ends {
				t.Error("the stream was closed gracefully, not reset")
			}
			eventually(t, "it is counted", func() bool {
				got := h.victim.Health(h.Self()).Refused
				return got.Malformed-before.Malformed == tt.want.Malformed && got.Slow-before.Slow == tt.want.Slow
			})
			h.friendIsServed(t)
		})
	}
}

// friendIsServed asks the victim something on behalf of its friend.
func (h *hostile) friendIsServed(t *testing.T) {
	t.Helper()
	if got, err := h.friend.Request(within(t), h.victim.Self(), kindEcho, []byte("all right?"), 100); err != nil || string(got) != "all right?" {
		t.Errorf("the friend: got %q, %v", got, err)
	}
}

// TestTCPHostileFrames sends well-formed frames that are not wanted, many of them:
// the link goes on, they are counted, requests among them are answered with why.
func TestTCPHostileFrames(t *testing.T) {
	h := besiege(t)
	s := h.openUp(t)
	const flood = 1000
	big := make([]byte, 101)
	for range flood {
		b := appendFrame(nil, header{kind: 4242}, []byte("unknown"))
		b = appendFrame(b, header{kind: kindEcho}, big)
		b = appendFrame(b, header{kind: kindEcho, reply: 99}, []byte("nobody asked"))
		if _, err := s.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	// The largest frame there can be, of a kind that takes 100 bytes.
	if _, err := s.Write(appendFrame(nil, header{kind: kindEcho, request: 5}, make([]byte, PayloadBytesMax))); err != nil {
		t.Fatal(err)
	}
	r, err := newFrameReader(s, patience, func(header, int) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	for {
		f, err := r.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.kind == 0 {
			continue
		}
		if f.reply != 5 || f.status != StatusTooLarge {
			t.Errorf("got %+v", f.header)
		}
		break
	}
	if got, want := h.victim.Health(h.Self()).Refused, (Refusals{Unknown: flood, TooLarge: flood + 1, Late: flood}); got != want {
		t.Errorf("got refusals %+v, want %+v", got, want)
	}
	if !h.victim.Up(h.Self()) {
		t.Error("the link went down")
	}
	h.friendIsServed(t)
}

// TestTCPHostileNeverReads asks without reading the answers: the victim's queue must
// stay bounded, and the rest of it alive.
func TestTCPHostileNeverReads(t *testing.T) {
	h := besiege(t)
	s := h.openUp(t)
	request := appendFrame(nil, header{kind: kindEcho, request: 1}, make([]byte, 100))
	answered := DefaultLinks().QueueBytes * 4 / len(request)
	for range answered {
		if _, err := s.Write(request); err != nil {
			t.Fatal(err)
		}
	}
	probe := bytes.Repeat(appendFrame(nil, header{probe: true}, nil), answered)
	if _, err := s.Write(probe); err != nil {
		t.Fatal(err)
	}
	eventually(t, "answers wait", func() bool { return h.victim.Health(h.Self()).QueuedBytes > 0 })
	h.friendIsServed(t)
	if got := h.victim.Health(h.Self()); got.QueuedBytes > DefaultLinks().QueueBytes {
		t.Errorf("%d bytes are queued", got.QueuedBytes)
	}
}

// TestTCPHostileOpener has a peer open the stream that is not its to open, and open
// it over and over.
func TestTCPHostileOpener(t *testing.T) {
	h := besiege(t)
	for range 50 {
		h.openUp(t) // the older ones are replaced
	}
	eventually(t, "one link is left", func() bool {
		n := 0
		for _, c := range h.victim.Libp2p().Network().Conns() {
			for _, s := range c.GetStreams() {
				if c.RemotePeer().String() == string(h.Self()) && s.Protocol() == DefaultProtocol {
					n++
				}
			}
		}
		return n <= 1
	})
	h.friendIsServed(t)

	first, second := orderedIdentities(t)
	victim := start(t, options{identity: first})
	bad, err := New(loopback(), second, testKeys(), victim.Host.log)
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	introduce(t, bad, victim.Host)
	s, err := bad.Open(within(t), victim.Self(), DefaultProtocol)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.Write(appendFrame(nil, header{probe: true}, nil)) // it may be reset already
	if _, err := s.Read(make([]byte, 1)); err == nil {
		t.Error("a stream from the greater ID was served")
	}
}

// TestTCPHostileStranger has no secret: raw TCP that says nothing, or garbage, must
// cost little and be gone soon.
func TestTCPHostileStranger(t *testing.T) {
	victim := start(t, options{
		host:    func(c *Config) { c.DialTimeout = 300 * time.Millisecond },
		prepare: func(n *node) { _ = n.Handle(kindEcho, 100, echo) },
	})
	tests := []struct {
		name string
		send []byte
	}{
		{"silence", nil},
		{"garbage", bytes.Repeat([]byte("\x13multistream"), 1000)},
		{"the protocol without its secret", []byte("\x13/multistream/1.0.0\n\x07/noise\n")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conns := make([]net.Conn, 20)
			for i := range conns {
				c, err := net.Dial("tcp", victim.Addresses()[0].String()) //nolint:noctx // of a test
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = c.Close() })
				_, _ = c.Write(tt.send) // it may be reset already
				conns[i] = c
			}
			for _, c := range conns {
				if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("the connection is still there")
				}
			}
		})
	}
	friend := start(t, options{})
	introduce(t, friend.Host, victim.Host)
	// On a busy machine an honest peer too may be too slow for so short a temper, and dials again.
	eventually(t, "the friend is served", func() bool {
		_, err := friend.Request(within(t), victim.Self(), kindEcho, []byte("x"), 10)
		return err == nil
	})
}

// TestTCPReplacedWhileStuck has a peer open a third stream while the second still waits for the
// first to end, which takes as long as a network that was cut lets it. The third once came up
// while the first was the link's, and the node died of it.
func TestTCPReplacedWhileStuck(t *testing.T) {
	h := besiege(t)
	h.openUp(t)
	k, err := h.victim.link(h.Self())
	if err != nil {
		t.Fatal(err)
	}
	stuck := k.current.Load()
	stuck.mu.Lock()
	stuck.err = errReplaced // its end has begun
	stuck.mu.Unlock()

	latest := func() *session {
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.latest
	}
	var last *Stream
	for range 2 {
		before := latest()
		last = h.open(t)
		if _, err := last.Write(appendFrame(nil, header{probe: true}, nil)); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the stream is the latest", func() bool { return latest() != before })
	}
	h.friendIsServed(t)
	if k.current.Load() != stuck {
		t.Error("another stream is up before the first has ended")
	}

	close(stuck.done)
	h.victim.fell(stuck, errReplaced)
	close(stuck.over)
	if _, err := last.Read(make([]byte, 100)); err != nil {
		t.Errorf("the last stream is not up after the first has ended: %v", err)
	}
}
