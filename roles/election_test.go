package roles

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	hall     = Site("hall")
	hallRole = AggregatorOf(hall, 0)
	anyRole  = Kinds(CloudKind, AggregatorKind)
)

// camera is a member with one view, eligible for everything.
func camera(p Peer, view int) Member {
	return Member{Peer: p, Site: hall, Views: 1 << view, Eligible: anyRole, Class: 5, Stands: true}
}

// spare is a member without a view, eligible for everything.
func spare(p Peer) Member {
	return Member{Peer: p, Site: hall, Eligible: anyRole, Class: 5, Stands: true}
}

func with(m Member, change func(*Member)) Member {
	change(&m)
	return m
}

// claimOf is a member's claim in company.
func claimOf(r Role, counter uint64, p Peer) Claim {
	return Claim{Role: r, Epoch: Epoch{counter, p}}
}

func find(t *testing.T, all []Assignment, r Role) Assignment {
	t.Helper()
	i := slices.IndexFunc(all, func(a Assignment) bool { return a.Role == r })
	if i < 0 {
		t.Fatalf("role %s was not evaluated", r)
	}
	return all[i]
}

// The order has its criteria in this rank, each decisive over all behind it. Two
// cameras a and b apply for the aggregator; the row says what distinguishes b, which
// must then be first whatever the hash says.
func TestElectionOrder(t *testing.T) {
	better := []struct {
		name   string
		change func(a, b *Member)
	}{
		{"pin before class", func(a, b *Member) { b.Pinned = Kinds(AggregatorKind); a.Class = 9 }},
		{"class before views", func(a, b *Member) { b.Class = 6; a.Views = 0 }},
		{"no view before no other role", func(_, b *Member) {
			b.Views = 0
			b.Claims = []Claim{claimOf(CloudRole(), 1, "b")}
		}},
		{"no other role before hash", func(a, _ *Member) { a.Claims = []Claim{claimOf(CloudRole(), 1, "a")} }},
	}
	for _, tt := range better {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range 20 { // meshes whose hashes fall either way
				a, b := camera("a", 0), camera("b", 1)
				tt.change(&a, &b)
				// A third without eligibility keeps the site alive where views were taken away.
				c := with(camera("c", 2), func(m *Member) { m.Eligible = 0 })
				got := find(t, Elect(&Electorate{
					Mesh: fmt.Sprint(seed), Groups: [][]int{{0, 1, 2}}, Members: []Member{a, b, c},
				}), hallRole)
				if want := []Peer{"b", "a"}; !slices.Equal(got.Order, want) || got.Challenger != "b" {
					t.Fatalf("mesh %d: order %v, challenger %s; want %v and b", seed, got.Order, got.Challenger, want)
				}
			}
		})
	}
}

// A role moves for the reasons that the design names, and for no other.
func TestElectionHolder(t *testing.T) {
	one := [][]int{{0, 1, 2}}
	a1 := with(camera("a", 0), func(m *Member) { m.Claims = []Claim{claimOf(hallRole, 1, "a")} })
	lonely := func(p Peer, view int, counter uint64) Member {
		return with(camera(p, view), func(m *Member) {
			m.Claims = []Claim{{Role: hallRole, Epoch: Epoch{counter, p}, Lonely: true}}
		})
	}
	tests := []struct {
		name       string
		members    []Member
		down       map[Peer]bool
		groups     [][]int
		holder     Peer
		challenger Peer // "-": none
	}{
		{"the claim holds against the order", []Member{a1, spare("b")}, nil, one, "a", "-"},
		{"and against a class that has not stood", []Member{a1, with(spare("b"), func(m *Member) { m.Class, m.Stands = 9, false })}, nil, one, "a", "-"},
		{"not against one that has", []Member{a1, with(spare("b"), func(m *Member) { m.Class = 9 })}, nil, one, "a", "b"},
		{"not against a pin", []Member{a1, with(spare("b"), func(m *Member) { m.Class = 1; m.Pinned = Kinds(AggregatorKind) })}, nil, one, "a", "b"},
		{"a pin holds against a class", []Member{with(a1, func(m *Member) { m.Pinned = Kinds(AggregatorKind) }), with(spare("b"), func(m *Member) { m.Class = 9 })}, nil, one, "a", "-"},
		{"of two claims the higher", []Member{a1, with(camera("b", 1), func(m *Member) { m.Claims = []Claim{claimOf(hallRole, 2, "b")} })}, nil, one, "b", "-"},
		{"a holder that is down", []Member{a1, camera("b", 1)}, map[Peer]bool{"a": true}, one, "", "b"},
		{"a claim in another's name", []Member{camera("a", 0), with(camera("b", 1), func(m *Member) {
			m.Eligible, m.Claims = 0, []Claim{claimOf(hallRole, 7, "a")}
		})}, nil, one, "", "a"},
		{"a holder that is not eligible", []Member{with(a1, func(m *Member) { m.Eligible = 0 }), camera("b", 1)}, nil, one, "", "b"},
		{"a lonely claim is void beside one in company, however high", []Member{a1, lonely("b", 1, 9)}, nil, one, "a", "a"},
		{"of lonely ones the order, and it claims anew", []Member{lonely("a", 0, 9), with(lonely("b", 1, 1), func(m *Member) { m.Class = 6 })}, nil, one, "b", "b"},
		{"alone, a lonely claim holds", []Member{lonely("a", 0, 3)}, nil, one, "a", "-"},
		{"a group of one view is aggregated on its device", []Member{camera("a", 0), with(spare("b"), func(m *Member) {
			m.Claims = []Claim{claimOf(hallRole, 4, "b")}
		})}, nil, [][]int{{0}}, "b", "a"},
		{"the aggregator is of the site", []Member{a1, with(spare("b"), func(m *Member) { m.Site = "yard"; m.Pinned = Kinds(AggregatorKind) })}, nil, one, "a", "-"},
		{"nobody is eligible", []Member{with(camera("a", 0), func(m *Member) { m.Eligible = 0 })}, nil, one, "", "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := find(t, Elect(&Electorate{Mesh: "m", Groups: tt.groups, Members: tt.members, Down: tt.down}), hallRole)
			if got.Holder() != tt.holder {
				t.Errorf("holder %q, want %q", got.Holder(), tt.holder)
			}
			if want := tt.challenger; want != got.Challenger && (want != "-" || got.Challenger != "") {
				t.Errorf("challenger %q, want %q", got.Challenger, want)
			}
			if slices.Contains(got.Standbys(), got.Holder()) && got.Holder() != "" {
				t.Errorf("the holder %q is among its standbys %v", got.Holder(), got.Standbys())
			}
		})
	}
}

// Two vacant roles must not fall on one node where another is as good: the second
// role sees whom the first is about to get.
func TestElectionSpreadsRoles(t *testing.T) {
	for seed := range 50 {
		e := &Electorate{Mesh: fmt.Sprint(seed), Groups: [][]int{{0}, {1, 2}}, Members: []Member{
			camera("a", 0), camera("b", 1), camera("c", 2), spare("d"), spare("e"),
		}}
		holders := map[Peer]int{}
		for _, a := range Elect(e) {
			if a.Role.Kind != CoordinatorKind {
				holders[a.Challenger]++
			}
		}
		if want := map[Peer]int{"a": 1, "d": 1, "e": 1}; !cmp.Equal(holders, want) {
			t.Fatalf("mesh %d: roles by node %v, want %v", seed, holders, want)
		}
	}
}

// The coordinator of several groups is the cloud's holder, while there is one.
func TestElectionCoordinator(t *testing.T) {
	groups := [][]int{{0, 1}, {2, 3}}
	members := []Member{
		with(camera("a", 0), func(m *Member) { m.Claims = []Claim{claimOf(AggregatorOf(hall, 0), 3, "a")} }),
		camera("b", 1),
		with(camera("c", 2), func(m *Member) { m.Claims = []Claim{claimOf(AggregatorOf(hall, 1), 5, "c")} }),
		with(spare("far"), func(m *Member) {
			m.Site, m.Claims = "", []Claim{claimOf(CloudRole(), 2, "far")}
			m.Eligible = Kinds(CloudKind)
		}),
		with(spare("yard"), func(m *Member) { m.Site = "yard" }), // of another site
	}
	for i := range members {
		if members[i].Peer != "far" {
			members[i].Eligible = Kinds(AggregatorKind)
		}
	}
	coordinator := CoordinatorOf(hall, 2)
	held := func(p Peer) []Member {
		all := slices.Clone(members)
		for i := range all {
			if all[i].Peer == p {
				all[i].Claims = append(slices.Clone(all[i].Claims), claimOf(coordinator, 4, p))
			}
		}
		return all
	}
	tests := []struct {
		name       string
		members    []Member
		down       map[Peer]bool
		holder     Peer
		challenger Peer
		order      []Peer
	}{
		{"vacant", members, nil, "", "far", []Peer{"far", "a", "c", "b"}},
		{"held", held("far"), nil, "far", "", []Peer{"far", "a", "c", "b"}},
		{"the cloud is silent", held("far"), map[Peer]bool{"far": true}, "", "a", []Peer{"a", "c", "b"}},
		{"the cloud is back", held("a"), nil, "a", "far", []Peer{"far", "a", "c", "b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := find(t, Elect(&Electorate{Mesh: "m", Groups: groups, Members: tt.members, Down: tt.down}), coordinator)
			if got.Holder() != tt.holder || got.Challenger != tt.challenger {
				t.Errorf("holder %q, challenger %q; want %q, %q", got.Holder(), got.Challenger, tt.holder, tt.challenger)
			}
			if !slices.Equal(got.Order, tt.order) {
				t.Errorf("order %v, want %v", got.Order, tt.order)
			}
		})
	}
}

// A thousand members in any order of the list elect alike, fast enough to be
// evaluated at every change, and one that leaves moves only what it had.
func TestElectionOfAThousand(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	e := &Electorate{Mesh: "m", Groups: [][]int{{0, 1, 2}, {3, 4, 5}}, Down: map[Peer]bool{}}
	for i := range 1000 {
		m := spare(Peer(fmt.Sprintf("%04d", i)))
		m.Site = Site(fmt.Sprintf("site%d", i/10))
		if i%10 < 6 {
			m.Views = 1 << (i % 10)
		}
		e.Members = append(e.Members, m)
	}
	before := Elect(e)
	if got, want := len(before), 1+100*3; got != want {
		t.Fatalf("%d roles, want %d", got, want)
	}
	for range 3 {
		rng.Shuffle(len(e.Members), func(i, j int) { e.Members[i], e.Members[j] = e.Members[j], e.Members[i] })
		if diff := cmp.Diff(before, Elect(e)); diff != "" {
			t.Fatalf("another order of the list elects otherwise:\n%s", diff)
		}
	}
	for i := range e.Members { // everyone takes what it is to have
		for _, a := range before {
			if a.Challenger == e.Members[i].Peer {
				e.Members[i].Claims = append(e.Members[i].Claims, claimOf(a.Role, 1, a.Challenger))
			}
		}
	}
	for range 20 {
		leaver := e.Members[rng.IntN(len(e.Members))].Peer
		e.Down = map[Peer]bool{leaver: true}
		for i, a := range Elect(e) {
			had := before[i].Challenger
			if a.Role != before[i].Role {
				t.Fatalf("role %d is %s, was %s", i, a.Role, before[i].Role)
			}
			if had == leaver && (a.Holder() != "" || a.Challenger == "") {
				t.Errorf("%s of %s, which is down: holder %q, challenger %q", a.Role, leaver, a.Holder(), a.Challenger)
			}
			if had != leaver && a.Holder() != had {
				t.Errorf("%s moved from %s to %q when %s went down", a.Role, had, a.Holder(), leaver)
			}
			if had != leaver && a.Challenger != "" && a.Role.Kind != CoordinatorKind {
				t.Errorf("%s of %s is challenged by %s when %s went down", a.Role, had, a.Challenger, leaver)
			}
		}
	}
}

// A factor of four is a class: measurements that differ by noise give one class.
func TestClassOf(t *testing.T) {
	tests := []struct {
		took time.Duration
		want Class
	}{
		{time.Hour, 0},
		{4 * time.Second, 0},
		{4*time.Second - 1, 1},
		{time.Second, 1},
		{time.Second - 1, 2},
		{5500 * time.Nanosecond, 10},
		{16 * 1000 * time.Nanosecond, 9},
		{1, 15},
		{0, 15},
	}
	for _, tt := range tests {
		if got := ClassOf(tt.took); got != tt.want {
			t.Errorf("ClassOf(%v) = %d, want %d", tt.took, got, tt.want)
		}
	}
	for d := time.Duration(1); d < 8*time.Second; d += d/7 + 1 {
		if ClassOf(d) < ClassOf(d+d/5) || ClassOf(d) > ClassOf(4*d)+1 {
			t.Errorf("classes of %v, %v, %v: %d, %d, %d", d, d+d/5, 4*d, ClassOf(d), ClassOf(d+d/5), ClassOf(4*d))
		}
	}
}

func BenchmarkElectThousand(b *testing.B) {
	e := &Electorate{Mesh: "m", Groups: [][]int{{0, 1, 2, 3, 4, 5}}}
	for i := range 1000 {
		e.Members = append(e.Members, camera(Peer(fmt.Sprintf("%04d", i)), i%6))
	}
	for b.Loop() {
		Elect(e)
	}
}
