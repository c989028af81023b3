package link

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// The tests of this file impair hosts on real TCP, on loopback alone.

// impairable prepares a node whose traffic may be impaired, and that handles notes.
func impairable(t testing.TB, got chan<- string) options {
	t.Helper()
	o := options{host: func(c *Config) { c.Impairable, c.ImpairSeed = true, 1 }}
	o.links = func(c *LinksConfig) { c.ProbeInterval = 20 * time.Millisecond }
	o.prepare = func(n *node) {
		err := errors.Join(n.Handle(kindEcho, 1000, echo), n.Handle(kindNote, 1000, func(m Message) { got <- string(m.Payload) }))
		if err != nil {
			t.Error(err)
		}
	}
	return o
}

// impairablePair returns two such nodes whose link is up and has nothing to tell of yet.
func impairablePair(t testing.TB) (x, y *node, atX, atY chan string) {
	t.Helper()
	atX, atY = make(chan string, 2000), make(chan string, 2000)
	x, y = pair(t, impairable(t, atX), impairable(t, atY))
	receive(t, x.events, "the link of the first")
	receive(t, y.events, "the link of the second")
	return x, y, atX, atY
}

// set impairs a node's traffic, whose log is not the test's.
func set(t testing.TB, n *node, i Impairment) {
	t.Helper()
	if err := n.Impair(i); err != nil {
		t.Fatal(err)
	}
	if got := n.Impairment(); got != i {
		t.Errorf("got impairment %v, want %v", got, i)
	}
}

// TestTCPImpairmentRefused: a host that was not made for it is not impaired, and says
// what to do; nor is one by nonsense, or after its end.
func TestTCPImpairmentRefused(t *testing.T) {
	plain := start(t, options{})
	if err := plain.Impair(Impairment{Cut: true}); !errors.Is(err, ErrNotImpairable) || !strings.Contains(err.Error(), "--allow-chaos") {
		t.Errorf("got %v", err)
	}
	if got := plain.Impairment(); got != (Impairment{}) {
		t.Errorf("got %v", got)
	}
	if plain.meter.wire != nil {
		t.Error("a host that cannot be impaired has its connections wrapped")
	}
	ready := start(t, impairable(t, nil))
	if err := ready.Impair(Impairment{Loss: 2}); err == nil || ready.Impairment() != (Impairment{}) {
		t.Errorf("got %v and %v", err, ready.Impairment())
	}
	if err := ready.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ready.Impair(Impairment{Cut: true}); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: got %v", err)
	}
}

// waits tells whether something that was sent has waited for long.
func waits(from, to *node) bool {
	since := from.Health(to.Self()).Waiting
	return !since.IsZero() && time.Since(since) > 200*time.Millisecond
}

// TestTCPCut: a cut is silence. Frames wait, nobody is told of an end, and when it heals
// all of them arrive, once and in order, in both directions.
func TestTCPCut(t *testing.T) {
	x, y, atX, atY := impairablePair(t)
	set(t, x, Impairment{Cut: true})
	const frames = 500
	for i := range frames {
		err := errors.Join(x.Send(y.Self(), kindNote, fmt.Append(nil, i)), y.Send(x.Self(), kindNote, fmt.Append(nil, i)))
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, end := range []struct{ from, to *node }{{x, y}, {y, x}} {
		eventually(t, "what waits grows old", func() bool { return end.from.Up(end.to.Self()) && waits(end.from, end.to) })
	}
	if len(atX)+len(atY)+len(x.events)+len(y.events) != 0 {
		t.Errorf("through a cut came %d and %d frames, and %d and %d events", len(atX), len(atY), len(x.events), len(y.events))
	}
	set(t, x, Impairment{})
	for i := range frames {
		for _, at := range []chan string{atX, atY} {
			if got := receive(t, at, "a frame that waited"); got != fmt.Sprint(i) {
				t.Fatalf("got frame %s, want %d", got, i)
			}
		}
	}
	if len(x.events)+len(y.events) != 0 {
		t.Errorf("the link broke: %d and %d events", len(x.events), len(y.events))
	}
}

// TestTCPCutDial: a dial from behind a cut ends at its deadline like one that nothing
// answers, and so does one to there; afterwards both work.
func TestTCPCutDial(t *testing.T) {
	short := func(o options) options {
		before := o.host
		o.host = func(c *Config) { before(c); c.DialTimeout = time.Second }
		return o
	}
	x, y := start(t, short(impairable(t, nil))), start(t, short(impairable(t, nil)))
	introduce(t, x.Host, y.Host)
	introduce(t, y.Host, x.Host)
	set(t, x, Impairment{Cut: true})
	err := x.ConnectNow(within(t), y.Self())
	if !errors.Is(err, ErrUnreachable) || !errors.Is(err, ErrNoAnswer) {
		t.Errorf("from behind the cut: got %v", err)
	}
	if err := y.ConnectNow(within(t), x.Self()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("to behind the cut: got %v", err)
	}
	if len(x.Peers())+len(y.Peers()) != 0 {
		t.Errorf("got peers %v and %v", x.Peers(), y.Peers())
	}
	set(t, x, Impairment{})
	eventually(t, "a dial succeeds after the cut", func() bool { return y.ConnectNow(within(t), x.Self()) == nil })
}

// TestTCPCutClose: a connection that is ended behind a cut is over there at once; its peer
// hears of it only when the cut heals.
func TestTCPCutClose(t *testing.T) {
	x, y, _, _ := impairablePair(t)
	set(t, x, Impairment{Cut: true})
	if err := x.Disconnect(y.Self()); err != nil {
		t.Fatal(err)
	}
	if e := receive(t, x.events, "the end, on this side"); e.Up || e.Broken {
		t.Errorf("got %+v", e)
	}
	if err := y.Send(x.Self(), kindNote, []byte("unheard")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what waits grows old", func() bool { return waits(y, x) })
	if len(y.events) != 0 {
		t.Errorf("the peer heard of it: %+v", <-y.events)
	}
	set(t, x, Impairment{})
	if e := receive(t, y.events, "the end, on the other side"); e.Up || !e.Broken {
		t.Errorf("got %+v", e)
	}
}

// TestTCPCutEnd: a host that ends behind a cut ends, with everything that it holds.
func TestTCPCutEnd(t *testing.T) {
	x, y, _, _ := impairablePair(t)
	set(t, x, Impairment{Cut: true})
	if err := x.Disconnect(y.Self()); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Errorf("got %v", err)
	}
	if e := receive(t, y.events, "the end, as of a process"); e.Up || !e.Broken {
		t.Errorf("got %+v", e)
	}
}

// TestTCPSlow: the delay is in the measured round trip, once, and healing takes it away.
func TestTCPSlow(t *testing.T) {
	const delay = 150 * time.Millisecond
	x, y, _, _ := impairablePair(t)
	trip := func() time.Duration {
		began := time.Now()
		if _, err := x.Request(within(t), y.Self(), kindEcho, []byte("?"), 10); err != nil {
			t.Fatal(err)
		}
		return time.Since(began)
	}
	set(t, x, Impairment{Delay: delay})
	for range 3 {
		if took := trip(); took < delay {
			t.Errorf("a round trip took %v, the delay is %v", took, delay)
		}
	}
	// The busiest machine has a round trip in which nothing else was waited for.
	eventually(t, "the delay is counted once", func() bool { return trip() < 2*delay })
	eventually(t, "the link has measured it", func() bool {
		return x.Health(y.Self()).RoundTrip.P99 >= delay
	})
	set(t, x, Impairment{})
	eventually(t, "round trips are short again", func() bool { return trip() < delay })
}

// TestTCPLossy: with losses round trips grow, and everything arrives once and in order.
func TestTCPLossy(t *testing.T) {
	x, y, _, atY := impairablePair(t)
	set(t, x, Impairment{Loss: 0.1})
	const frames = 100
	for i := range frames {
		if err := x.Send(y.Self(), kindNote, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range frames {
		if got := receive(t, atY, "a frame"); got != fmt.Sprint(i) {
			t.Fatalf("got frame %s, want %d", got, i)
		}
	}
	eventually(t, "a round trip has met a loss", func() bool {
		_, err := x.Request(within(t), y.Self(), kindEcho, []byte("?"), 10)
		return err == nil && x.Health(y.Self()).RoundTrip.P99 >= timeoutFirst
	})
	if len(x.events)+len(y.events) != 0 {
		t.Errorf("the link broke: %d and %d events", len(x.events), len(y.events))
	}
}

// TestTCPCutStrangers: connections that come while the wire is cut wait unread, and are
// neither answered nor refused.
func TestTCPCutStrangers(t *testing.T) {
	x := start(t, impairable(t, nil))
	set(t, x, Impairment{Cut: true})
	const strangers = 20
	for range strangers {
		c, err := net.Dial("tcp", x.Addresses()[0].String()) //nolint:noctx // of a test
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() }) // nothing is lost with it
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Error(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(c); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want silence", err)
		}
	}
	if n := len(x.meter.sockets); n != 0 {
		t.Errorf("%d connections were taken in", n)
	}
}
