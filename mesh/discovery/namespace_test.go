package discovery

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests of this file give each node a process in a network namespace of its
// own, on a bridge in one more: real broadcasts and real multicast, none of
// which can leave. They need root and iproute2.

// nodeVariable makes TestNamespaceNode a node: its number, then what it is
// without.
const nodeVariable = "GANGLION_TEST_DISCOVERY_NODE"

// TestNamespaceNode is no test but the node of the other tests' processes. It
// runs until its standard input ends.
func TestNamespaceNode(t *testing.T) {
	what := strings.Fields(os.Getenv(nodeVariable))
	if len(what) == 0 {
		t.Skip("the other tests of this file run this one as a node")
	}
	number, err := strconv.Atoi(what[0])
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig(testMesh)
	config.Without = nil
	for _, way := range what[1:] {
		config.Without = append(config.Without, Way(way))
	}
	e := make(told, 1000)
	start(t, config, machine{}, newFakeHost(byte(number), "/ip4/0.0.0.0/tcp/4801"), e)
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for {
		select {
		case one := <-e:
			if c, ok := one.(Candidate); ok {
				_, _ = fmt.Fprintf(os.Stdout, "found %s %s %v\n", c.Peer, c.Way, c.Addresses[0])
			}
		case <-ended:
			return
		}
	}
}

// TestNamespaces shows each way at work on a real network, and the beacon where
// the switch carries no multicast.
func TestNamespaces(t *testing.T) {
	const nodes = 4
	tests := []struct {
		name    string
		without string
		deafen  bool  // the switch drops multicast
		ways    []Way // one of which finds each pair
	}{
		{"all ways", "", false, []Way{Beacon, MDNS}},
		{"mdns alone", "beacon", false, []Way{MDNS}},
		{"no multicast", "", true, []Way{Beacon}},
	}
	for n, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spaces := bridged(t, fmt.Sprintf("gngd%d-%d", os.Getpid(), n), nodes, tt.deafen)
			began := time.Now()
			found := make(chan [2]string, 1000) // who, whom and how
			for number, space := range spaces {
				runNode(t, space, number, tt.without, func(line string) {
					found <- [2]string{strconv.Itoa(number), line}
				})
			}
			missing := map[string]bool{}
			for a := range nodes {
				for b := range nodes {
					if a != b {
						missing[fmt.Sprint(a, " ", testPeer(byte(b)))] = true
					}
				}
			}
			limit := time.After(waitsMost)
			for len(missing) > 0 {
				select {
				case one := <-found:
					words := strings.Fields(one[1])
					if len(words) != 4 || words[0] != "found" {
						continue
					}
					if want := "/ip4/10.77.0."; !strings.HasPrefix(words[3], want) {
						t.Errorf("node %s is told of address %s", one[0], words[3])
					}
					for _, way := range tt.ways {
						if words[2] == string(way) {
							delete(missing, one[0]+" "+words[1])
						}
					}
				case <-limit:
					t.Fatalf("after %v these have not heard those by %v: %v", waitsMost, tt.ways, missing)
				}
			}
			t.Logf("%d nodes found one another %v after the first was started", nodes, time.Since(began).Round(time.Millisecond))
		})
	}
}

// bridged returns network namespaces on one bridge, which end with the test.
func bridged(t *testing.T, prefix string, nodes int, deafen bool) []string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for network namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs the ip command of iproute2")
	}
	if out, err := exec.CommandContext(t.Context(), "ip", "netns", "add", prefix).CombinedOutput(); err != nil {
		t.Skipf("cannot make network namespaces here: %v: %s", err, out)
	}
	remove := func(space string) {
		// The test's context has ended by now.
		if out, err := exec.CommandContext(context.Background(), "ip", "netns", "delete", space).CombinedOutput(); err != nil {
			t.Errorf("delete network namespace %s: %v: %s", space, err, out)
		}
	}
	t.Cleanup(func() { remove(prefix) })
	ip := func(arguments ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "ip", arguments...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", strings.Join(arguments, " "), err, out)
		}
	}
	ip("-n", prefix, "link", "add", "switch", "type", "bridge")
	ip("-n", prefix, "link", "set", "switch", "up")
	var spaces []string
	for n := range nodes {
		space, port := fmt.Sprintf("%s-%d", prefix, n), fmt.Sprintf("port%d", n)
		ip("netns", "add", space)
		t.Cleanup(func() { remove(space) })
		ip("-n", prefix, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
		ip("-n", prefix, "link", "set", port, "master", "switch", "up")
		if deafen {
			ip("-n", prefix, "link", "set", port, "type", "bridge_slave", "mcast_flood", "off")
		}
		ip("-n", space, "address", "add", fmt.Sprintf("10.77.0.%d/24", n+1), "broadcast", "+", "dev", "eth0")
		ip("-n", space, "link", "set", "eth0", "up")
		spaces = append(spaces, space)
	}
	return spaces
}

// runNode starts a node's process in a namespace and hands over what it says.
func runNode(t *testing.T, space string, number int, without string, line func(string)) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// It outlives the test's context by a moment, to end by itself.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*waitsMost)
	node := exec.CommandContext(ctx, "ip", "netns", "exec", space, self, "-test.run=^TestNamespaceNode$", "-test.v")
	node.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", nodeVariable, number, without))
	node.Stderr = os.Stderr
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			line(lines.Text())
		}
	})
	t.Cleanup(func() {
		defer cancel()
		_ = in.Close() // ends it
		reader.Wait()
		if err := node.Wait(); err != nil {
			t.Errorf("node %d: %v", number, err)
		}
	})
}
