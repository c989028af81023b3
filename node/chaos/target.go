package chaos

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"ganglion/proto/controlpb"
)

// leastPrefix is the shortest beginning of a peer that names one.
const leastPrefix = 6

// Target says whom a fault strikes. Make it with [ParseTarget].
type Target struct {
	text  string
	set   string  // a name, a peer, a role, "view X", or a word for several
	drawn bool    // so many of the set, not all of it
	count int     // that are drawn
	share float64 // that is drawn, where count is 0
}

// Sets are the words for several nodes, and what each is; a role is one too.
func Sets() []string { return []string{"nodes", "devices", "spares"} }

// roleWords are the roles that a target may name, as members tell them.
func roleWords() []string { return []string{"aggregator", "edge", "cloud", "coordinator"} }

// ParseTarget reads a target:
//
//	camera3             the node of that name
//	12D3KooWabc         the node whose peer begins, or ends, so
//	aggregator          whoever has the role: aggregator, edge, cloud, coordinator
//	standby aggregator  whoever has it next
//	view 3, view north  the node that feeds a view, by number or name
//	nodes, devices, spares   all; those with a view; those without
//	30%                 so many of all, drawn; also 30% of devices
//	2 of devices        so many, drawn; also 1 of aggregator
//
// The target is resolved when a fault is injected; see [Target.Resolve].
func ParseTarget(text string) (Target, error) {
	t := Target{text: strings.Join(strings.Fields(text), " ")}
	t.set = t.text
	if t.text == "" {
		return Target{}, errors.New("no target: name a node, a role, a view or a share")
	}
	number, of, hasOf := strings.Cut(t.text, " of ")
	switch {
	case strings.HasSuffix(number, "%"):
		share, err := ParseShare(number)
		if err != nil || !(share > 0 && share <= 1) {
			return Target{}, fmt.Errorf("target %q: a share is above 0%% and at most 100%%", t.text)
		}
		t.drawn, t.share = true, share
	case hasOf:
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			return Target{}, fmt.Errorf("target %q: write a number or a share before \"of\", like 2 of devices", t.text)
		}
		t.drawn, t.count = true, n
	default:
		return t, nil
	}
	if t.set = of; !hasOf {
		t.set = "nodes"
	}
	return t, nil
}

// String is the target as it was written.
func (t Target) String() string { return t.text }

// view is the view that the target names.
func (t Target) view() (name string, ok bool) { return strings.CutPrefix(t.set, "view ") }

// Resolve is the members that the target means now, by name. Draw decides who is drawn, among
// those that take faults where there are enough; views are the names of all views, in their
// order. An error says why it means nobody.
func (t Target) Resolve(members []*controlpb.Member, views []string, draw *rand.Rand) ([]*controlpb.Member, error) {
	var alive []*controlpb.Member
	for _, m := range members {
		if s := m.GetState(); s == "alive" || s == "suspect" {
			alive = append(alive, m)
		}
	}
	slices.SortFunc(alive, func(a, b *controlpb.Member) int {
		return cmp.Or(cmp.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetPeer(), b.GetPeer()))
	})
	of, err := t.all(alive, views)
	if err != nil || !t.drawn {
		return of, err
	}
	n := t.count
	if n == 0 {
		n = max(1, int(math.Round(t.share*float64(len(of)))))
	}
	if willing := allowing(of); len(willing) >= n {
		of = willing
	}
	if n > len(of) {
		return nil, fmt.Errorf("%s: there are only %d", t, len(of))
	}
	draw.Shuffle(len(of), func(i, k int) { of[i], of[k] = of[k], of[i] })
	of = of[:n]
	slices.SortFunc(of, func(a, b *controlpb.Member) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return of, nil
}

// allowing is those that take faults.
func allowing(of []*controlpb.Member) []*controlpb.Member {
	return slices.DeleteFunc(slices.Clone(of), func(m *controlpb.Member) bool { return !m.GetAllowsChaos() })
}

// all is who belongs to the set.
func (t Target) all(alive []*controlpb.Member, views []string) (of []*controlpb.Member, err error) {
	pick := func(in func(*controlpb.Member) bool, none string) ([]*controlpb.Member, error) {
		if of := slices.DeleteFunc(slices.Clone(alive), func(m *controlpb.Member) bool { return !in(m) }); len(of) > 0 {
			return of, nil
		}
		return nil, fmt.Errorf("%s: %s", t, none)
	}
	if view, ok := t.view(); ok {
		if i, err := strconv.Atoi(view); err == nil && i >= 0 && i < len(views) && !slices.Contains(views, view) {
			view = views[i]
		}
		if len(views) > 0 && !slices.Contains(views, view) {
			return nil, fmt.Errorf("%s: the model has no such view: it has %s", t, strings.Join(views, ", "))
		}
		return pick(func(m *controlpb.Member) bool { return slices.Contains(m.GetViews(), view) }, "no node feeds it now")
	}
	// A name goes before a word of ours: whoever calls a node "cloud" means it.
	if of, _ := pick(func(m *controlpb.Member) bool { return m.GetName() == t.set }, ""); len(of) > 0 {
		return one(t, of)
	}
	role, next := strings.CutPrefix(t.set, "standby ")
	switch {
	case next && slices.Contains(roleWords(), role):
		return pick(func(m *controlpb.Member) bool { return slices.Contains(m.GetStandbyFor(), role) }, "nobody stands by for it now")
	case slices.Contains(roleWords(), t.set):
		return pick(func(m *controlpb.Member) bool { return slices.Contains(m.GetRoles(), t.set) }, "nobody has the role now")
	case t.set == "nodes":
		return pick(func(*controlpb.Member) bool { return true }, "no node is alive")
	case t.set == "devices" || t.set == "device":
		return pick(func(m *controlpb.Member) bool { return len(m.GetViews()) > 0 }, "no node feeds a view now")
	case t.set == "spares" || t.set == "spare":
		return pick(func(m *controlpb.Member) bool { return len(m.GetViews()) == 0 }, "every node feeds a view")
	}
	return t.named(alive)
}

// names reports whether the target is this very member.
func (t Target) names(m *controlpb.Member) bool {
	p := m.GetPeer()
	return m.GetName() == t.set || len(t.set) >= leastPrefix && (strings.HasPrefix(p, t.set) || strings.HasSuffix(p, t.set))
}

// named is the member whose peer is meant.
func (t Target) named(alive []*controlpb.Member) ([]*controlpb.Member, error) {
	var of []*controlpb.Member
	for _, m := range alive {
		if t.names(m) {
			of = append(of, m)
		}
	}
	if len(of) > 0 {
		return one(t, of)
	}
	var names []string
	for _, m := range alive {
		names = append(names, m.GetName())
	}
	return nil, fmt.Errorf("%s: no live node has that name or peer, and it is no role: there are %s; or %s, view N, %s, 30%%, 2 of devices",
		t, strings.Join(names, ", "), strings.Join(roleWords(), ", "), strings.Join(Sets(), ", "))
}

// one refuses a name that several nodes have.
func one(t Target, of []*controlpb.Member) ([]*controlpb.Member, error) {
	if len(of) == 1 || t.drawn {
		return of, nil
	}
	var peers []string
	for _, m := range of {
		peers = append(peers, m.GetPeer())
	}
	return nil, fmt.Errorf("%s: %d nodes are called so: give the peer, %s", t, len(of), strings.Join(peers, " or "))
}

// Drawn reports whether some of several are struck.
func (t Target) Drawn() bool { return t.drawn }
