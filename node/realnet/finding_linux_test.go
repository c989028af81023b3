package realnet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ganglion/proto/controlpb"
)

// crowd is how many nodes are to find one another.
const crowd = 8

// patience is the bound of what the goal wants within two seconds: a slow machine that starts
// eight nodes at once is not broken.
const patience = time.Minute

// TestFindOneAnother starts nodes at once that have nothing but the token: all see all,
// over every way that a network may leave to them.
func TestFindOneAnother(t *testing.T) {
	tests := []struct {
		name     string
		wiring   wiring
		machines int // 1: all nodes on it
		joined   bool
		ways     []string // by which others may be found; some are, by one of them
	}{
		{"all ways", wiring{}, crowd, false, []string{"beacon", "mdns"}},
		{"multicast blocked", wiring{noMulticast: true}, crowd, false, []string{"beacon"}},
		{"broadcast blocked", wiring{noBroadcast: true}, crowd, false, []string{"mdns"}},
		{"loopback alone", wiring{}, 1, false, []string{"beacon", "mdns"}},
		{"join alone", wiring{}, crowd, true, []string{"join"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := newNetwork(t, tt.machines, tt.wiring)
			n.token = n.newToken()
			var nodes []*node
			for i := range crowd {
				m := n.machines[i%tt.machines]
				var arguments []string
				if tt.joined {
					arguments = []string{"--without", "beacon", "--without", "mdns"}
					if i > 0 {
						arguments = append(arguments, "--join", n.machines[0].address())
					}
				}
				nodes = append(nodes, m.start(fmt.Sprint("node", i), arguments...))
			}
			started := time.Now()
			up := within(t, "all nodes are up", func() bool { return !slices.ContainsFunc(nodes, func(n *node) bool { return n.client() == nil }) })
			seen := allSeeAll(t, nodes)
			t.Logf("%d nodes see one another %.2f s after the last start; the last was up after %.2f s", crowd, seen.Sub(started).Seconds(), up.Sub(started).Seconds())
			checkWays(t, nodes, tt.ways)
			checkMembersVerb(t, nodes)
			checkCalm(t, nodes)
		})
	}
}

// allSeeAll waits until every node has a link to every other.
func allSeeAll(t *testing.T, nodes []*node) time.Time {
	t.Helper()
	return within(t, "all nodes see all", func() bool {
		for _, one := range nodes {
			if one.states()["alive"] != len(nodes) {
				return false
			}
		}
		return true
	})
}

// checkCalm holds that nothing was refused and nothing failed where nothing is wrong.
func checkCalm(t *testing.T, nodes []*node) {
	t.Helper()
	for _, one := range nodes {
		for said := range strings.Lines(one.errs.String()) {
			if strings.Contains(said, `"level":"ERROR"`) || strings.Contains(said, "refused what a peer sent") {
				t.Errorf("node %s has nothing to complain of, and says %s", one.name, said)
			}
		}
		for warning := range strings.Lines(one.warnings()) {
			busy := strings.HasPrefix(warning, "The round trip to ") // as it is where so many start at once
			shared := strings.HasPrefix(warning, "TCP port 4801 is taken")
			if !busy && !shared {
				t.Errorf("node %s has nothing to warn of, and warns: %s", one.name, warning)
			}
		}
	}
}

// checkWays holds that others were found, by no way that the network does not have.
func checkWays(t *testing.T, nodes []*node, ways []string) {
	t.Helper()
	count := map[string]int{}
	for _, one := range nodes {
		for _, e := range one.events(t) {
			if e.GetKind() == "found" {
				count[e.GetAttributes()["way"]]++
			}
		}
	}
	total := 0
	for way, found := range count {
		total += found
		if !slices.Contains(ways, way) {
			t.Errorf("%d times a node was found by %s, which this network does not have", found, way)
		}
	}
	if total == 0 {
		t.Error("nobody says how they found the others")
	}
	t.Logf("found by: %v", count)
}

// events is what happened at the node.
func (n *node) events(t *testing.T) (all []*controlpb.EventsResponse) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	events, err := n.client().Events(ctx, &controlpb.EventsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for events.Receive() {
		all = append(all, events.Msg())
	}
	if err := events.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// member is a line of `ganglion members --json`.
type member struct {
	Name, Peer, State string
	Roles             []string
}

// listed is the members that the verb lists, by name.
func (n *node) listed(t *testing.T) map[string]member {
	t.Helper()
	out := n.machine.must("members", "--json", "--node", n.api)
	var members []member
	if err := json.Unmarshal([]byte(out), &members); err != nil {
		t.Fatalf("members is no JSON: %v: %s", err, out)
	}
	byName := map[string]member{}
	for _, m := range members {
		byName[m.Name] = m
	}
	return byName
}

// checkMembersVerb has the last node asked by the verb, for all nodes' views of the mesh.
func checkMembersVerb(t *testing.T, nodes []*node) {
	t.Helper()
	last := nodes[len(nodes)-1]
	var views []struct {
		SeenBy  string `json:"seen_by"`
		Fault   string
		Members []member
	}
	out := last.machine.must("members", "--all", "--json", "--node", last.api)
	if err := json.Unmarshal([]byte(out), &views); err != nil {
		t.Fatalf("members is no JSON: %v: %s", err, out)
	}
	if len(views) != len(nodes) {
		t.Errorf("members --all has the views of %d nodes, there are %d", len(views), len(nodes))
	}
	for _, v := range views {
		alive := 0
		for _, m := range v.Members {
			if m.State == "alive" {
				alive++
			}
		}
		if alive != len(nodes) || v.Fault != "" {
			t.Errorf("members --all: %s sees %d alive, %q", v.SeenBy, alive, v.Fault)
		}
	}
}

// TestOneAfterTheOther starts each node when the last is seen by all, kills one without a
// word, and starts it again: it is back with its identity, and nobody did anything.
func TestOneAfterTheOther(t *testing.T) {
	const few = 4
	n := newNetwork(t, few, wiring{})
	n.token = n.newToken()
	var nodes []*node
	for i, m := range n.machines {
		one := m.start(fmt.Sprint("node", i))
		nodes = append(nodes, one)
		started := time.Now()
		t.Logf("node %d is seen by all %.2f s after its start", i, allSeeAll(t, nodes).Sub(started).Seconds())
	}
	last := few - 1
	lost := nodes[last]
	before := lost.status().GetPeer()
	rest := nodes[:last]
	lost.signal(t, syscall.SIGKILL)
	killed := time.Now()
	gone := within(t, "all say that the killed node is down", func() bool {
		return !slices.ContainsFunc(rest, func(n *node) bool { return n.states()["down"] != 1 })
	})
	t.Logf("a killed node is down for all %.2f s after", gone.Sub(killed).Seconds())
	for _, one := range rest {
		if m := one.listed(t)[lost.name]; m.State != "down" || len(m.Roles) != 0 {
			t.Errorf("node %s lists the killed one as %+v", one.name, m)
		}
	}

	again := n.machines[last].start(lost.name)
	started := time.Now()
	back := allSeeAll(t, append(slices.Clone(rest), again))
	t.Logf("it is seen by all again %.2f s after its start", back.Sub(started).Seconds())
	if after := again.status().GetPeer(); after != before {
		t.Errorf("it was %s and came back as %s", before, after)
	}
	checkCalm(t, append(rest, again))
}
