package discovery

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
)

// The tests of this file use real sockets, of the loopback interface alone.

// waitsMost bounds what they wait for. It is no measure.
const waitsMost = time.Minute

// told is a Consumer that passes on what it is told.
type told chan any

func (c told) Found(one Candidate) { c.tell(one) }
func (c told) Foreign(one Foreign) { c.tell(one) }
func (c told) Cloned(one Clone)    { c.tell(one) }
func (c told) tell(one any) {
	select {
	case c <- one:
	default: // a test that wants no more
	}
}

// loopbackConfig is a configuration of the loopback interface alone, with a
// beacon's port that no other test has.
func loopbackConfig(t *testing.T) Config {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("127.255.255.255 is a broadcast address on Linux; elsewhere --join finds nodes of the same machine")
	}
	interfaces, err := SystemInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig(testMesh)
	for _, i := range interfaces {
		if i.Loopback() && len(i.Prefixes) > 0 {
			config.Interfaces = []string{i.Name}
		}
	}
	if config.Interfaces == nil {
		t.Skip("no loopback interface is up")
	}
	config.Without = nil // mDNS too: it must see by itself that there is nothing to do
	probe, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	config.Port = netip.MustParseAddrPort(probe.LocalAddr().String()).Port()
	return config
}

// await returns the first thing told that fits.
func await[T any](t *testing.T, c told, fits func(T) bool) T {
	t.Helper()
	limit := time.After(waitsMost)
	for {
		select {
		case one := <-c:
			if got, ok := one.(T); ok && fits(got) {
				return got
			}
		case <-limit:
			t.Fatalf("nothing that fits was heard in %v", waitsMost)
		}
	}
}

// TestLoopbackSockets runs several nodes as one machine has them: they share the
// beacon's port, and each hears every other. A seeker beside them hears the mesh.
func TestLoopbackSockets(t *testing.T) {
	config := loopbackConfig(t)
	const nodes = 5
	var ears []told
	var last *Discovery
	for n := range byte(nodes) {
		e := make(told, 1000)
		ears = append(ears, e)
		last, _ = start(t, config, machine{}, newFakeHost(n, fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", 4900+int(n))), e)
	}
	for n, e := range ears {
		missing := map[peer.ID]bool{}
		for other := range byte(nodes) {
			if int(other) != n {
				missing[testPeer(other)] = true
			}
		}
		for len(missing) > 0 {
			c := await(t, e, func(c Candidate) bool { return missing[c.Peer] })
			delete(missing, c.Peer)
			if at, ok := tcpAddress(c.Addresses[0]); !ok || !at.Addr().IsLoopback() {
				t.Errorf("node %d is told of an address %v", n, c.Addresses)
			}
		}
	}
	status := last.Status()
	if len(status.Lanes) != 1 || !status.Lanes[0].Open || status.Lanes[0].Sent == 0 || status.Lanes[0].Heard == 0 || len(status.Lanes[0].Refused) != 0 {
		t.Errorf("status %+v, want one lane that sends and hears and refuses nothing", status.Lanes)
	}
	if status.MDNS.Starts != 0 {
		t.Error("mdns was started on the loopback interface")
	}

	config.Listen = 500 * time.Millisecond
	outcome, err := Seek(t.Context(), config, discard())
	if err != nil || outcome.Found || len(outcome.Meshes) == 0 || outcome.Meshes[0].Fingerprint != testMesh {
		t.Errorf("a seeker beside the mesh: %+v, error %v", outcome, err)
	}
}

// TestLoopbackHostile sends a node what an attacker without the token can send:
// it neither falls nor believes any of it, says what it refused, and goes on to
// hear members.
func TestLoopbackHostile(t *testing.T) {
	config := loopbackConfig(t)
	e := make(told, 1000)
	victim, _ := start(t, config, machine{}, newFakeHost(1, "/ip4/127.0.0.1/tcp/4901"), e)
	attacker, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)},
		&net.UDPAddr{IP: net.IPv4(127, 255, 255, 255), Port: int(config.Port)})
	if err != nil {
		t.Fatal(err)
	}
	defer attacker.Close()
	forged := example()
	forged.kind, forged.echo, forged.addresses = kindAsk, 0, []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:6666")}
	foreign := forged
	foreign.fingerprint = "zzzzzzzz"
	seek := seeking(3)
	datagrams := [][]byte{
		make([]byte, 1500), []byte("hello"), forged.encode(&key{}), foreign.encode(&key{}), seek.encode(&key{}),
		append([]byte(magic), make([]byte, 100)...),
	}
	wanted := []Refusal{RefusedOversized, RefusedAlien, RefusedForged, RefusedFlood}
	flood(t, attacker, datagrams, func() bool {
		lanes := victim.Status().Lanes
		return len(lanes) == 1 && !slices.ContainsFunc(wanted, func(r Refusal) bool { return lanes[0].Refused[r] == 0 })
	})
	f := await(t, e, func(Foreign) bool { return true })
	if f.Fingerprint != "zzzzzzzz" && f.Fingerprint != "" {
		t.Errorf("a foreign mesh %+v", f)
	}
	start(t, config, machine{}, newFakeHost(2, "/ip4/127.0.0.1/tcp/4902"), make(told))
	if c := await(t, e, func(Candidate) bool { return true }); c.Peer != testPeer(2) {
		t.Errorf("candidate %+v, want peer %s", c, testPeer(2))
	}
}

// flood sends the datagrams again and again until it is enough.
func flood(t *testing.T, from net.Conn, datagrams [][]byte, enough func() bool) {
	t.Helper()
	limit := time.After(waitsMost)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !enough() {
		for _, d := range datagrams {
			_, _ = from.Write(d) // as much as gets through
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%v of hostile datagrams, and not all are refused", waitsMost)
		}
	}
}

// privateHost returns a libp2p host of a private network, as package link makes
// them in what matters here.
func privateHost(t *testing.T, network byte) host.Host {
	t.Helper()
	psk := make(pnet.PSK, 32)
	psk[0] = network
	h, err := libp2p.New(
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(noise.ID, noise.New), libp2p.PrivateNetwork(psk), libp2p.DisableRelay(),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// TestLoopbackHost shows a real host as discovery needs it.
func TestLoopbackHost(t *testing.T) {
	one, member, stranger := privateHost(t, 1), privateHost(t, 1), privateHost(t, 2)
	if err := one.Connect(t.Context(), peer.AddrInfo{ID: member.ID(), Addrs: member.Addrs()}); err != nil {
		t.Fatal(err)
	}
	h := OnLibp2p(one, func(context.Context, ma.Multiaddr) (peer.ID, error) { return stranger.ID(), nil })
	if !h.Connected(member.ID()) || h.Connected(stranger.ID()) || h.ID() != one.ID() || len(h.ListenAddrs()) != 1 {
		t.Error("the host is not shown as it is")
	}
	if id, err := h.Identify(t.Context(), stranger.Addrs()[0]); id != stranger.ID() || err != nil {
		t.Errorf("got %v, %v", id, err)
	}
}
