package mesh

import (
	"net/netip"
	"sync"
	"time"

	"ganglion/mesh/discovery"
)

// advertiser tells which of the machine's addresses others are told of, by the same
// rule by which discovery picks its interfaces: an address of a container's bridge
// names another machine to whoever reads it. It is safe for concurrent use.
type advertiser struct {
	mu   sync.Mutex // guards what follows
	read time.Time
	used map[netip.Addr]bool // nil: unknown, all are told of
}

// allows tells whether others are told of an address. It reads the interfaces again
// when it has not done so for a few seconds.
func (a *advertiser) allows(address netip.Addr) bool {
	const stale = 3 * time.Second
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); a.read.IsZero() || now.Sub(a.read) > stale {
		a.read, a.used = now, usedAddresses()
	}
	return a.used == nil || a.used[plain(address)]
}

func usedAddresses() map[netip.Addr]bool {
	listed, err := discovery.SystemInterfaces()
	if err != nil {
		return nil
	}
	interfaces, _ := discovery.Select(listed, nil)
	used := make(map[netip.Addr]bool)
	for _, i := range interfaces {
		for _, prefix := range i.Prefixes {
			used[plain(prefix.Addr())] = true
		}
	}
	return used
}

func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }
