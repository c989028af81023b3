package membership

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"ganglion/proto/wirepb"

	"golang.org/x/sync/errgroup"
)

const (
	addressInterval = 5 * time.Second // between two looks at our own addresses
	joinsMax        = 32              // attempts at once
	fetchesMax      = 8               // of records at once
	spreadsMax      = 16              // of settings at once
)

// publish keeps what the others hear of this node up to date.
func (m *Membership) publish(ctx context.Context) error {
	ticker := time.NewTicker(addressInterval)
	defer ticker.Stop()
	for {
		m.own.setAddresses(m.book.Addresses())
		raw, err := m.own.sign()
		if err != nil {
			m.log.ErrorContext(ctx, "this node's record could not be signed", "error", err)
		}
		if sent := m.sent.Load(); sent == nil || !bytes.Equal(*sent, raw) {
			// An update that meets a refutation is lost: it is made again, until it took.
			if err := m.list.Load().UpdateNode(updateWait); err != nil {
				m.log.DebugContext(ctx, "update is slow", "error", err)
			}
			if sent := m.sent.Load(); !bytes.Equal(*sent, m.own.current()) {
				wake(m.republish)
			}
			m.signals.raise()
		}
		select {
		case <-m.republish:
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tend lets time pass in the roster, and fetches records that metas name.
func (m *Membership) tend(ctx context.Context) error {
	var fetches errgroup.Group
	free := make(chan struct{}, fetchesMax)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		now := time.Now()
		next := m.roster.tick(now)
		wants, retry := m.roster.wanted(now, cap(free)-len(free), rand.IntN)
		for _, w := range wants {
			free <- struct{}{} // has room
			fetches.Go(func() error {
				m.roster.fetched(w, m.fetch(ctx, w), time.Now())
				<-free
				wake(m.tending)
				return nil
			})
		}
		if next = earlier(next, retry); !next.IsZero() {
			timer.Reset(max(time.Until(next), time.Millisecond))
		}
		select {
		case <-m.tending:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return fetches.Wait()
}

// fetch asks for a record, and brings this node's own.
func (m *Membership) fetch(ctx context.Context, w want) error {
	reply, err := m.exchange(ctx, w.from, &wirepb.RecordsRequest{
		Member: string(w.member),
		State:  &wirepb.MembershipState{Records: []*wirepb.SignedRecord{m.own.signed()}},
	})
	if err != nil {
		if isMalformed(err) || errors.Is(err, ErrOtherVersion) {
			m.faults.count(w.from, faultRecord, err)
		}
		return err
	}
	m.faults.answers(w.from)
	r := reply.GetRecord()
	if r == nil || r.GetMember() != string(w.member) {
		return fmt.Errorf("fetch record of %s: %s has none", w.member, w.from)
	}
	if err := m.takeRecord(r); err != nil {
		m.faults.count(w.from, faultRecord, err)
		return err
	}
	return nil
}

// rejoin joins known peers that are not members, for ever. memberlist alone does not:
// it forgets the dead.
func (m *Membership) rejoin(ctx context.Context) error {
	var joins errgroup.Group
	free := make(chan struct{}, joinsMax)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		absent, next := m.roster.absent(time.Now(), cap(free)-len(free))
		for _, id := range absent {
			free <- struct{}{} // has room
			joins.Go(func() error {
				m.join(ctx, id)
				m.roster.tried(id, time.Now(), m.jittered())
				<-free
				wake(m.joinNow)
				return nil
			})
		}
		if !next.IsZero() {
			timer.Reset(max(time.Until(next), time.Millisecond))
		}
		select {
		case <-m.joinNow:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return joins.Wait()
}

func (m *Membership) jittered() time.Duration {
	const low, span = 0.8, 0.4
	return time.Duration(float64(m.config.RejoinInterval) * (low + span*rand.Float64()))
}

// join exchanges states with a peer.
func (m *Membership) join(ctx context.Context, id MemberID) {
	if addresses := m.roster.addresses(id); len(addresses) > 0 { // or the book forgets them
		if err := m.book.AddAddresses(id, addresses, addressTTL); err != nil {
			m.log.DebugContext(ctx, "addresses were not kept", "peer", string(id), "error", err)
		}
	}
	address := string(id) + "/" + net.JoinHostPort(nominalIP, strconv.Itoa(nominalPort))
	if _, err := m.list.Load().Join([]string{address}); err != nil {
		m.log.DebugContext(ctx, "peer was not joined", "peer", string(id), "error", err)
		return
	}
	for _, n := range m.list.Load().Members() {
		if n.Name == string(id) { // a member that was denied for a while never joins again
			m.roster.joined(id, time.Now())
		}
	}
}

// tell has a setting that was made here sent to all. Where too many wait, the next
// push/pull carries it.
func (m *Membership) tell(setting *wirepb.Signed) {
	select {
	case m.news <- setting:
	default:
	}
}

// spread sends settings that were made here to all members.
func (m *Membership) spread(ctx context.Context) error {
	for {
		var setting *wirepb.Signed
		select {
		case setting = <-m.news:
		case <-ctx.Done():
			return nil
		}
		request := &wirepb.RecordsRequest{State: &wirepb.MembershipState{Settings: []*wirepb.Signed{setting}}}
		var sends errgroup.Group
		sends.SetLimit(spreadsMax)
		for _, id := range m.roster.alive() {
			sends.Go(func() error {
				if _, err := m.exchange(ctx, id, request); err != nil {
					m.log.DebugContext(ctx, "setting was not sent", "peer", string(id), "error", err)
				}
				return nil
			})
		}
		if err := sends.Wait(); err != nil {
			return err
		}
	}
}
