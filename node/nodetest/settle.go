package nodetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ganglion/inference"
	"ganglion/proto/controlpb"
	"ganglion/roles"
)

// Patience is the longest wait for something that must come, on the busiest machine, in
// real time. It is no measure of how long that takes.
const Patience = time.Minute

// Await waits until something holds, which it looks at again and again.
func (m *Mesh) Await(ctx context.Context, what string, holds func() bool) {
	m.t.Helper()
	m.await(ctx, what, func() string {
		if holds() {
			return ""
		}
		return "not yet"
	})
}

// await waits until there is no reason any more why something does not hold.
func (m *Mesh) await(ctx context.Context, what string, not func() (why string)) {
	m.t.Helper()
	longest, look := m.place.patience()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		why := not()
		if why == "" {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			m.t.Fatalf("waited in vain until %s: %s\n%s", what, why, m.State())
		}
	}
}

// Settle waits until all nodes that run have found their places: each sees exactly the
// others alive, they agree who has which view and role, every source has a view or is one
// too many, every site with sources has a coordinator and aggregators, and the mesh has a
// cloud.
func (m *Mesh) Settle(ctx context.Context) {
	m.t.Helper()
	m.await(ctx, "all see all, views are held and roles elected", m.unsettled)
}

// unsettled says why the mesh is not settled; empty: it is.
func (m *Mesh) unsettled() string {
	live := m.running()
	var first map[string]string
	for _, n := range live {
		view := m.view(n)
		places := map[string]string{}
		for _, one := range view.GetMembers() {
			if one.GetState() == "alive" {
				slices.Sort(one.Roles)
				places[one.GetName()] = fmt.Sprintf("%s: views %v, roles %v", one.GetSite(), one.GetViews(), one.GetRoles())
			}
		}
		for _, other := range live {
			if _, ok := places[other.config.Name]; !ok {
				return fmt.Sprintf("%s does not see %s alive", n.config.Name, other.config.Name)
			}
		}
		if len(places) != len(live) {
			return fmt.Sprintf("%s sees %d alive where %d are", n.config.Name, len(places), len(live))
		}
		if first == nil {
			first = places
			if why := m.vacant(view); why != "" {
				return why
			}
		}
		for name, place := range first {
			if places[name] != place {
				return fmt.Sprintf("%s has %s as %s, %s as %s", live[0].config.Name, name, place, n.config.Name, places[name])
			}
		}
	}
	return ""
}

// vacant says which place nobody has, as one node sees the mesh; empty: none is.
func (m *Mesh) vacant(view *controlpb.MembersView) string {
	sources, held := map[roles.Site]int{}, map[roles.Site]int{}
	for _, n := range m.running() {
		if of := len(n.config.Sources); of > 0 {
			sources[n.config.Site] += of
		}
	}
	has, gathers := map[string]bool{}, map[roles.Site]bool{}
	for _, one := range view.GetMembers() {
		site := roles.Site(one.GetSite())
		held[site] += len(one.GetViews())
		for _, r := range one.GetRoles() {
			has[r] = true
			gathers[site] = gathers[site] || r == "aggregator"
		}
	}
	status := m.status(m.running()[0])
	for site, n := range sources {
		if want := min(n, len(status.GetViews())); held[site] != want {
			return fmt.Sprintf("%d of %d views of site %s are held", held[site], want, site)
		}
		if !gathers[site] {
			return fmt.Sprintf("nobody is aggregator of site %s", site)
		}
	}
	for _, role := range []string{"cloud", "coordinator"} {
		if !has[role] && len(sources) > 0 {
			return fmt.Sprintf("nobody is %s", role)
		}
	}
	return ""
}

// AwaitBundle waits until every node that runs uses a bundle.
func (m *Mesh) AwaitBundle(ctx context.Context, id inference.BundleID) {
	m.t.Helper()
	m.await(ctx, "every node uses bundle "+id.Short(), func() string {
		for _, n := range m.running() {
			if got := m.status(n).GetBundle(); got != id.String() {
				return fmt.Sprintf("%s uses %.12s", n.config.Name, got)
			}
		}
		return ""
	})
}

// Holder is the name of the node that has a role, such as "aggregator", "coordinator" or
// "cloud", as the first node that runs sees it. With several it is the first by name.
func (m *Mesh) Holder(role string) string {
	m.t.Helper()
	all := m.Holders(role)
	if len(all) == 0 {
		m.t.Fatalf("nobody is %s\n%s", role, m.State())
	}
	return all[0]
}

// Holders are the names of the nodes that have a role, sorted.
func (m *Mesh) Holders(role string) []string {
	m.t.Helper()
	return m.those(func(one *controlpb.Member) bool { return slices.Contains(one.GetRoles(), role) })
}

// Feeding are the names of the nodes that feed a view, sorted: one for each site.
func (m *Mesh) Feeding(view string) []string {
	m.t.Helper()
	return m.those(func(one *controlpb.Member) bool { return slices.Contains(one.GetViews(), view) })
}

func (m *Mesh) those(are func(*controlpb.Member) bool) (names []string) {
	m.t.Helper()
	for _, one := range m.view(m.running()[0]).GetMembers() {
		if one.GetState() == "alive" && are(one) {
			names = append(names, one.GetName())
		}
	}
	slices.Sort(names)
	return names
}

// view is the members as a node sees them.
func (m *Mesh) view(n *member) *controlpb.MembersView {
	m.t.Helper()
	r, err := n.node.API().Members(m.t.Context(), &controlpb.MembersRequest{})
	if err != nil {
		m.t.Fatalf("members of %s: %v", n.config.Name, err)
	}
	return r.GetViews()[0]
}

// status is what a node says of itself.
func (m *Mesh) status(n *member) *controlpb.StatusResponse {
	m.t.Helper()
	s, err := n.node.API().Status(m.t.Context(), &controlpb.StatusRequest{})
	if err != nil {
		m.t.Fatalf("status of %s: %v", n.config.Name, err)
	}
	return s
}

// State is what every node is and sees, for people who look for why a test failed.
func (m *Mesh) State() string {
	var b strings.Builder
	for _, n := range m.nodes {
		if !n.running {
			fmt.Fprintf(&b, "%s does not run\n", n.config.Name)
			continue
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(m.t.Context()), time.Second)
		m.describe(ctx, &b, n)
		cancel()
	}
	return b.String()
}

// describe writes what one node is and sees.
func (m *Mesh) describe(ctx context.Context, b *strings.Builder, n *member) {
	s, err := n.node.API().Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		fmt.Fprintf(b, "%s does not answer: %v\n", n.config.Name, err)
		return
	}
	fmt.Fprintf(b, "%s of site %s: alive %d, roles %v, next %v, bundle %.12s, published %.12s\n",
		n.config.Name, s.GetSite(), s.GetAlive(), s.GetRoles(), s.GetStandbyFor(), s.GetBundle(), s.GetPublished())
	for _, one := range s.GetSources() {
		fmt.Fprintf(b, "  source %s: view %q, ready %t, %s\n", one.GetRef(), one.GetView(), one.GetReady(), one.GetFault())
	}
	if run := s.GetRun(); run != nil {
		fmt.Fprintf(b, "  run %s: beat %d of %d, floor %d, %v\n", run.GetRun(), run.GetBeat(), run.GetCount(), run.GetFloor(), s.GetTally())
	}
	for _, w := range s.GetWarnings() {
		fmt.Fprintf(b, "  warning: %s\n", w)
	}
	if r, err := n.node.API().Members(ctx, &controlpb.MembersRequest{}); err == nil {
		for _, one := range r.GetViews()[0].GetMembers() {
			fmt.Fprintf(b, "  sees %s %s: views %v, roles %v, bundle %.12s\n", one.GetName(), one.GetState(), one.GetViews(), one.GetRoles(), one.GetBundle())
		}
	}
}
