package roles

import (
	"testing"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// alone is a coordinator that has claimed, at a node without others.
func alone(t *testing.T, catalog Catalog) (c *Coordinator, now Instant) {
	t.Helper()
	e := Epoch{2, "a"}
	c = NewCoordinator(0, CoordinatorConfig{
		Self: "a", Site: hall, Groups: 1, Epoch: e, Log: NewLog(), Catalog: catalog,
		Encode: func(v *Verdict) []byte { return []byte(v.Sample.String()) },
		Trip:   func(Peer) time.Duration { return 0 },
	}, Scene{Views: []Peer{"a"}, Aggregators: []Holding{{"a", e}}}, &Effects{})
	now = Instant(0).Add(ClaimWait)
	c.Tick(now, &Effects{})
	if c.claiming {
		t.Fatal("it claims for ever")
	}
	return c, now
}

// A sample whose bundle is not loaded here is looked at again when it says, not at every
// message: until the bundle is there, and then it is decided.
func TestBundleIsAwaited(t *testing.T) {
	looks, loaded := 0, false
	c, now := alone(t, func(inference.BundleID, uint64) *Bundled {
		looks++
		if !loaded {
			return nil
		}
		return &Bundled{Topology: &topology.Topology{Groups: [][]int{{0}}}}
	})
	fx := &Effects{}
	c.Receive(now, "a", &Proposals{Tier: topology.ExitLocal, Site: hall, Items: []*Proposed{{
		Sample: beatOf(0), Seen: 1, Exit: &inference.Proposal{Exit: topology.ExitCloud, Seen: 1}, // which has no threshold
	}}}, fx)
	w := c.work[beatOf(0)]
	if w == nil || w.sealed != nil || looks == 0 {
		t.Fatalf("work %+v after %d looks for the bundle, want it undecided", w, looks)
	}
	again := now.Add(bundleWait)
	w.groups.GiveUp(1) // whatever it waited for
	if next := c.Next(now); next > again {
		t.Errorf("it is looked at again at %v, want %v", next, again)
	}
	before := looks
	for at := now; at < again; at = at.Add(bundleWait / 10) {
		c.Tick(at, fx)
	}
	if looks != before {
		t.Errorf("%d looks for the bundle although it is not the time yet", looks-before)
	}
	if c.Tick(again, fx); looks == before || w.sealed != nil {
		t.Errorf("%d looks when it is the time", looks-before)
	}
	loaded = true
	if c.Tick(again.Add(bundleWait), fx); w.sealed == nil {
		t.Error("it is not decided although the bundle is here")
	}
}

// What heartbeats have still to tell of published requests is bounded: more come than they
// have room for.
func TestUntoldRequestsAreBounded(t *testing.T) {
	c, now := alone(t, nil)
	const more = otherSeals + 1000
	for r := range RequestID(more) {
		c.log.Know(now, requestOf(r+1))
		c.release(now, &work{id: requestOf(r + 1), sealed: sealedOf(requestOf(r+1), 1, "")}, &Effects{})
	}
	if len(c.published) != otherSeals {
		t.Errorf("%d requests wait to be told, want %d", len(c.published), otherSeals)
	}
	var told []SampleID
	for range otherSeals/samplesInFrame + 1 {
		fx := &Effects{}
		now = now.Add(HeartbeatInterval)
		c.heartbeat(now, fx)
		told = append(told, fx.Sends[0].Message.(*Heartbeat).Published...) //nolint:errcheck,forcetypeassert // it sends nothing else
	}
	if len(told) != otherSeals || told[0] != requestOf(more-otherSeals+1) || told[otherSeals-1] != requestOf(more) {
		t.Errorf("%d requests were told, want the last %d in their order", len(told), otherSeals)
	}
	if len(c.published) != 0 || c.busy() {
		t.Errorf("%d requests wait still", len(c.published))
	}
}

// Without an exit below the cloud a sample is asked for as long as a device retains what it saw. One
// that was killed and came back before anyone took it out of the scene retains nothing, and what it
// had said arrived after its death was known: the sample was asked for without end, and what
// another device saw, and told too late the first time, was not taken.
func TestOnlyWitnessDies(t *testing.T) {
	top, err := topology.Preset("a", topology.Base{Views: []string{"0", "1"}, Classes: []string{"x", "y"}, Input: topology.Shape{Channels: 3, Rows: 32, Cols: 32}})
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []bool{false, true} {
		e := Epoch{2, "h"}
		c := NewCoordinator(0, CoordinatorConfig{
			Self: "h", Site: hall, Groups: 1, Epoch: e, Log: NewLog(),
			Catalog: func(inference.BundleID, uint64) *Bundled { return &Bundled{Topology: top} },
			Encode:  func(v *Verdict) []byte { return []byte(v.Sample.String()) },
			Trip:    func(Peer) time.Duration { return 0 },
		}, Scene{Views: []Peer{"a", "b"}, Aggregators: []Holding{{"h", e}}, Coordinator: Holding{"h", e}, Cloud: Holding{"h", e}}, &Effects{})
		now := Instant(0).Add(ClaimWait)
		c.Tick(now, &Effects{})
		says := func(seen uint64, of map[int]Reason) {
			c.Receive(now, "h", &Proposals{Tier: topology.ExitLocal, Site: hall, Items: []*Proposed{{Sample: beatOf(0), Seen: seen, Reasons: of, Ref: -1, Label: -1}}}, &Effects{})
		}
		c.Link(now, "a", true, 0, &Effects{})
		c.Link(now, "b", true, 0, &Effects{})
		c.open(now, beatOf(0))
		c.Link(now, "a", false, 0, &Effects{}) // killed, when its frame was on its way
		now = now.Add(50 * time.Millisecond)
		says(0b01, map[int]Reason{1: Silent})
		c.Link(now, "a", true, 0, &Effects{}) // another process
		w := c.work[beatOf(0)]
		if w == nil || w.asked != topology.ExitCloud {
			t.Fatalf("the cloud is not asked: %+v", w)
		}
		asked, spoken := 0, false
		for end := now.Add(5 * time.Second); now < end && w.sealed == nil; now = now.Add(20 * time.Millisecond) {
			if other && !spoken && now > Instant(0).Add(ResendAfter) {
				says(0b10, map[int]Reason{0: Silent})
				spoken = true
			}
			fx := &Effects{}
			c.Tick(now, fx)
			for _, s := range fx.Sends {
				if a, ok := s.Message.(*Ask); ok && s.To == "b" && a.Items[0].Expect == 0b10 {
					asked++
				}
			}
		}
		if other && (asked == 0 || w.sealed != nil) { // whose picture does not come here
			t.Errorf("the other device was asked %d times: %+v", asked, w)
		}
		if !other && (w.sealed == nil || w.sealed.Outcome != NoView) {
			t.Errorf("the sample is asked for without end: %+v", w)
		}
		if now < Instant(0).Add(ResendAfter) {
			t.Errorf("decided at %v: a device that retains it would speak of it later", now)
		}
	}
}
