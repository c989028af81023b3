package discovery

import (
	"net/netip"
	"slices"
	"strconv"

	ma "github.com/multiformats/go-multiaddr"
)

// tcpAddress returns the IP address and port of a plain TCP multiaddress.
func tcpAddress(m ma.Multiaddr) (netip.AddrPort, bool) {
	if len(m) != 2 || m[1].Protocol().Code != ma.P_TCP {
		return netip.AddrPort{}, false
	}
	if code := m[0].Protocol().Code; code != ma.P_IP4 && code != ma.P_IP6 {
		return netip.AddrPort{}, false
	}
	ip, ok := netip.AddrFromSlice(m[0].RawValue())
	port := m[1].RawValue()
	if !ok || len(port) != 2 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port[0])<<8|uint16(port[1])), true
}

// multiaddress is the reverse of tcpAddress.
func multiaddress(address netip.AddrPort) (ma.Multiaddr, error) {
	code := ma.P_IP4
	if address.Addr().Is6() {
		code = ma.P_IP6
	}
	ip, err := ma.NewComponent(ma.ProtocolWithCode(code).Name, address.Addr().String())
	if err != nil {
		return nil, err
	}
	port, err := ma.NewComponent("tcp", strconv.Itoa(int(address.Port())))
	if err != nil {
		return nil, err
	}
	return ma.Multiaddr{*ip, *port}, nil
}

// listensOn returns the addresses among the candidates at which a host listens
// that listens at the given multiaddresses: an unspecified one stands for all of
// its family.
func listensOn(listening []ma.Multiaddr, candidates []netip.Addr) []netip.AddrPort {
	var found []netip.AddrPort
	for _, candidate := range candidates {
		for _, m := range listening {
			at, ok := tcpAddress(m)
			all := at.Addr().IsUnspecified() && at.Addr().Is4() == candidate.Is4()
			if !ok || !all && at.Addr() != candidate {
				continue
			}
			address := netip.AddrPortFrom(candidate, at.Port())
			if announceable(address) && !slices.Contains(found, address) {
				found = append(found, address)
			}
		}
	}
	return found
}

// addressesOf returns the addresses of the interfaces, loopback apart, in their
// order.
func addressesOf(used []Interface) []netip.Addr {
	var addresses []netip.Addr
	for _, i := range used {
		for _, p := range i.Prefixes {
			if !p.Addr().IsLoopback() {
				addresses = append(addresses, p.Addr())
			}
		}
	}
	return addresses
}
