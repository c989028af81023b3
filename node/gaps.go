package node

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"ganglion/mesh"
	"ganglion/mesh/link"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// The times and sizes of filling gaps.
const (
	gapPace     = 200 * time.Millisecond // between two looks for gaps of a log
	gapVerdict  = comparePace / gapLines // for each verdict that came, until more are asked for
	gapRest     = 10 * time.Second       // of a peer that did not answer, until it is asked again
	gapSpans    = 8                      // that one look asks for
	gapLines    = 256                    // verdicts in one answer
	gapAnswers  = 2 << 20                // bytes of one answer
	gapWait     = 2 * time.Second        // for one answer
	gapAskers   = 4                      // questions at once
	gapQueue    = 64                     // questions that wait
	gapAttempts = 3                      // rounds through all members until a span counts as gone
)

// gapFiller gets verdicts that this node's logs lack from the logs of others: beats below
// the floor, numbers of a claim that were passed over. What a peer has that this node was
// not there for is found by comparing logs.
type gapFiller struct {
	engine *engine
	log    *slog.Logger
	last   roles.Instant
	busy   map[roles.SiteSpan]tries // spans that are asked for
	wanted []question
	asking chan struct{} // has room for gapAskers
	group  *sync.WaitGroup
	next   int                          // member to ask
	free   roles.Instant                // not before it more is asked for: samples go on meanwhile
	silent map[roles.Peer]roles.Instant // peers that did not answer, until when they are left alone
	seen   map[roles.Site]sequence      // the last number of the claim that was heard of
	logs   comparer
}

func newGapFiller(e *engine, linked func(roles.Peer) bool, log *slog.Logger) gapFiller {
	return gapFiller{
		engine: e, log: log, busy: map[roles.SiteSpan]tries{}, asking: make(chan struct{}, gapAskers), group: &e.group,
		silent: map[roles.Peer]roles.Instant{}, seen: map[roles.Site]sequence{}, logs: comparer{engine: e, linked: linked, read: map[block]roles.Block{}},
	}
}

// sequence is how many publications a claim is known to have made.
type sequence struct {
	epoch roles.Epoch
	n     uint64
}

// tries is how many peers had nothing new of a span, and how many did not answer.
type tries struct{ empty, silent int }

// question is one exchange with one peer.
type question struct {
	to    roles.Peer // empty: whoever is next
	query wire.LogQuery
	done  func(now roles.Instant, from roles.Peer, a *wire.LogAnswer) // a is nil where there is no answer
}

// want asks for spans at once.
func (g *gapFiller) want(spans []roles.SiteSpan) {
	for _, s := range spans {
		g.askSpan(s, tries{})
	}
}

// askSpan asks for a span, unless some of it is asked for already: what is lacking then is
// found so again.
func (g *gapFiller) askSpan(s roles.SiteSpan, t tries) {
	for of := range g.busy { // whether one overlaps does not depend on the order
		if of.Site == s.Site && of.Span.Run == s.Span.Run && of.Span.From < s.Span.To && s.Span.From < of.Span.To {
			return
		}
	}
	if len(g.busy) >= gapQueue {
		return
	}
	q := question{query: wire.LogQuery{Site: s.Site, Span: s.Span, Most: gapLines}, done: func(now roles.Instant, _ roles.Peer, a *wire.LogAnswer) {
		g.answered(now, s, a)
	}}
	if g.put(q) {
		g.busy[s] = t
	}
}

// answered takes the answer about a span, goes on with the rest of it, and asks the next
// member for what brought nothing new. What nobody has after several rounds is named, and no
// longer asked for; of who is silent nobody knows what it has.
func (g *gapFiller) answered(now roles.Instant, s roles.SiteSpan, a *wire.LogAnswer) {
	t := g.busy[s]
	delete(g.busy, s)
	most := gapAttempts * max(1, len(g.engine.members))
	switch {
	case a != nil && len(a.Published) > 0:
		g.free = max(g.free, now).Add(time.Duration(len(a.Published)) * g.pace())
		news := g.engine.heard(now, s.Site, a.Published)
		rest := s
		rest.Span.From = a.End
		if s.Span.To = min(s.Span.To, a.End); news == 0 {
			for _, lacking := range g.lacking(s) {
				g.nothing(lacking, t, most)
			}
		}
		if rest.Span.From > s.Span.From && rest.Span.From < rest.Span.To {
			if lacking := g.lacking(rest); len(lacking) > 0 { // what is behind the first is found in its turn
				g.askSpan(lacking[0], tries{})
			}
		}
	case a == nil:
		if t.silent++; t.silent < most {
			g.askSpan(s, t)
		}
	default:
		g.nothing(s, t, most)
	}
}

// pace is for each verdict that came: while logs are compared most of them come by that.
func (g *gapFiller) pace() time.Duration {
	const beside = 4
	if g.logs.now != nil {
		return beside * gapVerdict
	}
	return gapVerdict
}

// lacking is what the log lacks of a span still: another answer may have brought it.
func (g *gapFiller) lacking(s roles.SiteSpan) (out []roles.SiteSpan) {
	l := g.engine.roles.Log(s.Site)
	if l == nil {
		return nil
	}
	for _, gap := range l.Gaps(s.Site, s.Span.Run, gapQueue) {
		gap.From, gap.To = max(gap.From, s.Span.From), min(gap.To, s.Span.To)
		if gap.From < gap.To {
			out = append(out, roles.SiteSpan{Site: s.Site, Span: gap})
		}
	}
	return out
}

// nothing asks the next for a span that brought nothing new, or gives it up. While one that may
// have it is left alone it is not given up: it is found lacking again.
func (g *gapFiller) nothing(s roles.SiteSpan, t tries, most int) {
	left := func(m memberState) bool { return !m.self && m.up && g.isSilent(m.peer) }
	if t.empty++; t.empty < most {
		g.askSpan(s, t)
	} else if l := g.engine.roles.Log(s.Site); l != nil && !slices.ContainsFunc(g.engine.members, left) {
		l.Gone(s.Span.Run, roles.Beat(s.Span.To))
		g.engine.arrivals.gap(s.Site, roles.Gap{Span: s.Span, Kind: roles.Unknown})
	}
}

// put has a question wait for its turn; false where too many do.
func (g *gapFiller) put(q question) bool {
	if len(g.wanted) >= gapQueue {
		return false
	}
	g.wanted = append(g.wanted, q)
	return true
}

// look looks for gaps in the logs of all sites.
func (g *gapFiller) look() {
	node := g.engine.roles
	for _, site := range node.Sites() {
		l := node.Log(site)
		for _, run := range l.Runs() {
			for _, span := range l.Gaps(site, run, gapSpans) {
				g.askSpan(roles.SiteSpan{Site: site, Span: span}, tries{})
			}
		}
	}
}

// tick looks for gaps and asks what waits to be asked.
func (g *gapFiller) tick(ctx context.Context, now roles.Instant) {
	if now.Sub(g.last) >= gapPace {
		g.last = now
		g.look()
	}
	for g.logs.ask(now, func(q question) bool { return g.ask(ctx, q) }) {
	}
	for len(g.wanted) > 0 && now >= g.free && g.ask(ctx, g.wanted[0]) {
		g.wanted = slices.Delete(g.wanted, 0, 1)
	}
}

// wakes is when something may be asked that waits for its time alone; Never where nothing does.
func (g *gapFiller) wakes(now roles.Instant) roles.Instant {
	next := g.logs.wakes(now)
	if len(g.wanted) > 0 && g.free > now {
		next = min(next, g.free)
	}
	return next
}

// ask sends a question where there is room for one.
func (g *gapFiller) ask(ctx context.Context, q question) bool {
	if q.to == "" {
		q.to = g.member()
	}
	if q.to == "" {
		return false
	}
	select {
	case g.asking <- struct{}{}:
	default:
		return false
	}
	g.group.Go(func() {
		defer func() { <-g.asking }()
		asked, cancel := context.WithTimeout(ctx, gapWait)
		defer cancel()
		var answer *wire.LogAnswer
		reply, err := g.engine.mesh.Request(asked, mesh.MemberID(q.to), kindLog, wire.EncodeLogQuery(&q.query), gapAnswers)
		if err == nil {
			answer, err = wire.DecodeLogAnswer(reply)
		}
		if err != nil && ctx.Err() == nil {
			g.log.Debug("no answer from a verdict log", "peer", string(q.to), "error", err)
		}
		select {
		case g.engine.calls <- func() {
			now := g.engine.now()
			if refused := (*link.RefusedError)(nil); err != nil && !errors.As(err, &refused) {
				g.leave(now, q.to) // one that refuses, as who does not know the site yet, is there
			}
			q.done(now, q.to, answer)
		}:
		case <-g.engine.ended:
		}
	})
	return true
}

// member is whom to ask next: one after the other of those who answer, or else of all.
func (g *gapFiller) member() (p roles.Peer) {
	var at int
	for range g.engine.members {
		g.next = (g.next + 1) % len(g.engine.members)
		m := &g.engine.members[g.next]
		switch {
		case m.self || !m.up:
		case !g.isSilent(m.peer):
			return m.peer
		case p == "":
			p, at = m.peer, g.next
		}
	}
	if p != "" {
		g.next = at
	}
	return p
}

// isSilent reports whether a peer is left alone, because it did not answer a while ago.
func (g *gapFiller) isSilent(p roles.Peer) bool { return g.engine.now() < g.silent[p] }

// leave has a peer left alone for a while.
func (g *gapFiller) leave(now roles.Instant, p roles.Peer) {
	maps.DeleteFunc(g.silent, func(_ roles.Peer, until roles.Instant) bool { return until <= now })
	g.silent[p] = now.Add(gapRest)
}

// heard notes publications: numbers of a claim that were passed over are asked for. What
// was published before this node heard of any is had by sync.
func (g *gapFiller) heard(p *wire.Publications) {
	if p.Epoch.IsZero() {
		return
	}
	last, known := g.seen[p.Site]
	if !known || last.epoch.Below(p.Epoch) {
		last = sequence{epoch: p.Epoch}
		if !known {
			last.n = p.Next
		}
	}
	if last.epoch != p.Epoch || known && p.Next <= last.n {
		return // of a claim that is over, or nothing new
	}
	g.seen[p.Site] = sequence{p.Epoch, p.Next}
	if p.Next <= last.n || len(p.Items) > 0 && p.Items[0].Seq.N <= last.n+1 {
		return
	}
	to := p.Next
	if len(p.Items) > 0 {
		to = p.Items[0].Seq.N - 1
	}
	g.after(p.Site, roles.Seq{Epoch: p.Epoch, N: last.n}, to)
}

// published notes what this node published itself: of a later claim it lacks nothing that it
// would not ask for.
func (g *gapFiller) published(of []*roles.Published) {
	for _, p := range of {
		g.seen[p.Sealed.Sample.Site] = sequence{p.Seq.Epoch, p.Seq.N}
	}
}

// after asks who published for what it published behind a sequence number, up to another. What
// is not got so is found by comparing logs.
func (g *gapFiller) after(site roles.Site, seq roles.Seq, to uint64) {
	if seq.N >= to {
		return
	}
	q := wire.LogQuery{Site: site, After: &seq, Most: int(min(gapLines, to-seq.N))}
	g.put(question{to: seq.Epoch.Peer, query: q, done: func(now roles.Instant, _ roles.Peer, a *wire.LogAnswer) {
		if a == nil || len(a.Published) == 0 {
			return
		}
		g.engine.heard(now, site, a.Published)
		if end := a.Published[len(a.Published)-1].Seq; end.Epoch == seq.Epoch && end.N > seq.N {
			g.after(site, end, to)
		}
	}})
}

// serveLog answers a question about this node's logs.
func (e *engine) serveLog(m mesh.Message) {
	q, err := wire.DecodeLogQuery(m.Payload)
	if err != nil {
		e.counters.refuse(m.From, err)
		e.refuse(m, "malformed question")
		return
	}
	most := min(q.Most, gapLines, max(1, gapAnswers/verdictBytes(e.catalog.limits())))
	e.later(func() {
		l := e.roles.Log(q.Site)
		if l == nil {
			e.refuse(m, "no such site")
			return
		}
		e.reply(m, wire.EncodeLogAnswer(answerOf(l, q, most)))
	})
}

// answerOf is what a log has to say to a question, with so many verdicts at most.
func answerOf(l *roles.Log, q *wire.LogQuery, most int) *wire.LogAnswer {
	var a wire.LogAnswer
	switch {
	case q.Runs:
		for _, r := range l.Runs() {
			a.Runs = append(a.Runs, wire.RunFloor{Run: r, Floor: l.FloorOf(r)})
		}
	case q.Blocks:
		a.Blocks = l.Blocks(q.Span.Run)
	case q.After != nil:
		a.Published = l.After(*q.After, most)
	default:
		a.Published, a.Gaps, a.End = l.Range(q.Site, q.Span, most)
	}
	return &a
}

// later has the engine run a function, after what waits already. It is called by a link's
// reader, which waits while the engine is behind.
func (e *engine) later(f func()) {
	select {
	case e.calls <- f:
	case <-e.ended:
	}
}

func (e *engine) reply(m mesh.Message, payload []byte) {
	if err := m.Reply(payload); err != nil {
		e.log.Debug("reply not sent", "peer", string(m.From), "error", err)
	}
}

func (e *engine) refuse(m mesh.Message, reason string) {
	if err := m.Refuse(reason); err != nil {
		e.log.Debug("refusal not sent", "peer", string(m.From), "error", err)
	}
}

// heard takes publications that were asked for into the logs, and returns how many are new.
func (e *engine) heard(now roles.Instant, site roles.Site, of []*roles.Published) (news int) {
	before := len(e.fx.Logged)
	e.roles.Heard(now, site, of, 0, 0, &e.fx)
	news = len(e.fx.Logged) - before
	e.filled = append(e.filled, e.fx.Logged[before:]...)
	e.fx.Logged = e.fx.Logged[:before]
	e.metrics.Filled(news)
	return news
}

// gossiped takes a message of the mesh's topic. It is called by the mesh's reader, which
// waits while the engine is behind.
func (e *engine) gossiped(from mesh.MemberID, payload []byte) {
	p, err := wire.DecodePublications(payload)
	if err != nil {
		e.counters.refuse(from, err)
		return
	}
	e.later(func() {
		e.roles.Heard(e.now(), p.Site, p.Items, p.Run, p.Floor, &e.fx)
		if e.roles.Log(p.Site) != nil { // not of sites beyond the bound
			e.gaps.heard(p)
		}
	})
}
