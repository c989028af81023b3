package benchmesh

import (
	"fmt"
	"slices"
	"time"
)

// The project's goals. Sizes are decimal.
const (
	mostLocal     = 2 * time.Millisecond
	mostCloud     = 4 * time.Millisecond
	mostOverFloor = 4.0
	leastRate     = 1000.0 // decided samples a second
	leastShare    = 0.995  // of that which counts as reached: the last samples take their time
	mostMissing   = 0.001  // share of verdicts with a view missing
	mostAnonymous = 25_000_000
	mostResident  = 64_000_000
	mostProcessor = 0.01  // of a core
	nodeBytes     = 4_000 // a second
	roleBytes     = 8_000 // a second more for each role
)

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

// goals of latency.
func (l *Latency) goals() []Goal {
	return []Goal{
		{"local exit, p50", "<= " + milliseconds(mostLocal), milliseconds(l.Local.P50), l.Local.Samples > 0 && l.Local.P50 <= mostLocal},
		{"local exit over floor", fmt.Sprintf("<= %.1f", mostOverFloor), fmt.Sprintf("%.2f", l.OverFloor), l.OverFloor > 0 && l.OverFloor <= mostOverFloor},
		{"cloud exit, p50", "<= " + milliseconds(mostCloud), milliseconds(l.Cloud.P50), l.Cloud.Samples > 0 && l.Cloud.P50 <= mostCloud},
	}
}

// goals of throughput.
func (t *Throughput) goals() []Goal {
	none := func(what string, n uint64) Goal { return Goal{what, "0", fmt.Sprint(n), n == 0} }
	return []Goal{
		{"decided a second", fmt.Sprintf(">= %.0f, to 0.5 %%", leastRate), fmt.Sprintf("%.1f", t.PerSecond), t.PerSecond >= leastShare*leastRate},
		none("lost", t.Lost), none("refused", t.Refused), none("open", t.Open),
		{
			"with a view missing", fmt.Sprintf("<= %.1f %%", 100*mostMissing), fmt.Sprintf("%.3f %%", 100*t.ViewsMissing),
			t.Decided > 0 && t.ViewsMissing <= mostMissing,
		},
	}
}

// goals of idle nodes, each held against the node that is worst off; what is sent, against
// the worst of those with an elected role and of those without.
func (i *Idle) goals() []Goal {
	var anonymous, resident uint64
	var processor float64
	worst := map[bool]*IdleNode{} // by whether the node has an elected role
	known := len(i.Nodes) > 0
	for n := range i.Nodes {
		one := &i.Nodes[n]
		if one.Memory == nil || one.Processor == nil {
			known = false
		} else {
			anonymous, resident = max(anonymous, one.Memory.Anonymous), max(resident, one.Memory.Resident)
			processor = max(processor, *one.Processor)
		}
		elected := one.Allowed > nodeBytes
		if w := worst[elected]; w == nil || one.over() > w.over() {
			worst[elected] = one
		}
	}
	var out []Goal
	if known {
		out = append(out,
			Goal{"most anonymous memory", fmt.Sprintf("<= %.0f MB", mb(mostAnonymous)), fmt.Sprintf("%.1f MB", mb(anonymous)), anonymous <= mostAnonymous},
			Goal{"most resident memory", fmt.Sprintf("<= %.0f MB", mb(mostResident)), fmt.Sprintf("%.1f MB", mb(resident)), resident <= mostResident},
			Goal{"most of a core", fmt.Sprintf("< %.0f %%", 100*mostProcessor), fmt.Sprintf("%.2f %%", 100*processor), processor < mostProcessor},
		)
	}
	for _, elected := range []bool{false, true} {
		if w := worst[elected]; w != nil {
			out = append(out, Goal{
				"sent by " + w.Name, fmt.Sprintf("<= %.0f KB/s", kb(w.Allowed)), fmt.Sprintf("%.2f KB/s", kb(w.TCP+w.UDP)), w.over() <= 0,
			})
		}
	}
	return out
}

// over is what a node sends beyond what it may; negative: less.
func (n *IdleNode) over() float64 { return n.TCP + n.UDP - n.Allowed }

func mb(n uint64) float64  { return float64(n) / 1e6 }
func kb(n float64) float64 { return n / 1e3 }

// allowed is what a node with these roles may send idle, in bytes a second. A device holds
// no role that was elected, and with one group the coordinator is the aggregator.
func allowed(roles []string) float64 {
	held := slices.DeleteFunc(slices.Clone(roles), func(r string) bool { return r == deviceRole || r == coordinatorRole })
	return nodeBytes + roleBytes*float64(len(held))
}
