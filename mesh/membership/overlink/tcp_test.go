package overlink_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"ganglion/mesh/link"
	"ganglion/mesh/membership"
	"ganglion/mesh/membership/overlink"
	"ganglion/mesh/secret"
)

// These tests use real hosts on loopback, and real time: they show that the pieces
// fit. What the protocol does under faults is tested in virtual time.

// patience bounds what a test waits for. It is no measure.
const patience = time.Minute

type tcpNode struct {
	*membership.Membership
	host *link.Host
}

func startTCP(t *testing.T, name string, keys secret.Keys) tcpNode {
	t.Helper()
	identity, err := secret.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	linkConfig := link.DefaultLAN()
	linkConfig.Port = 0
	linkConfig.Interfaces = []string{"lo"}
	host, err := link.New(linkConfig, identity, keys, log)
	if err != nil {
		t.Fatal(err)
	}
	config := membership.DefaultLAN()
	config.Name = name
	m, err := membership.New(config, identity, overlink.New(host), host, log)
	if err != nil {
		t.Fatal(errors.Join(err, host.Close()))
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run of %s: %v", name, err)
		}
		if err := host.Close(); err != nil {
			t.Errorf("close of %s: %v", name, err)
		}
	})
	return tcpNode{m, host}
}

// awaitMembers waits until something holds of what a node sees.
func awaitMembers(t *testing.T, n tcpNode, what string, holds func([]membership.Member) error) time.Duration {
	t.Helper()
	changed, stop := n.Watch()
	defer stop()
	begin := time.Now()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		err := holds(n.Members())
		if err == nil {
			return time.Since(begin)
		}
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("%s: not after %v: %v", what, patience, err)
		}
	}
}

func alive(count int) func([]membership.Member) error {
	return func(members []membership.Member) error {
		n := 0
		for _, m := range members {
			if m.State == membership.StateAlive && m.Record != nil {
				n++
			}
		}
		if n != count {
			return fmt.Errorf("%d of %d alive: %+v", n, count, members)
		}
		return nil
	}
}

// TestMembersOverTCP: members over real connections find one another through one of
// them, hear settings, and hear at once who leaves.
func TestMembersOverTCP(t *testing.T) {
	keys := secret.NewToken().Keys()
	nodes := make([]tcpNode, 4)
	for i := range nodes[:3] {
		nodes[i] = startTCP(t, fmt.Sprintf("node-%d", i), keys)
	}
	join := func(n tcpNode) {
		t.Helper()
		if err := n.host.AddAddresses(nodes[0].Self(), loopback(nodes[0].host.Addresses()), time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := n.Join(nodes[0].Self()); err != nil {
			t.Fatal(err)
		}
	}
	join(nodes[1])
	join(nodes[2])
	for _, n := range nodes[:3] {
		t.Logf("formed after %v", awaitMembers(t, n, "forming", alive(3)))
	}
	changed, stop := nodes[2].Settings().Watch()
	defer stop()
	if err := nodes[1].Settings().Set("published", []byte("bundle")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(patience):
		t.Fatal("setting did not arrive")
	}
	if got, _ := nodes[2].Settings().Get("published"); string(got.Value) != "bundle" {
		t.Errorf("setting is %q", got.Value)
	}
	t.Run("one comes and goes", func(t *testing.T) {
		nodes[3] = startTCP(t, "node-3", keys)
		join(nodes[3])
		awaitMembers(t, nodes[1], "coming", alive(4))
	})
	took := awaitMembers(t, nodes[1], "leaving", func(members []membership.Member) error {
		for _, m := range members {
			if m.ID == nodes[3].Self() && m.State == membership.StateLeft {
				return nil
			}
		}
		return fmt.Errorf("not left: %+v", members)
	})
	t.Logf("left after %v", took)
	for _, n := range nodes[:3] {
		if s := n.Status(); s.Refused != (membership.Refused{}) {
			t.Errorf("refused %+v of honest peers: %+v", s.Refused, s.Faults)
		}
	}
}

func loopback(addresses []netip.AddrPort) []netip.AddrPort {
	var kept []netip.AddrPort
	for _, a := range addresses {
		if a.Addr().IsLoopback() {
			kept = append(kept, a)
		}
	}
	return kept
}
