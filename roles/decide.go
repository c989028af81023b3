package roles

import (
	"slices"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// advance takes a sample as far as it goes by now: from exit to exit, until one answers.
func (c *Coordinator) advance(now Instant, w *work, fx *Effects) {
	if now < w.retry {
		return
	}
	switch w.asked {
	case topology.ExitNone:
		late := w.groups.Expire(now)
		for g := range each(late) {
			c.ofGroup(g).Missed(now, w.groups.Opened)
		}
		if !w.groups.Done() {
			return
		}
		if w.spoke == 0 && now < w.opened.Add(Budget+Grace) {
			return // nobody spoke of it yet: a late replay may
		}
		c.judge(now, w, w.local, fx)
	case topology.ExitEdge:
		w.edging.Expire(now)
		if w.edging.Done() || now >= w.until {
			c.judge(now, w, w.edges, fx)
		}
	case topology.ExitCloud:
		if now >= w.until {
			c.unanswered(now, w, fx)
		}
	default: // of local exits nothing is asked: they propose by themselves
	}
}

// judge decides by the first proposal of a tier that is within its threshold, in the order
// of the groups, or asks the next tier.
func (c *Coordinator) judge(now Instant, w *work, tier []*Proposed, fx *Effects) {
	c.agree(w)
	v := c.explain(w, nil)
	b := c.bundle(w)
	if v.Answer.Seen == 0 || v.Refused || b == nil {
		if b == nil && v.Answer.Seen != 0 {
			w.retry = now.Add(bundleWait)
			return
		}
		c.decide(w, v)
		return
	}
	thresholds, known := c.thresholds(now, w, b, fx)
	if !known {
		w.retry = now.Add(bundleWait)
		return
	}
	for _, p := range tier {
		if p != nil && p.Exit != nil && p.Exit.Exits(thresholds) {
			v.answerBy(p)
			c.decide(w, v)
			return
		}
	}
	if b.Topology.Edge != nil && w.asked == topology.ExitNone {
		c.askEdges(now, w, b, v.Answer.Seen, fx)
		return
	}
	c.askCloud(now, w, b, fx)
}

func (c *Coordinator) askEdges(now Instant, w *work, b *Bundled, seen uint64, fx *Effects) {
	w.asked, w.expect = topology.ExitEdge, 0
	for g := range b.Topology.Groups {
		set := seen & b.Topology.GroupMask(g)
		if set != 0 && g < len(c.scene.Aggregators) && c.scene.Aggregators[g].Peer != "" {
			w.expect |= 1 << g
			c.askViews(w, set, topology.ExitEdge, c.scene.Aggregators[g], fx)
		}
	}
	wait := TierWait + c.longest() + FeatureWait // for the devices' features, too
	w.edging = NewGather(now, w.expect, wait, c.ofGroup)
	w.until = now.Add(wait)
	if w.edging.Done() {
		w.until = now // nobody is there to be waited for
	}
}

// edgesAgain has whoever holds the edges by now asked again where none of them has answered; false
// where some have, or there are none.
func (c *Coordinator) edgesAgain(now Instant, w *work, b *Bundled, views uint64, fx *Effects) bool {
	if b.Topology.Edge == nil || slices.ContainsFunc(w.edges, func(p *Proposed) bool { return p != nil }) {
		return false
	}
	c.askEdges(now, w, b, views, fx)
	w.retry = now.Add(TierWait) // what is of no use may come again at once
	return true
}

// askCloud asks the sources of the last tier to send their features there: to its holder, and
// to its standby where the holder is the one that was asked before.
func (c *Coordinator) askCloud(now Instant, w *work, b *Bundled, fx *Effects) {
	if w.asked != topology.ExitCloud {
		w.asked, w.asks, w.of = topology.ExitCloud, 0, ""
	}
	w.asks++
	to := c.scene.Cloud
	if w.asks > 1 && (to.Peer == "" || to.Peer == w.of) {
		to = c.scene.CloudStandby
	}
	w.of = to.Peer
	if to.Peer == "" {
		w.until = now
		return
	}
	w.until = now.Add(TierWait + c.longest() + c.links.of(to.Peer).trip)
	if b.Topology.Edge == nil {
		w.expect = c.explain(w, nil).Answer.Seen
		c.askViews(w, w.expect, topology.ExitCloud, to, fx)
		return
	}
	w.expect = 0
	for g, p := range w.edges {
		if p != nil && p.Seen != 0 {
			w.expect |= 1 << g
		}
	}
	for g := range each(w.expect) {
		c.ask(c.scene.Aggregators[g].Peer, w, w.expect, topology.ExitCloud, to, fx)
	}
}

// askViews asks the devices of a set of views.
func (c *Coordinator) askViews(w *work, views uint64, tier topology.Exit, to Holding, fx *Effects) {
	var told []Peer
	for v := range each(views) {
		if p := c.scene.Views[v]; p != "" && !slices.Contains(told, p) {
			told = append(told, p)
			c.ask(p, w, views, tier, to, fx)
		}
	}
}

// ask adds a sample to what a peer is asked in this step.
func (c *Coordinator) ask(p Peer, w *work, expect uint64, tier topology.Exit, to Holding, fx *Effects) {
	wanted := Wanted{Sample: w.id, Expect: expect}
	for i := len(fx.Sends) - 1; i >= 0 && i >= len(fx.Sends)-MaxViews; i-- {
		a, ok := fx.Sends[i].Message.(*Ask)
		if ok && fx.Sends[i].To == p && a.Tier == tier && a.To == to.Peer && a.Role == c.role && len(a.Items) < samplesInFrame {
			a.Items = append(a.Items, wanted)
			return
		}
	}
	fx.send(p, &Ask{Role: c.role, Epoch: c.epoch, Tier: tier, To: to.Peer, ToEpoch: to.Epoch, Items: []Wanted{wanted}})
}

// unanswered is a sample whose last tier is silent: its standby is asked, within the
// budget, and then the best proposal so far stands. Without any, as in a topology with no
// exit below the cloud, the cloud is asked again for as long as it takes.
func (c *Coordinator) unanswered(now Instant, w *work, fx *Effects) {
	b := c.bundle(w)
	if b == nil {
		w.retry = now.Add(bundleWait)
		return
	}
	started := max(w.opened, w.spoke)
	left := started.Add(Budget + c.longest()).Sub(now)
	another := c.scene.CloudStandby.Peer != "" || c.scene.Cloud.Peer != "" && c.scene.Cloud.Peer != w.of
	if left > 0 && c.edgesAgain(now, w, b, c.explain(w, nil).Answer.Seen, fx) {
		return
	}
	if w.asks == 1 && left > 0 && another {
		c.askCloud(now, w, b, fx)
		w.until = min(w.until, max(now, started.Add(Budget+c.longest())))
		return
	}
	v := c.explain(w, nil)
	best := bestSoFar(w)
	usable := v.Answer.Seen &^ w.faulty
	if best == nil && (usable == 0 || left <= 0 && !c.retained(now, w, usable)) {
		c.without(w, v) // asking again would bring the same, or it died with the only copy
		return
	}
	if best == nil {
		w.asks = 0
		if !c.edgesAgain(now, w, b, usable, fx) {
			c.askCloud(now, w, b, fx)
			w.until = max(w.until, now.Add(TierWait))
			w.retry = now.Add(TierWait) // what is of no use may come again at once
		}
		return
	}
	v.StoppedEarly = true
	v.answerBy(best)
	c.decide(w, v)
}

// without decides a sample of which nothing is left: what was seen is missing after all.
func (c *Coordinator) without(w *work, v *Verdict) {
	for view := range each(v.Answer.Seen) {
		v.Reasons[view] = Broken
		if w.faulty>>view&1 == 1 {
			v.Reasons[view] = Faulty
		}
	}
	v.Answer.Missing |= v.Answer.Seen
	v.Answer.Seen = 0
	c.decide(w, v)
}

// retained reports whether a device that has one of the views of a set is there. One that
// went and came back has begun anew, unless it speaks of the sample again.
func (c *Coordinator) retained(now Instant, w *work, views uint64) bool {
	for v := range each(views) {
		anew := w.left>>v&1 == 1 && now > w.leftAt.Add(ResendAfter+Grace)
		if p := c.scene.Views[v]; p != "" && !c.links.of(p).broken && !anew {
			return true
		}
	}
	return false
}

// bestSoFar is the proposal of the highest tier, and of those the surest; nil where there
// is none.
func bestSoFar(w *work) *Proposed {
	var best *Proposed
	for _, p := range slices.Concat(w.local, w.edges) {
		if p == nil || p.Exit == nil {
			continue
		}
		if best == nil || p.Exit.Exit > best.Exit.Exit || p.Exit.Exit == best.Exit.Exit && p.Exit.Entropy < best.Exit.Entropy {
			best = p
		}
	}
	return best
}

// died reports whether a sample that is asked for has no proposal that answers it, and every device
// that saw it went.
func (w *work) died() bool {
	var seen uint64
	for _, p := range w.local {
		if p != nil {
			seen |= p.Seen
		}
	}
	return w.asked != topology.ExitNone && seen != 0 && seen&^w.left == 0 && bestSoFar(w) == nil
}

// explain is the verdict of a sample by what is known, yet without an answer; with that of
// the cloud where there is one.
func (c *Coordinator) explain(w *work, cloud *Proposed) *Verdict {
	v := &Verdict{Sample: w.id, Epoch: c.epoch, Reasons: map[int]Reason{}, Aggregators: make([]Peer, c.groups), Ref: -1, Label: -1}
	v.Answer.Class = -1
	of, _ := w.model()
	v.Bundle, v.Settings = of.Bundle, of.Settings
	spoke, refused := 0, 0
	for g, p := range w.local {
		if p == nil {
			continue
		}
		v.Aggregators[g] = c.scene.Aggregators[g].Peer
		if v.Ref < 0 && p.model() == of {
			v.Ref, v.Label = p.Ref, p.Label
		}
		v.Answer.Seen |= p.Seen
		v.Answer.Nothing |= p.Nothing
		spoke += countOf(p.Seen | p.Nothing)
		for view := range MaxViews {
			if r := p.Reasons[view]; r != NotMissing {
				v.Reasons[view] = r
				if r == Refused {
					refused++
				}
			}
		}
	}
	for _, p := range w.edges {
		if p != nil {
			v.sawToo(p.Seen)
		}
	}
	for _, tier := range [][]*Proposed{w.local, w.edges} {
		for _, p := range tier {
			if p != nil && p.Exit != nil {
				v.Answer.Proposals = append(v.Answer.Proposals, *p.Exit)
			}
		}
	}
	for view := range each(v.Answer.Seen | v.Answer.Nothing) {
		delete(v.Reasons, view)
	}
	v.Answer.Nothing &^= v.Answer.Seen
	v.Refused = spoke == 0 && refused > 0
	if cloud != nil {
		v.sawToo(cloud.Seen)
		v.Answer.Proposals = append(v.Answer.Proposals, *cloud.Exit)
		v.answerBy(cloud)
	}
	c.missing(v)
	return v
}

// sawToo has views as seen of which features came although nobody told this coordinator of
// them: its predecessor, or itself under an earlier claim, had asked for them.
func (v *Verdict) sawToo(views uint64) {
	for view := range each(views &^ v.Answer.Seen) {
		delete(v.Reasons, view)
	}
	v.Answer.Seen |= views
	v.Answer.Nothing &^= views
}

// answerBy makes one of the proposals the answer. Those behind it are explanation alone, so
// that the answer is the one of a network in one process, which never makes them.
func (v *Verdict) answerBy(p *Proposed) {
	v.Answer.Exit, v.Answer.Class, v.Views = p.Exit.Exit, p.Exit.Class, p.Seen
	i := slices.IndexFunc(v.Answer.Proposals, func(q inference.Proposal) bool {
		return q.Exit == p.Exit.Exit && q.Group == p.Exit.Group
	})
	v.Answer.Proposals, v.Others = v.Answer.Proposals[:i+1:i+1], v.Answer.Proposals[i+1:]
}

// missing fills in the views of which nobody said anything.
func (c *Coordinator) missing(v *Verdict) {
	for view, holder := range c.scene.Views {
		if (v.Answer.Seen|v.Answer.Nothing)>>view&1 == 1 {
			continue
		}
		v.Answer.Missing |= 1 << view
		if v.Reasons[view] == NotMissing {
			v.Reasons[view] = Silent
			if holder == "" {
				v.Reasons[view] = Unheld
			}
		}
	}
}

// decide makes the verdict final but for its seal.
func (c *Coordinator) decide(w *work, v *Verdict) {
	w.sealed = Seal(v, c.encode(v))
	c.fresh = append(c.fresh, w)
}

// sealFresh sends the verdicts of this step to everyone who stores seals.
func (c *Coordinator) sealFresh(now Instant, fx *Effects) {
	fresh := slices.DeleteFunc(c.fresh, func(w *work) bool { return w.sealing || c.work[w.id] != w })
	c.fresh = nil
	audience := c.scene.audience(sealStandbys)
	for some := range slices.Chunk(fresh, SealsInFrame) {
		c.batch++
		b := &sealBatch{number: c.batch, work: slices.Clone(some), round: newRound(now, c.self, audience, SealWait, c.links)}
		c.asked.add(c.batch, now)
		m := &SealBatch{Role: c.role, Epoch: c.epoch, Number: b.number}
		for _, w := range b.work {
			w.sealing = true
			m.Seals = append(m.Seals, w.sealed)
		}
		for _, p := range audience {
			fx.send(p, m)
		}
		c.seals = append(c.seals, b)
	}
}

func (c *Coordinator) acknowledged(now Instant, from Peer, m *SealAck) {
	if m.Role != c.role || m.Epoch != c.epoch {
		return
	}
	if of := c.links[from]; of != nil {
		c.asked.spoke(now, m.Number, SealWait, of)
	}
	for _, b := range c.seals {
		if b.number == m.Number {
			b.round.answered(from)
		}
	}
}

// publish tells everyone of the samples whose seal is stored by all that are waited for.
func (c *Coordinator) publish(now Instant, fx *Effects) {
	some := false
	c.seals = slices.DeleteFunc(c.seals, func(b *sealBatch) bool {
		if !b.round.done(now, c.links) {
			return false
		}
		for _, w := range b.work {
			c.release(now, w, fx)
		}
		some = true
		return true
	})
	if some {
		c.order = slices.DeleteFunc(c.order, func(id SampleID) bool { return c.work[id] == nil })
	}
}

func (c *Coordinator) release(now Instant, w *work, fx *Effects) {
	delete(c.work, w.id)
	c.seq++
	p := &Published{Seq: Seq{c.epoch, c.seq}, Sealed: w.sealed, Latency: now.Sub(max(w.opened, w.spoke))}
	switch {
	case w.id.OnDemand():
		p.Latency = now.Sub(w.opened)
		c.unheard(w.id)
	case c.run != nil && w.id.Run == c.run.Run:
		p.SinceBeat = max(0, now.Sub(c.origin.Add(c.run.Offset(w.id.Beat))))
	}
	if news, loser := c.log.Append(now, p); news {
		fx.publish(p)
		if loser != nil {
			c.supersede(now, loser, fx)
		}
	}
}

// unheard has the next heartbeats tell that a sample on demand is published. Nobody has the
// seals of more than the last otherSeals.
func (c *Coordinator) unheard(id SampleID) {
	if len(c.published) == otherSeals {
		c.published = c.published[1:]
	}
	c.published = append(c.published, id)
}

// supersede publishes a verdict again that another has displaced.
func (c *Coordinator) supersede(now Instant, loser *Published, fx *Effects) {
	survivor := c.log.Survivor(loser.Sealed.Sample)
	if survivor == nil || survivor.Sealed.Hash == loser.Sealed.Hash {
		return
	}
	c.seq++
	p := *loser
	p.Seq, p.SupersededBy = Seq{c.epoch, c.seq}, survivor.Sealed.Hash
	if news, _ := c.log.Append(now, &p); news {
		fx.publish(&p)
	}
}

// publish is for verdicts that are new in the log of who publishes them.
func (fx *Effects) publish(p *Published) {
	fx.Published = append(fx.Published, p)
	fx.Logged = append(fx.Logged, p)
}

// Reconcile takes a publication of another holder, after a partition: what is open here is
// final by it, and where one of two verdicts of a sample has lost, that one is published
// again as superseded.
func (c *Coordinator) Reconcile(now Instant, p *Published, fx *Effects) {
	news, loser := c.log.Append(now, p)
	if w := c.work[p.Sealed.Sample]; w != nil && w.sealed == nil { // final elsewhere: it is not decided again
		delete(c.work, w.id)
		c.order = slices.DeleteFunc(c.order, func(id SampleID) bool { return id == w.id })
	}
	if news {
		fx.Logged = append(fx.Logged, p)
	}
	if loser != nil && !c.stopped {
		c.supersede(now, loser, fx)
	}
}

// lowest is the oldest beat of the run that is not final.
func (c *Coordinator) lowest() Beat {
	low := c.next
	for _, id := range c.order {
		if id.Run == c.run.Run {
			low = min(low, id.Beat)
		}
	}
	return low
}
