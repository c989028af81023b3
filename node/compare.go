package node

import (
	"math/rand/v2"
	"slices"
	"time"

	"ganglion/roles"
	"ganglion/roles/wire"
)

// The sizes of comparing logs.
const (
	comparePipe   = 3                      // questions of a comparison that are under way at once
	comparePace   = 100 * time.Millisecond // from one block that is fetched to the next, at least: samples go on meanwhile
	compareQueue  = 256                    // comparisons that wait
	compareFaults = 3                      // questions without an answer that end a comparison
	compareRounds = 16                     // of one comparison, each of which brought much
	compareFew    = 64                     // verdicts that a round may bring because they were on their way
	compareIdle   = 8                      // blocks in a row without anything new: the peer is the one who lacks
	compareRest   = 2 * time.Second        // before one that was ended so is taken up again
	compareRead   = 1 << 14                // blocks of peers that are remembered as read
)

// comparer compares this node's logs with those of others, one after the other, as after a
// partition: what one peer has told is not fetched from the next. The summaries of two logs say
// in which blocks they differ; these are fetched and compared again while much comes of it. It is
// the engine's.
//
// A partition of a minute leaves every node ten thousand verdicts to fetch, all at once, while
// samples fall as ever. So blocks are fetched at a pace, and slower where answers take long: who
// answers, or who reads, has little time left.
type comparer struct {
	engine *engine
	linked func(roles.Peer) bool // whether there is a link to a peer
	due    []comparison          // that wait, the next first
	now    *comparison
	next   roles.Instant         // not before it another block is fetched
	read   map[block]roles.Block // what this node has fetched all of: there is nothing new in it
}

// block names a block of a peer's log.
type block struct {
	site roles.Site
	peer roles.Peer
	run  roles.RunID
	from uint64
}

// comparison is that of one site's log with one peer's.
type comparison struct {
	site   roles.Site
	peer   roles.Peer
	from   roles.Instant // not before
	wanted []wanted
	less   []wanted // for blocks of which the peer has less: when nothing else is wanted
	asked  int      // questions that are under way
	faults int      // that had no answer
	news   int      // verdicts that this round brought
	idle   int      // blocks in a row that brought nothing
	rounds int      // of them the first too
	over   bool     // it was ended: answers under way are taken, and nothing more is asked
}

// wanted is a question of a comparison.
type wanted struct {
	wire.LogQuery
	block roles.Block // that it fetches, as the peer has summed it up
}

// fetches reports whether it asks for verdicts, not for a summary.
func (q *wanted) fetches() bool { return !q.Runs && !q.Blocks }

// want adds a question.
func (of *comparison) want(q wire.LogQuery) {
	if !of.over {
		of.wanted = append(of.wanted, wanted{LogQuery: q})
	}
}

// stop ends a comparison whose peer is silent, or has to catch up.
func (of *comparison) stop() { of.over, of.wanted, of.less = true, nil, nil }

// done reports whether nothing is wanted any more, nor under way.
func (of *comparison) done() bool { return len(of.wanted)+len(of.less) == 0 && of.asked == 0 }

// add has the logs of a site compared with a peer's, soon.
func (c *comparer) add(site roles.Site, p roles.Peer) { c.put(comparison{site: site, peer: p}) }

func (c *comparer) put(of comparison) {
	same := func(o comparison) bool { return o.site == of.site && o.peer == of.peer }
	if len(c.due) < compareQueue && !slices.ContainsFunc(c.due, same) {
		c.due = append(c.due, of)
	}
}

// ask puts the next question of the comparison; false where there is none now.
func (c *comparer) ask(now roles.Instant, put func(question) bool) bool {
	if c.now == nil && !c.begin(now) {
		return false
	}
	of := c.now
	if len(of.wanted) == 0 && len(of.less) > 0 {
		of.wanted, of.less = of.less[:1:1], of.less[1:]
	}
	if len(of.wanted) == 0 || of.asked >= comparePipe {
		return false
	}
	q, asked := of.wanted[0], now
	if q.fetches() && now < c.next {
		return false
	}
	if !put(question{to: of.peer, query: q.LogQuery, done: func(now roles.Instant, _ roles.Peer, a *wire.LogAnswer) {
		of.asked--
		if q.fetches() && a != nil {
			c.next = max(c.next, now.Add(now.Sub(asked)))
		}
		c.answered(now, of, q, a)
	}}) {
		return false
	}
	if q.fetches() {
		c.next = now.Add(comparePace)
	}
	of.wanted = of.wanted[1:]
	of.asked++
	return true
}

// wakes is when a block may be fetched that waits for its time alone; Never where none does.
func (c *comparer) wakes(now roles.Instant) roles.Instant {
	if c.now == nil || len(c.now.wanted)+len(c.now.less) == 0 || c.next <= now {
		return roles.Never
	}
	return c.next
}

// begin takes the next comparison that is due.
func (c *comparer) begin(now roles.Instant) bool {
	// Who is not there is compared with when its link comes up.
	c.due = slices.DeleteFunc(c.due, func(o comparison) bool { return !c.linked(o.peer) })
	i := slices.IndexFunc(c.due, func(o comparison) bool { return o.from <= now })
	if i < 0 {
		return false
	}
	of := c.due[i]
	c.due = slices.Delete(c.due, i, i+1)
	c.now = &of
	c.round(&of)
	return true
}

// round begins with what runs the peer knows.
func (c *comparer) round(of *comparison) {
	of.rounds++
	of.news, of.idle = 0, 0
	of.want(wire.LogQuery{Site: of.site, Runs: true})
}

// answered takes an answer; nil: there was none.
func (c *comparer) answered(now roles.Instant, of *comparison, q wanted, a *wire.LogAnswer) {
	l := c.engine.roles.Log(of.site)
	switch {
	case l == nil:
		of.stop()
	case a == nil:
		if of.faults++; of.faults >= compareFaults {
			of.stop()
		} else if !of.over {
			of.wanted = append(of.wanted, q)
		}
	case q.Runs:
		for _, r := range a.Runs {
			if r.Run != 0 {
				l.Floor(now, r.Run, r.Floor)
			}
			of.want(wire.LogQuery{Site: of.site, Span: roles.Span{Run: r.Run}, Blocks: true})
		}
	case q.Blocks:
		c.lacks(l, of, q.Span.Run, a.Blocks)
	default:
		if !of.over {
			of.faults = 0
		}
		c.fetched(now, of, q, a)
	}
	if of.done() {
		c.end(now, of)
	}
}

// lacks asks for the blocks in which a peer has something that this node may lack, last for those
// of which it has fewer samples. In one that was read and has not changed it has nothing, but what
// was dropped or lost its place here.
func (c *comparer) lacks(l *roles.Log, of *comparison, run roles.RunID, theirs []roles.Block) {
	var some, few []wanted
	for _, b := range theirs {
		if c.read[block{of.site, of.peer, run, b.From}] == b {
			continue
		}
		for _, span := range l.Lacks(run, []roles.Block{b}) {
			q := wanted{wire.LogQuery{Site: of.site, Span: span, Most: gapLines}, b}
			if l.Count(run, b.From) > b.Count {
				few = append(few, q)
			} else {
				some = append(some, q)
			}
		}
	}
	for _, all := range [][]wanted{some, few} {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	if !of.over {
		of.wanted, of.less = append(of.wanted, some...), append(of.less, few...)
	}
}

// fetched takes verdicts. Two logs differ where either lacks something: after some blocks that
// brought nothing the rest is left until the peer has got what it lacks.
func (c *comparer) fetched(now roles.Instant, of *comparison, q wanted, a *wire.LogAnswer) {
	news := c.engine.heard(now, of.site, a.Published)
	of.news += news
	if of.idle++; news > 0 {
		of.idle = 0
	}
	if of.idle >= compareIdle {
		of.stop()
	}
	switch {
	case a.End >= q.Span.To: // parts come one after the other: this is the last
		if len(c.read) >= compareRead {
			clear(c.read)
		}
		c.read[block{of.site, of.peer, q.Span.Run, q.block.From}] = q.block
	case a.End > q.Span.From && !of.over:
		q.Span.From = a.End
		of.wanted = slices.Insert(of.wanted, 0, q)
	}
}

// end goes on with the same peer where the round brought much, and else with the next. One
// whose peer fell silent, or has to catch up, is taken up again after a rest.
func (c *comparer) end(now roles.Instant, of *comparison) {
	switch {
	case of.rounds >= compareRounds:
		c.now = nil
	case of.over:
		c.now = nil
		c.put(comparison{site: of.site, peer: of.peer, from: now.Add(compareRest), rounds: of.rounds})
	case of.news > compareFew:
		c.round(of)
	default:
		c.now = nil
	}
}

// sync compares this node's logs with those of a peer whose link has come up: after a
// partition, and when this node is new.
func (c *comparer) sync(p roles.Peer) {
	for _, site := range c.engine.roles.Sites() {
		c.add(site, p)
	}
}
