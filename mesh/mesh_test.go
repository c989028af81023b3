package mesh

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/mesh/membership"
	"ganglion/mesh/secret"

	"github.com/libp2p/go-libp2p/core/protocol"
)

// idle returns a mesh that does not run.
func (e ether) idle(t testing.TB) *Mesh {
	t.Helper()
	identity, err := secret.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(e.config(t, "idle"), identity, e.keys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

const kindEcho Kind = 7

// TestByBeacon: nodes that know nothing of one another find one another, and then can
// do all that a mesh is for.
func TestByBeacon(t *testing.T) {
	links := make(chan link.Event, 100)
	nodes := newEther(t).mesh(t, 3, func(m *Mesh) {
		m.OnLink(func(e link.Event) { tell(links, e) })
		if err := m.Handle(kindEcho, 100, func(got Message) { _ = got.Reply(got.Payload) }); err != nil {
			t.Error(err)
		}
		if err := m.SetRecord([]byte("record of " + string(m.Self()))); err != nil {
			t.Error(err)
		}
	})
	await(t, links, "event of a link", func(e link.Event) bool { return e.Up && e.Peer == nodes[0].Self() })
	await(t, nodes[0].heard, "candidate", func(h Heard) bool {
		return h.Kind == HeardCandidate && h.Way == discovery.Beacon && h.Peer == nodes[2].Self() && h.Name == "node-2" && h.Interface != ""
	})
	for _, n := range nodes {
		for _, other := range nodes {
			if n == other {
				continue
			}
			got, err := n.Request(within(t), other.Self(), kindEcho, []byte("hello"), 100)
			if err != nil || string(got) != "hello" {
				t.Errorf("got %q, %v", got, err)
			}
			n.until(t, "told of the others' records", func() bool {
				return slices.ContainsFunc(n.Members(), func(m Member) bool {
					return m.ID == other.Self() && m.Record != nil && string(m.Record.Payload) == "record of "+string(m.ID)
				})
			})
		}
		s := n.Status()
		warnings := slices.DeleteFunc(s.Warnings, func(w string) bool {
			return strings.HasPrefix(w, "The round trip to ") // a busy machine has long ones
		})
		if len(warnings) != 0 || s.Alone != 0 {
			t.Errorf("got warnings %q", warnings)
		}
		if b := n.Traffic().Beacon; b.SentBytes == 0 || b.ReceivedBytes == 0 {
			t.Errorf("got beacons %+v", b)
		}
	}
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// TestByJoin: an address is enough, where nothing can be broadcast; and after a restart
// with the same folder not even that is needed.
func TestByJoin(t *testing.T) {
	e := newEther(t)
	without := []discovery.Way{discovery.Beacon, discovery.MDNS}
	config := e.config(t, "first")
	config.Without = without
	first := e.start(t, config)
	nodes := []*node{first}
	join := config
	join.Join = []string{place(t, first)}
	identity, err := secret.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	join.Dir = t.TempDir()
	nodes = append(nodes, e.startAs(t, identity, join))
	join.Dir = ""
	nodes = append(nodes, e.start(t, join))
	together(t, nodes...)
	if err := nodes[1].stop(); err != nil {
		t.Fatal(err)
	}
	first.until(t, "told of the leave", func() bool { return first.state(nodes[1]) == membership.StateLeft })
	join.Dir, join.Join = nodes[1].config.Dir, nil
	again := e.startAs(t, identity, join)
	together(t, again, first, nodes[2])
}

// place returns an IPv4 address of the node.
func place(t testing.TB, n *node) string {
	t.Helper()
	for _, a := range n.Addresses() {
		if a.Addr().Is4() {
			return a.String()
		}
	}
	t.Fatalf("no IPv4 address: %v", n.Addresses())
	return ""
}

// TestOtherToken: a node with another token is told of and never gets in, by whatever
// way it tries.
func TestOtherToken(t *testing.T) {
	e := newEther(t)
	nodes := e.mesh(t, 2)
	stranger := ether{secret.NewToken().Keys(), e.port}
	config := e.config(t, "stranger")
	config.Join = []string{place(t, nodes[0])}
	s := stranger.start(t, config)
	heard := await(t, nodes[0].heard, "foreign node", func(h Heard) bool { return h.Kind == HeardForeign })
	if heard.Fingerprint != s.Fingerprint() || heard.Name != "stranger" || heard.Addresses[0].String() != place(t, s) {
		t.Errorf("got %+v", heard)
	}
	for _, n := range []*node{nodes[0], s} {
		n.until(t, "warned of the other mesh", func() bool {
			return slices.ContainsFunc(n.Status().Warnings, func(w string) bool { return strings.Contains(w, "is on this network too") })
		})
	}
	s.until(t, "refused where it wants to join", func() bool {
		return slices.ContainsFunc(s.Status().Warnings, func(w string) bool { return strings.HasPrefix(w, "Joining ") })
	})
	if nodes[0].state(s) != -1 || nodes[0].alive() != 2 || s.alive() != 1 {
		t.Errorf("got members %+v and %+v", nodes[0].Members(), s.Members())
	}
}

// TestDenied: a setting made anywhere removes a member everywhere, holds after a
// restart, and is taken back the same way.
func TestDenied(t *testing.T) {
	e := newEther(t)
	nodes := e.mesh(t, 3)
	bad := nodes[2]
	if err := nodes[0].Settings().Set(DeniedKey, []byte("no member")); err == nil {
		t.Error("a malformed list was taken")
	}
	if err := nodes[0].Settings().Set(DeniedKey, FormatDenied([]MemberID{bad.Self()})); err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes[:2] {
		n.until(t, "rid of the denied member", func() bool {
			return n.state(bad) == -1 && !n.Up(bad.Self()) && !n.host.Connected(bad.Self())
		})
		if got := n.Status(); !slices.Equal(got.Denied, []MemberID{bad.Self()}) || n.admit(bad.Self()) != refusedDenied {
			t.Errorf("got %v", got.Denied)
		}
	}
	bad.until(t, "alone", func() bool { return bad.alive() == 1 })
	if err := nodes[0].Settings().Set(DeniedKey, nil); err != nil {
		t.Fatal(err)
	}
	together(t, nodes...)
}

// TestDeniedFromDisk: the list holds before anybody can connect.
func TestDeniedFromDisk(t *testing.T) {
	e := newEther(t)
	config := e.config(t, "strict")
	config.Dir = t.TempDir()
	identity, err := secret.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	denied := e.idle(t).Self()
	first := e.startAs(t, identity, config)
	if err := first.Settings().Set(DeniedKey, FormatDenied([]MemberID{denied})); err != nil {
		t.Fatal(err)
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	again, err := New(config, identity, e.keys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.admit(denied) != refusedDenied {
		t.Errorf("got %v", again.Status().Denied)
	}
}

// TestClone: a copied identity is told of, with both places.
func TestClone(t *testing.T) {
	beacon(t)
	e := newEther(t)
	identity, err := secret.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	one := e.startAs(t, identity, e.config(t, "one"))
	two := e.startAs(t, identity, e.config(t, "two"))
	for _, n := range []*node{one, two} {
		await(t, n.heard, "clone", func(h Heard) bool { return h.Kind == HeardClone })
		want := "Another process uses this node's identity"
		if w := n.Status().Warnings; !strings.HasPrefix(w[0], want) || !strings.Contains(w[0], place(t, one)) || !strings.Contains(w[0], place(t, two)) {
			t.Errorf("got %q, want both places", w)
		}
	}
}

// TestPortTaken: a second node on one machine takes another port and says so.
func TestPortTaken(t *testing.T) {
	e := newEther(t)
	first := e.idle(t)
	config := e.config(t, "second")
	config.Port = first.Addresses()[0].Port()
	second := e.start(t, config)
	want := fmt.Sprintf("TCP port %d is taken by another program, so this node uses port %d.", config.Port, second.Addresses()[0].Port())
	if got := second.Status().Warnings; len(got) != 1 || !strings.HasPrefix(got[0], want) {
		t.Errorf("got %q", got)
	}
}

// TestStop: a mesh ends soon, while others go on and a handler was running, tells the
// others, and its last frame arrives.
func TestStop(t *testing.T) {
	last := make(chan string, 10)
	nodes := newEther(t).mesh(t, 2, func(m *Mesh) {
		if err := m.Handle(kindEcho, 100, func(got Message) { last <- string(got.Payload) }); err != nil {
			t.Error(err)
		}
	})
	if err := nodes[0].Send(nodes[1].Self(), kindEcho, []byte("last words")); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := nodes[0].stop(); err != nil {
		t.Error(err)
	}
	t.Logf("ended after %v", time.Since(begin))
	await(t, last, "last frame", func(text string) bool { return text == "last words" })
	nodes[1].until(t, "told of the leave", func() bool { return nodes[1].state(nodes[0]) == membership.StateLeft })
	if err := nodes[0].Run(t.Context()); err == nil {
		t.Error("a mesh ran twice")
	}
	if err := nodes[0].Close(); err != nil {
		t.Error(err)
	}
}

// TestStopAtOnce: a mesh whose context has ended before it began ends too.
func TestStopAtOnce(t *testing.T) {
	m := newEther(t).idle(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Run(ctx); err != nil {
		t.Error(err)
	}
}

// TestValidate: every fault is told at once.
func TestValidate(t *testing.T) {
	if err := DefaultLAN().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	bad := Config{
		Name: "a\x00b", Dir: filepath.Join(t.TempDir(), "missing"), Join: []string{"::::"},
		Without: []discovery.Way{"pigeon"}, RoundTripMax: -1, Interfaces: []string{"lo", "lo"},
	}
	err := bad.Validate()
	if err == nil {
		t.Fatal("no fault was found")
	}
	for _, want := range []string{`"a\x00b"`, "missing", "::::", "pigeon", "round trip", "port is 0", "given twice"} {
		if n := strings.Count(err.Error(), want); n != 1 {
			t.Errorf("%d faults name %s: %v", n, want, err)
		}
	}
	slow := DefaultLAN()
	slow.RoundTripMax = roundTripLongest
	if err := slow.Validate(); err != nil {
		t.Errorf("a slow network: %v", err)
	}
}

// TestIdleTraffic prints with -v what eight nodes send when nothing happens, by
// protocol. It holds nothing: the budget is for the whole node, and time is real.
func TestIdleTraffic(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	nodes := newEther(t).mesh(t, 8)
	inTouch(t, nodes)
	const span = 3 * time.Second
	before := nodes[0].Traffic()
	timer := time.NewTimer(span)
	defer timer.Stop()
	<-timer.C
	passed := nodes[0].Traffic().Sub(before)
	var names []string
	for id := range passed.Protocols {
		names = append(names, string(id))
	}
	slices.Sort(names)
	rate := func(bytes uint64) string { return fmt.Sprintf("%.0f B/s", float64(bytes)/span.Seconds()) }
	total := passed.Beacon.SentBytes
	for _, id := range names {
		p := passed.Protocols[protocol.ID(id)]
		total += p.SentBytes
		t.Logf("%-40q sent %s in %d writes", id, rate(p.SentBytes), p.Writes)
	}
	t.Logf("beacon %s; payload %s; sockets %s", rate(passed.Beacon.SentBytes), rate(total), rate(passed.Socket.SentBytes))
}
