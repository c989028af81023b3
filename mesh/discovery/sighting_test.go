package discovery

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"ganglion/mesh/secret"
)

// TestSightings is what a diagnosis of discovery rests on: who was heard, by which way and
// where, since when, and whether own messages come back; and that what is silent for long is
// no longer told.
func TestSightings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, s := newAir(1, 0), newStudio()
		with := func(d *Discovery) { d.browse = s.browse }
		both, beacon := testConfig(testMesh), testConfig(testMesh)
		both.Without, both.Name = nil, "hall"
		d, _ := start(t, both, &airHost{air: network, own: []Interface{wired("10.0.0.1/24")}},
			newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), newEar(), with)
		_, stop := start(t, both, &airHost{air: network, own: []Interface{wired("10.0.0.2/24")}},
			newFakeHost(2, "/ip4/0.0.0.0/tcp/4802"), newEar(), with)
		_, stopSilent := start(t, beacon, &airHost{air: network, own: []Interface{wired("10.0.0.3/24")}},
			newFakeHost(3, "/ip4/0.0.0.0/tcp/4803"), newEar())
		wait(time.Minute)
		status := d.Status()
		ways := map[Way]int{}
		for _, heard := range status.Heard {
			ways[heard.Way]++
			switch {
			case heard.Known < 50*time.Second:
				t.Errorf("%v is known for %v only", heard.Peer, heard.Known)
			case heard.Way == Beacon && (heard.Interface != "eth0" || heard.Silent > 8*time.Second):
				t.Errorf("by beacon: %+v", heard)
			case heard.Peer == testPeer(2) && (heard.Name != "hall" || heard.Addresses[0] != netip.MustParseAddrPort("10.0.0.2:4802")):
				t.Errorf("of the second: %+v", heard)
			}
		}
		if ways[Beacon] != 2 || ways[MDNS] != 1 {
			t.Errorf("heard %v, want two by beacon and one by mdns", ways)
		}
		lane := status.Lanes[0]
		if lane.Own == 0 || lane.Own > lane.Sent || lane.Since.IsZero() {
			t.Errorf("own broadcasts come back on this network: %+v", lane)
		}
		if len(status.Used) != 1 || status.Used[0].Name != "eth0" || status.MDNS.Since.IsZero() {
			t.Errorf("used %v, mdns %+v", status.Used, status.MDNS)
		}
		stop()
		stopSilent()
		wait(sightingMemory + 10*time.Second)
		if left := d.Status().Heard; len(left) != 0 {
			t.Errorf("long after they have ended: %+v", left)
		}
	})
}

// TestSurvey listens where no node runs: all meshes are heard, and nobody waits for it who
// is about to found one.
func TestSurvey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		for n, mesh := range []secret.Fingerprint{"aaaaaaaa", "bbbbbbbb"} {
			start(t, testConfig(mesh), &airHost{air: network, own: []Interface{wired([]string{"10.0.0.1/24", "10.0.0.2/24"}[n])}},
				newFakeHost(byte(n+1), "/ip4/0.0.0.0/tcp/4801"), newEar())
		}
		wait(time.Hour) // they have gone quiet
		s := seeker{
			config: testConfig(""), log: discard(), ether: &airHost{air: network, own: []Interface{wired("10.0.0.9/24")}},
			instance: ^Instance(0), surveys: true,
		}
		began := time.Now()
		status, err := s.survey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v, want 3s", took)
		}
		if len(status.Foreign) != 2 || len(status.Lanes) != 1 || status.Lanes[0].Sent == 0 || status.Lanes[0].Heard == 0 || status.Lanes[0].Own == 0 {
			t.Errorf("status %+v", status)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		network := newAir(1, 0)
		surveyed := make(chan error, 1)
		go func() {
			s := seeker{
				config: testConfig(""), log: discard(), ether: &airHost{air: network, own: []Interface{wired("10.0.0.9/24")}},
				instance: ^Instance(0), surveys: true,
			}
			_, err := s.survey(t.Context())
			surveyed <- err
		}()
		if got, err := seekOn(network, 7, "10.0.0.1/24"); err != nil || !got.Found || got.Deferred {
			t.Errorf("beside a survey: %+v, %v; want to found at once", got, err)
		}
		if err := <-surveyed; err != nil {
			t.Error(err)
		}
	})
}
