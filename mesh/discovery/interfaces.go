package discovery

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Interface is a network interface of this machine, as the operating system
// lists it.
type Interface struct {
	Name     string
	Index    int
	Flags    net.Flags
	Prefixes []netip.Prefix // its addresses, each with its network's length
}

// Loopback tells whether nothing that is sent there leaves the machine.
func (i Interface) Loopback() bool { return i.Flags&net.FlagLoopback != 0 }

// Skipped is an interface that is not used, and why.
type Skipped struct {
	Interface string
	Reason    string
}

// SystemInterfaces returns the interfaces of this machine. An interface that
// vanishes while it is looked at is left out.
func SystemInterfaces() ([]Interface, error) {
	listed, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	var interfaces []Interface
	for _, l := range listed {
		addresses, err := l.Addrs()
		if err != nil {
			continue
		}
		i := Interface{Name: l.Name, Index: l.Index, Flags: l.Flags}
		for _, a := range addresses {
			if network, ok := a.(*net.IPNet); ok {
				if prefix, ok := prefixOf(network); ok {
					i.Prefixes = append(i.Prefixes, prefix)
				}
			}
		}
		interfaces = append(interfaces, i)
	}
	return interfaces, nil
}

// prefixOf converts an address as package net gives it.
func prefixOf(network *net.IPNet) (netip.Prefix, bool) {
	address, ok := netip.AddrFromSlice(network.IP)
	ones, bits := network.Mask.Size()
	if !ok || bits == 0 {
		return netip.Prefix{}, false
	}
	address = address.Unmap()
	if address.Is4() && bits == 128 {
		ones -= 96
	}
	prefix := netip.PrefixFrom(address, ones)
	return prefix, prefix.IsValid()
}

// Select returns the interfaces that a mesh uses: those named, whatever they
// are, or with no names all that are up, but neither a container bridge nor a
// tunnel: their addresses mean nothing to other machines. The rest is returned
// with a reason; so is a name that no interface has.
func Select(interfaces []Interface, names []string) (used []Interface, skipped []Skipped) {
	for _, i := range interfaces {
		if reason := unused(i, names); reason != "" {
			skipped = append(skipped, Skipped{i.Name, reason})
		} else {
			used = append(used, i)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(interfaces, func(i Interface) bool { return i.Name == name }) {
			skipped = append(skipped, Skipped{name, "there is no interface of this name now"})
		}
	}
	return used, skipped
}

// unused returns why an interface is not used, or nothing if it is.
func unused(i Interface, names []string) string {
	named := slices.Contains(names, i.Name)
	switch {
	case len(names) > 0 && !named:
		return "not among the interfaces that were asked for"
	case i.Flags&net.FlagUp == 0:
		return "down"
	case len(i.Prefixes) == 0:
		return "has no address"
	case named || i.Loopback():
		return ""
	case i.Flags&net.FlagPointToPoint != 0:
		return "a tunnel: name it to use it"
	case virtual(i.Name):
		return "a bridge of containers or virtual machines, or a tunnel: name it to use it"
	default:
		return ""
	}
}

// virtual tells by its name whether an interface belongs to containers, virtual
// machines or a tunnel. The host's end of a container's cable (veth) is not
// here: it has no address, while within a container a cable of that name may be
// all there is.
func virtual(name string) bool {
	for _, prefix := range []string{
		"docker", "podman", "cni", "flannel", "cali", "cilium", "kube", "weave", "lxcbr", "lxdbr", "incusbr", // containers
		"virbr", "vboxnet", "vmnet", "vEthernet (WSL", "vEthernet (Default Switch", "bridge10", // virtual machines
		"tun", "tap", "wg", "tailscale", "zt", "ppp", "utun", "ipsec", "gif", "stf", // tunnels
		"awdl", "llw", "anpi", // a Mac's own radio links
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return dockerNetwork(name)
}

// dockerNetwork tells whether the name is br- and twelve hexadecimal digits: the
// bridge of a network that a user made with Docker.
func dockerNetwork(name string) bool {
	id, ok := strings.CutPrefix(name, "br-")
	return ok && len(id) == 12 && strings.Trim(id, "0123456789abcdef") == ""
}

// lane is one way out of the machine for beacons: an IPv4 network that an
// interface is on.
type lane struct {
	iface     string
	loopback  bool
	network   netip.Prefix // this machine's address there and the network's length
	broadcast netip.Addr   // what all hosts of that network hear
}

// lanesOf returns the lanes of the used interfaces: one for each IPv4 network
// with a broadcast address. Of a loopback interface that is 127.0.0.0/8 alone.
func lanesOf(used []Interface) []lane {
	var lanes []lane
	for _, i := range used {
		if i.Flags&net.FlagBroadcast == 0 && !i.Loopback() {
			continue
		}
		for _, prefix := range i.Prefixes {
			address := prefix.Addr()
			if !address.Is4() || prefix.Bits() > 30 || i.Loopback() != address.IsLoopback() {
				continue
			}
			l := lane{iface: i.Name, loopback: i.Loopback(), network: prefix, broadcast: broadcastOf(prefix)}
			if !slices.ContainsFunc(lanes, func(other lane) bool { return other.broadcast == l.broadcast }) {
				lanes = append(lanes, l)
			}
		}
	}
	return lanes
}

// broadcastOf returns the last address of an IPv4 network.
func broadcastOf(prefix netip.Prefix) netip.Addr {
	address := prefix.Addr().As4()
	for bit := prefix.Bits(); bit < 32; bit++ {
		address[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(address)
}

// onLink tells whether an address is on a network of one of the interfaces, so
// that what is sent there passes no router.
func onLink(used []Interface, address netip.Addr) bool {
	return slices.ContainsFunc(used, func(i Interface) bool {
		return slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool {
			return p.Contains(address) || i.Loopback() && address.IsLoopback()
		})
	})
}

// onlyLoopback tells whether nothing at all may leave the machine.
func onlyLoopback(used []Interface) bool {
	return !slices.ContainsFunc(used, func(i Interface) bool { return !i.Loopback() })
}

// sameInterfaces tells whether two lists have the same interfaces with the same
// addresses, in whatever order.
func sameInterfaces(a, b []Interface) bool {
	places := func(interfaces []Interface) map[string]bool {
		set := map[string]bool{}
		for _, i := range interfaces {
			for _, p := range i.Prefixes {
				set[fmt.Sprint(i.Index, i.Name, p)] = true
			}
		}
		return set
	}
	return maps.Equal(places(a), places(b))
}
