package mesh

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	stopWithin  = 5 * time.Second        // a stage has ended that was told to, or it is stuck
	flushWithin = 500 * time.Millisecond // for frames under way at the end
	dialWithin  = 3 * time.Second
	dialsAtOnce = 4
)

// Run takes part in the mesh until ctx ends. Then it stops looking for others, tells
// that this node leaves, lets the frames that are queued arrive, and returns when
// nothing of the mesh runs any more, or 5 s after a part of it was told to end and did
// not. It is called once. An error says which part failed, or does not end.
func (m *Mesh) Run(ctx context.Context) error {
	m.mu.Lock()
	if m.started {
		m.mu.Unlock()
		return fmt.Errorf("run mesh: it has run before: %w", ErrNotRunning)
	}
	m.started = true
	onGossip, onLink := m.onGossip, m.onLink
	m.mu.Unlock()
	if onLink != nil {
		stop := m.links.Watch(onLink)
		defer stop()
	}
	m.company.note(time.Now(), false)
	m.log.Info("mesh starts", "mesh", m.keys.Fingerprint, "member", string(m.Self()), "addresses", m.Addresses())
	return runStages(ctx, []stage{
		{"host", m.host.Run},
		{"links", m.runLinks},
		{"gossip", func(ctx context.Context) error { return m.gossip.run(ctx, onGossip) }},
		{"membership", m.members.Run},
		{"discovery", m.finder.Run},
		{"dialling", m.dial},
		{"tending", m.tend},
	}, stopWithin)
}

// runLinks runs the links and, at the end, lets what is queued arrive.
func (m *Mesh) runLinks(ctx context.Context) error {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var group errgroup.Group
	group.Go(func() error { return m.links.Run(inner) })
	<-ctx.Done()
	flush, stop := context.WithTimeout(inner, flushWithin)
	defer stop()
	if err := m.links.Flush(flush); err != nil {
		m.log.Debug("not all frames were acknowledged before the end", "error", err)
	}
	cancel()
	return group.Wait()
}

// dial connects to candidates that were given by address: they cannot know of this
// node, so nobody waits for them to dial first.
func (m *Mesh) dial(ctx context.Context) error {
	var group errgroup.Group
	group.SetLimit(dialsAtOnce)
	for {
		select {
		case <-ctx.Done():
			return group.Wait()
		case p := <-m.dials:
			group.Go(func() error {
				ctx, cancel := context.WithTimeout(ctx, m.config.slower(dialWithin))
				defer cancel()
				if err := m.host.ConnectNow(ctx, p); err != nil {
					m.log.Debug("candidate is not reached", "error", notConnected(p, err))
				}
				return nil
			})
		}
	}
}
