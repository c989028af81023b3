package roles

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// thousand is a mesh of 1,000 nodes: enough that nobody knows the same as anybody else.
const thousand = 1000

// TestElectionSettlesAmongAThousand lets 1,000 nodes elect from what each has heard, which
// is never quite the same: a record reaches a node in its own time. Everyone of a site
// agrees about its holders soon after the last change, and nobody holds a role twice.
func TestElectionSettlesAmongAThousand(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	nodes := make([]Member, thousand)
	for i := range nodes {
		nodes[i] = spare(Peer(fmt.Sprintf("%04d", i)))
		if i < 6 {
			nodes[i].Views = 1 << i
		}
	}
	groups := [][]int{{0, 1, 2}, {3, 4, 5}}
	known := slices.Clone(nodes) // as gossip has it: records of an earlier round
	down := map[Peer]bool{}
	var last []Assignment
	for round := range 12 {
		if round == 6 { // the holders of all roles die
			for _, a := range last {
				down[a.Holder()] = true
			}
		}
		last = Elect(&Electorate{Mesh: "m", Groups: groups, Members: known, Down: down})
		for _, a := range last {
			if a.Challenger == "" {
				continue
			}
			i := slices.IndexFunc(nodes, func(m Member) bool { return m.Peer == a.Challenger })
			highest := a.Claim.Epoch
			for _, m := range nodes {
				for _, c := range m.Claims {
					if c.Role == a.Role {
						highest = higher(highest, c.Epoch)
					}
				}
			}
			nodes[i].Claims = append(slices.DeleteFunc(slices.Clone(nodes[i].Claims), func(c Claim) bool { return c.Role == a.Role }),
				Claim{Role: a.Role, Epoch: highest.Next(a.Challenger)})
		}
		for i := range known { // three in four records are new
			if rng.IntN(4) > 0 {
				known[i] = nodes[i]
			}
		}
	}
	views := 20 // nodes that look at it in their own order
	for range views {
		rng.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
		for i, a := range Elect(&Electorate{Mesh: "m", Groups: groups, Members: nodes, Down: down}) {
			if a.Holder() != last[i].Holder() || a.Holder() == "" || down[a.Holder()] || a.Challenger != "" {
				t.Errorf("%s: holder %q and challenger %q, others say %q", a.Role, a.Holder(), a.Challenger, last[i].Holder())
			}
		}
	}
}

// TestViewsSettleAmongAThousand has 1,000 nodes of one site reach for 64 views at once,
// each with what it has heard so far: every view ends with one holder, none is taken twice
// for long, and who came too late knows that it is a spare.
func TestViewsSettleAmongAThousand(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	told := make([]Viewer, thousand) // what each says of itself
	for i := range told {
		told[i] = Viewer{Peer: Peer(fmt.Sprintf("%04d", i)), Wants: 1}
	}
	heard := slices.Clone(told) // as gossip has it
	settle := func() (held, spares int) {
		for i := range told {
			v := &told[i]
			said := heard[i]
			heard[i] = *v // of itself a node knows the truth
			s := SettleViews(v.Peer, heard, MaxViews)
			heard[i] = said
			kept := slices.DeleteFunc(slices.Clone(v.Held), func(h HeldView) bool { return s.Lost[h.View] != "" })
			next := Viewer{Peer: v.Peer, Held: append(kept, s.Take...)}
			next.Wants = 1 - len(next.Held)
			*v = next
			held += len(next.Held)
			spares += s.Spare
		}
		for i := range heard {
			if rng.IntN(3) > 0 {
				heard[i] = told[i]
			}
		}
		return held, spares
	}
	for range 30 {
		settle()
	}
	copy(heard, told)
	held, spares := settle()
	s := SettleViews("", told, MaxViews)
	if held != MaxViews || spares != thousand-MaxViews || len(s.Free()) != 0 {
		t.Errorf("%d views held, %d free, %d spares; want %d, 0, %d", held, len(s.Free()), spares, MaxViews, thousand-MaxViews)
	}
	owners := map[Peer]int{}
	for _, p := range s.Holders {
		owners[p]++
	}
	if len(owners) != MaxViews {
		t.Errorf("%d nodes hold %d views", len(owners), MaxViews)
	}
}

// TestGatherOfAThousandSites is a coordinator's work where 1,000 gathers of 64 views are
// open at once, with devices that are late, silent or gone: every gather ends at its time,
// and none before it.
func TestGatherOfAThousandSites(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	devices := make([]Punctuality, MaxViews)
	of := func(v int) *Punctuality { return &devices[v] }
	devices[5].Connected(false)
	silent := uint64(1<<9 | 1<<33)
	type open struct {
		*Gather
		speaks [MaxViews]Instant
	}
	var all []*open
	now, begun, ended, late := Instant(0), 0, 0, 0
	for ; ended < thousand; now = now.Add(time.Millisecond) {
		if begun < thousand {
			g := &open{Gather: NewGather(now, ^uint64(0), 0, of)}
			for v := range g.speaks {
				g.speaks[v] = now.Add(time.Duration(rng.Int64N(int64(40 * ms))))
			}
			all = append(all, g)
			begun++
		}
		all = slices.DeleteFunc(all, func(g *open) bool {
			for v := range each(g.Waiting &^ silent) {
				if g.speaks[v] <= now {
					of(v).Spoke(now, g.Opened)
					g.Speak(v)
				}
			}
			expired := g.Expire(now)
			for v := range each(expired) {
				late++
				of(v).Missed(now, g.Opened)
				if silent>>v&1 == 0 {
					t.Errorf("view %d was given up after %v", v, now.Sub(g.Opened))
				}
			}
			if waited := now.Sub(g.Opened); waited > mostWait+2*ms {
				t.Errorf("a gather waits for %b for %v", g.Waiting, waited)
			}
			if g.Done() {
				ended++
			}
			return g.Done()
		})
		if len(all) > 2*int(mostWait/ms) {
			t.Fatalf("%d gathers are open", len(all))
		}
	}
	most := 2 * missedInARow * int(mostWait/ms) // of two that are silent, a gather begins each millisecond
	if devices[5].Awaited() || devices[9].Awaited() || late == 0 || late > most {
		t.Errorf("who is silent is waited for: %d times", late)
	}
}
