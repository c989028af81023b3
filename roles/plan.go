package roles

import (
	"crypto/sha256"
	"iter"
	"slices"
	"time"

	"ganglion/inference"
)

// Plan is what the holder of the site's coordinator's part is to bring about.
type Plan struct {
	Auto     bool // it keeps a run going: starts one where there is none, another where the period differs
	Period   time.Duration
	Data     [sha256.Size]byte  // of the data set that all live views replay; zero: cameras, or several
	Bundle   inference.BundleID // that samples are to be of, as soon as every live view has it
	Settings uint64             // of that bundle, as soon as every live view has them
}

// SetPlan says what is wanted of the site.
func (n *Node) SetPlan(p Plan) {
	n.due = n.due || n.plan != p
	n.plan = p
}

// follow brings about what is planned for the node's own site, as its coordinator. One entry
// of a run is ahead of its beat at a time: of what is planned meanwhile the last counts.
func (n *Node) follow(now Instant, at *post) {
	c := at.coord
	if at.site != n.Site || c.stopped || c.claiming || !n.planned(at) {
		return
	}
	settings, everywhere := n.plan.Settings, n.settled(at)
	switch {
	case n.plan.Auto && (c.run == nil || c.run.Ended(c.next) || c.run.Period != n.plan.Period):
		if !everywhere && c.run != nil {
			settings = c.run.Entries[len(c.run.Entries)-1].under(n.plan.Bundle)
		}
		c.Start(now, RunRecord{
			Site: at.site, Run: n.NewRun(), Period: n.plan.Period, Data: n.plan.Data,
			Entries: []Entry{{Bundle: n.plan.Bundle, Settings: settings}},
		})
	case c.run != nil && !c.run.Ended(c.next) && everywhere:
		last := c.run.Entries[len(c.run.Entries)-1]
		wanted := Model{n.plan.Bundle, settings}
		if wanted != (Model{last.Bundle, last.Settings}) && last.From <= c.run.BeatAt(now.Sub(c.origin)) {
			c.Enter(now, wanted.Bundle, wanted.Settings)
		}
	}
}

// under is the settings of an entry where it is of a bundle, else those of the bundle itself.
func (e Entry) under(bundle inference.BundleID) uint64 {
	if e.Bundle != bundle {
		return 0
	}
	return e.Settings
}

// planned reports whether there is a live view and every one has the bundle that is wanted.
func (n *Node) planned(at *post) bool {
	if n.plan.Period <= 0 || n.Catalog.network(n.plan.Bundle) == nil {
		return false
	}
	has := func(m *Member) bool { return slices.Contains(m.Bundles, n.plan.Bundle) }
	some := n.views != 0
	for m := range n.viewers(at) {
		if !has(m) {
			return false
		}
		some = true
	}
	return some
}

// settled reports whether this node knows the settings that are wanted, and every live view
// has them: a mesh in which one cannot take a change goes on as it is.
func (n *Node) settled(at *post) bool {
	if n.plan.Settings == 0 {
		return true // the bundle has them
	}
	for m := range n.viewers(at) {
		if m.Settings != n.plan.Settings {
			return false
		}
	}
	return n.Catalog(n.plan.Bundle, n.plan.Settings) != nil
}

// viewers is the other connected members with views of a site.
func (n *Node) viewers(at *post) iter.Seq[*Member] {
	return func(yield func(*Member) bool) {
		for i := range n.others {
			m := &n.others[i]
			if m.Site == at.site && m.Views != 0 && n.links[m.Peer].connected && !yield(m) {
				return
			}
		}
	}
}

// inForce is the settings of a bundle that a sample on demand is under: those of the present
// beat of the run or, where there is none of that bundle, those that are wanted.
func (n *Node) inForce(now Instant, at *post, bundle inference.BundleID) uint64 {
	if run, since := at.coord.Running(now); run != nil && !run.Ended(at.coord.next) {
		if e := run.At(run.BeatAt(since)); e.Bundle == bundle {
			return e.Settings
		}
	}
	if n.plan.Bundle == bundle && n.Catalog(bundle, n.plan.Settings) != nil {
		return n.plan.Settings
	}
	return 0
}
