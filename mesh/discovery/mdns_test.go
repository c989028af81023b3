package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestText shows that a record carries any datagram, in strings short enough.
func TestText(t *testing.T) {
	for _, size := range []int{1, 149, 150, 151, 300, MaxDatagramBytes} {
		datagram := make([]byte, size)
		for i := range datagram {
			datagram[i] = byte(i * 7)
		}
		list := text(datagram)
		for _, one := range list {
			if len(one) > 255 {
				t.Errorf("a string of %d bytes", len(one))
			}
		}
		if got, ok := untext(append([]string{"txtvers=1"}, list...)); !ok || string(got) != string(datagram) {
			t.Errorf("%d bytes: got %x, ok %v", size, got, ok)
		}
	}
	for _, bad := range [][]string{nil, {""}, {"b0="}, {"b0=*"}, {"b1=AAAA"}, {"b0=" + strings.Repeat("A", 700)}, {"b0=AB"}} {
		if got, ok := untext(bad); ok {
			t.Errorf("%q is read as %x", bad, got)
		}
	}
}

// FuzzUntext reads records of anybody's making: what is read is a datagram that
// could have been sent, and has a record of its own.
func FuzzUntext(f *testing.F) {
	f.Add("b0=AAAA", "b1=AAAA", "txtvers=1")
	f.Add("b1=AAAA", "b0=A", "b0=\n")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		datagram, ok := untext([]string{a, b, c})
		if !ok {
			return
		}
		if again, ok := untext(text(datagram)); len(datagram) > MaxDatagramBytes || !ok || string(again) != string(datagram) {
			t.Errorf("read %x, spelled and read again %x", datagram, again)
		}
	})
}

// studio is an mDNS library in memory: what one publishes the others hear.
type studio struct {
	mu      sync.Mutex
	on      map[int]func([]string)
	records map[int][]string
	starts  int
	fail    bool
	last    []string // interfaces and addresses of the last start
}

func newStudio() *studio {
	return &studio{on: map[int]func([]string){}, records: map[int][]string{}}
}

func (s *studio) browse(ctx context.Context, on []net.Interface, addresses, text []string, heard func([]string)) error {
	s.mu.Lock()
	s.starts++
	me := s.starts
	s.last = nil
	for _, i := range on {
		s.last = append(s.last, i.Name)
	}
	s.last = append(s.last, addresses...)
	if s.fail {
		s.mu.Unlock()
		return errors.New("port 5353 is taken")
	}
	for other, hear := range s.on {
		go hear(text)
		go heard(s.records[other])
	}
	s.on[me], s.records[me] = heard, text
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.on, me)
	return nil
}

// breakDown makes the library fail, or work again.
func (s *studio) breakDown(fail bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// lastStart returns the interfaces and addresses of the last start.
func (s *studio) lastStart() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// TestMDNS follows the record: it is heard, it follows the addresses, and a
// library that fails is tried again.
func TestMDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio()
		config := testConfig(testMesh)
		config.Without = []Way{Beacon}
		with := func(d *Discovery) { d.browse = s.browse }
		first, second := newEar(), newEar()
		machine := &airHost{air: newAir(1, 0), own: []Interface{loopback(), wired("10.0.0.1/24")}}
		host := newFakeHost(1, "/ip4/0.0.0.0/tcp/4801")
		d, _ := start(t, config, machine, host, first, with)
		wait(time.Second)
		start(t, config, &airHost{air: newAir(1, 0), own: []Interface{wired("10.0.0.2/24")}},
			newFakeHost(2, "/ip4/0.0.0.0/tcp/4802", "/ip4/127.0.0.1/tcp/4802"), second, with)
		wait(time.Second)
		_, a := first.heardOf(testPeer(2))
		_, b := second.heardOf(testPeer(1))
		if len(a.Addresses) != 1 || a.Addresses[0].String() != "/ip4/10.0.0.2/tcp/4802" || a.Way != MDNS || len(b.Addresses) != 1 {
			t.Errorf("candidates %+v and %+v", a, b)
		}
		starts := d.Status().MDNS.Starts
		wait(time.Minute)
		if again := d.Status().MDNS.Starts; again != starts {
			t.Errorf("started %d times more without a reason", again-starts)
		}

		machine.set(loopback(), wired("10.0.0.7/24"))
		wait(5 * time.Second)
		if want := []string{"eth0", "10.0.0.7"}; !slices.Equal(s.lastStart(), want) {
			t.Errorf("after an address change it runs on %q, want %q", s.lastStart(), want)
		}
		host.listenOn("/ip4/127.0.0.1/tcp/4801")
		wait(5 * time.Second)
		if got := d.Status().MDNS; !strings.Contains(got.Fault, "listens on no address") || got.Interfaces != nil {
			t.Errorf("with a host on loopback alone: %+v", got)
		}
		machine.set(loopback())
		wait(5 * time.Second)
		if got := d.Status().MDNS.Fault; !strings.Contains(got, "no interface") {
			t.Errorf("with loopback alone: fault %q", got)
		}
		s.breakDown(true)
		host.listenOn("/ip4/0.0.0.0/tcp/4801")
		machine.set(wired("10.0.0.8/24"))
		wait(time.Hour)
		if got := d.Status().MDNS; !strings.Contains(got.Fault, "5353") || got.Starts < 20 || got.Starts > 90 {
			t.Errorf("while it fails for an hour: %+v", got)
		}
		s.breakDown(false)
		wait(2 * time.Minute)
		if got := d.Status().MDNS.Fault; got != "" {
			t.Errorf("when it works again: fault %q", got)
		}
	})
}

// TestMDNSFlood bounds what strangers on the network can do: the library, which
// keeps each record that it hears, is started anew, and records are taken slowly.
func TestMDNSFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var taken atomic.Int64
		flood := func(ctx context.Context, _ []net.Interface, _, _ []string, heard func([]string)) error {
			for n := 0; ctx.Err() == nil; n++ {
				a := seeking(Instance(n + 1))
				heard(text(a.encode(&key{})))
				taken.Add(1)
			}
			return ctx.Err()
		}
		config := testConfig(testMesh)
		config.Without = []Way{Beacon}
		d, _ := start(t, config, &airHost{air: newAir(1, 0), own: []Interface{wired("10.0.0.1/24")}},
			newFakeHost(1, "/ip4/0.0.0.0/tcp/4801"), newEar(), func(d *Discovery) { d.browse = flood })
		wait(100 * time.Second)
		if rate := taken.Load() / 100; rate > 200 {
			t.Errorf("%d records a second are taken", rate)
		}
		if starts := d.Status().MDNS.Starts; starts < 5 {
			t.Errorf("started %d times", starts)
		}
	})
}

// TestReachable shows that of an announced list only our own networks' addresses
// are tried, the proven one first.
func TestReachable(t *testing.T) {
	used := []Interface{loopback(), wired("10.0.0.1/24")}
	announced := []netip.AddrPort{
		netip.MustParseAddrPort("172.17.0.1:1"), netip.MustParseAddrPort("10.0.0.2:1"),
		netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("10.0.0.3:1"),
	}
	got := fmt.Sprint(reachable(announced, netip.MustParseAddr("10.0.0.3"), used))
	if want := "[/ip4/10.0.0.3/tcp/1 /ip4/10.0.0.2/tcp/1]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
