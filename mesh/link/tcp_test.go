package link

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"ganglion/mesh/secret"
)

// The tests of this file use real TCP, on loopback alone.

const (
	kindEcho Kind = 7
	kindNote Kind = 8
)

func echo(m Message) { _ = m.Reply(m.Payload) }

// handles prepares a node with a handler.
func handles(t testing.TB, kind Kind, maxBytes int, handler Handler) options {
	t.Helper()
	return options{prepare: func(n *node) {
		if err := n.Handle(kind, maxBytes, handler); err != nil {
			t.Error(err)
		}
	}}
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// TestTCPReconnectedBeforeToldGone has a peer back before libp2p has told that its connection is
// gone: the opener found nobody connected and ended, no event started another, and the link was
// down for good although everything else went on.
func TestTCPReconnectedBeforeToldGone(t *testing.T) {
	a, b := pair(t, options{}, options{})
	id, err := b.Self().Peer()
	if err != nil {
		t.Fatal(err)
	}
	conns := a.Libp2p().Network().ConnsToPeer(id)
	a.connected(a.Libp2p().Network(), conns[0]) // what comes, before what is gone is told
	for _, c := range conns {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the link is down", func() bool { return !a.Up(b.Self()) })
	link, err := a.link(b.Self())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // the opener looks around as often, or ends
		link.mu.Lock()
		opening := link.opening
		link.mu.Unlock()
		if !opening {
			break
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
	if err := b.Connect(within(t), a.Self()); err != nil && !errors.Is(err, ErrNoAddress) {
		t.Fatal(err)
	}
	if err := a.Connect(within(t), b.Self()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the link is up again", func() bool { return a.Up(b.Self()) })
}

// TestTCPRequest is the ordinary life of a link, in both directions, and each way in
// which a request is refused.
func TestTCPRequest(t *testing.T) {
	refuse := func(m Message) { _ = m.Refuse("no view here") }
	a, b := pair(t, handles(t, kindEcho, 1000, echo), handles(t, kindEcho, 1000, echo))
	if err := b.Handle(kindNote, 10, refuse); err != nil {
		t.Fatal(err)
	}
	ctx := within(t)
	for _, end := range []struct{ from, to *node }{{a, b}, {b, a}} {
		got, err := end.from.Request(ctx, end.to.Self(), kindEcho, []byte("hello"), 100)
		if err != nil || string(got) != "hello" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	tests := []struct {
		name     string
		kind     Kind
		payload  int
		maxReply int
		status   Status // 0: it is refused here, for the reply's size
	}{
		{"reply over its limit", kindEcho, 5, 4, StatusOK},
		{"request over its limit", kindEcho, 1001, 2000, StatusTooLarge},
		{"much over", kindEcho, 1 << 20, 1 << 20, StatusTooLarge},
		{"unknown kind", 99, 5, 5, StatusUnknown},
		{"unknown kind without payload", 99, 0, 5, StatusUnknown},
		{"refused by the handler", kindNote, 5, 5, StatusRefused},
	}
	for _, tt := range tests {
		_, err := a.Request(ctx, b.Self(), tt.kind, make([]byte, tt.payload), tt.maxReply)
		size, refused := (*SizeError)(nil), (*RefusedError)(nil)
		switch {
		case tt.status == StatusOK && errors.As(err, &size):
		case tt.status != StatusOK && errors.As(err, &refused) && refused.Status == tt.status:
		default:
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
	if got, want := b.Health(a.Self()).Refused, (Refusals{Unknown: 2, TooLarge: 2}); got != want {
		t.Errorf("got refusals %+v, want %+v", got, want)
	}
	if err := b.Limit(kindEcho, 1001); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Request(ctx, b.Self(), kindEcho, make([]byte, 1001), 2000); err != nil || len(got) != 1001 {
		t.Errorf("after raising the limit: got %d bytes, %v", len(got), err)
	}
}

// TestTCPHealth shows what the election relies on: that acknowledgements and round
// trips are seen, without any traffic of the application's making.
func TestTCPHealth(t *testing.T) {
	got := make(chan int, 100)
	quick := func(c *LinksConfig) { c.ProbeInterval, c.AcknowledgeDelay = 10*time.Millisecond, time.Millisecond }
	b := handles(t, kindNote, 10, func(m Message) { got <- len(m.Payload) })
	b.links = quick
	x, y := pair(t, options{links: quick}, b)
	first := x.Health(y.Self())
	if !first.Up || first.Since.IsZero() {
		t.Errorf("got %+v", first)
	}
	eventually(t, "probes were acknowledged and measured", func() bool {
		h := x.Health(y.Self())
		return h.Acknowledged.After(first.Acknowledged) && h.RoundTrip.Samples > 3 &&
			h.RoundTrip.Best > 0 && h.RoundTrip.Best <= h.RoundTrip.P99 && h.RoundTrip.P99 < patience
	})
	for n := range 10 {
		if err := x.Send(y.Self(), kindNote, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Flush(within(t)); err != nil {
		t.Error(err)
	}
	for n := range 10 {
		if size := receive(t, got, "a frame"); size != n {
			t.Errorf("frame %d has %d bytes: out of order", n, size)
		}
	}
	if h := (*Links).Health(y.Links, "nobody"); h != (Health{}) {
		t.Errorf("a stranger: got %+v", h)
	}
}

// TestTCPSlowPeer has a peer whose handler is stuck: sending to it must never block,
// its queue must fill and say so, and other peers must not notice.
func TestTCPSlowPeer(t *testing.T) {
	stuck := make(chan struct{})
	arrived := make(chan struct{}, 1)
	release := sync.OnceFunc(func() { close(stuck) })
	var count int
	slow := handles(t, kindNote, 100_000, func(Message) {
		if count++; count == 1 {
			arrived <- struct{}{}
		}
		<-stuck
	})
	x, y := pair(t, options{}, slow)
	t.Cleanup(release) // before the nodes are stopped, which wait for handlers
	z := start(t, handles(t, kindEcho, 100, echo))
	introduce(t, x.Host, z.Host)
	ctx := within(t)
	await(t, x.Links, z.Self())

	var err error
	sent := 0
	for ; err == nil; sent++ {
		err = x.Send(y.Self(), kindNote, make([]byte, 50_000))
	}
	if !errors.Is(err, ErrQueueFull) {
		t.Fatalf("after %d frames: got %v, want %v", sent, err, ErrQueueFull)
	}
	receive(t, arrived, "the first frame")
	h := x.Health(y.Self())
	if h.Waiting.IsZero() || h.Unacknowledged == 0 || h.QueuedBytes == 0 || h.QueuedBytes > DefaultLinks().QueueBytes {
		t.Errorf("got %+v", h)
	}
	if got, err := x.Request(ctx, z.Self(), kindEcho, []byte("still there"), 100); err != nil || string(got) != "still there" {
		t.Errorf("another peer: got %q, %v", got, err)
	}
	release()
	if err := x.Flush(ctx); err != nil {
		t.Error(err)
	}
	if count != sent-1 {
		t.Errorf("%d frames arrived of %d", count, sent-1)
	}
}

// TestTCPLateReplies answers requests in reverse, from elsewhere, and too late.
func TestTCPLateReplies(t *testing.T) {
	requests := make(chan Message, 10)
	x, y := pair(t, options{}, handles(t, kindEcho, 100, func(m Message) {
		m.Payload = slices.Clone(m.Payload)
		requests <- m
	}))
	ctx := within(t)
	var answers [3]string
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			got, err := x.Request(ctx, y.Self(), kindEcho, []byte{byte('a' + i)}, 10)
			if err != nil {
				t.Error(err)
			}
			answers[i] = string(got)
		})
	}
	kept := []Message{receive(t, requests, "a request"), receive(t, requests, "a request"), receive(t, requests, "a request")}
	for _, m := range slices.Backward(kept) {
		if err := m.Reply(m.Payload); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if answers != [3]string{"a", "b", "c"} {
		t.Errorf("got %q", answers)
	}

	short, cancel := context.WithCancel(ctx)
	given := make(chan error, 1)
	go func() {
		_, err := x.Request(short, y.Self(), kindEcho, []byte("x"), 10)
		given <- err
	}()
	late := receive(t, requests, "a request")
	cancel()
	if err := receive(t, given, "giving up"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := late.Reply([]byte("too late")); err != nil {
		t.Error(err)
	}
	eventually(t, "the late reply was counted", func() bool { return x.Health(y.Self()).Refused.Late == 1 })
	if !x.Up(y.Self()) {
		t.Error("a late reply ended the link")
	}
	go func() { (<-requests).session.end(ErrClosed) }()
	if _, err := x.Request(ctx, y.Self(), kindEcho, nil, 10); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a link that ended: got %v, want %v", err, ErrUnreachable)
	}
}

// TestTCPReconnect ends a connection under a kept peer: both sides hear of it, and
// it comes back by itself.
func TestTCPReconnect(t *testing.T) {
	x, y := pair(t, options{}, handles(t, kindEcho, 100, echo))
	if up := receive(t, x.events, "the first event"); !up.Up || up.Peer != y.Self() {
		t.Errorf("got %+v", up)
	}
	receive(t, y.events, "the first event")
	if err := x.Keep(y.Self()); err != nil {
		t.Fatal(err)
	}
	if err := x.Disconnect(y.Self()); err != nil {
		t.Fatal(err)
	}
	if here := receive(t, x.events, "our own end"); here.Up || here.Broken {
		t.Errorf("who ended it: got %+v", here)
	}
	if there := receive(t, y.events, "the other's end"); there.Up || !there.Broken {
		t.Errorf("who lost it: got %+v", there)
	}
	if back := receive(t, x.events, "its return"); !back.Up {
		t.Errorf("got %+v", back)
	}
	if got, err := x.Request(within(t), y.Self(), kindEcho, []byte("again"), 10); err != nil || string(got) != "again" {
		t.Errorf("got %q, %v", got, err)
	}
	x.Release(y.Self())
}

// TestTCPReopen ends the stream alone: the side whose part it is opens another.
func TestTCPReopen(t *testing.T) {
	for _, side := range []string{"opener", "accepter"} {
		t.Run(side, func(t *testing.T) {
			x, y := pair(t, options{}, handles(t, kindEcho, 100, echo))
			ender, other := x, y
			if side == "accepter" {
				ender, other = y, x
			}
			receive(t, ender.events, "the first event")
			receive(t, other.events, "the first event")
			ender.session(other.Self()).end(ErrClosed)
			if here := receive(t, ender.events, "the end"); here.Up || here.Broken {
				t.Errorf("who ended it: got %+v", here)
			}
			if there := receive(t, other.events, "the end"); there.Up || !there.Broken {
				t.Errorf("who lost it: got %+v", there)
			}
			if got, err := x.Request(within(t), y.Self(), kindEcho, []byte("again"), 10); err != nil || string(got) != "again" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// TestTCPGreaterDials has only the peer with the greater ID know the other: it must
// not wait for ever for the other to dial.
func TestTCPGreaterDials(t *testing.T) {
	first, second := orderedIdentities(t)
	x, y := start(t, options{identity: first}), start(t, options{identity: second})
	introduce(t, y.Host, x.Host)
	if err := y.Keep(x.Self()); err != nil {
		t.Fatal(err)
	}
	await(t, x.Links, y.Self())
	eventually(t, "one connection is left", func() bool { return len(y.Libp2p().Network().Conns()) == 1 })
}

// TestTCPSimultaneous has both sides learn of one another at once, many times over:
// while the greater yields, there is one connection to each, not two.
func TestTCPSimultaneous(t *testing.T) {
	nodes := make([]*node, 5)
	for i := range nodes {
		// So long that a busy machine changes nothing.
		nodes[i] = start(t, options{host: func(c *Config) { c.YieldMin, c.YieldMax = time.Hour, time.Hour }})
	}
	for _, a := range nodes {
		for _, b := range nodes {
			if a != b {
				introduce(t, a.Host, b.Host)
			}
		}
	}
	for _, a := range nodes {
		for _, b := range nodes {
			if err := a.Keep(b.Self()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, a := range nodes {
		for _, b := range nodes {
			if a != b {
				await(t, a.Links, b.Self())
			}
		}
	}
	for _, a := range nodes {
		// A second address that was dialled as well may take a moment to go.
		eventually(t, "one connection to each is left", func() bool {
			return len(a.Libp2p().Network().Conns()) == len(nodes)-1
		})
		if got := len(a.Peers()); got != len(nodes)-1 {
			t.Errorf("got %d peers, want %d", got, len(nodes)-1)
		}
	}
}

// TestTCPUnreachable names why a peer cannot be had.
func TestTCPUnreachable(t *testing.T) {
	x := start(t, options{host: func(c *Config) { c.DialTimeout, c.YieldMin, c.YieldMax = patience, 0, 0 }})
	foreign := start(t, options{keys: secret.NewToken().Keys(), host: func(c *Config) { c.DialTimeout = 500 * time.Millisecond }})
	gone := start(t, options{})
	free, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	nobody := netip.MustParseAddrPort(free.Addr().String())
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := within(t)
	tests := []struct {
		name      string
		peer      Peer
		addresses []netip.AddrPort
		want      error
	}{
		{"no address", identity(t).ID(), nil, ErrNoAddress},
		{"nobody listens", identity(t).ID(), []netip.AddrPort{nobody}, ErrUnreachable},
		{"an address off the interface", identity(t).ID(), []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:4801")}, ErrUnreachable},
		{"another mesh", foreign.Self(), foreign.Addresses(), ErrNotOurMesh},
		{"another peer at the address", identity(t).ID(), gone.Addresses(), ErrUnreachable},
		{"itself", x.Self(), nil, ErrSelf},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := x.AddAddresses(tt.peer, tt.addresses, time.Hour); err != nil {
				t.Fatal(err)
			}
			if err := x.ConnectNow(ctx, tt.peer); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err := x.Send(tt.peer, kindNote, nil); !errors.Is(err, ErrUnreachable) {
				t.Errorf("send: got %v, want %v", err, ErrUnreachable)
			}
		})
	}
	if _, err := x.Identify(ctx, foreign.Addresses()[0]); !errors.Is(err, ErrNotOurMesh) {
		t.Errorf("identify another mesh: got %v, want %v", err, ErrNotOurMesh)
	}
	if _, err := x.Identify(ctx, nobody); err == nil || errors.Is(err, ErrNotOurMesh) {
		t.Errorf("identify nobody: got %v", err)
	}
	if got, err := x.Identify(ctx, gone.Addresses()[0]); err != nil || got != gone.Self() {
		t.Errorf("identify: got %v, %v, want %v", got, err, gone.Self())
	}
	if _, err := x.Identify(ctx, x.Addresses()[0]); !errors.Is(err, ErrSelf) {
		t.Errorf("identify itself: got %v, want %v", err, ErrSelf)
	}
	if _, err := x.Identify(ctx, netip.MustParseAddrPort("192.0.2.1:4801")); err == nil {
		t.Error("identify off the interface: got no error")
	}
}

// TestTCPDenied removes a peer: connections end, and none come about from either
// side.
func TestTCPDenied(t *testing.T) {
	x, y := pair(t, options{}, options{})
	receive(t, x.events, "the first event")
	introduce(t, y.Host, x.Host)
	if err := y.Deny([]Peer{x.Self()}); err != nil {
		t.Fatal(err)
	}
	if down := receive(t, x.events, "the end"); down.Up {
		t.Errorf("got %+v", down)
	}
	ctx := within(t)
	if err := y.Connect(ctx, x.Self()); !errors.Is(err, ErrDenied) {
		t.Errorf("got %v, want %v", err, ErrDenied)
	}
	// The one that is denied may take itself for connected: no answer shows it.
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if err := x.Await(short, y.Self()); err == nil {
		t.Error("a denied peer got a link")
	}
	if err := y.Deny(nil); err != nil {
		t.Fatal(err)
	}
	await(t, x.Links, y.Self())
}

// TestTCPOtherProtocol meets a peer of another version.
func TestTCPOtherProtocol(t *testing.T) {
	first, second := orderedIdentities(t)
	x := start(t, options{identity: first})
	y := start(t, options{identity: second, links: func(c *LinksConfig) { c.Protocol = "/ganglion/link/2" }})
	introduce(t, x.Host, y.Host)
	ctx := within(t)
	if err := x.Connect(ctx, y.Self()); err != nil {
		t.Fatal(err)
	}
	_, err := x.Open(ctx, y.Self(), DefaultProtocol)
	if !errors.Is(err, ErrOtherProtocol) {
		t.Errorf("got %v, want %v", err, ErrOtherProtocol)
	}
}

// TestTCPPortTaken starts two nodes that want one port: they must not share it.
func TestTCPPortTaken(t *testing.T) {
	x := start(t, options{})
	port := x.Addresses()[0].Port()
	y := start(t, options{host: func(c *Config) { c.Port = port }})
	if got := y.Addresses(); len(got) == 0 || got[0].Port() == port {
		t.Errorf("got %v beside %v", got, x.Addresses())
	}
	for _, a := range slices.Concat(x.Addresses(), y.Addresses()) {
		if !a.Addr().IsLoopback() {
			t.Errorf("listens on %v, restricted to loopback", a)
		}
	}
}

// TestTCPRawStreams carries a protocol of its own, as membership does.
func TestTCPRawStreams(t *testing.T) {
	const name = "/ganglion/test/1"
	x, y := start(t, options{}), start(t, options{})
	introduce(t, x.Host, y.Host)
	accepted := make(chan *Stream, 1)
	y.Accept(name, func(s *Stream) { accepted <- s })
	before := x.Traffic()
	s, err := x.Open(within(t), y.Self(), name)
	if err != nil {
		t.Fatal(err)
	}
	payload := bytes.Repeat([]byte("0123456789"), 1000)
	if _, err := s.Write(payload); err != nil {
		t.Fatal(err)
	}
	other := receive(t, accepted, "the stream")
	got := make([]byte, len(payload))
	for n := 0; n < len(got); {
		k, err := other.Read(got[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += k
	}
	if !bytes.Equal(got, payload) || s.Peer() != y.Self() || other.RemoteAddr().String() != string(x.Self()) || other.LocalAddr().Network() != "ganglion" {
		t.Errorf("got %d bytes from %v to %v", len(got), other.RemoteAddr(), other.LocalAddr())
	}
	eventually(t, "what the socket has written is counted", func() bool {
		traffic := x.Traffic().Sub(before)
		ours := traffic.Protocols[name]
		return ours.SentBytes >= uint64(len(payload)) && traffic.Socket.SentBytes > ours.SentBytes
	})
	if err := errors.Join(s.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	y.Accept(name, nil)
}

// TestTCPConcurrent sends from many goroutines in both directions at once: every
// frame arrives once, and those of one sender in order.
func TestTCPConcurrent(t *testing.T) {
	const senders, frames = 8, 500
	var mu sync.Mutex
	last := make(map[uint32]uint32)
	done := make(chan struct{})
	total := 0
	x, y := pair(t, options{}, handles(t, kindNote, 8, func(m Message) {
		sender, n := binary.BigEndian.Uint32(m.Payload), binary.BigEndian.Uint32(m.Payload[4:])
		mu.Lock()
		defer mu.Unlock()
		if n != last[sender]+1 {
			t.Errorf("sender %d: frame %d after %d", sender, n, last[sender])
		}
		last[sender] = n
		if total++; total == senders*frames {
			close(done)
		}
	}))
	if err := x.Handle(kindEcho, 100, echo); err != nil {
		t.Fatal(err)
	}
	ctx := within(t)
	var wg sync.WaitGroup
	for sender := range uint32(senders) {
		wg.Go(func() {
			for n := range uint32(frames) {
				var payload [8]byte
				binary.BigEndian.PutUint32(payload[:], sender)
				binary.BigEndian.PutUint32(payload[4:], n+1)
				if err := x.Send(y.Self(), kindNote, payload[:]); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range frames / 10 {
				if _, err := y.Request(ctx, x.Self(), kindEcho, []byte{byte(sender)}, 10); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	receive(t, done, "all frames")
}
