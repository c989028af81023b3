package discovery

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"
)

// wait lets virtual time pass.
func wait(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual: in a synctest bubble
	synctest.Wait()
}

// TestEightAtOnce is the promise that a mesh switched on at once is whole at
// once: every pair has heard of each other well within a second, also where some
// datagrams are lost, whatever the order.
func TestEightAtOnce(t *testing.T) {
	for _, loss := range []float64{0, 0.1} {
		for seed := range uint64(10) {
			t.Run(fmt.Sprintf("loss %v seed %d", loss, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					network := newAir(seed, loss)
					var ears []*ear
					for n := range byte(8) {
						at := &airHost{air: network, own: []Interface{wired(fmt.Sprintf("10.0.0.%d/24", n+1))}}
						e := newEar()
						ears = append(ears, e)
						start(t, testConfig(testMesh), at, newFakeHost(n, "/ip4/0.0.0.0/tcp/4801"), e)
					}
					wait(900 * time.Millisecond)
					for n, e := range ears {
						for other := range byte(8) {
							count, _ := e.heardOf(testPeer(other))
							if got, want := count > 0, int(other) != n; got != want {
								t.Errorf("node %d has heard of node %d: %v, want %v", n, other, got, want)
							}
						}
					}
				})
			})
		}
	}
}

// TestNewcomer shows that a node that comes late need not wait for the steady
// beat of those that are there, who are slow by then.
func TestNewcomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		old, young := newEar(), newEar()
		start(t, testConfig(testMesh), &airHost{air: network, own: []Interface{wired("10.0.0.1/24")}},
			newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), old)
		wait(time.Hour)
		young.startAnew()
		old.startAnew()
		config := testConfig(testMesh)
		config.Name = "young"
		start(t, config, &airHost{air: network, own: []Interface{wired("10.0.0.2/24")}},
			newFakeHost(2, "/ip4/10.0.0.2/tcp/4999"), young)
		wait(time.Second)
		for _, tt := range []struct {
			who   string
			got   time.Duration
			limit time.Duration
		}{
			{"the newcomer hears the old one", young.firstHeard(testPeer(1)), 50 * time.Millisecond},
			{"the old one hears the newcomer", old.firstHeard(testPeer(2)), 50 * time.Millisecond},
		} {
			if tt.got == 0 || tt.got > tt.limit {
				t.Errorf("%s after %v, want within %v", tt.who, tt.got, tt.limit)
			}
		}
		_, got := old.heardOf(testPeer(2))
		want := Candidate{
			Peer: testPeer(2), Addresses: []ma.Multiaddr{ma.StringCast("/ip4/10.0.0.2/tcp/4999")},
			Name: "young", Way: Beacon, Interface: "eth0",
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b ma.Multiaddr) bool { return a.Equal(b) })); diff != "" {
			t.Errorf("candidate (-want +got):\n%s", diff)
		}
	})
}

// TestSteadyBeat bounds what an idle mesh costs: after the first seconds a node
// sends one datagram an interval on each lane, and reports nobody who is
// connected.
func TestSteadyBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		hosts := []*fakeHost{newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), newFakeHost(2, "/ip4/0.0.0.0/tcp/4801")}
		ears := []*ear{newEar(), newEar()}
		for n, h := range hosts {
			start(t, testConfig(testMesh), &airHost{air: network, own: []Interface{wired(fmt.Sprintf("10.0.0.%d/24", n+1))}}, h, ears[n])
		}
		wait(20 * time.Second)
		hosts[0].connect(hosts[1].id, true)
		hosts[1].connect(hosts[0].id, true)
		count, _ := ears[0].heardOf(hosts[1].id)
		sent := network.sentSoFar()
		wait(1000 * time.Second)
		if got := network.sentSoFar() - sent; got < 2*160 || got > 2*270 {
			t.Errorf("two nodes sent %d datagrams in 1000 s, want about 400", got)
		}
		if again, _ := ears[0].heardOf(hosts[1].id); again != count {
			t.Errorf("a connected peer was reported %d times more", again-count)
		}
		hosts[0].connect(hosts[1].id, false)
		wait(15 * time.Second) // an announcement may come within Repeat of one that was heard connected
		if again, _ := ears[0].heardOf(hosts[1].id); again == count {
			t.Error("a peer whose connection was lost is not reported again")
		}
	})
}

// TestAddressChange covers DHCP and Wi-Fi: a node that comes to another network
// is heard there, quickly, without being told.
func TestAddressChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		moving := &airHost{air: network, bad: true}
		resting := newEar()
		moved, _ := start(t, testConfig(testMesh), moving, newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), newEar())
		start(t, testConfig(testMesh), &airHost{air: network, own: []Interface{wired("10.0.0.2/24")}},
			newFakeHost(2, "/ip4/0.0.0.0/tcp/4801"), resting)
		wait(10 * time.Second)
		if moved.Status().Fault == "" {
			t.Error("the doctor is not told that the interfaces cannot be listed")
		}
		moving.set(wired("192.168.7.9/24"))
		wait(10 * time.Second)
		if count, _ := resting.heardOf(testPeer(1)); count != 0 {
			t.Errorf("heard %d times across networks", count)
		}
		moving.set(wired("10.0.0.1/24"))
		wait(4 * time.Second) // a poll
		count, first := resting.heardOf(testPeer(1))
		if count == 0 || first.Addresses[0].String() != "/ip4/10.0.0.1/tcp/4801" {
			t.Errorf("after the move heard %d times, first %v", count, first)
		}
		status := moved.Status()
		if len(status.Lanes) != 2 || status.Fault != "" || !status.Lanes[0].Open || status.Lanes[1].Open || status.Lanes[0].Heard == 0 {
			t.Errorf("status after the move: %+v", status)
		}
	})
}

// TestForeignMesh covers two meshes on one cable: each is told of the other, and
// neither offers the other's nodes as candidates.
func TestForeignMesh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		one, other := newEar(), newEar()
		config := testConfig("mmmmmmmm")
		config.Name = "kitchen"
		start(t, testConfig(testMesh), &airHost{air: network, own: []Interface{wired("10.0.0.1/24")}},
			newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), one)
		start(t, config, &airHost{air: network, own: []Interface{wired("10.0.0.2/24")}},
			newFakeHost(2, "/ip4/0.0.0.0/tcp/4802"), other)
		wait(time.Second)
		found, foreign, _ := one.told()
		alsoFound, alsoForeign, _ := other.told()
		if len(found)+len(alsoFound) != 0 {
			t.Errorf("foreign nodes became candidates: %v %v", found, alsoFound)
		}
		if len(foreign) != 1 || len(alsoForeign) != 1 {
			t.Fatalf("reports of foreign nodes: %d and %d, want one each", len(foreign), len(alsoForeign))
		}
		got := fmt.Sprintf("%+v", foreign[0])
		want := "{Fingerprint:mmmmmmmm Version:1 Name:kitchen Address:10.0.0.2:4802 Way:beacon Interface:eth0 Silent:0s Known:0s}"
		if got != want {
			t.Errorf("report\ngot  %s\nwant %s", got, want)
		}
	})
}

// TestClone covers a copied state directory: both processes are told where the
// other is.
func TestClone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		e := newEar()
		start(t, testConfig(testMesh), &airHost{air: network, own: []Interface{wired("10.0.0.1/24")}},
			newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), e)
		start(t, testConfig(testMesh), &airHost{air: network, own: []Interface{wired("10.0.0.2/24")}},
			newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), newEar())
		wait(2 * time.Second)
		if found, _, clones := e.told(); len(clones) != 1 || clones[0].Address.String() != "10.0.0.2:4801" || len(found) != 0 {
			t.Errorf("clones %v, candidates %v; want one clone at 10.0.0.2:4801", clones, found)
		}
	})
}

// TestManyOnOneHost covers the demo: nodes of one machine share the beacon's
// port on the loopback interface, and nothing is sent anywhere else.
func TestManyOnOneHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		host := &airHost{air: network, own: []Interface{loopback(), wired("10.0.0.1/24")}}
		config := testConfig(testMesh)
		config.Interfaces = []string{"lo"}
		first, second := newEar(), newEar()
		d, _ := start(t, config, host, newFakeHost(1, "/ip4/127.0.0.1/tcp/4801"), first)
		start(t, config, host, newFakeHost(2, "/ip4/127.0.0.1/tcp/4802"), second)
		wait(time.Second)
		network.mu.Lock()
		sockets := slices.Clone(network.sockets)
		network.mu.Unlock()
		for _, s := range sockets {
			if !s.at.Addr().IsLoopback() {
				t.Errorf("a socket at %v, with loopback alone", s.at)
			}
		}
		_, a := first.heardOf(testPeer(2))
		_, b := second.heardOf(testPeer(1))
		if len(a.Addresses) == 0 || a.Addresses[0].String() != "/ip4/127.0.0.1/tcp/4802" || len(b.Addresses) == 0 {
			t.Errorf("candidates %v and %v", a, b)
		}
		want := []Skipped{{"eth0", "not among the interfaces that were asked for"}}
		if diff := cmp.Diff(want, d.Status().Skipped); diff != "" {
			t.Errorf("skipped (-want +got):\n%s", diff)
		}
	})
}

// TestPortTaken covers another program on the beacon's port: this node still
// asks, and hears the answers.
func TestPortTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		deaf := &airHost{air: network, own: []Interface{wired("10.0.0.1/24")}}
		// On another machine the same broadcast address is free: model it by the
		// order, the deaf node's socket comes second.
		start(t, testConfig(testMesh), &airHost{air: network, own: []Interface{wired("10.0.0.2/24")}},
			newFakeHost(2, "/ip4/0.0.0.0/tcp/4801"), newEar())
		wait(time.Second)
		e := newEar()
		d, _ := start(t, testConfig(testMesh), refusing{deaf}, newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), e)
		wait(time.Second)
		if count, _ := e.heardOf(testPeer(2)); count == 0 {
			t.Error("an answer to our own port was not heard")
		}
		if lanes := d.Status().Lanes; len(lanes) != 1 || lanes[0].HearFault == "" || lanes[0].SendFault != "" || lanes[0].Sent == 0 {
			t.Errorf("status %+v, want a lane that sends but has a fault of hearing", lanes)
		}
	})
}

// TestHostElsewhere covers a host that does not listen on a network that the
// beacon uses: nothing false is announced, and the doctor is told.
func TestHostElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		host := newFakeHost(1, "/ip4/127.0.0.1/tcp/4801", "/ip4/10.0.0.1/udp/4801/quic-v1")
		d, _ := start(t, testConfig(testMesh), &airHost{air: network, own: []Interface{wired("10.0.0.1/24")}}, host, newEar())
		wait(time.Minute)
		if lane := d.Status().Lanes[0]; network.sentSoFar() != 0 || lane.SendFault == "" {
			t.Errorf("%d datagrams sent, status %+v", network.sentSoFar(), lane)
		}
		host.listenOn("/ip4/10.0.0.1/tcp/4801")
		wait(10 * time.Second)
		if lane := d.Status().Lanes[0]; lane.Sent == 0 || lane.SendFault != "" {
			t.Errorf("when it listens: status %+v", lane)
		}
	})
}

// TestFloodOfTheLane shows that a flood of true datagrams takes a bounded share
// of the machine, and that a member is heard again when it is over.
func TestFloodOfTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		e := newEar()
		config := testConfig(testMesh)
		d, _ := start(t, config, &airHost{air: network, own: []Interface{wired("10.0.0.1/24")}},
			newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), e)
		wait(time.Second)
		noisy := &airHost{air: network}
		mouth, err := noisy.listen(t.Context(), netip.MustParseAddrPort("10.0.0.66:0"), false)
		if err != nil {
			t.Fatal(err)
		}
		const seconds = 5
		foreign := announcement{
			kind: kindAnnounce, fingerprint: "zzzzzzzz", peer: testPeer(9),
			addresses: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.66:1")},
		}
		for n := range uint64(seconds * 10000) {
			foreign.instance, foreign.sequence = 1, n+1
			if _, err := mouth.WriteToUDPAddrPort(foreign.encode(&key{}), netip.MustParseAddrPort("10.0.0.255:4801")); err != nil {
				t.Fatal(err)
			}
			wait(100 * time.Microsecond)
		}
		if heard := d.Status().Lanes[0].Heard; heard > seconds*1000+readBurst+100 {
			t.Errorf("%d datagrams taken in %d s", heard, seconds)
		}
		if _, foreign, _ := e.told(); len(foreign) != 1 {
			t.Errorf("%d reports of one foreign node", len(foreign))
		}
		wait(3 * time.Second)
		start(t, config, &airHost{air: network, own: []Interface{wired("10.0.0.2/24")}}, newFakeHost(2, "/ip4/0.0.0.0/tcp/4801"), newEar())
		wait(time.Second)
		if count, _ := e.heardOf(testPeer(2)); count == 0 {
			t.Error("a member is not heard after the flood")
		}
	})
}
