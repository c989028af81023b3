package roles

import "slices"

// openBeats opens the samples of the beats that have fallen: one that no device speaks of
// is decided too, so that no beat of a run is without a verdict.
func (c *Coordinator) openBeats(now Instant) {
	if c.run == nil {
		return
	}
	end := c.run.BeatAt(now.Sub(c.origin)) + 1
	if c.run.Count > 0 {
		end = min(end, c.run.Count)
	}
	end = min(end, c.next+beatsInStep)
	c.opened = now
	for ; c.next < end; c.next++ {
		id := SampleID{Site: c.site, Run: c.run.Run, Beat: c.next}
		if c.work[id] == nil && c.log.Survivor(id) == nil && c.open(now, id) == nil {
			return
		}
	}
}

// busy reports whether there is work, or something that a heartbeat has to tell.
func (c *Coordinator) busy() bool {
	return c.claiming || len(c.work) > 0 || len(c.published) > 0 || c.run != nil && !c.run.Ended(c.next)
}

// heartbeat tells the devices and the standbys that the holder lives, and where the run is.
func (c *Coordinator) heartbeat(now Instant, fx *Effects) {
	if c.busy() {
		c.pace.work(now)
	}
	if c.beat > 0 && now < c.pace.next() {
		return
	}
	resting := c.pace.sent(now)
	c.beat++
	if c.run != nil && !c.claiming {
		c.floor = max(c.floor, c.lowest())
		c.log.Floor(now, c.run.Run, c.floor)
	}
	told := slices.Clone(c.published[:min(len(c.published), samplesInFrame)])
	c.published = c.published[len(told):]
	audience := c.scene.audience(heartbeatStandbys)
	if !slices.Contains(audience, c.self) {
		audience = append(audience, c.self) // which knows of the run once it is another's
	}
	for _, p := range audience {
		h := &Heartbeat{
			Claim: Claim{Role: c.role, Epoch: c.epoch, Lonely: c.lonely}, Number: c.beat,
			Trip: c.links.of(p).trip, Published: told, Resting: resting,
		}
		if c.run != nil && !c.claiming {
			run := *c.run
			h.Run, h.Since, h.Floor = &run, now.Sub(c.origin), c.floor
		}
		fx.send(p, h)
	}
}
