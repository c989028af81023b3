package roles

import (
	"testing"
	"time"

	"ganglion/inference"
)

// A coordinator whose links were all late for a moment had three batches of seals expire, and from
// then on waited for nobody: verdicts were published before anyone else had stored them, for the
// rest of the claim, since an acknowledgement of a batch that is gone did not count. Whoever
// claimed next decided the last of them again.
func TestSealsAreWaitedForAfterLateOnes(t *testing.T) {
	fx := &Effects{}
	c := NewCoordinator(0, CoordinatorConfig{
		Self: "helper", Site: hall, Groups: 1, Epoch: Epoch{2, "helper"}, Log: NewLog(),
		Encode: func(v *Verdict) []byte { return []byte(v.Sample.String()) },
		Trip:   func(Peer) time.Duration { return 0 },
	}, Scene{Views: []Peer{"b", "c"}, Aggregators: []Holding{{"helper", Epoch{2, "helper"}}}}, fx)
	now := Instant(0).Add(ClaimWait)
	c.Tick(now, fx)
	beat := Beat(0)
	// seal has one more verdict decided, and returns the number of its batch.
	seal := func() uint64 {
		w := &work{id: beatOf(beat), sealed: sealedOf(beatOf(beat), 1, "")}
		beat++
		c.work[w.id], c.order, c.fresh = w, append(c.order, w.id), append(c.fresh, w)
		c.Tick(now, fx)
		return c.batch
	}
	acknowledge := func(p Peer, batch uint64) {
		c.Receive(now, p, &SealAck{Role: c.role, Epoch: c.epoch, Number: batch}, fx)
	}
	var late []uint64
	for range missedInARow { // at 200 samples a second
		late = append(late, seal())
		now = now.Add(5 * time.Millisecond)
	}
	now = now.Add(SealWait)
	c.Tick(now, fx)
	if len(c.seals) > 0 || c.log.Len() != missedInARow {
		t.Fatalf("%d batches wait and %d verdicts are published after %v", len(c.seals), c.log.Len(), SealWait)
	}
	// Nobody is punctual, and both are there: one of them has to store it.
	first := seal()
	if c.log.Survivor(beatOf(beat-1)) != nil {
		t.Error("a verdict is published that nobody else has stored")
	}
	now = now.Add(10 * time.Millisecond)
	acknowledge("b", first)
	if c.log.Survivor(beatOf(beat-1)) == nil {
		t.Error("a verdict that another has stored is not published")
	}
	// That was in time: b is waited for again, whoever else is not.
	if !c.links.of("b").Awaited() || c.links.of("c").Awaited() {
		t.Errorf("waited for: b %v, c %v", c.links.of("b").Awaited(), c.links.of("c").Awaited())
	}
	for _, batch := range late { // which is not, each a little less so
		acknowledge("c", batch)
		if c.links.of("c").Awaited() {
			t.Fatal("a late acknowledgement makes a device punctual")
		}
	}
	acknowledge("c", first) // of a batch that is published already, and in time
	if !c.links.of("c").Awaited() {
		t.Error("a device that is in time again is not waited for, because its batch is gone")
	}
	// Where nobody answers, verdicts go on.
	seal()
	now = now.Add(SealWait)
	if c.Tick(now, fx); c.log.Survivor(beatOf(beat-1)) == nil {
		t.Error("a verdict that nobody stores is never published")
	}
	// And at once where nobody is there.
	c.Link(now, "b", false, 0, fx)
	c.Link(now, "c", false, 0, fx)
	seal()
	if c.log.Survivor(beatOf(beat-1)) == nil {
		t.Error("a coordinator that is alone waits for others")
	}
}

// A device that stood still is waited for again once its frames are in time, also where all others
// are faster and its samples are proposed by then: its views were missing for good.
func TestSlowestDeviceIsWaitedForAgain(t *testing.T) {
	a := NewAggregator("h", hall, 0, []int{0, 1}, Epoch{1, "h"}, func(inference.BundleID, uint64) *Bundled { return nil })
	a.SetScene(Scene{Views: []Peer{"fast", "slow"}, Coordinator: Holding{"h", Epoch{1, "h"}}, Aggregators: []Holding{{"h", Epoch{1, "h"}}}})
	slow := a.links.of("slow")
	for range missedInARow {
		slow.Missed(0, 0)
	}
	if slow.Awaited() {
		t.Fatal("three silences are none")
	}
	frame := func(now Instant, p Peer, view int, b Beat, again bool) {
		a.Receive(now, p, &Scores{Site: hall, Again: again, Items: []*Observation{{
			Sample: beatOf(b), Ref: -1, Label: -1, Views: []ViewResult{{View: view, Reason: NoBundle}},
		}}}, &Effects{})
	}
	now := Instant(0).Add(time.Second)
	frame(now, "fast", 0, 7, false)
	if _, done := a.done.at(beatOf(7)); !done {
		t.Fatal("the sample waits although nobody is waited for")
	}
	frame(now.Add(5*time.Millisecond), "slow", 1, 7, true)
	frame(now.Add(mostWait+time.Millisecond), "slow", 1, 7, false)
	frame(now.Add(5*time.Millisecond), "slow", 0, 7, false) // of a view that it does not hold
	if slow.Awaited() {
		t.Error("what is sent again, late, or not its own makes a device punctual")
	}
	frame(now.Add(5*time.Millisecond), "slow", 1, 7, false)
	if !slow.Awaited() {
		t.Error("a device that is in time is not waited for")
	}
}
