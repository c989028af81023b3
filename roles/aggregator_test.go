package roles

import (
	"testing"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// A device with views of several groups sends their features in one message to a node that
// aggregates all of them. Each edge section runs on its own group's views alone: it once ran
// on all, and its answer was not the network's.
func TestEdgeTakesItsOwnGroup(t *testing.T) {
	m := &Features{Tier: topology.ExitEdge, AnswerTo: "c", Items: []FeatureItem{
		{Sample: beatOf(1), Source: 0, Expect: 0b1111},
		{Sample: beatOf(1), Source: 3, Expect: 0b1111},
		{Sample: SampleID{Site: "elsewhere", Run: run7}, Source: 0, Expect: 0b1111},
	}}
	a := NewAggregator("a", hall, 0, []int{0, 1}, Epoch{1, "a"}, func(inference.BundleID, uint64) *Bundled { return nil })
	own := a.ownFeatures(m)
	if own == nil || len(own.Items) != 1 || own.Items[0].Source != 0 || own.Items[0].Sample != beatOf(1) {
		t.Errorf("got %+v, want view 0 of the hall alone", own)
	}
	if len(m.Items) != 3 {
		t.Error("the message was altered: others read it")
	}
	if got := a.ownFeatures(&Features{Tier: topology.ExitCloud, Items: m.Items}); got != nil {
		t.Errorf("got %+v of the cloud's", got)
	}
}

// An answer may rest on a view that this coordinator was not told of: its features had been
// asked for by the coordinator before. A verdict once said so, and that the view was missing.
func TestVerdictRestsOnWhatWasSeen(t *testing.T) {
	fx := &Effects{}
	c := NewCoordinator(0, CoordinatorConfig{
		Self: "a", Site: hall, Groups: 1, Epoch: Epoch{2, "a"}, Log: NewLog(), Trip: func(Peer) time.Duration { return 0 },
		Catalog: func(inference.BundleID, uint64) *Bundled {
			return &Bundled{Topology: &topology.Topology{Groups: [][]int{{0, 1, 2}}}}
		},
	}, Scene{Views: []Peer{"a", "b", "c"}, Aggregators: []Holding{{"a", Epoch{2, "a"}}}}, fx)
	w := &work{id: beatOf(1), local: []*Proposed{{Seen: 0b001, Nothing: 0b010, Reasons: map[int]Reason{2: Silent}}}, edges: make([]*Proposed, 1)}
	v := c.explain(w, &Proposed{Seen: 0b110, Exit: &inference.Proposal{Exit: topology.ExitCloud}})
	if v.Views != 0b110 || v.Answer.Seen != 0b111 || v.Answer.Nothing|v.Answer.Missing != 0 || len(v.Reasons) != 0 {
		t.Errorf("rests on %b; seen %b, nothing in %b, missing %b for %v", v.Views, v.Answer.Seen, v.Answer.Nothing, v.Answer.Missing, v.Reasons)
	}
	edge := &Proposed{Seen: 0b101, Exit: &inference.Proposal{Exit: topology.ExitEdge}}
	w.edges[0] = edge
	if v = c.explain(w, nil); v.Answer.Seen != 0b101 || v.Answer.Nothing != 0b010 || len(v.Reasons) != 0 {
		t.Errorf("with an edge that rests on %b: seen %b, nothing in %b, missing for %v", edge.Seen, v.Answer.Seen, v.Answer.Nothing, v.Reasons)
	}
}

// Of a live camera beside nodes that replay a data set, the element was named or not by whoever
// happened to speak first: one run had labels for some of its samples only.
func TestElementIsNamedWhoeverSpokeFirst(t *testing.T) {
	replayed := &Observation{Sample: beatOf(1), Ref: 6, Label: 2, Views: []ViewResult{{View: 1}}}
	live := &Observation{Sample: beatOf(1), Ref: -1, Label: -1, Views: []ViewResult{{View: 0}}}
	for _, first := range []*Observation{live, replayed} {
		a := NewAggregator("a", hall, 0, []int{0, 1}, Epoch{1, "a"}, func(inference.BundleID, uint64) *Bundled { return nil })
		s := &aggregation{first: first}
		for _, o := range []*Observation{live, replayed} {
			s.spoken[o.Views[0].View], s.results[o.Views[0].View] = o, &o.Views[0]
		}
		if p := a.propose(s); p.Ref != 6 || p.Label != 2 {
			t.Errorf("element %d, label %d, want 6 and 2", p.Ref, p.Label)
		}
	}
	c := NewCoordinator(0, CoordinatorConfig{
		Self: "a", Site: hall, Groups: 2, Epoch: Epoch{2, "a"}, Log: NewLog(), Trip: func(Peer) time.Duration { return 0 },
		Catalog: func(inference.BundleID, uint64) *Bundled {
			return &Bundled{Topology: &topology.Topology{Groups: [][]int{{0}, {1}}}}
		},
	}, Scene{Views: []Peer{"a", "b"}, Aggregators: []Holding{{"a", Epoch{2, "a"}}, {"a", Epoch{2, "a"}}}}, &Effects{})
	w := &work{id: beatOf(1), local: []*Proposed{{Seen: 0b01, Ref: 6, Label: 2}, {Seen: 0b10, Ref: -1, Label: -1}}, edges: make([]*Proposed, 2)}
	if v := c.explain(w, nil); v.Ref != 6 || v.Label != 2 {
		t.Errorf("of two groups: element %d, label %d, want 6 and 2", v.Ref, v.Label)
	}
}

// A gather that nobody is waited for is done with the first word in it. A device that was
// restarted spoke of views that it did not hold yet, and the one camera that lived was always a
// little behind it: 63 samples in a row were decided without a view, although it saw them.
func TestGatherWithoutAViewStaysOpen(t *testing.T) {
	said := func(fx *Effects) (all []*Proposed) {
		for _, s := range fx.Sends {
			if p, ok := s.Message.(*Proposals); ok {
				all = append(all, p.Items...)
			}
		}
		fx.Sends = nil
		return all
	}
	const opened = Instant(10 * time.Second)
	restarted := &Scores{Site: hall, Items: []*Observation{{Sample: beatOf(1), Ref: -1, Label: -1, Views: []ViewResult{{View: 1}}}}}
	camera := &Scores{Site: hall, Items: []*Observation{{Sample: beatOf(1), Ref: -1, Label: -1, Views: []ViewResult{{View: 0, Reason: Skipped}}}}}
	start := func() (*Aggregator, *Effects) {
		fx := &Effects{}
		a := NewAggregator("a", hall, 0, []int{0, 1}, Epoch{1, "a"}, func(inference.BundleID, uint64) *Bundled { return nil })
		a.SetScene(Scene{Views: []Peer{"camera", ""}, Coordinator: Holding{"a", Epoch{1, "a"}}})
		a.Link(0, "camera", true, 0, fx)
		for range missedInARow { // it has been slow, and is not waited for
			a.links.of("camera").Missed(opened.Add(-time.Second), opened.Add(-time.Second))
		}
		a.Receive(opened, "restarted", restarted, fx)
		return a, fx
	}

	a, fx := start()
	if got := said(fx); got != nil {
		t.Fatalf("it proposes %+v before any view has spoken", got[0])
	}
	a.Receive(opened.Add(20*time.Millisecond), "camera", camera, fx)
	if got := said(fx); len(got) != 1 || got[0].Reasons[0] != Skipped {
		t.Errorf("once the camera has spoken it proposes %+v", got)
	}

	a, fx = start()
	if next := a.Next(); next != opened.Add(Budget) {
		t.Errorf("it wakes at %v, want at the end of the budget", next)
	}
	a.Tick(opened.Add(Budget), fx)
	if got := said(fx); len(got) != 1 || got[0].Reasons[0] != Silent || got[0].Reasons[1] != Unheld {
		t.Errorf("after the budget it proposes %+v", got)
	}

	a, fx = start()
	a.Link(opened.Add(time.Millisecond), "camera", false, 0, fx)
	if got := said(fx); len(got) != 1 {
		t.Errorf("with nobody left who may speak it proposes %+v", got)
	}
}

// What is of another deployment than the site's, of a member that lies or lags, once had an
// aggregator of a group that its bundle lacks run that group's section, and had a coordinator
// publish verdicts with proposals that rest on views which the verdict did not name.
func TestViewsOfAnotherDeployment(t *testing.T) {
	b := bundled(t, "f", 6)
	catalog := func(inference.BundleID, uint64) *Bundled { return b }
	a := NewAggregator("a", hall, 2, []int{6, 7}, Epoch{1, "a"}, catalog)
	o := &Observation{Sample: beatOf(1), Views: []ViewResult{{View: 6, Seen: true, Scores: []float32{1, 0}}}}
	s := &aggregation{first: o}
	s.spoken[6], s.results[6] = o, &o.Views[0]
	if p := a.propose(s); p.Exit != nil || p.Seen != 0 || p.Reasons[6] != Faulty {
		t.Errorf("of a group that the bundle lacks: %+v", p)
	}

	c := NewCoordinator(0, CoordinatorConfig{
		Self: "a", Site: hall, Groups: 2, Epoch: Epoch{2, "a"}, Log: NewLog(), Trip: func(Peer) time.Duration { return 0 }, Catalog: catalog,
	}, Scene{Views: make([]Peer, 6), Aggregators: make([]Holding, 2)}, &Effects{})
	w := &work{id: beatOf(1), edges: make([]*Proposed, 2), local: []*Proposed{
		{Seen: 0b001, Reasons: map[int]Reason{7: Silent}, Exit: &inference.Proposal{Exit: topology.ExitLocal}},
		{Seen: 0b100, Exit: &inference.Proposal{Exit: topology.ExitLocal, Group: 1}},
	}}
	c.agree(w)
	if v := c.explain(w, nil); v.Answer.Seen != 0b001 || len(v.Answer.Proposals) != 1 || v.Answer.Missing != 0b111110 || v.Reasons[7] != NotMissing {
		t.Errorf("got %+v with %d proposals, want view 0 alone seen", v.Answer, len(v.Answer.Proposals))
	}
	// Of another bundle, in which the view is of this group: nobody takes a reason for a view that was seen.
	w.local = []*Proposed{{Bundle: inference.BundleID{4}, Seen: 0b001000}, {Seen: 0b111000}}
	c.agree(w)
	if v := c.explain(w, nil); v.Answer.Seen != 0b111000 || len(v.Reasons) != 3 || v.Reasons[3] != NotMissing {
		t.Errorf("group 0 has missed a change: seen %b, missing %v", v.Answer.Seen, v.Reasons)
	}
	w.local = []*Proposed{{Seen: 0b001}, nil}
	for _, p := range []*Proposed{{Seen: 1 << 6}, {Seen: 1, Bundle: inference.BundleID{4}}, {}} {
		if c.answers(w, p) {
			t.Errorf("the cloud's %+v is taken for an answer", p)
		}
	}
	if !c.answers(w, &Proposed{Seen: 0b101}) {
		t.Error("what rests on a view that this coordinator was not told of is no answer")
	}
}

// Features for an edge that nobody holds once were asked for all the same: no decoder takes such
// a message, and the heartbeat and seals in the same frame were lost with it.
func TestNobodyHoldsTheEdge(t *testing.T) {
	b := bundled(t, "f", 6)
	fx := &Effects{}
	c := NewCoordinator(0, CoordinatorConfig{
		Self: "a", Site: hall, Groups: 2, Epoch: Epoch{2, "a"}, Log: NewLog(), Trip: func(Peer) time.Duration { return 0 },
		Catalog: func(inference.BundleID, uint64) *Bundled { return b },
	}, Scene{Views: []Peer{"b", "b", "b", "c", "c", "c"}, Aggregators: []Holding{{"a", Epoch{2, "a"}}, {}}}, fx)
	fx.Sends = nil
	c.askEdges(0, &work{id: beatOf(1)}, b, 0b111111, fx)
	for _, s := range fx.Sends {
		if ask, ok := s.Message.(*Ask); !ok || ask.To == "" || s.To != "b" {
			t.Errorf("%s is told %+v", s.To, s.Message)
		}
	}
	if len(fx.Sends) != 1 {
		t.Errorf("%d are asked, want b alone", len(fx.Sends))
	}
}
