package link

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"ganglion/mesh/secret"
)

// patience bounds what a test waits for. It is no measure: what is waited for
// happens in milliseconds.
const patience = time.Minute

// node is a host with links on loopback, over real TCP.
type node struct {
	*Host
	*Links
	events chan Event // of the links
}

// loopback returns the configuration of every host in these tests.
func loopback() Config {
	c := DefaultLAN()
	c.Port = 0
	c.Interfaces = []string{loopbackName()}
	c.DialTimeout = patience // a handshake takes long on a busy machine
	return c
}

// loopbackName returns the name of the loopback interface; it differs by system.
func loopbackName() string {
	interfaces, _ := net.Interfaces() // none: the host says that there is no such interface
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	return "lo"
}

type options struct {
	host     func(*Config)
	links    func(*LinksConfig)
	keys     secret.Keys
	identity secret.Identity
	prepare  func(*node)
}

// start starts a node, which ends with the test.
func start(t testing.TB, o options) *node {
	t.Helper()
	config, links := loopback(), DefaultLinks()
	if o.host != nil {
		o.host(&config)
	}
	if o.links != nil {
		o.links(&links)
	}
	if o.keys == (secret.Keys{}) {
		o.keys = testKeys()
	}
	if o.identity.ID() == "" {
		o.identity = identity(t)
	}
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	h, err := New(config, o.identity, o.keys, log)
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLinks(h, links, log)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Host: h, Links: l, events: make(chan Event, 1024)}
	stop := l.Watch(func(e Event) { n.events <- e })
	if o.prepare != nil {
		o.prepare(n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	linksDone, hostDone := make(chan error, 1), make(chan error, 1)
	go func() { linksDone <- l.Run(ctx) }()
	go func() { hostDone <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-linksDone, <-hostDone); err != nil {
			t.Error(err)
		}
		stop()
	})
	return n
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}

func testKeys() secret.Keys {
	return secret.OpenKeys()
}

func identity(t testing.TB) secret.Identity {
	t.Helper()
	id, err := secret.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// ordered returns two identities, the one that dials and opens first.
func orderedIdentities(t testing.TB) (first, second secret.Identity) {
	t.Helper()
	first, second = identity(t), identity(t)
	if second.ID() < first.ID() {
		first, second = second, first
	}
	return first, second
}

// introduce tells a where b is.
func introduce(t testing.TB, a, b *Host) {
	t.Helper()
	if err := a.AddAddresses(b.Self(), b.Addresses(), time.Hour); err != nil {
		t.Fatal(err)
	}
}

// pair returns two nodes whose link is up. The first has the smaller ID.
func pair(t testing.TB, a, b options) (first, second *node) {
	t.Helper()
	a.identity, b.identity = orderedIdentities(t)
	first, second = start(t, a), start(t, b)
	introduce(t, first.Host, second.Host)
	await(t, first.Links, second.Self())
	await(t, second.Links, first.Self())
	return first, second
}

func await(t testing.TB, l *Links, p Peer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := l.Await(ctx, p)
	for ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) { // of the handshake: libp2p gives a near address 5 s, whatever was configured
		err = l.Await(ctx, p)
	}
	if err != nil && !errors.Is(err, ErrNoAddress) {
		t.Fatal(err)
	}
	eventually(t, "the link is up", func() bool { return l.Up(p) }) // the other may know the way
}

// receive returns the next value, or fails the test.
func receive[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}
