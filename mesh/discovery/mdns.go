package discovery

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// mdnsService is the type of our records.
const mdnsService = "_ganglion._udp"

// Bounds of mDNS.
const (
	mdnsTextBytes = 200  // of one string of a record; the format's limit is 255
	mdnsRecords   = 1024 // that one browse may hear, since the library keeps them all
	mdnsBurst     = 64   // records taken at once
	mdnsEvery     = 10 * time.Millisecond
	mdnsRetry     = 5 * time.Second
	mdnsRetryMax  = time.Minute
)

// browse publishes a record on the interfaces, at least one, and hands on the
// text of all records that it hears, its own too, until the context ends or it
// fails. addresses are what the record's name stands for. heard blocks at will.
type browse func(ctx context.Context, on []net.Interface, addresses []string, text []string, heard func(text []string)) error

// multicast keeps an mDNS record of this node's announcement in the air and
// hears those of others. Addresses are read when it starts, so it starts anew
// when they change.
type multicast struct {
	around    *surroundings
	browse    browse
	poll      time.Duration
	judge     *judge
	ledger    *ledger
	log       *slog.Logger
	put       func(heard) Refusal
	cut       func() (is bool, again <-chan struct{}) // see Config
	addresses func(used []Interface) []netip.AddrPort // to announce
	compose   func(at []netip.AddrPort) []byte        // the announcement
}

// errAddresses ends a browse whose record is out of date, errFull one that has
// heard its fill, errCut one on a network that was cut.
var (
	errCut       = errors.New("the network is cut on purpose")
	errAddresses = errors.New("the addresses have changed")
	errFull      = errors.New("as many records were heard as are kept")
)

// run keeps it going until the context ends.
func (m *multicast) run(ctx context.Context) error {
	retry := backoff{first: mdnsRetry, longest: mdnsRetryMax}
	random := newRandom(m.judge.instance)
	for {
		cut, again := m.cut()
		if cut {
			m.ledger.noMulticast(errCut)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-again:
			}
			continue
		}
		used, changed := m.around.get()
		on, addresses := multicastInterfaces(used), m.addresses(used)
		var err error
		switch {
		case len(on) == 0:
			err = errors.New("no interface in use has multicast")
		case len(addresses) == 0:
			err = errors.New("the host listens on no address of an interface in use")
		default:
			err = m.once(ctx, on, addresses, changed, again)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait := m.poll
		switch {
		case errors.Is(err, errAddresses), errors.Is(err, errFull), errors.Is(err, errCut):
			m.log.Debug("mdns starts anew", "cause", err)
			retry.reset()
			continue
		case len(on) > 0 && len(addresses) > 0:
			wait = retry.next(random)
			if retry.gap == retry.first {
				m.log.Warn("mdns does not work, the other ways go on", "error", err)
			}
		}
		m.ledger.noMulticast(err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-time.After(wait):
		}
	}
}

// once browses until it fails, the addresses change, enough has been heard or the
// network is cut, of which again tells. It never returns nil.
func (m *multicast) once(
	ctx context.Context, on []net.Interface, addresses []netip.AddrPort, changed, again <-chan struct{},
) error {
	datagram := m.compose(addresses)
	m.ledger.change(func(s *Status) {
		s.MDNS.Starts, s.MDNS.Since, s.MDNS.Fault, s.MDNS.Interfaces = s.MDNS.Starts+1, time.Now(), "", nil
		for _, i := range on {
			s.MDNS.Interfaces = append(s.MDNS.Interfaces, i.Name)
		}
	})
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan error, 1)
	go func() {
		records := 0
		pace := bucket{size: mdnsBurst, refill: mdnsEvery}
		done <- m.browse(ctx, on, plain(addresses), text(datagram), func(text []string) {
			if records++; records > mdnsRecords {
				stop(errFull)
			}
			if cut, _ := m.cut(); !cut {
				m.take(text)
			}
			for wait := pace.wait(time.Now()); wait > 0 && ctx.Err() == nil; wait = pace.wait(time.Now()) {
				select {
				case <-ctx.Done():
				case <-time.After(wait):
				}
			}
		})
	}()
	poll := time.NewTicker(m.poll)
	defer poll.Stop()
	for {
		select {
		case err := <-done:
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			if err == nil {
				err = errors.New("browsing ended by itself")
			}
			return err
		case <-changed:
			stop(errAddresses)
			changed = nil
		case <-again:
			var cut bool
			if cut, again = m.cut(); cut {
				stop(errCut)
			}
		case <-poll.C:
			used, _ := m.around.get()
			if !slices.Equal(m.addresses(used), addresses) {
				stop(errAddresses)
			}
		}
	}
}

// take judges a record.
func (m *multicast) take(text []string) {
	datagram, ok := untext(text)
	if !ok {
		m.ledger.refused(lane{}, RefusedAlien)
		return
	}
	h, refusal := m.judge.judge(datagram, netip.AddrPort{}, netip.Prefix{})
	if refusal == "" && h.sort != sortOwn {
		h.way = MDNS
		refusal = m.put(h)
	}
	switch {
	case refusal != "":
		m.ledger.refused(lane{}, refusal)
	case h.sort == sortOwn:
		m.ledger.own(lane{})
	}
}

// multicastInterfaces returns those that mDNS runs on: never the loopback.
func multicastInterfaces(used []Interface) []net.Interface {
	var on []net.Interface
	for _, i := range used {
		if i.Flags&net.FlagMulticast != 0 && !i.Loopback() {
			on = append(on, i.netInterface())
		}
	}
	return on
}

// plain returns the IP addresses as text.
func plain(addresses []netip.AddrPort) []string {
	list := make([]string, len(addresses))
	for n, address := range addresses {
		list[n] = address.Addr().String()
	}
	return list
}

// text spells a datagram as the strings of a TXT record: base64, cut, each piece
// behind "b0=", "b1=" and so on, in order.
func text(datagram []byte) []string {
	rest := base64.RawStdEncoding.EncodeToString(datagram)
	var list []string
	for len(rest) > 0 {
		n := min(len(rest), mdnsTextBytes)
		list = append(list, "b"+string(rune('0'+len(list)))+"="+rest[:n])
		rest = rest[n:]
	}
	return list
}

// untext is the reverse of text. Strings of other keys are skipped.
func untext(list []string) ([]byte, bool) {
	var all strings.Builder
	pieces := 0
	for _, one := range list {
		piece, ours := strings.CutPrefix(one, "b"+string(rune('0'+pieces))+"=")
		if !ours {
			continue
		}
		pieces++
		if all.WriteString(piece); all.Len() > base64.RawStdEncoding.EncodedLen(MaxDatagramBytes) {
			return nil, false
		}
	}
	datagram, err := base64.RawStdEncoding.Strict().DecodeString(all.String())
	return datagram, err == nil && len(datagram) > 0
}
