package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"ganglion/mesh"
	"ganglion/mesh/membership"
	"ganglion/roles"
)

// watching turns what changes into events for people.
type watching struct {
	engine  *engine
	holders map[roles.Role]roles.Peer
	last    map[roles.Role]roles.Peer // the last that had it, where nobody has
	notices notices
	site    roles.Scene
	run     roles.RunID
	first   bool // a verdict of the run was told of

	mu   sync.Mutex // guards told
	told map[string]time.Time
}

func newWatching(e *engine) watching {
	return watching{engine: e, holders: map[roles.Role]roles.Peer{}, last: map[roles.Role]roles.Peer{}, notices: newNotices()}
}

// members tells who came and went.
func (w *watching) members(before, after []memberState) {
	was := map[roles.Peer]*memberState{}
	for i := range before {
		was[before[i].peer] = &before[i]
	}
	for i := range after {
		m := &after[i]
		old := was[m.peer]
		if m.self || m.Record == nil {
			continue
		}
		id := string(m.peer)
		switch known := old != nil && old.Record != nil; {
		case m.alive() && (!known || !old.alive()):
			w.engine.events.tell(eventJoined, fmt.Sprintf("%s is in the mesh", m.name()), "peer", id, "name", m.name())
		case m.State == membership.StateLeft && known && old.State != membership.StateLeft:
			w.engine.events.tell(eventLeft, fmt.Sprintf("%s has left", m.name()), "peer", id, "name", m.name())
		case m.State == membership.StateDown && known && old.State != membership.StateDown:
			w.engine.events.tell(eventDown, fmt.Sprintf("%s is gone", m.name()), "peer", id, "name", m.name())
		default:
		}
	}
}

// heard tells of whom discovery has found.
func (w *watching) heard(h mesh.Heard) {
	if !w.newly(h) {
		return
	}
	name := h.Name
	if name == "" {
		name = "a node"
		if len(h.Addresses) > 0 {
			name += " at " + h.Addresses[0].String()
		}
	}
	switch h.Kind {
	case mesh.HeardCandidate:
		w.engine.events.tell(eventFound, fmt.Sprintf("%s found by %s", name, h.Way), "peer", string(h.Peer), "name", h.Name, "way", string(h.Way))
	case mesh.HeardForeign:
		w.engine.events.tell(eventWarning, fmt.Sprintf("another mesh is on this network: %s of mesh %s, heard by %s; its nodes have another token", name, h.Fingerprint, h.Way),
			"mesh", string(h.Fingerprint))
	case mesh.HeardClone:
		w.engine.events.tell(eventWarning, fmt.Sprintf("another process uses this node's identity, at %v: give it a state directory of its own", h.Addresses))
	}
}

// foundAgain is after what time a node that was found and is not connected is told of again.
const foundAgain = time.Minute

// foundKept is how many nodes are told apart by newly.
const foundKept = 256

// newly reports whether something is worth telling: it was not told of lately.
func (w *watching) newly(h mesh.Heard) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := string(h.Kind) + string(h.Peer) + string(h.Fingerprint)
	if at, ok := w.told[key]; ok && h.At.Sub(at) < foundAgain {
		return false
	}
	if w.told == nil || len(w.told) >= foundKept {
		w.told = map[string]time.Time{}
	}
	w.told[key] = h.At
	return true
}

// The pace of looking for warnings, and from when on: what is amiss while a mesh comes
// together is mended by itself.
const (
	warningsAfter = 10 * time.Second
	warningsPace  = 2 * time.Second
)

// warnings tells of each warning when it comes up, until ctx is done.
func (e *engine) warnings(ctx context.Context) error {
	ticker := time.NewTicker(warningsPace)
	defer ticker.Stop()
	var told []string
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if time.Since(e.start) < warningsAfter {
			continue
		}
		all := e.mesh.Status().Warnings
		if err := e.do(ctx, func() {
			_, own := e.views.describe()
			all = append(all, own...)
			all = append(all, e.pinnedInVain()...)
			if e.plan.fault != "" {
				all = append(all, e.plan.fault)
			}
		}); err != nil {
			return nil // the node ends
		}
		var now []string
		for _, text := range all {
			if slices.Contains(now, gist(text)) {
				continue
			}
			now = append(now, gist(text))
			if !slices.Contains(told, gist(text)) {
				e.events.tell(eventWarning, text)
			}
		}
		told = now
	}
}

// gist is a warning without its numbers, which go on changing.
func gist(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, text)
}

// tick tells of roles and views that moved.
func (w *watching) tick(roles.Instant) {
	node := w.engine.roles
	site := node.Scene(node.Site)
	groups := len(site.Aggregators)
	for g, h := range site.Aggregators {
		w.holder(roles.AggregatorOf(node.Site, g), h.Peer, groups)
	}
	w.holder(roles.CloudRole(), site.Cloud.Peer, groups)
	if groups > 1 {
		w.holder(roles.CoordinatorOf(node.Site, groups), site.Coordinator.Peer, groups)
	}
	for v, p := range site.Views {
		if (v >= len(w.site.Views) || w.site.Views[v] != p) && p != "" {
			view := w.engine.views.name(v)
			w.engine.events.tell(eventView, fmt.Sprintf("%s feeds view %s", w.engine.nameOf(p), view), "peer", string(p), "name", w.engine.nameOf(p), "view", view)
		}
	}
	w.site = site
	w.runs(node)
}

func (w *watching) holder(role roles.Role, p roles.Peer, groups int) {
	before, ok := w.holders[role]
	if ok && before == p || !ok && p == "" {
		return
	}
	w.holders[role] = p
	last := w.last[role]
	if p != "" {
		w.last[role] = p
	}
	if p == w.engine.self && last != "" && last != p {
		w.engine.metrics.TookOver(role.Kind)
	}
	what := role.Kind.String()
	if role.Kind == roles.AggregatorKind && groups > 1 {
		what = fmt.Sprintf("%s of group %d", what, role.Group)
	}
	switch {
	case p == "":
		w.engine.events.tell(eventElected, fmt.Sprintf("nobody is %s", what), "role", role.String())
	case before == "":
		attributes := []string{"role", role.String(), "peer", string(p), "name", w.engine.nameOf(p)}
		if last != "" && last != p {
			attributes = append(attributes, "before", string(last))
		}
		w.engine.events.tell(eventElected, fmt.Sprintf("%s is %s", w.engine.nameOf(p), what), attributes...)
	default:
		w.engine.events.tell(eventElected, fmt.Sprintf("%s takes over as %s from %s", w.engine.nameOf(p), what, w.engine.nameOf(before)),
			"role", role.String(), "peer", string(p), "name", w.engine.nameOf(p), "before", string(before))
	}
}

func (w *watching) runs(node *roles.Node) {
	clock := node.Device().Clock()
	if clock == nil || clock.Run().Run == w.run {
		return
	}
	w.run, w.first = clock.Run().Run, false
	w.engine.events.tell(eventRun, fmt.Sprintf("run %s has begun, a beat each %v", w.run, clock.Run().Period), "run", w.run.String())
}

// verdicts tells of the first verdict of a run.
func (w *watching) verdicts(_ roles.Instant, of []*roles.Published) {
	if w.first {
		return
	}
	for _, p := range of {
		if p.Sealed.Outcome == roles.Answered {
			w.first = true
			v := w.engine.describe(p, true)
			text := fmt.Sprintf("first verdict: %s, by the %s exit, from %s", v.GetClass(), v.GetExit(), strings.Join(v.GetSeen(), ", "))
			w.engine.events.tell(eventVerdict, text, "sample", v.GetSample(), "class", v.GetClass(), "exit", v.GetExit())
			return
		}
	}
}
