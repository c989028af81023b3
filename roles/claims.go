package roles

import (
	"slices"
	"time"
)

// The times of claiming.
const (
	StartQuiet      = 2 * time.Second        // a starting node that is in touch with no holder claims nothing
	StillHeardWait  = 50 * time.Millisecond  // for answers to StillHeard, beyond the round trip
	PutOff          = 50 * time.Millisecond  // from a yes to the next question
	StandbyPatience = 500 * time.Millisecond // that a standby gives one ahead of it to claim that misses the silent holder too
	LonePatience    = 3 * time.Second        // beyond StillHeardWait, where nobody at all answers, though somebody is heard: see company
	AbsentPatience  = 100 * time.Millisecond // beyond the round trip, that it gives all ahead of it that say nothing, and each that has seen the connection to the holder break
)

// How many standbys get the heartbeat, and how many store seals and answer claims.
const (
	heartbeatStandbys = 2
	sealStandbys      = 1
)

// ActionKind is what a Claimant asks of its node.
type ActionKind uint8

// The kinds of actions.
const (
	AskHolder   ActionKind = iota + 1 // send StillHeard about Epoch to the peers To; none: the claim follows at once
	TakeRole                          // persist Epoch, then claim the role under it
	ConfirmRole                       // the claim Epoch stands, but this node stalled: ask the devices before anything is emitted
	YieldRole                         // the role is another's: emit nothing more under Epoch
	BeatRole                          // send a Heartbeat under Epoch to the peers To; of a coordinator's role it is its own
)

// Action is one thing that a Claimant wants done.
type Action struct {
	Kind  ActionKind
	Epoch Epoch
	To    []Peer // of AskHolder and BeatRole

	Void    bool // of YieldRole: the claim promised nothing to anyone
	Resting bool // of BeatRole: RestInterval follows, see Heartbeat
}

// Claimant decides when one node claims one role: the diagram "One role at one node" of
// the package documentation. It has one owner.
type Claimant struct {
	self   Peer
	role   Role
	device bool // this node gets the heartbeat whether it is a standby or not

	started  Instant
	inTouch  bool // a holder was heard
	ticked   Instant
	asleep   Instant // until when the node may sleep
	coord    bool    // a Coordinator sends the role's heartbeat
	pace     pace    // of the heartbeat that this claimant wants sent
	seen     Epoch   // the highest of the role, void ones included: what a claim is numbered by
	promised Epoch   // the highest adopted: lower ones are refused
	mine     bool    // promised is this node's, and in force
	from     Peer    // whose role it was when this node claimed it, while that one was at work; empty: nobody's
	lonely   bool    // it was made without any other member, or an answer of one, and none has accepted it since

	latest  Assignment
	hearers []Peer  // who is asked about the holder
	rank    int     // among the standbys; -1: none
	ahead   []Peer  // standbys before this one
	wonders []sign  // of those, since the holder was heard last, one each
	listens bool    // this node gets the heartbeat
	met     bool    // the holder was heard since it was adopted
	broken  bool    // the connection to the holder is
	broke   Instant // when it did
	gone    bool    // the holder has handed over

	silence  Silence
	asking   bool
	answered bool // by somebody, with no
	asked    Epoch
	waiting  []Peer
	deadline Instant // of the question
	retry    Instant // not before it another question
	trip     time.Duration
}

// sign is when a peer first asked about the holder: it is there, and about to claim.
type sign struct {
	of Peer
	at Instant
}

// NewClaimant is a claimant that starts at now and knows the highest claim that the node
// has seen or may have made. device says whether the node is one that the holder sends its heartbeat to.
func NewClaimant(now Instant, self Peer, role Role, seen Epoch, device bool) *Claimant {
	return &Claimant{
		self: self, role: role, device: device, started: now, ticked: now, seen: seen,
		rank: -1, deadline: Never,
	}
}

// Promised is the highest claim that this node has adopted: it answers lower ones with
// Stale.
func (c *Claimant) Promised() Epoch { return c.promised }

// Mine is this node's own claim in force, as others are to be told of it; false where
// the role is another's or nobody's.
func (c *Claimant) Mine() (Claim, bool) {
	return Claim{Role: c.role, Epoch: c.promised, Lonely: c.lonely}, c.mine
}

// void reports whether the highest claim is one that this node has given up: whoever holds
// the role under a lower one must hear of it and claim above it.
func (c *Claimant) void() bool { return !c.mine && c.promised.Peer == c.self }

// Elected takes the result of an election; hearers are the peers that get the holder's
// heartbeat, without this node and those that it finds down.
func (c *Claimant) Elected(now Instant, a Assignment, hearers []Peer) []Action {
	if !slices.Equal(c.hearers, hearers) || c.latest.Claim != a.Claim {
		c.pace.work(now)
	}
	c.latest, c.hearers = a, hearers
	c.waiting = slices.DeleteFunc(c.waiting, func(p Peer) bool { return !slices.Contains(hearers, p) })
	c.seen = higher(c.seen, a.Claim.Epoch)
	var out []Action
	if e := a.Claim.Epoch; c.promised.Below(e) && e.Peer != c.self {
		out = c.adopt(now, e)
	} else if c.mine && c.lonely && a.Holder() != "" && a.Holder() != c.self {
		out = c.yield() // void: it met a holder in company, or the order prefers another
		out[0].Void = true
		c.promised, c.met, c.broken, c.gone = e, false, false, false
		c.wonders = nil
		c.silence.Follow(now)
	}
	standbys := a.Standbys()
	c.rank = slices.Index(standbys, c.self)
	c.ahead = standbys[:max(0, c.rank)]
	listens := !c.mine && (c.device || 0 <= c.rank && c.rank < heartbeatStandbys)
	if listens && !c.listens {
		c.silence.Expect(now)
	}
	c.listens = listens
	return append(out, c.Tick(now)...)
}

// Saw notes a claim that is not adopted by being heard of: in a member's record, or a
// lonely one, which is an election's to judge.
func (c *Claimant) Saw(e Epoch) { c.seen = higher(c.seen, e) }

// Heard takes a heartbeat or a claim of another peer. It returns false where the epoch is
// refused: the sender is answered with Stale and the Promised claim. resting is what a
// heartbeat says of the one that follows.
func (c *Claimant) Heard(now Instant, claim Claim, resting bool) (bool, []Action) {
	e := claim.Epoch
	c.Saw(e)
	if e.Below(c.promised) {
		return false, nil
	}
	if e != c.promised {
		if claim.Lonely && c.latest.Holder() != e.Peer {
			return false, nil
		}
		out := c.adopt(now, e)
		c.met = true
		c.silence.Heard(now, resting)
		return true, out
	}
	c.inTouch, c.met, c.broken = true, true, false
	if now.Sub(max(c.ticked, c.asleep)) > StallLimit/4 {
		c.silence.Miss() // it may have waited here for as long
	}
	c.silence.Heard(now, resting)
	c.wonders = c.wonders[:0]
	if c.asking {
		c.stopAsking(now)
	}
	return true, nil
}

// Wonders notes that another peer asks about the claim e: see StillHeard. Where it is ahead of
// this one, it is there, and this one gives it time to claim.
func (c *Claimant) Wonders(now Instant, from Peer, e Epoch) {
	of := func(s sign) bool { return s.of == from }
	if e == c.promised && slices.Contains(c.ahead, from) && !slices.ContainsFunc(c.wonders, of) {
		c.wonders = append(c.wonders, sign{from, now})
	}
}

// Stale takes the answer that a receiver knows a higher claim.
func (c *Claimant) Stale(now Instant, e Epoch) []Action {
	c.Saw(e)
	switch {
	case !c.promised.Below(e):
		return nil
	case e.Peer != c.self:
		return c.adopt(now, e)
	case c.mine: // of this node before it lost its memory: claim above it
		return c.claim(now)
	}
	return nil
}

// Accepted notes that another peer follows this node's claim.
func (c *Claimant) Accepted(e Epoch) {
	if c.mine && e == c.promised {
		c.lonely = false
	}
}

// Broken notes that the connection to a peer broke.
func (c *Claimant) Broken(now Instant, p Peer) []Action {
	if p == c.promised.Peer {
		c.broken, c.broke = true, now
	}
	c.hearers = slices.DeleteFunc(slices.Clone(c.hearers), func(q Peer) bool { return q == p }) // before the next election says so
	if i := slices.Index(c.waiting, p); i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
	}
	return c.Tick(now)
}

// HandedOver notes that the holder under e leaves; its first standby claims at once.
func (c *Claimant) HandedOver(now Instant, e Epoch) []Action {
	if e == c.promised && !c.mine {
		c.gone = true
	}
	return c.Tick(now)
}

// Resign gives the role up: the successor is to be told with HandOver; empty: there is
// none, or the role is not this node's.
func (c *Claimant) Resign() (Peer, []Action) {
	if !c.mine {
		return "", nil
	}
	var next Peer
	if i := slices.IndexFunc(c.latest.Order, func(p Peer) bool { return p != c.self }); i >= 0 {
		next = c.latest.Order[i]
	}
	return next, c.yield()
}

// StillHears answers StillHeard about the claim e. acknowledged says whether this node's
// own frames to the holder are acknowledged in time. The epoch is the highest promised.
func (c *Claimant) StillHears(now Instant, e Epoch, acknowledged bool) (bool, Epoch) {
	switch {
	case e.Below(c.promised):
		return true, c.promised // there is another holder already
	case e != c.promised || c.gone:
		return false, c.promised
	case c.mine:
		return true, c.promised
	}
	return c.hears(now) && acknowledged, c.promised
}

// Works notes that this node has work for the role at now.
func (c *Claimant) Works(now Instant) { c.pace.work(now) }

// Sent notes that the holder was sent work at now: a resting one has to answer with the
// heartbeat that ends its rest.
func (c *Claimant) Sent(now Instant) { c.silence.Rouse(now.Add(c.trip)) }

// watchers is the first standbys but this node, who hear the holder's heartbeat.
func (c *Claimant) watchers() []Peer {
	all := c.latest.Standbys()
	all = slices.Clone(all[:min(len(all), heartbeatStandbys)])
	return slices.DeleteFunc(all, func(p Peer) bool { return p == c.self || p == c.promised.Peer })
}

// hears reports whether the holder's heartbeat arrives here.
func (c *Claimant) hears(now Instant) bool {
	return c.listens && c.silence.heard && now < c.silence.Until() && !c.broken
}

// Answered takes the answer to StillHeard about e of a peer: whether it hears the holder,
// and the highest claim that it has promised.
func (c *Claimant) Answered(now Instant, from Peer, e Epoch, hears bool, promised Epoch) []Action {
	if c.promised.Below(promised) {
		return c.Stale(now, promised)
	}
	if !c.asking || e != c.asked {
		return nil
	}
	if hears {
		c.stopAsking(now)
		return nil
	}
	c.answered = true
	if i := slices.Index(c.waiting, from); i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
	}
	return c.Tick(now)
}

// RoundTrip sets the longest measured round trip to the hearers.
func (c *Claimant) RoundTrip(d time.Duration) { c.trip = d }

// stood reports whether the node did nothing for longer than it had said: it was stopped, or had
// no processor.
func (c *Claimant) stood(now Instant) bool { return now.Sub(max(c.ticked, c.asleep)) > StallLimit }

// Tick is called after every event and when rests has said: a node that comes later than that
// by StallLimit has stalled.
func (c *Claimant) Tick(now Instant) []Action {
	stalled := c.stood(now)
	c.ticked, c.asleep = now, now
	if stalled {
		c.silence.Expect(now) // what waits unread may be the holder's
		c.stopAsking(now)
		if c.mine {
			return []Action{{Kind: ConfirmRole, Epoch: c.promised}}
		}
	}
	if c.asking {
		return c.concluded(now)
	}
	ask, wants := c.wants(now)
	switch {
	case c.mine && (!wants || now < c.retry):
		return c.heartbeat(now)
	case !wants || now < c.retry:
		return nil
	case ask:
		return c.ask(now)
	}
	return c.claim(now)
}

// heartbeat is due at the claimant's pace while the role is this node's, and no coordinator
// has a pace of its own.
func (c *Claimant) heartbeat(now Instant) []Action {
	if c.coord || len(c.hearers) == 0 || now < c.pace.next() {
		return nil
	}
	return []Action{{Kind: BeatRole, Epoch: c.promised, To: c.hearers, Resting: c.pace.sent(now)}}
}

// wants reports whether this node ought to have the role now, and whether it is to ask
// first: before it claims on silence.
func (c *Claimant) wants(now Instant) (ask, wants bool) {
	if !c.inTouch && now < c.started.Add(StartQuiet) {
		return false, false
	}
	challenger := c.latest.Challenger == c.self
	if c.mine {
		return false, challenger && c.promised.Below(c.seen)
	}
	holder := c.promised.Peer
	vacant := c.latest.Holder() == ""
	if !vacant && holder != c.self && c.latest.Claim.Epoch != c.promised {
		challenger = false // the election is older than the claim: another was first
	}
	switch {
	case challenger && (!vacant || holder == "" || holder == c.self || c.gone):
		return false, true
	case challenger: // found down, which others may not find
		return true, c.broken || now >= c.silence.Until()
	case c.rank < 0 || holder == c.self || vacant && !c.broken:
		return false, false
	case c.gone && c.rank == 0:
		return false, true
	}
	return true, now >= c.suspects()
}

// suspects is when this node, as a standby, finds the holder silent, or broken for long
// enough; Never while it does not listen.
func (c *Claimant) suspects() Instant {
	at := Never
	switch {
	case c.listens && c.met:
		at = c.patient(c.silence.Until())
	case c.listens: // known by its record: it does not know of this node yet, and sends it nothing
		at = c.patient(c.silence.last.Add(StartQuiet))
	}
	if c.broken { // whoever is ahead has seen it too, and claims unless it has just started
		at = min(at, c.broke.Add(time.Duration(max(0, c.rank))*(AbsentPatience+c.trip)))
	}
	return at
}

// patient is when those ahead have had their time, where the holder is found silent at an
// instant. Who is there finds that too, at nearly the same time, and asks, this node among
// others. Who does not is as silent as the holder: cut off as well, or standing still; or it
// hears the holder, and will say so. Of those one is not waited for longer than all of them: they
// would have asked at the same time.
func (c *Claimant) patient(at Instant) Instant {
	if len(c.wonders) < len(c.ahead) {
		at = at.Add(AbsentPatience + c.trip)
	}
	for _, s := range c.wonders {
		if slices.Contains(c.ahead, s.of) {
			at = max(at, s.at.Add(StandbyPatience))
		}
	}
	return at
}

func (c *Claimant) ask(now Instant) []Action {
	c.asking, c.answered, c.asked = true, false, c.promised
	c.waiting = slices.DeleteFunc(slices.Clone(c.hearers), func(p Peer) bool { return p == c.promised.Peer })
	c.deadline = now.Add(StillHeardWait + c.trip)
	if len(c.waiting) == 0 {
		c.asking = false
		return c.claim(now)
	}
	to := slices.Clone(c.waiting)
	if c.silence.resting { // who rests is told that somebody misses it, and not waited for
		to = append(to, c.promised.Peer)
	}
	return []Action{{Kind: AskHolder, Epoch: c.asked, To: to}}
}

// concluded ends a question that is answered, or not in time. Of who hears from nobody at all
// it may be the own network that is down: one that is back before the connections break has
// claimed nothing. Who is not first in the order of a vacant role does not claim at all. One
// ahead that has asked meanwhile has its time first.
func (c *Claimant) concluded(now Instant) []Action {
	switch {
	case len(c.waiting) > 0 && now < c.deadline:
		return nil
	case c.rank > 0 && c.latest.Holder() == "" && !c.answered:
		c.stopAsking(now)
		return nil
	case len(c.waiting) > 0 && !c.answered && now < c.deadline.Add(LonePatience):
		return nil
	case c.promised.Peer != "" && len(c.wonders) > 0 && now < c.suspects():
		c.stopAsking(now)
		return nil
	}
	answered := c.answered
	out := c.claim(now)
	c.lonely = c.lonely || !answered // this node may be the one that is not heard, although it hears others
	return out
}

func (c *Claimant) stopAsking(now Instant) {
	if c.asking {
		c.asking, c.waiting, c.deadline = false, nil, Never
		c.retry = now.Add(PutOff)
	}
}

func (c *Claimant) claim(now Instant) []Action {
	if c.from = ""; !c.broken && !c.gone && (!c.listens || !c.met || now < c.silence.Until()) && c.promised.Peer != c.self {
		c.from = c.promised.Peer
	}
	c.promised = higher(c.seen, c.promised).Next(c.self)
	c.seen = c.promised
	c.mine, c.broken, c.gone = true, false, false
	c.lonely = len(c.hearers) == 0 // in company from the start where there is any
	c.asking, c.waiting, c.deadline = false, nil, Never
	c.listens = false
	c.pace = pace{beat: now, worked: now}
	return []Action{{Kind: TakeRole, Epoch: c.promised}}
}

// adopt follows another peer's higher claim.
func (c *Claimant) adopt(now Instant, e Epoch) []Action {
	out := c.yield()
	if len(out) > 0 {
		c.retry = now.Add(leastSilence) // who has lost the role does not take it back in a breath
	}
	c.promised, c.inTouch, c.met, c.broken, c.gone = e, true, false, false, false
	c.asking, c.waiting, c.deadline = false, nil, Never
	c.wonders = nil
	c.silence.Follow(now)
	return out
}

func (c *Claimant) yield() []Action {
	if !c.mine {
		return nil
	}
	c.mine = false
	return []Action{{Kind: YieldRole, Epoch: c.promised}}
}
