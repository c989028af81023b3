package discovery

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// cutter is a network that a test cuts.
type cutter struct {
	mu    sync.Mutex
	is    bool
	again chan struct{}
}

func (c *cutter) get() (is bool, again <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.is, c.again
}

func (c *cutter) set(is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.is = is
	close(c.again)
	c.again = make(chan struct{})
}

// TestCut: while its network is cut on purpose a node neither speaks nor hears, by beacon
// and by mDNS, and looks up no name; afterwards all of it goes on.
func TestCut(t *testing.T) {
	for way, without := range map[Way][]Way{Beacon: {MDNS}, MDNS: {Beacon}} {
		t.Run(string(way), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio()
				table := &nameTable{known: map[string]string{"elsewhere": "10.0.0.9"}}
				with := func(d *Discovery) { d.browse, d.resolver = s.browse, table }
				cut := &cutter{is: true, again: make(chan struct{})}
				config := testConfig(testMesh)
				config.Without = without
				network := newAir(1, 0)
				first, second := newEar(), newEar()
				start(t, config, &airHost{air: network, own: []Interface{wired("10.0.0.1/24")}},
					newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), first, with)
				wait(time.Minute)
				config.Cut = cut.get
				config.Join = []string{"elsewhere"}
				d, _ := start(t, config, &airHost{air: network, own: []Interface{wired("10.0.0.2/24")}},
					newFakeHost(2, "/ip4/0.0.0.0/tcp/4801"), second, with)
				wait(time.Hour)
				a, _ := first.heardOf(testPeer(2))
				b, _ := second.heardOf(testPeer(1))
				if a+b != 0 {
					t.Errorf("through a cut %d and %d candidates were heard", a, b)
				}
				for _, lane := range d.Status().Lanes {
					if lane.SentBytes+lane.ReceivedBytes != 0 {
						t.Errorf("got %+v", lane)
					}
				}
				if joins := d.Status().Joins; table.timesAsked() != 0 || !strings.Contains(joins[0].Fault, "cut on purpose") {
					t.Errorf("a name was looked up: %+v", joins)
				}
				s.mu.Lock()
				starts := s.starts
				s.mu.Unlock()
				if way == MDNS && (starts != 1 || !strings.Contains(d.Status().MDNS.Fault, "cut on purpose")) {
					t.Errorf("mDNS was started %d times: %+v", starts, d.Status().MDNS)
				}
				cut.set(false)
				wait(2 * config.RetryMax)
				a, _ = first.heardOf(testPeer(2))
				b, _ = second.heardOf(testPeer(1))
				if a == 0 || b == 0 {
					t.Errorf("after the cut %d and %d candidates were heard", a, b)
				}
				if got := table.timesAsked(); got == 0 {
					t.Error("after the cut no name is looked up")
				}
				cut.set(true)
				wait(time.Minute)
				s.mu.Lock()
				defer s.mu.Unlock()
				if got := len(s.on); way == MDNS && got != 1 {
					t.Errorf("%d records are published, one node is cut", got)
				}
			})
		})
	}
}
