package discovery

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// TestParseTarget goes through what people type behind --join.
func TestParseTarget(t *testing.T) {
	id := testPeer(1)
	tests := []struct {
		text string
		host string // empty: refused
		port uint16
		peer peer.ID
	}{
		{"192.0.2.1", "192.0.2.1", DefaultPort, ""},
		{"192.0.2.1:4900", "192.0.2.1", 4900, ""},
		{"kitchen.local", "kitchen.local", DefaultPort, ""},
		{"kitchen:1", "kitchen", 1, ""},
		{"2001:db8::1", "2001:db8::1", DefaultPort, ""},
		{"[2001:db8::1]", "2001:db8::1", DefaultPort, ""},
		{"[2001:db8::1]:4900", "2001:db8::1", 4900, ""},
		{"/ip4/192.0.2.1/tcp/4900", "192.0.2.1", 4900, ""},
		{"/dns4/kitchen/tcp/4900", "kitchen", 4900, ""},
		{"/ip6/2001:db8::1/tcp/4900/p2p/" + id.String(), "2001:db8::1", 4900, id},
		{"", "", 0, ""},
		{":4801", "", 0, ""},
		{"kitchen:", "", 0, ""},
		{"kitchen:0", "", 0, ""},
		{"kitchen:65536", "", 0, ""},
		{"kitchen:port", "", 0, ""},
		{"http://kitchen", "", 0, ""},
		{"two words", "", 0, ""},
		{"/ip4/192.0.2.1", "", 0, ""},
		{"/ip4/192.0.2.1/udp/4900", "", 0, ""},
		{"/ip4/192.0.2.1/tcp/0", "", 0, ""},
		{"/ip4/192.0.2.1/tcp/4900/ws", "", 0, ""},
		{"/nonsense", "", 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := parseTarget(tt.text)
			if (err != nil) != (tt.host == "") {
				t.Fatalf("error %v, want host %q", err, tt.host)
			}
			if got.host != tt.host || got.port != tt.port || got.peer != tt.peer {
				t.Errorf("got %q port %d peer %s, want %q port %d peer %s", got.host, got.port, got.peer, tt.host, tt.port, tt.peer)
			}
		})
	}
}

// nameTable is a resolver that knows some names, and fails for a while.
type nameTable struct {
	mu    sync.Mutex
	known map[string]string
	fails int
	asked int
}

func (n *nameTable) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	if n.asked <= n.fails {
		return nil, errors.New("no such host")
	}
	if address, ok := n.known[host]; ok {
		return []netip.Addr{netip.MustParseAddr(address)}, nil
	}
	return nil, errors.New("no such host")
}

// timesAsked returns how often it was asked.
func (n *nameTable) timesAsked() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

// TestJoin follows one address: nobody there yet, then the name service answers,
// then the member starts; once connected, it is left alone.
func TestJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, e := newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), newEar()
		table := &nameTable{known: map[string]string{"kitchen": "192.0.2.9"}, fails: 3}
		config := testConfig(testMesh)
		config.Join, config.Without = []string{"kitchen:4900"}, []Way{MDNS, Beacon}
		d, _ := start(t, config, &airHost{air: newAir(1, 0), own: []Interface{loopback(), wired("10.0.0.1/24")}}, host, e,
			func(d *Discovery) { d.resolver = table })
		wait(time.Minute)
		status := d.Status().Joins[0]
		if status.Attempts < 6 || status.Attempts > 12 || !strings.Contains(status.Fault, "nobody there") || table.timesAsked() < 4 {
			t.Errorf("after a minute of failing: %+v, %d look-ups", status, table.timesAsked())
		}
		host.mu.Lock()
		host.answers["/ip4/192.0.2.9/tcp/4900"] = testPeer(2)
		host.mu.Unlock()
		wait(40 * time.Second)
		count, first := e.heardOf(testPeer(2))
		if count == 0 || first.Way != Join || first.Addresses[0].String() != "/ip4/192.0.2.9/tcp/4900" {
			t.Errorf("reported %d times, first %+v", count, first)
		}
		host.connect(testPeer(2), true)
		wait(40 * time.Second)
		asked := host.timesAsked()
		wait(time.Hour)
		if host.timesAsked() != asked {
			t.Errorf("asked %d times who is there while connected", host.timesAsked()-asked)
		}
		host.connect(testPeer(2), false)
		before, _ := e.heardOf(testPeer(2))
		wait(time.Minute)
		if after, _ := e.heardOf(testPeer(2)); after == before {
			t.Error("not joined again after the connection was lost")
		}
		if got := d.Status().Joins[0]; got.Fault != "" || got.Peer != testPeer(2).String() {
			t.Errorf("status %+v", got)
		}
	})
}

// TestJoinRefuses covers addresses that lead nowhere: each says why.
func TestJoinRefuses(t *testing.T) {
	tests := []struct {
		name  string
		place string
		lo    bool
		want  string
	}{
		{"this node itself", "192.0.2.9", false, "that is this node itself"},
		{"itself by its ID", "/ip4/192.0.2.8/tcp/1/p2p/" + testPeer(1).String(), false, "that is this node itself"},
		{"nobody", "192.0.2.7", false, "nobody there"},
		{"an unknown name", "cellar", false, "look up name"},
		{"a name, with loopback alone", "kitchen", true, "names are not looked up"},
		{"an address outside, with loopback alone", "192.0.2.9", true, "no address that the interfaces in use lead to"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host, e := newFakeHost(1, "/ip4/127.0.0.1/tcp/4801"), newEar()
				host.answers["/ip4/192.0.2.9/tcp/4801"] = host.id
				table := &nameTable{known: map[string]string{"kitchen": "192.0.2.9"}}
				config := testConfig(testMesh)
				config.Join, config.Without = []string{tt.place}, []Way{MDNS, Beacon}
				if tt.lo {
					config.Interfaces = []string{"lo"}
				}
				d, _ := start(t, config, &airHost{air: newAir(1, 0), own: []Interface{loopback(), wired("10.0.0.1/24")}}, host, e,
					func(d *Discovery) { d.resolver = table })
				wait(time.Minute)
				if got := d.Status().Joins[0].Fault; !strings.Contains(got, tt.want) {
					t.Errorf("fault %q, want %q in it", got, tt.want)
				}
				if found, _, _ := e.told(); len(found) != 0 {
					t.Errorf("reported %v", found)
				}
				if tt.lo && table.timesAsked()+host.timesAsked() != 0 {
					t.Errorf("%d look-ups and %d dials would have left the machine", table.timesAsked(), host.timesAsked())
				}
			})
		})
	}
}
