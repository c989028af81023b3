package roles

import (
	"maps"
	"slices"
	"time"
)

// takeover is what a claim hears before its holder decides anything.
type takeover struct {
	claiming bool
	asking   round
	heard    map[SampleID]StoredSeal // the highest claim's of each sample
	unsealed []SampleID
	best     *RunRecord // of the highest starter that was reported
	since    time.Duration
	heardAt  Instant
	floors   map[RunID]Beat
	before   Peer // the holder before, if it was asked
}

// claim asks the devices, the first standby, this node for what it stored as one, and the
// holder before, if it is at work: whoever answers promises to refuse lower claims. A
// claim that is asked once more while it is made keeps what it has heard.
func (c *Coordinator) claim(now Instant, fx *Effects, before Peer) {
	next := takeover{claiming: true, heard: map[SampleID]StoredSeal{}, floors: map[RunID]Beat{}, before: before}
	if c.claiming { // asked once more: what was heard holds
		next = c.takeover
		before = next.before
	}
	audience := c.scene.audience(sealStandbys)
	for _, p := range []Peer{c.self, before} {
		if p != "" && !slices.Contains(audience, p) {
			audience = append(audience, p)
		}
	}
	next.asking = newRound(now, c.self, audience, ClaimWait, c.links)
	c.takeover = next
	for _, p := range audience {
		fx.send(p, &Claiming{Claim{Role: c.role, Epoch: c.epoch, Lonely: c.lonely}})
	}
}

// answer takes one frame of what a peer knows.
func (c *Coordinator) answer(now Instant, from Peer, m *ClaimAnswer) {
	if !c.claiming && c.heard == nil { // late: what is not decided yet is taken up all the same
		c.heard, c.floors, c.best = map[SampleID]StoredSeal{}, map[RunID]Beat{}, nil
	}
	if m.Role != c.role || m.Epoch != c.epoch {
		return
	}
	for _, s := range m.Seals {
		if h, ok := c.heard[s.Sealed.Sample]; !ok || h.Claim.Below(s.Claim) {
			c.heard[s.Sealed.Sample] = s
		}
	}
	if room := MaxOpen - len(c.unsealed); room > 0 {
		c.unsealed = append(c.unsealed, m.Unsealed[:min(room, len(m.Unsealed))]...)
	}
	if m.Run != nil && (c.claiming || c.run == nil) {
		c.reported(now, m)
	}
	if m.Last {
		if !slices.Contains(c.told, from) {
			c.told = append(c.told, from)
		}
		if from != c.self {
			c.lonely = false
		}
		c.links.of(from).Spoke(now, c.asking.asked)
		c.asking.answered(from)
		if !c.claiming {
			c.absorb(now)
		}
	}
}

// reported takes the run that a peer knows: the one of the highest claim goes on, where it
// is furthest.
func (c *Coordinator) reported(now Instant, m *ClaimAnswer) {
	c.floors[m.Run.Run] = max(c.floors[m.Run.Run], m.Floor)
	same := c.best != nil && c.best.Run == m.Run.Run
	ahead := c.since + now.Sub(c.heardAt)
	switch {
	case c.best == nil || !same && c.best.Starter.Below(m.Run.Starter):
		c.best, c.since, c.heardAt = m.Run, m.Since, now
	case same:
		if len(m.Run.Entries) > 0 && m.Run.Entries[len(m.Run.Entries)-1].From > c.best.Entries[len(c.best.Entries)-1].From {
			c.best = m.Run
		}
		if m.Since > ahead {
			c.since, c.heardAt = m.Since, now
		}
	}
}

// claimed ends the claim once everyone who is waited for has answered: seals are sealed
// again under this claim, what has none is taken up, and the run goes on.
func (c *Coordinator) claimed(now Instant) bool {
	if !c.asking.done(now, c.links) {
		return false
	}
	c.claiming = false
	c.absorb(now)
	for _, b := range c.seals { // under the claim that was in doubt: seal once more
		for _, w := range b.work {
			w.sealing = false
			c.fresh = append(c.fresh, w)
		}
	}
	c.seals = nil
	return true
}

// absorb takes up what was answered: the run, seals of what is not decided here, samples
// without a seal.
func (c *Coordinator) absorb(now Instant) {
	if c.best != nil && (c.run == nil || c.run.Run != c.best.Run && c.run.Starter.Below(c.best.Starter)) {
		run := *c.best
		c.run = &run
		c.origin = c.heardAt.Add(-c.since)
	}
	if c.run != nil {
		c.floor = max(c.floor, c.floors[c.run.Run])
		c.next = max(c.next, c.floor)
	}
	for _, id := range slices.SortedFunc(maps.Keys(c.heard), SampleID.Compare) {
		s := c.heard[id]
		w := c.work[id]
		if c.log.Survivor(id) != nil || w != nil && w.sealed != nil {
			continue
		}
		if w == nil {
			if w = c.open(now, id); w == nil {
				continue
			}
		}
		w.sealed = s.Sealed
		w.sealing = false
		c.fresh = append(c.fresh, w)
	}
	for _, id := range c.unsealed {
		if c.work[id] == nil && c.log.Survivor(id) == nil && !c.finalElsewhere(id) {
			c.open(now, id)
		}
	}
	c.heard, c.unsealed = nil, nil
}

// followed notes that a peer follows this claim. One that has not before may come from
// another part of a mesh that was parted, where another holder published: the logs are
// compared, even where no connection broke. Where it was not asked when this claim was made
// it is asked now: it may have seals of what was never published.
func (c *Coordinator) followed(from Peer, m *HeartbeatAck, fx *Effects) {
	if m.Role != c.role || m.Epoch != c.epoch || from == c.self {
		return
	}
	c.lonely = false
	if !slices.Contains(c.follow, from) {
		c.follow = append(c.follow, from)
		fx.Compare = append(fx.Compare, SitePeer{c.site, from})
		if !slices.Contains(c.told, from) {
			fx.send(from, &Claiming{Claim{Role: c.role, Epoch: c.epoch, Lonely: c.lonely}})
		}
	}
}
