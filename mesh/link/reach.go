package link

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
)

// reach is what the interfaces that a host may use allow. The zero reach allows all.
type reach struct {
	restricted bool
	local      []netip.Addr // addresses of the allowed interfaces, no zones; or of [Sockets]
	loopback   bool         // a loopback interface is among them
}

// readReach returns the reach of the interfaces with these names, or of all where
// there are none. An interface that is not there is an error; one without an address
// is not.
func readReach(names []string) (reach, error) {
	r := reach{restricted: len(names) > 0}
	for _, name := range names {
		i, err := net.InterfaceByName(name)
		if err != nil {
			return reach{}, fmt.Errorf("use interface %q: %w; there are %s", name, err, interfaceNames())
		}
		addresses, err := i.Addrs()
		if err != nil {
			return reach{}, fmt.Errorf("use interface %q: %w", name, err)
		}
		r.loopback = r.loopback || i.Flags&net.FlagLoopback != 0
		for _, a := range addresses {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				r.local = append(r.local, prefix.Addr().WithZone("").Unmap())
			}
		}
	}
	slices.SortFunc(r.local, netip.Addr.Compare)
	r.local = slices.Compact(r.local)
	return r, nil
}

// interfaceNames are those of the machine, for a sentence.
func interfaceNames() string {
	all, err := net.Interfaces()
	if err != nil || len(all) == 0 {
		return "none"
	}
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
	}
	return strings.Join(names, ", ")
}

// listen returns the addresses to listen on. A link-local address is left out where
// the reach is restricted: it means nothing without its interface.
func (r reach) listen() []netip.Addr {
	if !r.restricted && len(r.local) == 0 {
		return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	}
	var addresses []netip.Addr
	for _, a := range r.local {
		if !a.IsLinkLocalUnicast() {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

// allowsLocal tells whether a connection may end at this address of ours.
func (r reach) allowsLocal(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	return !r.restricted || slices.Contains(r.local, a) || r.loopback && a.IsLoopback()
}

// allowsRemote tells whether a connection may be made to the address, given which of
// our own addresses it would begin at.
func (r reach) allowsRemote(remote netip.Addr, source func(netip.Addr) (netip.Addr, error)) bool {
	if !r.restricted {
		return true
	}
	if remote.IsLoopback() {
		return r.loopback
	}
	if !slices.ContainsFunc(r.local, func(a netip.Addr) bool { return !a.IsLoopback() }) {
		return false
	}
	local, err := source(remote)
	return err == nil && r.allowsLocal(local)
}

// sourceOf returns the address of ours from which the system would send to the
// other. It asks the system's table: a UDP socket that is connected sends nothing.
func sourceOf(remote netip.Addr) (netip.Addr, error) {
	const discard = 9
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(remote, discard)))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find route to %v: %w", remote, err)
	}
	defer c.Close()
	local, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find route to %v: %w", remote, err)
	}
	return local.Addr(), nil
}

// sharedReach is a reach that is replaced while it is in use.
type sharedReach struct{ now atomic.Pointer[reach] }

func (s *sharedReach) get() reach  { return *s.now.Load() }
func (s *sharedReach) set(r reach) { s.now.Store(&r) }
