package node

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"ganglion/mesh/secret"
	"ganglion/node/source"
	"ganglion/proto/controlpb"
)

// beaconPort is a UDP port of its own for each test of a process.
func beaconPort(t *testing.T) uint16 {
	t.Helper()
	nextPort.Lock()
	defer nextPort.Unlock()
	nextPort.n++
	return uint16(20000 + os.Getpid()%20000 + nextPort.n)
}

var nextPort struct {
	sync.Mutex
	n int
}

// loopback is a configuration that speaks on the loopback interface alone.
func loopback(name string, port uint16, token secret.Token) Config {
	c := DefaultLAN()
	c.Name, c.Token, c.Class, c.Run = name, token.Reveal(), 5, RunManual
	c.Mesh.Interfaces, c.Mesh.Port, c.Mesh.BeaconPort = []string{"lo"}, 0, port
	c.API = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	return c
}

// start runs a node until the test ends.
func start(t *testing.T, c Config) *Node {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("GANGLION_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", c.Name)
	}
	n, err := New(c, func(string) {}, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-n.Ready():
	case err := <-done:
		done <- err
		t.Fatalf("%s: %v", c.Name, err)
	}
	return n
}

// await polls until a condition holds; the test's own deadline is the limit.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(20 * time.Millisecond) //nolint:forbidigo // real sockets: there is nothing to wait on
	}
}

func status(t *testing.T, n *Node) *controlpb.StatusResponse {
	t.Helper()
	s, err := n.API().Status(t.Context(), &controlpb.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A whole mesh on loopback: nodes find one another, take views, elect, run and answer, and
// what they answer is complete.
func TestMeshOnLoopback(t *testing.T) {
	token, port := secret.NewToken(), beaconPort(t)
	var nodes []*Node
	for i := range 4 {
		c := loopback("n"+strconv.Itoa(i), port, token)
		if i < 3 {
			spec := source.Spec{Kind: source.KindReplay, Ref: "street:samples=24,seed=3"}
			c.Sources = []source.Spec{spec, spec}
		}
		nodes = append(nodes, start(t, c))
	}
	await(t, "all see all, every view is held, roles are elected", func() bool {
		for _, n := range nodes {
			s := status(t, n)
			if s.GetAlive() != 4 {
				return false
			}
		}
		holders := map[string]bool{}
		m, err := nodes[3].API().Members(t.Context(), &controlpb.MembersRequest{})
		if err != nil {
			t.Fatal(err)
		}
		views := 0
		for _, one := range m.GetViews()[0].GetMembers() {
			views += len(one.GetViews())
			for _, r := range one.GetRoles() {
				holders[r] = true
			}
		}
		return views == 6 && holders["aggregator"] && holders["cloud"]
	})
	const count = 30
	var run string
	await(t, "a run begins", func() bool {
		r, err := nodes[3].API().StartRun(t.Context(), &controlpb.StartRunRequest{PeriodNs: int64(20 * time.Millisecond), Count: count})
		if err == nil {
			run = r.GetRun()
		}
		return err == nil
	})
	for _, n := range nodes {
		await(t, "every node knows every verdict", func() bool {
			r, err := n.API().Tally(t.Context(), &controlpb.TallyRequest{Run: run})
			if err != nil {
				t.Fatal(err)
			}
			return r.GetTally().GetDecided() == count
		})
	}
	answer, err := nodes[0].API().Classify(t.Context(), &controlpb.ClassifyRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if v := answer.GetVerdict(); len(v.GetMissing()) > 0 || v.GetAlone() != "" {
		t.Errorf("on demand: %v", v)
	}
}
