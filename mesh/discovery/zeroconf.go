package discovery

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"

	crand "crypto/rand"

	"github.com/libp2p/zeroconf/v2"
)

// recordSeconds is how long others may keep our record. A record that is still
// there is heard again after as long.
const recordSeconds = 120

// zeroconfBrowse is browse by the responder of libp2p's own mDNS. That service
// itself is not used: it takes every interface of the machine, carries no
// fingerprint and wants a host, which a node without a token does not have.
func zeroconfBrowse(ctx context.Context, on []net.Interface, addresses, text []string, heard func(text []string)) error {
	if len(on) == 0 {
		return errors.New("browse mdns: no interface") // the library would take all
	}
	// A name of its own for each life of a record: nothing to be in conflict with.
	var random [12]byte
	_, _ = crand.Read(random[:]) // never fails
	name := hex.EncodeToString(random[:])
	const port = DefaultPort // the record wants one; ours are in the text
	server, err := zeroconf.RegisterProxy(name, mdnsService, "local", port, name, addresses, text, on, zeroconf.TTL(recordSeconds))
	if err != nil {
		return fmt.Errorf("publish mdns record: %w", err)
	}
	defer server.Shutdown()

	// Without IPv6, or without IPv4, the library refuses to browse on both.
	var failed []error
	for _, traffic := range []zeroconf.IPType{zeroconf.IPv4AndIPv6, zeroconf.IPv4, zeroconf.IPv6} {
		if err := browseOn(ctx, traffic, on, heard); err != nil {
			failed = append(failed, err)
			continue
		}
		return nil
	}
	return fmt.Errorf("browse mdns: %w", errors.Join(failed...))
}

// browseOn browses until the context ends, or fails at once.
func browseOn(ctx context.Context, traffic zeroconf.IPType, on []net.Interface, heard func(text []string)) error {
	entries := make(chan *zeroconf.ServiceEntry, mdnsBurst)
	done := make(chan error, 1)
	go func() {
		done <- zeroconf.Browse(ctx, mdnsService, "local", entries, zeroconf.SelectIfaces(on), zeroconf.SelectIPTraffic(traffic))
	}()
	for {
		// The library blocks until an entry is taken, and closes the channel when
		// the context ends; not if it fails at once.
		select {
		case entry, open := <-entries:
			if !open {
				return <-done
			}
			heard(entry.Text)
		case err := <-done:
			return err
		}
	}
}
