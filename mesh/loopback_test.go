package mesh

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/mesh/membership"
	"ganglion/mesh/secret"
)

// The tests of this package run whole meshes on the loopback interface alone, in real
// time: they show that the parts fit. What the parts do under faults is tested in their
// own packages.

// patience is the longest wait for something that must happen. No test measures it.
const patience = time.Minute

func TestMain(m *testing.M) {
	RouteLogs(slog.New(slog.DiscardHandler))
	code := m.Run()
	if left := leaked(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left behind:\n%s\n", left)
		code = 1
	}
	os.Exit(code) //nolint:forbidigo // the main function of tests
}

// leaked returns the goroutines of the mesh and of the libraries below it that do not
// end after the last test; empty: there are none.
func leaked() string {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var left []string
	for began := time.Now(); time.Since(began) < patience; <-tick.C {
		left = left[:0]
		buffer := make([]byte, 4<<20)
		for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
			ours := strings.Contains(stack, "ganglion/mesh") || strings.Contains(stack, "libp2p") || strings.Contains(stack, "memberlist")
			if ours && !strings.Contains(stack, "TestMain") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return ""
		}
	}
	return strings.Join(left, "\n\n")
}

// node is a mesh that runs, with all that it was told.
type node struct {
	*Mesh
	heard  chan Heard
	gossip chan gossipMessage

	cancel context.CancelFunc
	ended  chan struct{}
	err    error // of Run, once ended
	once   sync.Once
}

// stop ends the node and returns what Run returned.
func (n *node) stop() error {
	n.once.Do(n.cancel)
	<-n.ended
	return n.err
}

// ether is what the nodes of one test share.
type ether struct {
	keys secret.Keys
	port uint16 // of the beacon
}

func newEther(t testing.TB) ether {
	t.Helper()
	probe, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	return ether{secret.NewToken().Keys(), netip.MustParseAddrPort(probe.LocalAddr().String()).Port()}
}

func (e ether) config(t testing.TB, name string) Config {
	t.Helper()
	interfaces, err := discovery.SystemInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	c := DefaultLAN()
	c.Name, c.Port, c.BeaconPort = name, 0, e.port
	for _, i := range interfaces {
		if i.Loopback() && len(i.Prefixes) > 0 {
			c.Interfaces = []string{i.Name}
			return c
		}
	}
	t.Skip("no loopback interface is up")
	return c
}

// beacon skips a test where nodes of one machine cannot hear one another's beacons.
func beacon(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("127.255.255.255 is a broadcast address on Linux alone")
	}
}

func (e ether) start(t testing.TB, config Config, prepare ...func(*Mesh)) *node {
	t.Helper()
	identity, err := secret.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return e.startAs(t, identity, config, prepare...)
}

func (e ether) startAs(t testing.TB, identity secret.Identity, config Config, prepare ...func(*Mesh)) *node {
	t.Helper()
	m, err := New(config, identity, e.keys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Mesh: m, heard: make(chan Heard, 1000), gossip: make(chan gossipMessage, 10000), ended: make(chan struct{})}
	m.OnHeard(func(h Heard) { tell(n.heard, h) })
	m.OnGossip(func(from MemberID, payload []byte) { tell(n.gossip, gossipMessage{from, payload}) })
	for _, p := range prepare {
		p(m)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	go func() {
		defer close(n.ended)
		n.err = m.Run(ctx)
	}()
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Errorf("run of %s: %v", config.Name, err)
		}
	})
	return n
}

func tell[T any](to chan T, one T) {
	select {
	case to <- one:
	default: // a test that wants no more
	}
}

// mesh starts nodes that find one another by beacon, and waits until they have.
func (e ether) mesh(t testing.TB, count int, prepare ...func(*Mesh)) []*node {
	t.Helper()
	beacon(t)
	nodes := make([]*node, count)
	for i := range nodes {
		nodes[i] = e.start(t, e.config(t, fmt.Sprintf("node-%d", i)), prepare...)
	}
	t.Cleanup(func() { stop(t, nodes) })
	together(t, nodes...)
	return nodes
}

// stop ends nodes, all at once: each takes a moment to tell that it leaves.
func stop(t testing.TB, nodes []*node) {
	t.Helper()
	for _, n := range nodes {
		n.once.Do(n.cancel)
	}
	for _, n := range nodes {
		if err := n.stop(); err != nil {
			t.Errorf("run of %s: %v", n.config.Name, err)
		}
	}
}

// together waits until each node sees all of them alive and has links to them.
func together(t testing.TB, nodes ...*node) {
	t.Helper()
	for _, n := range nodes {
		for _, other := range nodes {
			if other == n {
				continue
			}
			n.until(t, "alive and linked", func() bool {
				return n.state(other) == membership.StateAlive && n.Up(other.Self())
			})
		}
	}
}

// state returns what the node thinks of another; -1: it does not know it.
func (n *node) state(other *node) membership.State {
	for _, m := range n.Members() {
		if m.ID == other.Self() {
			return m.State
		}
	}
	return -1
}

func (n *node) alive() int {
	count := 0
	for _, m := range n.Members() {
		if m.State == membership.StateAlive {
			count++
		}
	}
	return count
}

// until waits until something holds of a node, looking at each change of its members
// and now and then.
func (n *node) until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	changed, stop := n.Watch()
	defer stop()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-changed:
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("%s: not %s after %v: members %+v, warnings %q", n.config.Name, what, patience, n.Members(), n.Status().Warnings)
		}
	}
}

// await returns the first thing told that fits.
func await[T any](t testing.TB, from chan T, what string, fits func(T) bool) T {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		select {
		case one := <-from:
			if fits(one) {
				return one
			}
		case <-limit.C:
			t.Fatalf("no %s after %v", what, patience)
		}
	}
}
