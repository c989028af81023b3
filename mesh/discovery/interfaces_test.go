package discovery

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// named returns an interface that is up.
func named(name string, flags net.Flags, prefixes ...string) Interface {
	i := Interface{Name: name, Flags: net.FlagUp | flags}
	for _, p := range prefixes {
		i.Prefixes = append(i.Prefixes, netip.MustParsePrefix(p))
	}
	return i
}

// TestSelect holds the policy: a container's bridge or a tunnel is no way to
// another machine, unless the operator says so.
func TestSelect(t *testing.T) {
	const lan, tunnel = net.FlagBroadcast | net.FlagMulticast, net.FlagPointToPoint | net.FlagMulticast
	down := named("eth1", lan, "10.1.0.1/24")
	down.Flags &^= net.FlagUp
	all := []Interface{
		loopback(), wired("10.0.0.1/24"), down, named("wlan0", lan), named("docker0", lan, "172.17.0.1/16"),
		named("br-0123456789ab", lan, "172.18.0.1/16"), named("br-lan", lan, "192.168.1.1/24"), named("veth0", lan, "10.2.0.1/24"),
		named("wg0", tunnel, "10.9.0.1/24"), named("tailscale0", tunnel, "100.64.0.1/32"), named("usb0", tunnel, "10.8.0.1/24"),
	}
	tests := []struct {
		name  string
		names []string
		used  []string
	}{
		{"whatever is fit", nil, []string{"lo", "eth0", "br-lan", "veth0"}},
		{"loopback alone", []string{"lo"}, []string{"lo"}},
		{"told to use a tunnel", []string{"wg0", "docker0"}, []string{"docker0", "wg0"}},
		{"one that is down", []string{"eth1"}, []string{}},
		{"one that is not there", []string{"eth7"}, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			used, skipped := Select(all, tt.names)
			if diff := cmp.Diff(tt.used, names(used)); diff != "" {
				t.Errorf("used (-want +got):\n%s", diff)
			}
			for _, s := range skipped {
				if s.Reason == "" {
					t.Errorf("%s is skipped without a reason", s.Interface)
				}
			}
			absent := 0
			if tt.name == "one that is not there" {
				absent = 1
			}
			if got, want := len(used)+len(skipped), len(all)+absent; got != want {
				t.Errorf("%d interfaces are accounted for, want %d", got, want)
			}
		})
	}
}

// TestLanes holds where beacons go: only where there is a broadcast address, and
// on the loopback interface only to 127.255.255.255.
func TestLanes(t *testing.T) {
	const lan = net.FlagBroadcast
	odd := loopback()
	odd.Prefixes = append(odd.Prefixes, netip.MustParsePrefix("10.5.5.5/24"), netip.MustParsePrefix("127.0.0.2/8"))
	tests := []struct {
		name  string
		iface Interface
		want  []string // broadcast addresses
	}{
		{"loopback", loopback(), []string{"127.255.255.255"}},
		{"loopback with a stray address", odd, []string{"127.255.255.255"}},
		{"a LAN", named("eth0", lan, "192.168.1.77/24"), []string{"192.168.1.255"}},
		{"an uneven length", named("eth0", lan, "172.16.30.1/20"), []string{"172.16.31.255"}},
		{"two networks", named("eth0", lan, "10.0.0.1/8", "192.168.0.1/16"), []string{"10.255.255.255", "192.168.255.255"}},
		{"two addresses of one network", named("eth0", lan, "10.0.0.1/24", "10.0.0.2/24"), []string{"10.0.0.255"}},
		{"a cable for two", named("eth0", lan, "10.0.0.0/31", "10.0.0.1/32"), nil},
		{"IPv6 alone", named("eth0", lan, "fd00::1/64"), nil},
		{"no broadcast", named("ib0", net.FlagMulticast, "10.0.0.1/24"), nil},
		{"a loopback address elsewhere", named("eth0", lan, "127.0.0.1/8"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, l := range lanesOf([]Interface{tt.iface}) {
				got = append(got, l.broadcast.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("broadcast addresses (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSystemInterfaces shows that this machine's loopback interface is read as
// what it is.
func TestSystemInterfaces(t *testing.T) {
	all, err := SystemInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Loopback() && onLink([]Interface{i}, netip.MustParseAddr("127.0.0.1")) {
			return
		}
	}
	t.Skip("this machine has no loopback interface that is up")
}
