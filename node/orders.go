package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ganglion/mesh"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// The times and sizes of samples on demand.
const (
	orderWait    = 10 * time.Second // that a coordinator remembers who asked
	ordersMost   = 1024             // that wait for their verdict here
	orderAttempt = 2 * time.Second  // that one coordinator is given before it is asked again
	orderPause   = 50 * time.Millisecond
	orderBytes   = 16 << 10 // of an answer
)

// orders is who waits for the verdict of a sample on demand, at its coordinator.
type orders struct {
	waiting map[roles.SampleID][]order
	count   int
}

// order is one who waits.
type order struct {
	until  roles.Instant
	answer func(p *roles.Published) // nil: there will be none
}

func (o *orders) add(id roles.SampleID, one order) bool {
	if o.count >= ordersMost {
		return false
	}
	if o.waiting == nil {
		o.waiting = map[roles.SampleID][]order{}
	}
	o.waiting[id] = append(o.waiting[id], one)
	o.count++
	return true
}

// answer tells those who wait for what is final now.
func (o *orders) answer(of []*roles.Published) {
	for _, p := range of {
		id := p.Sealed.Sample
		if !id.OnDemand() {
			continue
		}
		for _, one := range o.waiting[id] {
			one.answer(p)
		}
		o.count -= len(o.waiting[id])
		delete(o.waiting, id)
	}
}

// tick lets go of those who waited too long: they ask again.
func (o *orders) tick(now roles.Instant) {
	for id, all := range o.waiting { // each is let go by itself: the order does not matter
		if now < all[0].until {
			continue
		}
		for _, one := range all {
			one.answer(nil)
		}
		o.count -= len(all)
		delete(o.waiting, id)
	}
}

// serveOrder takes a sample on demand as its coordinator.
func (e *engine) serveOrder(m mesh.Message) {
	c, err := wire.DecodeOrder(m.Payload, e.catalog.limits())
	if err != nil {
		e.counters.refuse(m.From, err)
		e.refuse(m, "malformed order")
		return
	}
	e.later(func() {
		e.order(*c, func(p *roles.Published) {
			if p == nil {
				e.refuse(m, "not the coordinator, or too much in work: ask again")
				return
			}
			e.reply(m, wire.EncodeOrderAnswer(p))
		})
	})
}

// order opens a sample on demand; answer is called once, in the engine, with the verdict or
// nil: ask again.
func (e *engine) order(c roles.Capture, answer func(*roles.Published)) {
	now := e.now()
	if l := e.roles.Log(c.Sample.Site); l != nil {
		if p := l.Survivor(c.Sample); p != nil {
			answer(p)
			return
		}
	}
	if !e.roles.Order(now, c, &e.fx) || !e.orders.add(c.Sample, order{now.Add(orderWait), answer}) {
		answer(nil)
	}
}

// ask has a sample on demand decided by whoever coordinates its site, another one where
// the first dies. It is called outside the engine.
func (e *engine) ask(ctx context.Context, c roles.Capture) (*roles.Published, error) {
	for {
		p, err := e.askOnce(ctx, c)
		if err == nil || ctx.Err() != nil || errors.Is(err, errEnded) {
			return p, err
		}
		select {
		case <-time.After(orderPause):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

var (
	errNoCoordinator = errors.New("no node coordinates the site yet: does one feed a view of it?")
	errAskAgain      = errors.New("the coordinator takes no sample at the moment")
)

func (e *engine) askOnce(ctx context.Context, c roles.Capture) (*roles.Published, error) {
	ctx, cancel := context.WithTimeout(ctx, orderAttempt)
	defer cancel()
	here := make(chan *roles.Published, 1)
	var to roles.Peer
	err := e.do(ctx, func() {
		to = e.roles.Scene(c.Sample.Site).Coordinator.Peer
		if to == e.self {
			e.order(c, func(p *roles.Published) { here <- p })
		}
	})
	switch {
	case err != nil:
		return nil, err
	case to == "":
		return nil, errNoCoordinator
	case to == e.self:
		select {
		case p := <-here:
			if p == nil {
				return nil, errAskAgain
			}
			return p, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	reply, err := e.mesh.Request(ctx, mesh.MemberID(to), kindOrder, wire.EncodeOrder(&c), orderBytes)
	if err != nil {
		return nil, err
	}
	return wire.DecodeOrderAnswer(reply)
}
