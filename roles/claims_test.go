package roles

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = time.Millisecond

func at(d time.Duration) Instant { return Instant(d) }

// elected is an assignment of the hall's aggregator; the holder may be none.
func elected(holder Epoch, challenger Peer, order ...Peer) Assignment {
	return Assignment{
		Role: hallRole, Claim: Claim{Role: hallRole, Epoch: holder}, Order: order, Challenger: challenger,
	}
}

func inCompany(e Epoch) Claim { return Claim{Role: hallRole, Epoch: e} }

func lonelyClaim(e Epoch) Claim { return Claim{Role: hallRole, Epoch: e, Lonely: true} }

// kinds is what the actions are, in order.
func kinds(actions []Action) []ActionKind {
	var out []ActionKind
	for _, a := range actions {
		out = append(out, a.Kind)
	}
	return out
}

// wait ticks as a node does until the instant, and collects what is wanted.
func wait(c *Claimant, from, until Instant) []Action {
	var out []Action
	for now := from; now <= until; now = now.Add(10 * ms) {
		out = append(out, c.Tick(now)...)
	}
	return slices.DeleteFunc(out, func(a Action) bool { return a.Kind == BeatRole })
}

// A starting node is quiet for 2 s, unless it finds a holder before: the first to boot
// must not take what another already has.
func TestStartingNodeIsQuiet(t *testing.T) {
	c := NewClaimant(0, "a", hallRole, Epoch{}, true)
	if got := c.Elected(0, elected(Epoch{}, "a", "a"), nil); got != nil {
		t.Fatalf("at its start it does %v", got)
	}
	if got := wait(c, 0, at(1990*ms)); got != nil {
		t.Fatalf("within 2 s it does %v", got)
	}
	got := wait(c, at(2*time.Second), at(2100*ms))
	want := []Action{{Kind: TakeRole, Epoch: Epoch{1, "a"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after 2 s (-want +got):\n%s", diff)
	}
	if claim, mine := c.Mine(); !mine || !claim.Lonely {
		t.Errorf("its claim %+v, mine %v: want a lonely one", claim, mine)
	}
	inCompany := NewClaimant(0, "a", hallRole, Epoch{}, true)
	inCompany.Elected(at(2*time.Second), elected(Epoch{}, "a", "a", "b"), []Peer{"b"})
	if claim, mine := inCompany.Mine(); !mine || claim.Lonely {
		t.Errorf("its claim beside another member %+v, mine %v: it is not lonely", claim, mine)
	}
	c.Accepted(Epoch{1, "a"})
	if claim, _ := c.Mine(); claim.Lonely {
		t.Error("another follows it, and the claim is still lonely")
	}
}

// Only the first in the order claims a vacant role.
func TestOthersDoNotClaim(t *testing.T) {
	c := NewClaimant(0, "b", hallRole, Epoch{}, true)
	c.Elected(0, elected(Epoch{}, "a", "a", "b"), []Peer{"a"})
	if got := wait(c, 0, at(5*time.Second)); got != nil {
		t.Errorf("the second in the order does %v", got)
	}
}

// What a node does once something happens to the holder h whose claim is 4, at 10 s: by
// what happened, and by what the others answer.
func TestStandbyAndItsHolder(t *testing.T) {
	const start = Instant(10 * time.Second)
	four := Epoch{4, "h"}
	mine := []Action{{Kind: TakeRole, Epoch: Epoch{5, "s"}}}
	ask := Action{Kind: AskHolder, Epoch: four, To: []Peer{"d", "e"}}
	tests := []struct {
		name   string
		order  []Peer
		events func(c *Claimant) []Action
		want   []Action
	}{
		{"silence: it asks, one says no, it claims", []Peer{"h", "s"}, func(c *Claimant) []Action {
			out := wait(c, start, start.Add(480*ms))
			out = append(out, c.Answered(start.Add(490*ms), "d", four, false, four)...)
			return append(out, wait(c, start.Add(500*ms), start.Add(600*ms))...)
		}, []Action{ask, mine[0]}},
		{"nobody answers: it may be cut off itself", []Peer{"h", "s"}, func(c *Claimant) []Action {
			return wait(c, start, start.Add(LonePatience+400*ms))
		}, []Action{ask}},
		{"nor is it heard again: it claims after all", []Peer{"h", "s"}, func(c *Claimant) []Action {
			return wait(c, start, start.Add(LonePatience+600*ms))
		}, []Action{ask, mine[0]}},
		{"one answers late: it claims then", []Peer{"h", "s"}, func(c *Claimant) []Action {
			out := wait(c, start, start.Add(900*ms))
			return append(out, c.Answered(start.Add(910*ms), "e", four, false, four)...)
		}, []Action{ask, mine[0]}},
		{"nobody answers, and all connections break: it is alone, and claims", []Peer{"h", "s"}, func(c *Claimant) []Action {
			out := wait(c, start, start.Add(900*ms))
			return append(out, c.Elected(start.Add(910*ms), elected(Epoch{}, "s", "s"), nil)...)
		}, []Action{ask, mine[0]}},
		{"a broken connection: it asks at once", []Peer{"h", "s"}, func(c *Claimant) []Action {
			return c.Broken(start.Add(ms), "h")
		}, []Action{ask}},
		{"all say no: it claims at once", []Peer{"h", "s"}, func(c *Claimant) []Action {
			out := c.Broken(start.Add(ms), "h")
			out = append(out, c.Answered(start.Add(2*ms), "d", four, false, four)...)
			return append(out, c.Answered(start.Add(2*ms), "e", four, false, four)...)
		}, []Action{ask, mine[0]}},
		{"one says yes: put off, then asked again", []Peer{"h", "s"}, func(c *Claimant) []Action {
			out := c.Broken(start.Add(ms), "h")
			out = append(out, c.Answered(start.Add(2*ms), "d", four, true, four)...)
			return append(out, wait(c, start.Add(3*ms), start.Add(60*ms))...)
		}, []Action{ask, ask}},
		{"who was asked dies: not waited for", []Peer{"h", "s"}, func(c *Claimant) []Action {
			out := c.Broken(start.Add(ms), "h")
			out = append(out, c.Answered(start.Add(2*ms), "d", four, false, four)...)
			return append(out, c.Broken(start.Add(2*ms), "e")...)
		}, []Action{ask, mine[0]}},
		{"an answer knows a higher claim: followed", []Peer{"h", "s"}, func(c *Claimant) []Action {
			out := c.Broken(start.Add(ms), "h")
			out = append(out, c.Answered(start.Add(2*ms), "d", four, true, Epoch{7, "x"})...)
			if c.Promised() != (Epoch{7, "x"}) {
				t.Errorf("it promises %v", c.Promised())
			}
			return append(out, wait(c, start.Add(3*ms), start.Add(150*ms))...)
		}, []Action{ask}},
		{"the holder is heard again: no claim", []Peer{"h", "s"}, func(c *Claimant) []Action {
			out := c.Broken(start.Add(ms), "h")
			_, more := c.Heard(start.Add(3*ms), inCompany(four), false)
			return append(append(out, more...), wait(c, start.Add(3*ms), start.Add(150*ms))...)
		}, []Action{ask}},
		{"handed over: no question", []Peer{"h", "s"}, func(c *Claimant) []Action {
			return c.HandedOver(start.Add(ms), four)
		}, mine},
		{"an old hand-over is nothing", []Peer{"h", "s"}, func(c *Claimant) []Action {
			return c.HandedOver(start.Add(ms), Epoch{3, "h"})
		}, nil},
		{"it outranks the holder: no question", []Peer{"s", "h"}, func(c *Claimant) []Action {
			return c.Elected(start.Add(ms), elected(four, "s", "s", "h"), []Peer{"d", "e", "h"})
		}, mine},
		{"it alone finds the holder down: it asks", []Peer{"h", "s"}, func(c *Claimant) []Action {
			return append(c.Elected(start.Add(ms), elected(Epoch{}, "s", "s"), []Peer{"d", "e"}), c.Broken(start.Add(ms), "h")...)
		}, []Action{ask}},
		{"not before it is silent, where the connection stands", []Peer{"h", "s"}, func(c *Claimant) []Action {
			return append(c.Elected(start.Add(ms), elected(Epoch{}, "s", "s"), []Peer{"d", "e"}), c.Tick(start.Add(90*ms))...)
		}, nil},
		{"the second standby waits for the first, which misses the holder too", []Peer{"h", "x", "s"}, func(c *Claimant) []Action {
			out := wait(c, start, start.Add(410*ms))
			c.Wonders(start.Add(420*ms), "x", four)
			out = append(out, wait(c, start.Add(420*ms), start.Add(600*ms))...)
			c.Wonders(start.Add(600*ms), "x", four) // it may ask again and again
			return append(out, wait(c, start.Add(610*ms), start.Add(910*ms))...)
		}, nil},
		{"not for ever", []Peer{"h", "x", "s"}, func(c *Claimant) []Action {
			out := wait(c, start, start.Add(410*ms))
			c.Wonders(start.Add(420*ms), "x", four)
			out = append(out, wait(c, start.Add(420*ms), start.Add(1000*ms))...)
			out = append(out, c.Answered(start.Add(1010*ms), "d", four, false, four)...)
			return append(out, wait(c, start.Add(1020*ms), start.Add(1200*ms))...)
		}, []Action{ask, mine[0]}},
		{"those ahead that say nothing are as silent as the holder, however many they are", []Peer{"h", "x", "y", "z", "s"}, func(c *Claimant) []Action {
			if out := wait(c, start, start.Add(400*ms+AbsentPatience-1)); out != nil {
				t.Errorf("too soon: %v", out)
			}
			out := wait(c, start.Add(400*ms+AbsentPatience), start.Add(520*ms))
			out = append(out, c.Answered(start.Add(530*ms), "d", four, false, four)...)
			return append(out, wait(c, start.Add(540*ms), start.Add(600*ms))...)
		}, []Action{ask, mine[0]}},
		{"one ahead asks while it asks itself: that one claims", []Peer{"h", "x", "y", "s"}, func(c *Claimant) []Action {
			out := wait(c, start, start.Add(510*ms))
			c.Wonders(start.Add(510*ms), "y", four)
			out = append(out, c.Answered(start.Add(520*ms), "d", four, false, four)...)
			return append(out, wait(c, start.Add(530*ms), start.Add(1000*ms))...)
		}, []Action{ask}},
		{"what the first asked before the holder was heard is past", []Peer{"h", "x", "s"}, func(c *Claimant) []Action {
			c.Wonders(start.Add(ms), "x", four)
			c.Heard(start.Add(2*ms), inCompany(four), false)
			return wait(c, start.Add(2*ms), start.Add(402*ms+AbsentPatience+10*ms))
		}, []Action{ask}},
		{"who is behind it, or asks of another claim, is nothing to it", []Peer{"h", "s", "x"}, func(c *Claimant) []Action {
			out := wait(c, start, start.Add(390*ms))
			c.Wonders(start.Add(390*ms), "x", four)
			c.Wonders(start.Add(390*ms), "d", Epoch{3, "h"})
			return append(out, wait(c, start.Add(400*ms), start.Add(450*ms))...)
		}, []Action{ask}},
		{"a broken connection, and another is ahead: that one has its time", []Peer{"h", "r", "s"}, func(c *Claimant) []Action {
			c.Elected(start.Add(ms), elected(Epoch{}, "r", "r", "s"), []Peer{"d", "e"})
			out := c.Broken(start.Add(ms), "h")
			if out = append(out, wait(c, start.Add(2*ms), start.Add(AbsentPatience)-1)...); len(out) > 0 {
				t.Errorf("too soon: %v", out)
			}
			out = wait(c, start.Add(AbsentPatience), start.Add(AbsentPatience+10*ms))
			out = append(out, c.Answered(start.Add(AbsentPatience+20*ms), "d", four, false, four)...)
			return append(out, wait(c, start.Add(AbsentPatience+30*ms), start.Add(AbsentPatience+70*ms))...)
		}, []Action{ask, mine[0]}},
		{"and where nobody answers it may be cut off itself", []Peer{"h", "r", "s"}, func(c *Claimant) []Action {
			c.Elected(start.Add(ms), elected(Epoch{}, "r", "r", "s"), []Peer{"d", "e"})
			out := c.Broken(start.Add(ms), "h")
			return append(out, wait(c, start.Add(2*ms), start.Add(AbsentPatience+150*ms))...)
		}, []Action{ask, ask}},
		{"after a stall of its own it listens first", []Peer{"h", "s"}, func(c *Claimant) []Action {
			return c.Tick(start.Add(900 * ms))
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewClaimant(0, "s", hallRole, Epoch{}, true)
			c.Elected(0, elected(four, "", tt.order...), []Peer{"d", "e", "h"})
			for now := Instant(0); now <= start; now = now.Add(100 * ms) {
				if got := c.Tick(now); got != nil {
					t.Fatalf("at %v, with a holder: %v", now, got)
				}
				if ok, got := c.Heard(now, inCompany(four), false); !ok || got != nil {
					t.Fatalf("the holder's heartbeat: %v, %v", ok, got)
				}
			}
			got := tt.events(c)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Who is back from being cut off knows of one other at first. Where that is the holder and its
// connection breaks, as old ones do then, the claim is made without any other member: it is lonely. It
// was once in company, so that a node took the cloud that had been away for six seconds.
func TestClaimOnTheLastConnectionIsLonely(t *testing.T) {
	c := NewClaimant(0, "s", hallRole, Epoch{}, true)
	c.Elected(at(3*time.Second), elected(Epoch{4, "h"}, "", "h", "s"), []Peer{"h"})
	out := c.Broken(at(3010*ms), "h")
	if claim, mine := c.Mine(); !mine || !claim.Lonely {
		t.Errorf("it does %v; its claim %+v, mine %v: want a lonely one", out, claim, mine)
	}
}

// A holder keeps its claim until a higher one is heard, and obeys that.
func TestHolderAndOtherClaims(t *testing.T) {
	held := func() *Claimant {
		c := NewClaimant(0, "h", hallRole, Epoch{3, "x"}, true)
		c.Elected(at(2*time.Second), elected(Epoch{}, "h", "h", "s"), []Peer{"s"})
		return c
	}
	four := Epoch{4, "h"}
	if c := held(); c.Promised() != four {
		t.Fatalf("it claims %v, want 1 more than what it persisted: %v", c.Promised(), four)
	}
	tests := []struct {
		name  string
		event func(c *Claimant) []Action
		want  []ActionKind
		mine  bool
	}{
		{"lower refused", func(c *Claimant) []Action {
			ok, out := c.Heard(at(2010*ms), inCompany(Epoch{3, "x"}), false)
			if ok {
				t.Error("a lower claim was accepted")
			}
			return out
		}, nil, true},
		{"higher adopted", func(c *Claimant) []Action {
			_, out := c.Heard(at(2010*ms), inCompany(Epoch{5, "s"}), false)
			return out
		}, []ActionKind{YieldRole}, false},
		{"higher by its peer", func(c *Claimant) []Action { return c.Stale(at(2010*ms), Epoch{4, "i"}) }, []ActionKind{YieldRole}, false},
		{"stale by a lower", func(c *Claimant) []Action { return c.Stale(at(2010*ms), Epoch{4, "a"}) }, nil, true},
		{"its own from a life before", func(c *Claimant) []Action { return c.Stale(at(2010*ms), Epoch{9, "h"}) }, []ActionKind{TakeRole}, true},
		{"a lonely one, void beside it", func(c *Claimant) []Action {
			c.Accepted(four)
			ok, out := c.Heard(at(2010*ms), lonelyClaim(Epoch{9, "z"}), false)
			if ok {
				t.Error("a lonely claim was accepted")
			}
			out = append(out, c.Elected(at(2020*ms), elected(four, "h", "h", "s"), nil)...)
			if want := (Epoch{10, "h"}); c.Promised() != want {
				t.Errorf("it claims %v, want %v", c.Promised(), want)
			}
			return out
		}, []ActionKind{TakeRole}, true},
		{"it is the lonely one that is void", func(c *Claimant) []Action {
			c.lonely = true
			return c.Elected(at(2010*ms), elected(Epoch{2, "z"}, "z", "z", "h"), nil)
		}, []ActionKind{YieldRole}, false},
		{"stalled for 100 ms", func(c *Claimant) []Action { return c.Tick(at(2200 * ms)) }, []ActionKind{ConfirmRole}, true},
		{"stalled on its way to sleep", func(c *Claimant) []Action {
			c.Tick(at(2010 * ms))
			c.rest(at(2200*ms), at(2250*ms))
			return c.Tick(at(2250 * ms))
		}, []ActionKind{ConfirmRole}, true},
		{"stalled after it was woken", func(c *Claimant) []Action {
			c.rest(at(2000*ms), at(2100*ms))
			c.Tick(at(2010 * ms))
			c.rest(at(2190*ms), at(2250*ms))
			return c.Tick(at(2190 * ms))
		}, []ActionKind{ConfirmRole}, true},
		{"slept as it said", func(c *Claimant) []Action {
			c.Tick(at(2010 * ms))
			c.rest(at(2020*ms), at(2200*ms))
			return c.Tick(at(2250 * ms))
		}, []ActionKind{BeatRole}, true},
		{"not stalled", func(c *Claimant) []Action { return c.Tick(at(2100 * ms)) }, []ActionKind{BeatRole}, true},
		{"outranked: it goes on until the challenger claims", func(c *Claimant) []Action {
			return c.Elected(at(2010*ms), elected(four, "s", "s", "h"), nil)
		}, nil, true},
		{"it was outranked, and another was first", func(c *Claimant) []Action {
			out := c.Elected(at(2010*ms), elected(four, "s", "s", "h"), nil)
			_, more := c.Heard(at(2020*ms), inCompany(Epoch{5, "s"}), false)
			out = append(out, more...)
			out = append(out, c.Elected(at(2030*ms), elected(Epoch{5, "s"}, "h", "h", "s"), nil)...) // too soon
			out = append(out, c.Elected(at(2230*ms), elected(Epoch{5, "s"}, "h", "h", "s"), nil)...) // claims 6
			_, more = c.Heard(at(2240*ms), inCompany(Epoch{7, "s"}), false)
			return append(append(out, more...), c.Tick(at(2250*ms))...)
		}, []ActionKind{YieldRole, TakeRole, YieldRole}, false},
		{"it leaves", func(c *Claimant) []Action {
			next, out := c.Resign()
			if next != "s" {
				t.Errorf("it hands over to %q", next)
			}
			return out
		}, []ActionKind{YieldRole}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := held()
			got := tt.event(c)
			if _, mine := c.Mine(); !slices.Equal(kinds(got), tt.want) || mine != tt.mine {
				t.Errorf("actions %v, mine %v; want kinds %v, %v", got, mine, tt.want, tt.mine)
			}
		})
	}
}

// A yes keeps a working holder in office; it must be given only where it is true.
func TestStillHears(t *testing.T) {
	four := Epoch{4, "h"}
	tests := []struct {
		name  string
		asked Epoch
		event func(c *Claimant)
		acked bool
		want  bool
	}{
		{"heard and acknowledged", four, nil, true, true},
		{"own frames are not acknowledged", four, nil, false, false},
		{"broken", four, func(c *Claimant) { c.Broken(at(1001*ms), "h") }, true, false},
		{"silent", four, func(c *Claimant) { wait(c, at(1001*ms), at(2000*ms)) }, true, false},
		{"handed over", four, func(c *Claimant) { c.HandedOver(at(1001*ms), four) }, true, false},
		{"about an older claim", Epoch{3, "x"}, nil, true, true},
		{"about one that it does not know", Epoch{5, "x"}, nil, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewClaimant(0, "d", hallRole, Epoch{}, true)
			c.Elected(0, elected(four, "", "h", "s"), nil)
			for now := Instant(0); now <= at(time.Second); now = now.Add(100 * ms) {
				c.Tick(now)
				c.Heard(now, inCompany(four), false)
			}
			now := at(1010 * ms)
			if tt.event != nil {
				tt.event(c)
				now = max(now, c.ticked)
			}
			if got, _ := c.StillHears(now, tt.asked, tt.acked); got != tt.want {
				t.Errorf("hears %v, want %v", got, tt.want)
			}
		})
	}
}
