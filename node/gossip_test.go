package node

import (
	"log/slog"
	"testing"
	"time"

	"ganglion/inference"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// published is a node alone and what it publishes, all at once, of a run of so many beats.
func published(t *testing.T, beats int) (n *roles.Node, of []*roles.Published) {
	t.Helper()
	n = roles.NewNode(0, roles.NodeConfig{
		Self: "one", Site: partedSite, Groups: [][]int{{0}}, Eligible: roles.Kinds(roles.AggregatorKind, roles.CloudKind),
		Catalog: func(inference.BundleID, uint64) *roles.Bundled { return nil },
		Known:   map[roles.Role]roles.Epoch{roles.AggregatorOf(partedSite, 0): {Counter: 5, Peer: "one"}},
		Encode:  wire.EncodeVerdict, NewRun: func() roles.RunID { return partedRun },
	})
	n.SetViews(0, 1, &roles.Effects{})
	n.SetStands(0, true, &roles.Effects{})
	started := false
	for now := roles.Instant(0); now < roles.Instant(time.Minute) && len(of) < beats; now = now.Add(10 * time.Millisecond) {
		var fx roles.Effects
		n.Tick(now, &fx)
		if !started && now > roles.Instant(roles.StartQuiet) {
			_, started = n.StartRun(now, roles.RunRecord{
				Site: partedSite, Period: time.Millisecond, Count: roles.Beat(beats), Entries: []roles.Entry{{}},
			}, &fx)
		}
		of = append(of, fx.Published...)
	}
	if len(of) != beats {
		t.Fatalf("%d verdicts, want %d", len(of), beats)
	}
	return n, of
}

// A message speaks for what it holds: where there is too much for one and a later one is lost,
// who hears the others asks for what was in it. Each once told of all that was published.
func TestLostPublicationsAreNoticed(t *testing.T) {
	const beats = 3*gossipItems + 10
	n, of := published(t, beats)
	for lost := range 4 {
		var sent [][]byte
		log := slog.New(slog.DiscardHandler)
		g := newGossiper(func(payload []byte) error {
			sent = append(sent, payload)
			return nil
		}, func() *roles.Node { return n }, log)
		g.add(of[:1])
		g.flush(0)
		g.add(of[1:])
		g.flush(0)
		g.floors(roles.Instant(0).Add(gossipRepeat)) // tells of the last message's number
		if len(sent) != 6 {
			t.Fatalf("%d messages, want 6", len(sent))
		}
		e := &engine{config: &Config{}, log: log}
		gaps := newGapFiller(e, linked, log)
		for i, payload := range sent {
			if i == lost+1 {
				continue
			}
			p, err := wire.DecodePublications(payload)
			if err != nil {
				t.Fatal(err)
			}
			gaps.heard(p)
		}
		first := uint64(2 + lost*gossipItems)
		if len(gaps.wanted) != 1 || gaps.wanted[0].query.After == nil || gaps.wanted[0].query.After.N != first-1 {
			t.Errorf("message %d is lost: asked for %+v, want what is behind %d", lost, gaps.wanted, first-1)
		}
	}
}

// A claim is not taken for the one before: what was published under that one does not say how
// many there are of this.
func TestPublicationsOfAnEarlierClaim(t *testing.T) {
	n, of := published(t, 10)
	earlier := *of[0]
	earlier.Seq = roles.Seq{Epoch: roles.Epoch{Counter: of[0].Seq.Epoch.Counter - 1, Peer: "one"}, N: 400}
	var sent []*wire.Publications
	g := newGossiper(func(payload []byte) error {
		p, err := wire.DecodePublications(payload)
		sent = append(sent, p)
		return err
	}, func() *roles.Node { return n }, slog.New(slog.DiscardHandler))
	g.add([]*roles.Published{&earlier})
	g.add(of)
	g.flush(0)
	if len(sent) != 2 || sent[0].Next != 0 || len(sent[0].Items) != 1 || sent[1].Next != uint64(len(of)) {
		t.Fatalf("sent %+v, want one message for each claim", sent)
	}
	e := &engine{config: &Config{}, log: slog.New(slog.DiscardHandler)}
	gaps := newGapFiller(e, linked, e.log)
	gaps.seen[partedSite] = sequence{earlier.Seq.Epoch, earlier.Seq.N - 1}
	for _, p := range sent {
		gaps.heard(p)
	}
	if len(gaps.wanted) > 0 {
		t.Errorf("nothing is lost, and it asks for %+v", gaps.wanted)
	}
}

// A member may name any site: of one that has no log here nothing is kept.
func TestSitesWithoutALog(t *testing.T) {
	e := newPartedNode("one", "", 0).engine
	e.calls = make(chan func(), 1)
	const sites = 200
	for i := range sites {
		site := roles.Site("site" + string(rune('a'+i/20)) + string(rune('a'+i%20)))
		e.gossiped("two", wire.EncodePublications(&wire.Publications{Site: site, Epoch: roles.Epoch{Counter: 1, Peer: "two"}, Next: 5}))
		(<-e.calls)()
	}
	if len(e.gaps.seen) >= sites || len(e.gaps.seen) > len(e.roles.Sites()) {
		t.Errorf("of %d sites the numbers are kept, there are logs of %d", len(e.gaps.seen), len(e.roles.Sites()))
	}
}

// While a new topology waits for what is in work no run is to begin: it would be more work.
func TestNoRunWhileDraining(t *testing.T) {
	p := &planner{engine: &engine{config: &Config{Run: RunAuto}}}
	if !p.plan().Auto {
		t.Error("no run is kept going")
	}
	if p.draining = 1; p.plan().Auto {
		t.Error("a run begins while samples are in work that a new topology waits for")
	}
}
