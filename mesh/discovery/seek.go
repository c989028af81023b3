package discovery

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
)

// maxSeekGap bounds how seldom a seeker asks.
const maxSeekGap = 500 * time.Millisecond

// Outcome is what a node without a token has found out.
type Outcome struct {
	// Found says that nothing was heard: found a mesh, at once, since others may
	// be waiting to hear it.
	Found bool
	// Meshes are the nodes heard of other meshes, if Found is false; of other
	// versions of this protocol too. The one heard last is the first.
	Meshes []Foreign
	// Deferred says that the node waited for another one to found a mesh.
	Deferred bool
}

// Seek listens, on behalf of a node without a token, whether there is a mesh. Of
// nodes that seek at the same time and hear one another at most one is told to
// found. Config's Keys, Join and PeersFile are not used. It takes
// Config.Listen, and longer only where another seeker goes before this one.
func Seek(ctx context.Context, config Config, log *slog.Logger) (Outcome, error) {
	if err := config.validateSeek(); err != nil {
		return Outcome{}, err
	}
	s := seeker{config: config, log: log, ether: machine{}, browse: zeroconfBrowse, instance: newInstance()}
	return s.run(ctx)
}

// Survey listens for Config.Listen and asks who is there, on behalf of a machine on which
// no node runs, and returns what was heard and how the ways are. In [Status.Foreign] are the
// nodes of all meshes. It founds nothing, and no other seeker waits for it. Config's Keys,
// Join and PeersFile are not used.
func Survey(ctx context.Context, config Config, log *slog.Logger) (Status, error) {
	if err := config.validateSeek(); err != nil {
		return Status{}, err
	}
	// Of seekers the one with the smallest instance goes first: never this one.
	s := seeker{config: config, log: log, ether: machine{}, browse: zeroconfBrowse, instance: ^Instance(0), surveys: true}
	return s.survey(ctx)
}

// survey is run for whoever wants to know all of it.
func (s *seeker) survey(ctx context.Context) (Status, error) {
	outcome, err := s.run(ctx)
	if err != nil {
		return Status{}, err
	}
	status := s.ledger.snapshot()
	status.Foreign = outcome.Meshes
	return status, nil
}

// seeker is a call of Seek, or of Survey.
type seeker struct {
	config   Config
	log      *slog.Logger
	ether    ether
	browse   browse
	instance Instance
	surveys  bool // it listens, and decides nothing
	sequence uint64
	ledger   *ledger // of run
}

// run seeks with all ways that work.
func (s *seeker) run(ctx context.Context) (Outcome, error) {
	j := &judge{instance: s.instance}
	l := newLedger()
	s.ledger = l
	r := newRadio(s.ether, &s.config, j, l, s.log)
	r.refresh(ctx)
	around := newSurroundings()
	around.set(r.used)

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	if s.config.uses(MDNS) {
		record := s.seek()
		m := &multicast{
			around: around, browse: s.browse, poll: s.config.Poll, judge: j, ledger: l, log: s.log, put: r.put,
			cut: s.config.cut,
			addresses: func(used []Interface) []netip.AddrPort {
				var at []netip.AddrPort
				for _, ip := range addressesOf(used) {
					at = append(at, netip.AddrPortFrom(ip, 0))
				}
				return at
			},
			compose: func([]netip.AddrPort) []byte { return record },
		}
		group.Go(func() error { return m.run(ctx) })
	}
	outcome, err := s.listen(ctx, r, around)
	stop()
	_ = group.Wait() // the context's error
	return outcome, err
}

// seek returns the next question.
func (s *seeker) seek() []byte {
	s.sequence++
	a := announcement{kind: kindSeek, instance: s.instance, sequence: s.sequence, name: s.config.Name}
	return a.encode(&key{})
}

// listen asks and listens until the pure part has decided.
func (s *seeker) listen(ctx context.Context, r *radio, around *surroundings) (Outcome, error) {
	defer r.close()
	h := newHearing(s.instance, s.config.Listen, time.Now())
	ask := schedule{first: s.config.First, steady: max(s.config.First, min(s.config.Interval, maxSeekGap))}
	random := newRandom(s.instance)
	speak := time.NewTimer(0)
	defer speak.Stop()
	poll := time.NewTicker(s.config.Poll)
	defer poll.Stop()
	outcome := Outcome{}
	for {
		now := time.Now()
		next, wait := h.decide(now)
		if s.surveys && now.Sub(h.started) >= s.config.Listen {
			next = reportMeshes
		}
		switch next {
		case foundMesh:
			outcome.Found = true
			return outcome, nil
		case reportMeshes:
			outcome.Meshes = h.meshes.foreigners(now, patience*s.config.Listen)
			return outcome, nil
		case keepListening:
			outcome.Deferred = now.Sub(h.started) >= s.config.Listen
		}
		select {
		case <-ctx.Done():
			return Outcome{}, ctx.Err()
		case <-time.After(wait):
		case one := <-r.inbox:
			s.hear(h, r, one)
		case <-speak.C:
			r.broadcast(func(lane) []byte { return s.seek() })
			speak.Reset(ask.next(random))
		case <-poll.C:
			if r.refresh(ctx) {
				around.set(r.used)
				ask.hurry()
				speak.Reset(0)
			}
		}
	}
}

// hear notes what was heard.
func (s *seeker) hear(h *hearing, r *radio, one heard) {
	now := time.Now()
	s.ledger.heard(one.lane())
	switch one.sort {
	case sortSeeker:
		h.seeker(now, one.announcement.instance)
	case sortForeign, sortStranger:
		// A stranger without a fingerprint may be seeking, as we are.
		if f, ok := foreignOf(one, r.used); ok && f.Fingerprint != "" && h.meshes.hearForeign(now, f) {
			s.log.Debug("a mesh is heard", "mesh", f.Fingerprint, "name", f.Name, "address", f.Address, "way", f.Way)
		}
	case sortOwn, sortMember:
	}
}
