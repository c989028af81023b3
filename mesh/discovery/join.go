package discovery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Bounds of an attempt to join.
const (
	identifyTimeout = 5 * time.Second
	resolveTimeout  = 5 * time.Second
	maxResolved     = 8 // addresses of one name
)

// target is a place where a member may be.
type target struct {
	text string
	host string // a name or an IP address
	port uint16
	peer peer.ID // empty: whoever listens there
}

// resolver looks up the addresses of a name. *net.Resolver is one.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// parseTarget reads host, host:port, or a multiaddress of a host and a TCP port.
func parseTarget(text string) (target, error) {
	if strings.HasPrefix(text, "/") {
		return parseMultiaddress(text)
	}
	t := target{text: text, host: text, port: DefaultPort}
	if ip, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		t.host = ip.String()
		return t, nil
	}
	if host, port, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return target{}, fmt.Errorf("join %q: the port is not 1 to 65535", text)
		}
		t.host, t.port = host, uint16(n)
	}
	_, err := netip.ParseAddr(t.host)
	if t.host == "" || err != nil && strings.ContainsAny(t.host, " /:[]") {
		return target{}, fmt.Errorf("join %q: give host, host:port or a multiaddress", text)
	}
	return t, nil
}

// parseMultiaddress reads /ip4, /ip6, /dns, /dns4 or /dns6, then /tcp, then
// perhaps /p2p.
func parseMultiaddress(text string) (target, error) {
	m, err := ma.NewMultiaddr(text)
	if err != nil {
		return target{}, fmt.Errorf("join %q: %w", text, err)
	}
	t := target{text: text}
	if len(m) == 3 && m[2].Protocol().Code == ma.P_P2P {
		id, err := peer.Decode(m[2].Value())
		if err != nil {
			return target{}, fmt.Errorf("join %q: %w", text, err)
		}
		t.peer, m = id, m[:2]
	}
	if len(m) == 2 && m[1].Protocol().Code == ma.P_TCP {
		switch m[0].Protocol().Code {
		case ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
			port, err := strconv.ParseUint(m[1].Value(), 10, 16)
			if err == nil && port != 0 {
				t.host, t.port = m[0].Value(), uint16(port)
				return t, nil
			}
		}
	}
	return target{}, fmt.Errorf("join %q: give an IP address or name and a TCP port, as in /ip4/192.0.2.1/tcp/%d", text, DefaultPort)
}

// joiner asks again and again who is at one target, until the host is connected
// to whoever is.
type joiner struct {
	*Discovery
	target target
	at     int // in Status.Joins
	random *rand.Rand
}

// run works until the context ends. Changed interfaces are a reason to try at
// once.
func (j *joiner) run(ctx context.Context) error {
	retry := backoff{first: j.config.Retry, longest: j.config.RetryMax}
	var last peer.ID // who answered last
	failing := false
	for {
		used, changed := j.around.get()
		var wait time.Duration
		if last != "" && j.host.Connected(last) {
			// Nothing to do until the connection is gone, which the members
			// notice sooner than we do.
			retry.reset()
			wait = j.config.RetryMax
		} else {
			id, err := j.attempt(ctx, used)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			last = id
			j.note(id, err)
			if failed := err != nil; failed != failing {
				failing = failed
				j.announceChange(id, err)
			}
			wait = retry.next(j.random)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			retry.reset()
		case <-time.After(wait):
		}
	}
}

// announceChange logs that the target has begun to fail, or to work again.
func (j *joiner) announceChange(id peer.ID, err error) {
	if err != nil {
		j.log.Warn("cannot join yet, will try again", "target", j.target.text, "error", err)
		return
	}
	j.log.Info("somebody answers at the address to join", "target", j.target.text, "peer", id)
}

// note keeps the outcome of an attempt for the doctor.
func (j *joiner) note(id peer.ID, err error) {
	fault := ""
	if err != nil {
		fault = err.Error()
	}
	j.ledger.change(func(s *Status) {
		n := s.Joins[j.at].Attempts + 1
		s.Joins[j.at] = JoinStatus{Target: j.target.text, Attempts: n, Peer: id.String(), Fault: fault, Cause: err}
	})
}

// attempt asks every address of the target in turn who is there, and reports the
// first that answers.
func (j *joiner) attempt(ctx context.Context, used []Interface) (peer.ID, error) {
	addresses, err := j.resolve(ctx, used)
	if err != nil {
		return "", err
	}
	var failed []error
	for _, ip := range addresses {
		address, err := multiaddress(netip.AddrPortFrom(ip, j.target.port))
		if err != nil {
			failed = append(failed, err)
			continue
		}
		id, err := j.identify(ctx, address)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if j.host.Connected(id) {
			return id, nil
		}
		select {
		case j.found <- Candidate{Peer: id, Addresses: []ma.Multiaddr{address}, Way: Join}:
			return id, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "", errors.Join(failed...)
}

// identify returns who is at an address.
func (j *joiner) identify(ctx context.Context, address ma.Multiaddr) (peer.ID, error) {
	id := j.target.peer
	if id == "" {
		ctx, cancel := context.WithTimeout(ctx, identifyTimeout)
		defer cancel()
		var err error
		if id, err = j.host.Identify(ctx, address); err != nil {
			return "", fmt.Errorf("join %s at %v: %w", j.target.text, address, err)
		}
	}
	if id == j.host.ID() {
		return "", fmt.Errorf("join %s: that is this node itself, give another's address", j.target.text)
	}
	return id, nil
}

// resolve returns the target's IP addresses. With loopback alone in use no name
// service is asked and no other address is returned.
func (j *joiner) resolve(ctx context.Context, used []Interface) ([]netip.Addr, error) {
	var addresses []netip.Addr
	inside := onlyLoopback(used)
	ip, err := netip.ParseAddr(j.target.host)
	switch {
	case err == nil:
		addresses = []netip.Addr{ip.Unmap()}
	case inside && j.target.host == "localhost":
		addresses = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	case inside:
		return nil, fmt.Errorf("join %s: names are not looked up with the loopback interface alone, give an address", j.target.text)
	default:
		if cut, _ := j.config.cut(); cut {
			return nil, fmt.Errorf("join %s: look up name: %w", j.target.text, errCut)
		}
		ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
		defer cancel()
		if addresses, err = j.resolver.LookupNetIP(ctx, "ip", j.target.host); err != nil {
			return nil, fmt.Errorf("join %s: look up name: %w", j.target.text, err)
		}
	}
	var usable []netip.Addr
	for _, ip := range addresses {
		if !inside || ip.IsLoopback() {
			usable = append(usable, ip.Unmap())
		}
	}
	if len(usable) == 0 {
		return nil, fmt.Errorf("join %s: no address that the interfaces in use lead to", j.target.text)
	}
	return usable[:min(len(usable), maxResolved)], nil
}
