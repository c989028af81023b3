package link

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// listen makes the host listen on the addresses of the reach that it does not listen
// on yet: on the configured port, or any free one where that is taken, the same for
// all addresses where that is possible. One address that works is enough.
func (h *Host) listen(r reach) error {
	port := h.config.Port
	if bound := uint16(h.port.Load()); bound != 0 {
		port = bound
	}
	var errs []error
	listening := false
	for _, address := range r.listen() {
		if h.listensOn(address) {
			listening = true
			continue
		}
		bound, err := h.listenOn(address, port)
		if err != nil && port != 0 {
			h.log.Info("port is not free, taking another", "address", address.String(), "port", port, "error", err)
			bound, err = h.listenOn(address, 0)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		listening, port = true, bound
		h.port.CompareAndSwap(0, uint32(bound))
	}
	if listening {
		for _, err := range errs {
			h.log.Debug("cannot listen on one of the addresses", "error", err)
		}
		return nil
	}
	if len(errs) == 0 {
		return fmt.Errorf("listen: interfaces %q have no address; name another with --interface", h.config.Interfaces)
	}
	return errors.Join(errs...)
}

// listenOn listens on one address and returns the port, which is a free one where
// none is asked for.
func (h *Host) listenOn(address netip.Addr, port uint16) (uint16, error) {
	m, ok := multiaddr(netip.AddrPortFrom(address, port))
	if !ok {
		return 0, fmt.Errorf("listen on %v: not an address", address)
	}
	if err := h.host.Network().Listen(m); err != nil {
		return 0, fmt.Errorf("listen on %v: %w", netip.AddrPortFrom(address, port), err)
	}
	for _, bound := range addrPorts(h.host.Network().ListenAddresses()) {
		if bound.Addr() == address {
			return bound.Port(), nil
		}
	}
	return 0, fmt.Errorf("listen on %v: the listener closed at once", address)
}

func (h *Host) listensOn(address netip.Addr) bool {
	return slices.ContainsFunc(addrPorts(h.host.Network().ListenAddresses()), func(a netip.AddrPort) bool {
		return a.Addr() == address
	})
}

// advertised returns those of the host's addresses that peers are told of.
func (h *Host) advertised(all []ma.Multiaddr) []ma.Multiaddr {
	var far, near []ma.Multiaddr
	for _, m := range all {
		a, ok := addrPort(m)
		switch {
		case !ok || !dialable(a) || h.config.Advertise != nil && !h.config.Advertise(a.Addr()):
		case manet.IsIPLoopback(m):
			near = append(near, m)
		default:
			far = append(far, m)
		}
	}
	if len(far) == 0 {
		return near
	}
	return far
}
