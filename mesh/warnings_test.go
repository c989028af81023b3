package mesh

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/mesh/membership"
	"ganglion/mesh/secret"

	"github.com/google/go-cmp/cmp"
)

// TestWarnings: each circumstance has its sentence, with what a person needs to act on
// it, and a healthy node has none.
func TestWarnings(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	here := netip.MustParseAddrPort("192.168.1.2:4801")
	inside := netip.MustParseAddrPort("127.0.0.1:4801")
	there := netip.MustParseAddrPort("192.168.1.3:4803")
	lane := discovery.LaneStatus{Interface: "eth0", Address: netip.MustParsePrefix("192.168.1.2/24")}
	fault := func(kind string, ago time.Duration) membership.Fault {
		return membership.Fault{Peer: "peer", Kind: kind, Err: errors.New("the cause"), Count: 3, At: now.Add(-ago)}
	}
	foreign := discovery.Foreign{
		Fingerprint: "otherone", Version: discovery.Version, Name: "shed", Address: there, Way: discovery.Beacon, Interface: "eth0",
	}
	tests := []struct {
		name   string
		change func(*circumstances)
		want   [][]string // of each warning, in order, what it must say
	}{
		{"healthy", func(*circumstances) {}, nil},
		{"alone for a moment", func(c *circumstances) { c.status.Alone = 9 * time.Second }, nil},
		{"alone", func(c *circumstances) { c.status.Alone = 12 * time.Second }, [][]string{
			{"alone for 12s", "'ganglion doctor'.", "no other node", "another token", "oursours", "multicast", "firewall", "UDP port 4801", "--join", "192.168.1.2:4801"},
		}},
		{"alone again", func(c *circumstances) { c.status.Alone, c.hadCompany = time.Minute, true }, [][]string{
			{"1m0s", "have left", "'ganglion members'"},
		}},
		{"alone though heard", func(c *circumstances) { c.status.Alone, c.status.Discovery.Members = time.Minute, 2 }, [][]string{
			{"2 nodes of its mesh are heard", "blocks TCP", "'sudo ufw allow 4801/tcp'"},
		}},
		{"alone on loopback", func(c *circumstances) {
			c.status.Alone, c.addresses, c.config.Interfaces = time.Minute, []netip.AddrPort{inside}, []string{"lo"}
		}, [][]string{{"--interface lo", "only nodes on this machine", "'ganglion node --interface lo --join 127.0.0.1:4801'", "without --interface"}}},
		{"alone without a network", func(c *circumstances) { c.status.Alone, c.addresses = time.Minute, []netip.AddrPort{inside} }, [][]string{
			{"no network but its loopback interface", "Connect it"},
		}},
		{"alone where it joins in vain", func(c *circumstances) {
			c.status.Alone = time.Minute
			c.status.Discovery.Joins = []discovery.JoinStatus{{Target: "10.0.0.9", Attempts: 1, Cause: link.ErrNoAnswer, Fault: "x"}}
		}, [][]string{{"no address that it was told to join", "'ganglion status'", "oursours"}, {"Joining 10.0.0.9", "1 attempt:", "nothing answers"}}},
		{"alone where one address to join works", func(c *circumstances) {
			c.status.Alone = time.Minute
			c.status.Discovery.Joins = []discovery.JoinStatus{{Target: "10.0.0.9"}}
		}, [][]string{{"no other node"}}},
		{"alone because it is cut off", func(c *circumstances) {
			c.status.Alone, c.status.Impairment, c.config.Name = time.Minute, link.Impairment{Cut: true}, "attic"
			c.status.Discovery.Lanes, c.status.Discovery.MDNS.Fault = []discovery.LaneStatus{lane}, "cut"
			c.status.Discovery.Joins = []discovery.JoinStatus{{Target: "10.0.0.9", Fault: "cut"}}
		}, [][]string{{"on purpose: cut", "'ganglion chaos heal attic'"}}},
		{"slowed", func(c *circumstances) { c.status.Impairment.Delay = time.Second }, [][]string{{"delay 1s", "heal self'"}}},
		{"alone beside another mesh", func(c *circumstances) {
			c.status.Alone, c.status.Discovery.Foreign = time.Minute, []discovery.Foreign{foreign}
		}, [][]string{{"another token"}, {"otherone", `"shed"`, "192.168.1.3:4803", "by beacon on eth0", "oursours", "ganglion node --token-file -"}}},
		{"another version of the beacon", func(c *circumstances) {
			c.status.Discovery.Foreign = []discovery.Foreign{{Version: 9, Address: netip.AddrPortFrom(there.Addr(), 0), Way: discovery.MDNS}}
		}, [][]string{{"192.168.1.3 (heard by mdns)", "version 9", "version 1", "update"}}},
		{"clone heard", func(c *circumstances) {
			c.clone = &Heard{Kind: HeardClone, Addresses: []netip.AddrPort{there}}
			c.status.Membership.Clone = &membership.CloneError{Address: "elsewhere"} // once is enough
		}, [][]string{{"node without a name at 192.168.1.3:4803", "192.168.1.2:4801"}}},
		{"clone met", func(c *circumstances) {
			c.status.Membership.Clone = &membership.CloneError{Address: "192.168.1.2:4801"}
		}, [][]string{{"192.168.1.2:4801", "unknown address"}}},
		{"port taken", func(c *circumstances) { c.config.Port = 4700 }, [][]string{{"4700 is taken", "port 4801"}}},
		{"any port", func(c *circumstances) { c.config.Port = 0 }, nil},
		{"denied", func(c *circumstances) { c.status.Denied = []MemberID{"self"} }, [][]string{{"denied this node"}}},
		{"join fails", func(c *circumstances) {
			at := func(cause error) discovery.JoinStatus {
				cause = fmt.Errorf("join 10.0.0.9: %w", cause)
				return discovery.JoinStatus{Target: "10.0.0.9", Attempts: 4, Cause: cause, Fault: cause.Error()}
			}
			c.status.Discovery.Joins = []discovery.JoinStatus{
				at(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}),
				at(syscall.EHOSTUNREACH), at(link.ErrNoAnswer), at(link.ErrNotOurMesh),
				at(&net.DNSError{Name: "kitchen", Err: "no such host"}), at(errors.New("that is this node itself")),
				{Target: "good"},
			}
		}, [][]string{
			{"Joining 10.0.0.9", "4 attempts", "nothing listens at that port", "'ganglion status'"},
			{"no way to that address"},
			{"nothing answers", "firewall"},
			{"another token than mesh oursours", "'ganglion node --token-file - --join 10.0.0.9'"},
			{`"kitchen" cannot be looked up (no such host)`, "IP address"},
			{"4 attempts: that is this node itself."},
		}},
		{"deaf and mute", func(c *circumstances) {
			lane.HearFault, lane.SendFault = "taken", "forbidden"
			c.status.Discovery.Lanes = []discovery.LaneStatus{lane}
			c.status.Discovery.MDNS.Fault = "no multicast"
		}, [][]string{{"heard on eth0", "taken"}, {"sent on eth0", "forbidden"}, {"DNS", "no multicast"}}},
		{"no multicast on loopback", func(c *circumstances) {
			c.status.Discovery.Lanes = []discovery.LaneStatus{{Interface: "lo", Address: netip.MustParsePrefix("127.0.0.1/8")}}
			c.status.Discovery.MDNS.Fault = "no multicast"
		}, nil},
		{"versions before other faults", func(c *circumstances) {
			c.status.Membership.Faults = []membership.Fault{fault("record", time.Minute), fault("version", time.Minute), fault("meta", faultMemory)}
		}, [][]string{{"nice name", "another version", "the cause"}, {"nice name", "3 messages", "record", "the cause"}}},
		{"faults of a denied member", func(c *circumstances) {
			c.status.Denied = []MemberID{"peer"}
			c.status.Membership.Faults = []membership.Fault{fault("meta", time.Minute)}
		}, nil},
		{"slow network", func(c *circumstances) {
			c.status.Membership.RoundTrip, c.status.Membership.RoundTripPeer = 300*time.Millisecond, "peer"
		}, [][]string{{"nice name", "300ms", "100ms"}}},
		{"crowd", func(c *circumstances) {
			for i := range 3 * warningsMax {
				other := foreign
				other.Fingerprint = secret.Fingerprint(fmt.Sprintf("mesh%04d", i))
				c.status.Discovery.Foreign = append(c.status.Discovery.Foreign, other)
			}
		}, append(repeat([]string{"is on this network too"}, warningsMax), []string{"16 more"})},
		{"one other mesh of many nodes", func(c *circumstances) {
			c.status.Discovery.Foreign = []discovery.Foreign{foreign, foreign, foreign}
		}, [][]string{{"otherone", "and 2 more"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := circumstances{
				now: now, config: DefaultLAN(), mesh: "oursours", self: "self", addresses: []netip.AddrPort{here},
				name: func(MemberID) string { return "nice name" },
			}
			tt.change(&c)
			got := c.warnings()
			if len(got) != len(tt.want) {
				t.Fatalf("got %d warnings, want %d: %q", len(got), len(tt.want), got)
			}
			for i, parts := range tt.want {
				for _, part := range parts {
					if !strings.Contains(got[i], part) {
						t.Errorf("%q does not say %q", got[i], part)
					}
				}
				if !strings.HasSuffix(got[i], ".") && !strings.HasSuffix(got[i], ").") {
					t.Errorf("%q is no sentence", got[i])
				}
			}
		})
	}
}

func repeat(parts []string, times int) [][]string {
	var all [][]string
	for range times {
		all = append(all, parts)
	}
	return all
}

// TestKept: the host is told to stay connected to whom a frame may be for, and to
// nobody who is gone for good.
func TestKept(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	member := func(id MemberID, state membership.State, ago time.Duration) Member {
		return Member{ID: id, State: state, Since: now.Add(-ago)}
	}
	members := []Member{
		{ID: "self", Self: true},
		member("alive", membership.StateAlive, time.Hour),
		member("suspect", membership.StateSuspect, time.Hour),
		member("just down", membership.StateDown, keepDown-1),
		member("long down", membership.StateDown, keepDown),
		member("left", membership.StateLeft, 0),
		member("denied", membership.StateAlive, 0),
	}
	got := kept(members, map[MemberID]bool{"denied": true}, now)
	want := map[MemberID]bool{"alive": true, "suspect": true, "just down": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSevered: of members that are down, those connections are ended over which nothing
// comes; a member that came back a moment ago, and one that answers while gossip says that
// it is down, keep theirs.
func TestSevered(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	health := map[MemberID]Health{
		"alive":    {Up: true, Since: ago(time.Hour), Acknowledged: ago(time.Hour)},
		"silent":   {Up: true, Since: ago(time.Hour), Acknowledged: ago(deafMax + 1)},
		"answers":  {Up: true, Since: ago(time.Hour), Acknowledged: ago(deafMax)},
		"just up":  {Up: true, Since: ago(time.Second), Acknowledged: ago(time.Hour)},
		"no frame": {Since: ago(time.Hour)},
	}
	var members []Member
	for _, id := range []MemberID{"alive", "silent", "answers", "just up", "no frame", "no link"} {
		state := membership.StateDown
		if id == "alive" {
			state = membership.StateAlive
		}
		members = append(members, Member{ID: id, State: state})
	}
	members = append(members, Member{ID: "self", Self: true, State: membership.StateDown})
	got := severed(members, func(id MemberID) Health { return health[id] }, now)
	if diff := cmp.Diff([]MemberID{"silent", "no frame", "no link"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestAdvertiser: others are told of the addresses of interfaces that discovery uses,
// however they are written, and of no other.
func TestAdvertiser(t *testing.T) {
	var a advertiser
	if used := usedAddresses(); len(used) > 0 {
		for address := range used {
			if !a.allows(address) {
				t.Errorf("%v is not told of", address)
			}
		}
	}
	a.read, a.used = time.Now(), map[netip.Addr]bool{netip.MustParseAddr("10.0.0.1"): true}
	if !a.allows(netip.MustParseAddr("::ffff:10.0.0.1")) || a.allows(netip.MustParseAddr("172.17.0.1")) {
		t.Error("the address of a bridge is told of, or that of a network is not")
	}
}

// TestSolitudeAgreesWithItself: what is known rules causes out. A node that hears others
// is not told that broadcasts are blocked or that nobody is there, nor one that nobody can
// reach that others should join it.
func TestSolitudeAgreesWithItself(t *testing.T) {
	alone := circumstances{
		config: DefaultLAN(), mesh: "oursours", self: "self", addresses: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:4801")},
		status: Status{Alone: time.Minute},
	}
	tests := []struct {
		name   string
		change func(*circumstances)
		not    []string
	}{
		{"heard", func(c *circumstances) { c.status.Discovery.Members = 1 }, []string{"no other node", "UDP", "multicast", "token", "join"}},
		{"heard on loopback", func(c *circumstances) { c.status.Discovery.Members, c.config.Interfaces = 1, []string{"lo"} }, []string{"another here"}},
		{"no network", func(*circumstances) {}, []string{"--join", "firewall", "127.0.0.1"}},
		{"had company", func(c *circumstances) { c.hadCompany = true }, []string{"token", "multicast"}},
	}
	for _, tt := range tests {
		c := alone
		tt.change(&c)
		got := strings.Join(c.warnings(), " ")
		for _, cause := range tt.not {
			if got == "" || strings.Contains(got, cause) {
				t.Errorf("%s: %q says %q", tt.name, got, cause)
			}
		}
	}
}
