package link

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-yamux/v5"
	ma "github.com/multiformats/go-multiaddr"
)

// TestReach is the rule that keeps a restricted host on its interfaces: the tests of
// this repository rely on it to stay on loopback.
func TestReach(t *testing.T) {
	addr := netip.MustParseAddr
	lo := reach{restricted: true, loopback: true, local: []netip.Addr{addr("127.0.0.1"), addr("::1")}}
	eth := reach{restricted: true, local: []netip.Addr{addr("192.168.1.7"), addr("fe80::7")}}
	routes := func(remote netip.Addr) (netip.Addr, error) {
		switch {
		case netip.MustParsePrefix("192.168.1.0/24").Contains(remote):
			return addr("192.168.1.7"), nil
		case remote == addr("203.0.113.1"):
			return addr("10.8.0.2"), nil // by a tunnel
		case remote.Zone() != "":
			return addr("fe80::7%eth0"), nil
		}
		return netip.Addr{}, errors.New("no route")
	}
	tests := []struct {
		name   string
		reach  reach
		remote string
		want   bool
	}{
		{"everywhere", reach{}, "203.0.113.1", true},
		{"loopback on lo", lo, "127.0.0.1", true},
		{"any loopback on lo", lo, "127.3.2.1", true},
		{"loopback of IPv6", lo, "::1", true},
		{"the network on lo", lo, "192.168.1.9", false},
		{"loopback on eth", eth, "127.0.0.1", false},
		{"the network on eth", eth, "192.168.1.9", true},
		{"link-local on eth", eth, "fe80::9%eth0", true},
		{"by another interface", eth, "203.0.113.1", false},
		{"no route", eth, "198.51.100.1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.reach.allowsRemote(addr(tt.remote), routes); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if lo.allowsLocal(addr("192.168.1.7")) || !lo.allowsLocal(addr("127.0.0.5")) || !eth.allowsLocal(addr("fe80::7%eth0")) {
		t.Error("accepts on the wrong address")
	}
	if got := eth.listen(); len(got) != 1 || got[0] != addr("192.168.1.7") {
		t.Errorf("listens on %v", got)
	}
	if _, err := readReach([]string{"lo", "no-such-interface"}); err == nil {
		t.Error("an interface that is not there: got no error")
	}
}

// TestRoundTrips feeds known times: gather deadlines are made of these figures.
func TestRoundTrips(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	r := newRoundTrips(100)
	if got := r.summary(); got != (RoundTrip{}) {
		t.Errorf("nothing measured: got %+v", got)
	}
	for i := 1; i <= 100; i++ {
		r.add(ms(i), time.Time{})
	}
	if got, want := r.summary(), (RoundTrip{Best: ms(1), Last: ms(100), P99: ms(99), Samples: 100}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for range 99 { // the old ones are forgotten but for the last
		r.add(ms(7), time.Time{})
	}
	if got, want := r.summary(), (RoundTrip{Best: ms(7), Last: ms(7), P99: ms(7), Samples: 100}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	one := newRoundTrips(3)
	one.add(ms(5), time.Time{})
	if got, want := one.summary(), (RoundTrip{Best: ms(5), Last: ms(5), P99: ms(5), Samples: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A way that becomes longer all at once, as where a cable gives way to radio, is known within ten
// seconds, and one that becomes shorter at once: the deadlines of a gather are made of the best.
// It once took the last 128, which a quiet link measures in four minutes.
func TestRoundTripsLearn(t *testing.T) {
	const near, far = time.Millisecond, 100 * time.Millisecond
	tests := []struct {
		name  string
		every time.Duration // between two measurements
		most  time.Duration // until the longer way is known
	}{
		{"busy", 5 * time.Millisecond, roundTripsFor},
		{"heartbeats", 100 * time.Millisecond, roundTripsFor + 100*time.Millisecond},
		{"quiet", 2 * time.Second, roundTripsLeast * 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := time.Unix(0, 0)
			r := newRoundTrips(DefaultLinks().RoundTrips)
			known := func(d time.Duration) (took time.Duration) {
				for begun := now; now.Sub(begun) < time.Hour; {
					now = now.Add(tt.every)
					r.add(d, now)
					if took = now.Sub(begun); r.summary().Best == d {
						break
					}
				}
				return took
			}
			for range 1000 {
				known(near)
			}
			if got := known(far); got > tt.most {
				t.Errorf("from %v to %v is known after %v, want %v at most", near, far, got, tt.most)
			}
			if got := known(near); got > tt.every {
				t.Errorf("from %v to %v is known after %v, want %v", far, near, got, tt.every)
			}
		})
	}
}

// TestSendTimes shows that the oldest frame is known however many are under way, and the last. Once
// the last were not: a network that stood still for five seconds was taken for one of two or three,
// by which everybody was waited for.
func TestSendTimes(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	var s sendTimes
	if !s.oldest().IsZero() {
		t.Error("nothing sent: got a time")
	}
	const sent = 10*sendTimesMax + 5
	for n := 1; n <= sent; n++ {
		s.add(uint64(n), at(n))
	}
	if !s.oldest().Equal(at(1)) {
		t.Errorf("oldest %v, want that of the first", s.oldest())
	}
	if got, ok := s.acknowledge(1); !ok || !got.Equal(at(1)) || s.oldest().IsZero() {
		t.Errorf("got %v, %v, oldest %v", got, ok, s.oldest())
	}
	last := 0
	for n := sent - 9; n <= sent; n++ {
		got, ok := s.acknowledge(uint64(n))
		if ok && !got.Equal(at(n)) || !ok && n == sent {
			t.Errorf("of frame %d of %d: got %v, %v, want %v", n, sent, got, ok, at(n))
		}
		if ok {
			last++
		}
	}
	if last < 5 {
		t.Errorf("of the last ten %d are known, want half of them", last)
	}
	if !s.oldest().IsZero() {
		t.Errorf("all are acknowledged, and the oldest is of %v", s.oldest())
	}
	s.add(1000, at(1000))
	if _, ok := s.acknowledge(999); ok || !s.oldest().Equal(at(1000)) {
		t.Error("an earlier acknowledgement took a later frame")
	}
}

// TestAcknowledgementRides: an acknowledgement goes on the next frame and leaves no timer
// behind, which would wake an idle node for nothing at every heartbeat; and by itself where
// there is no frame.
func TestAcknowledgementRides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Links{config: DefaultLinks()}
		s := newSession(l, newLink("peer", l.config), nil, true)
		written := func() int {
			s.mu.Lock()
			defer s.mu.Unlock()
			n := len(s.waiting)
			s.waiting = s.waiting[:0]
			return n
		}
		numbered := header{kind: 1}
		if err := s.note(numbered); err != nil {
			t.Fatal(err)
		}
		if err := s.queue(numbered, []byte("answer")); err != nil {
			t.Fatal(err)
		}
		if n := written(); n == 0 || s.owed {
			t.Errorf("the answer of %d bytes does not acknowledge", n)
		}
		if s.timer.Stop() {
			t.Error("a timer is left, although nothing is owed")
		}
		if err := s.note(numbered); err != nil {
			t.Fatal(err)
		}
		time.Sleep(l.config.AcknowledgeDelay) //nolint:forbidigo // virtual
		synctest.Wait()
		if written() == 0 || s.owed {
			t.Error("no frame came, and the acknowledgement is still owed")
		}
	})
}

// TestTrafficShare shows that shares add up, so that the demo's table can tell
// membership from application and still sum to the sockets.
func TestTrafficShare(t *testing.T) {
	now := Traffic{
		Socket: Count{SentBytes: 1300, ReceivedBytes: 2100},
		Protocols: map[protocol.ID]ProtocolTraffic{
			"/a": {Count: Count{600, 1000}, Writes: 20, Reads: 10},
			"/b": {Count: Count{400, 500}, Writes: 10, Reads: 30},
		},
	}
	is := func(id protocol.ID) func(protocol.ID) bool { return func(p protocol.ID) bool { return p == id } }
	if got, want := now.Share(is("/a")), (Count{600 + 200, 1000 + 150}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := now.Share(is("/b")), (Count{400 + 100, 500 + 450}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := now.Share(func(protocol.ID) bool { return true }); got != now.Socket {
		t.Errorf("all together: got %+v, want %+v", got, now.Socket)
	}
	if got := now.Sub(now).Share(is("/a")); got != (Count{}) {
		t.Errorf("no time between: got %+v", got)
	}
	want := Traffic{Socket: Count{300, 100}, Protocols: map[protocol.ID]ProtocolTraffic{"/a": {}, "/b": {Count: Count{0, 500}, Reads: 30}}}
	earlier := Traffic{Socket: Count{1000, 2000}, Protocols: map[protocol.ID]ProtocolTraffic{
		"/a": now.Protocols["/a"], "/b": {Count: Count{400, 0}, Writes: 10},
	}}
	if diff := cmp.Diff(want, now.Sub(earlier)); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

// TestBroken tells the ends of a link that are somebody's death from those that are
// not.
func TestBroken(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"links closed here", ErrClosed, false},
		{"replaced", errReplaced, false},
		{"peer misbehaved", errMalformed, false},
		{"peer was slow", errSlow, false},
		{"keep-alive", errors.Join(network.ErrReset, yamux.ErrStreamReset, yamux.ErrKeepAliveTimeout), false},
		{"write took too long", errors.Join(yamux.ErrStreamReset, yamux.ErrConnectionWriteTimeout), false},
		{"connection closed here", &network.ConnError{Remote: false}, false},
		{"connection closed there", &network.ConnError{Remote: true}, true},
		{"stream reset there", &network.StreamError{Remote: true}, true},
		{"process killed", errors.Join(network.ErrReset, errors.New("connection reset by peer")), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := broken(tt.err); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestValidate tells all faults at once.
func TestValidate(t *testing.T) {
	if err := errors.Join(DefaultLAN().Validate(), DefaultLinks().Validate()); err != nil {
		t.Errorf("defaults: %v", err)
	}
	bad := Config{YieldMin: 2, YieldMax: 1, RedialMin: -1}
	if err := bad.Validate(); err == nil || strings.Count(err.Error(), "\n") != 5 {
		t.Errorf("got %v, want six faults", err)
	}
	if err := (LinksConfig{}).Validate(); err == nil || strings.Count(err.Error(), "\n") != 8 {
		t.Errorf("got %v, want nine faults", err)
	}
}

// TestRefusalsReport logs the first fault at once and the rest together.
func TestRefusalsReport(t *testing.T) {
	var r refusals
	start := time.Unix(1000, 0)
	add := func(c *Refusals) { c.Unknown++ }
	if got, ok := r.count(add, start, time.Minute); !ok || got.Unknown != 1 {
		t.Errorf("first: got %+v, %v", got, ok)
	}
	if _, ok := r.count(add, start.Add(time.Second), time.Minute); ok {
		t.Error("second within the minute: reported")
	}
	if got, ok := r.report(start.Add(time.Minute), time.Minute); !ok || got.Unknown != 2 {
		t.Errorf("after the minute: got %+v, %v", got, ok)
	}
	if _, ok := r.report(start.Add(time.Hour), time.Minute); ok {
		t.Error("nothing new: reported")
	}
}

// TestRank spreads the addresses of a peer over time, the likeliest first.
func TestRank(t *testing.T) {
	var given []ma.Multiaddr
	for _, a := range []string{"[fe80::1%25eth0]:1", "[fd00::1]:1", "192.168.1.7:1", "10.0.0.1:1"} {
		ap, err := netip.ParseAddrPort(strings.ReplaceAll(a, "%25", "%"))
		if err != nil {
			t.Fatal(err)
		}
		m, ok := multiaddr(ap)
		if !ok {
			t.Fatalf("no multiaddr for %s", a)
		}
		given = append(given, m)
	}
	var got []string
	for _, r := range rank(given) {
		a, _ := addrPort(r.Addr)
		got = append(got, a.Addr().String()+" "+r.Delay.String())
	}
	want := []string{"192.168.1.7 0s", "10.0.0.1 100ms", "fd00::1 200ms", "fe80::1%eth0 300ms"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

// TestRouteLogs shows that libp2p's errors are no errors of ours, and keep their
// attributes.
func TestRouteLogs(t *testing.T) {
	var out strings.Builder
	at := func(level slog.Level) demoted {
		return demoted{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level})}
	}
	slog.New(at(slog.LevelInfo)).Error("listener closed")
	if out.Len() != 0 {
		t.Errorf("logged although debug is off: %s", out.String())
	}
	slog.New(at(slog.LevelDebug)).With("logger", "swarm2").WithGroup("g").Error("listener closed", "addr", "lo")
	for _, part := range []string{"level=DEBUG", "logger=swarm2", "g.addr=lo"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("got %q, want %q in it", out.String(), part)
		}
	}
}
