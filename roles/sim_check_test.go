package roles

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What a mesh is given to come to rest after the last fault.
const (
	restWithin = 45 * time.Second // at most
	restFor    = 2 * time.Second  // that it must stay so
	lostAfter  = 6 * time.Second  // retained in quiet for that long: nobody decides it
)

// settle lets time pass until all is final and stays so, or ought to be.
func (w *world) settle() {
	since := time.Duration(-1)
	for {
		w.run(w.now + 250*ms)
		over := max(w.faulted, w.beats)
		switch {
		case w.now < over+250*ms, len(w.unsettled(false)) > 0:
			since = -1
		case since < 0:
			since = w.now
		case w.now-since >= restFor:
			return
		}
		if w.now > over+restWithin {
			return
		}
	}
}

// unsettled is what is not at rest: what must not be so after faults have ended.
func (w *world) unsettled(all bool) (out []string) {
	add := func(format string, args ...any) bool {
		out = append(out, fmt.Sprintf(format, args...))
		return !all
	}
	live := w.running()
	if len(live) == 0 {
		return nil
	}
	for _, run := range append([]RunID{0}, w.runs...) {
		if w.forgot {
			break
		}
		end := w.ending(run)
		for _, n := range live {
			if run != 0 && w.undecided(n, run, end) {
				if add("lost: %s does not know the verdicts of run %d", n, run-run7) {
					return out
				}
			}
			if run != 0 && w.differ(n, live[0], run, end) {
				if add("one verdict everywhere: the logs of %s and %s differ about run %s", live[0], n, run) {
					return out
				}
			}
		}
	}
	seeing := slices.ContainsFunc(live, func(n *actor) bool { return n.views != 0 })
	for i := range w.wishes {
		if !seeing {
			break // there is no site
		}
		if id := requestOf(RequestID(i + 1)); len(w.said[id]) == 0 && add("lost: request %s is not answered", id) {
			return out
		}
	}
	for _, n := range live {
		if got := n.node.Device().Retention().Counts(); got.Retained > 0 {
			if add("devices retain nothing: %s retains %d", n, got.Retained) {
				return out
			}
		}
	}
	return append(append(out, w.unmarked()...), w.disagreed(live)...)
}

// ending is the beat that everyone must know of a run up to: all, but where no device is
// left, or where the run has met another and only one went on.
func (w *world) ending(run RunID) (end Beat) {
	seeing := slices.ContainsFunc(w.actors, func(n *actor) bool { return n.up && n.views != 0 })
	if seeing && len(w.runs) == 1 {
		return w.count
	}
	for _, id := range w.order {
		known := func(n *actor) bool { return n.up && n.log().slots[id] != nil }
		if id.Run == run && slices.ContainsFunc(w.actors, known) {
			end = max(end, id.Beat+1)
		}
	}
	return end
}

func (w *world) undecided(n *actor, run RunID, end Beat) bool {
	for b := range end {
		id := SampleID{Site: hall, Run: run, Beat: b}
		if len(w.runs) > 1 && len(w.captured[id]) == 0 {
			continue // of a run that ended by meeting another nobody opens what nobody has
		}
		if n.log().Survivor(id) == nil && !w.gone[id] {
			return true
		}
	}
	return false
}

// death is that of a node, and which verdicts it knew.
type death struct {
	at   time.Duration
	knew map[SampleID]bool
}

// twoDeaths is how soon after one another two nodes die at once: gossip has not reached a third,
// or it was lost, and who lacks it has not got what it asks for.
const twoDeaths = time.Second

// mourn notes what a node knew that dies. What one alone knows is lost with it, and is to be held
// against the nodes: before it is published another has it. What two knew who died at once is gone:
// memory is all that there is.
func (w *world) mourn(n *actor) {
	knows := func(n *actor, id SampleID) bool {
		_, sealed := n.node.Device().memory.Seal(id)
		return sealed || n.log().Survivor(id) != nil
	}
	d := death{w.now, map[SampleID]bool{}}
	for _, run := range w.runs {
		for b := range n.log().End(run) {
			id := SampleID{Site: hall, Run: run, Beat: b}
			if !knows(n, id) {
				continue
			}
			d.knew[id] = true
			if slices.ContainsFunc(w.running(), func(other *actor) bool { return knows(other, id) }) {
				continue
			}
			if slices.ContainsFunc(w.deaths, func(o death) bool { return o.knew[id] && w.now-o.at <= twoDeaths }) {
				if w.gone == nil {
					w.gone = map[SampleID]bool{}
				}
				w.gone[id] = true
				w.note("beat %d is gone with the two that knew its verdict", b)
			}
		}
	}
	w.deaths = append(w.deaths, d)
}

// differ reports whether two logs have other surviving verdicts.
func (w *world) differ(a, b *actor, run RunID, end Beat) bool {
	for beat := range end {
		id := SampleID{Site: hall, Run: run, Beat: beat}
		p, q := a.log().Survivor(id), b.log().Survivor(id)
		if p != nil && q != nil && p.Sealed.Hash != q.Sealed.Hash {
			return true
		}
	}
	return false
}

// disagreed is the roles of which live nodes say different things.
func (w *world) disagreed(live []*actor) (out []string) {
	for _, role := range live[0].node.order {
		holders := map[Peer]bool{}
		mine := 0
		for _, n := range live {
			holders[n.node.holding(role).Peer] = true
			if c := n.node.claims[role]; c != nil {
				if _, yes := c.Mine(); yes {
					mine++
				}
			}
		}
		if seeing := slices.ContainsFunc(live, func(n *actor) bool { return n.views != 0 }); !seeing && mine == 0 {
			continue // there is nothing to aggregate
		}
		if len(holders) != 1 || holders[""] || mine != 1 {
			var said []string
			for _, n := range live {
				said = append(said, fmt.Sprintf("%s says %q", n, n.node.holding(role).Peer))
			}
			out = append(out, fmt.Sprintf("one assignment: %s has %d holders: %s", role, mine, strings.Join(said, ", ")))
		}
	}
	if n := len(w.claims); n > 0 && w.now-w.claims[n-1].at < restFor && w.now > w.faulted+restFor {
		out = append(out, fmt.Sprintf("one assignment: %s still claims %s", w.claims[n-1].by, w.claims[n-1].claim.Role))
	}
	return out
}

// check notes every invariant that does not hold at the end.
func (w *world) check(s *setting) {
	for _, text := range w.unsettled(true) {
		name, rest, _ := strings.Cut(text, ": ")
		w.breaks(name, "%s", rest)
	}
	w.checkContradictions()
	w.checkExplanations()
	w.checkSettings()
	w.checkQuality()
	for _, n := range w.running() {
		w.checkTally(n)
		w.checkRest(n)
	}
	w.checkMoves(s)
}

// checkContradictions holds that nobody ever made two final verdicts of one sample where
// every pair was in touch.
func (w *world) checkContradictions() {
	for _, id := range w.samples() {
		first := w.said[id][0]
		for _, p := range w.said[id][1:] {
			if p.Sealed.Hash != first.Sealed.Hash && w.calm(first.at-time.Second, p.at) {
				w.breaks("one verdict in one component", "%s says of %s at %v otherwise than %s at %v",
					p.by, id, p.at, first.by, first.at)
				break
			}
		}
	}
}

// checkExplanations holds that no verdict contradicts itself: it rests on views that were
// seen, and each view is seen, empty or missing with a reason.
func (w *world) checkExplanations() {
	for _, id := range w.samples() {
		for _, p := range w.said[id] {
			v := w.verdicts[p.Sealed.Hash]
			seen, nothing, missing := v.Answer.Seen, v.Answer.Nothing, v.Answer.Missing
			if v.Views&^seen != 0 || seen&nothing|seen&missing|nothing&missing != 0 {
				w.breaks("a verdict explains itself", "%s by %s rests on views %b; seen %b, nothing in %b, missing %b", id, p.by, v.Views, seen, nothing, missing)
			}
			for view := range w.top.Views {
				if missing>>view&1 == 1 != (v.Reasons[view] != NotMissing) {
					w.breaks("a verdict explains itself", "%s by %s: view %d, missing %b, has reason %q", id, p.by, view, missing, v.Reasons[view])
				}
			}
		}
	}
}

// unmarked is what a live node has of verdicts that lost, without that who coordinates knows
// of it and has published it again as superseded. Whether each node has heard of that is
// left to gossip.
func (w *world) unmarked() (out []string) {
	holder := w.holder(w.coordinator())
	for _, id := range w.order {
		if len(w.said[id]) < 2 || holder == nil {
			continue
		}
		known := holder.log().slots[id]
		for _, n := range w.running() {
			slot := n.log().slots[id]
			if slot == nil || len(slot.variants) < 2 {
				continue
			}
			for _, v := range slot.variants[1:] {
				if known == nil || !slices.ContainsFunc(known.variants, func(p *Published) bool {
					return p.Sealed.Hash == v.Sealed.Hash && p.SupersededBy != Hash{}
				}) {
					out = append(out, fmt.Sprintf("losers are superseded: %s has a loser of %s by %s that %s has not marked", n, id, v.Seq.Epoch, holder))
				}
			}
		}
	}
	return out
}

// checkQuality holds that in quiet times a sample is decided by all that its devices saw.
func (w *world) checkQuality() {
	for _, id := range w.samples() {
		first := w.said[id][0]
		v := w.verdicts[first.Sealed.Hash]
		begun := first.at
		for view, c := range w.captured[id] { // each is looked at: the order does not matter
			begun = min(begun, c.at)
			_ = view
		}
		if begun < 3500*ms || !w.quiet(begun-afterTouch, first.at) {
			continue
		}
		if v.StoppedEarly && v.Cloud == "" {
			w.breaks("answered in full", "%s stopped early in quiet", id)
		}
		for view := range w.top.Views {
			c, ok := w.captured[id][view]
			if ok && c.by.part.camera == "" && (v.Answer.Seen|v.Answer.Nothing)>>view&1 == 0 {
				w.breaks("answered in full", "%s lacks view %d in quiet: %s", id, view, v.Reasons[view])
			}
		}
	}
}

// checkTally holds that the counts of every log add up to what there was.
func (w *world) checkTally(n *actor) {
	for _, run := range w.runs {
		if w.forgot {
			return
		}
		t := n.log().Tally(n.clock(), run, Budget+Grace, true)
		if t.Lost+t.Open > 0 {
			w.breaks("lost", "%s counts %+v", n, t)
		}
		due := uint64(0)
		for _, id := range w.order {
			known := func(other *actor) bool { return other.up && other.log().slots[id] != nil }
			if id.Run == run && slices.ContainsFunc(w.actors, known) {
				due++
			}
		}
		if t.Due != due || t.Due != t.Decided+t.Refused+t.Lost+t.Open {
			w.breaks("due = decided + refused + lost + open", "%s counts %+v of %d", n, t, due)
		}
	}
}

// checkRest holds that nothing is left in any queue or table once all is final.
func (w *world) checkRest(n *actor) {
	if !slices.ContainsFunc(w.actors, func(n *actor) bool { return n.up && n.views != 0 }) {
		return // there is no site
	}
	rest := map[string]int{}
	for _, site := range n.node.names {
		p := n.node.sites[site]
		if c := p.coord; c != nil {
			rest["open samples"] += len(c.work) + len(c.order)
			rest["seals under way"] += len(c.seals) + len(c.fresh)
			rest["heard seals"] += len(c.heard) + len(c.unsealed)
		}
		for _, a := range p.held() {
			rest["gathers"] += len(a.open) + len(a.order) + len(a.edge.open) + len(a.edge.order)
		}
		rest["bytes retained"] += p.device.memory.used
		rest["times of sending"] += len(p.device.sent)
		for id, s := range p.log.slots { // a count: the order does not matter
			if len(s.variants) == 0 && !id.OnDemand() {
				rest["samples known"]++
			}
		}
		rest["seals of a run that is over"] += max(0, len(p.device.memory.Seals())-otherSeals)
	}
	if n.node.cloud != nil {
		rest["ascents"] = len(n.node.cloud.upper.open) + len(n.node.cloud.upper.order)
	}
	rest["held back"] = len(n.node.held)
	rest["links"] = max(0, len(n.node.links)-len(w.actors))
	rest["claims heard"] = max(0, len(n.node.heard)-len(w.actors)*len(n.node.order))
	for _, name := range []string{
		"open samples", "seals under way", "heard seals", "gathers", "bytes retained", "times of sending", "samples known",
		"seals of a run that is over", "ascents", "held back", "links", "claims heard",
	} {
		if rest[name] > 0 {
			w.breaks("bounded", "%s has %d %s left", n, rest[name], name)
		}
	}
}

// checkMoves holds that roles move because of faults alone, and not more often than those
// give reason to.
func (w *world) checkMoves(s *setting) {
	if s.weather.loss > 0 || slices.ContainsFunc(w.actors, func(n *actor) bool { return n.original != nil }) {
		return // no bound is promised
	}
	moves := 0
	for _, c := range w.claims {
		if c.at > 3*time.Second {
			moves++
			if !touches(w.trouble, c.at-afterTouch, c.at) && !touches(w.acts, c.at-2*afterTouch, c.at) {
				w.breaks("roles move for a reason", "%s claims %s at %v", c.by, c.claim.Role, c.at)
			}
		}
	}
	roles := len(w.top.Groups) + 1
	if len(w.top.Groups) > 1 {
		roles++
	}
	if most := 3 * roles * (len(w.trouble) + len(w.acts)); moves > most {
		w.breaks("roles move for a reason", "%d claims, at most %d have one", moves, most)
	}
}

// moments holds what must hold at any time.
func (w *world) moments() {
	for _, n := range w.actors {
		if !n.up || n.paused {
			continue
		}
		if c := n.coord(); c != nil && (len(c.work) > MaxOpen || len(c.order) > MaxOpen) {
			w.breaks("bounded", "%s has %d samples open", n, len(c.work))
		}
		if len(n.node.links) > len(w.actors) || len(n.node.heard) > len(w.actors)*len(n.node.order)+1 {
			w.breaks("bounded", "%s remembers %d links and %d claims", n, len(n.node.links), len(n.node.heard))
		}
		r := n.node.Device().Retention()
		if limit := r.limit; r.Counts().RetainedBytes > limit {
			w.breaks("bounded", "%s retains %d bytes", n, r.Counts().RetainedBytes)
		}
		if w.now < lostAfter || !w.quiet(w.now-lostAfter, w.now) {
			continue
		}
		if old := r.Unsealed(n.clock().Add(-lostAfter), 1); len(old) > 0 {
			w.breaks("lost", "%s has retained %s for %v of quiet", n, old[0].Sample, lostAfter)
		}
	}
}
