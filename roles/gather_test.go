package roles

import (
	"math/rand/v2"
	"testing"
	"time"
)

// How long a gather waits, by what its devices do. Three views; view 2 is the one in
// question, the others speak at once.
func TestGatherDeadlines(t *testing.T) {
	tests := []struct {
		name   string
		device func(p *Punctuality)
		event  func(g *Gather)
		wait   time.Duration // argument of NewGather
		want   time.Duration // until the gather is done
	}{
		{"a silent device whose speed is unknown", func(*Punctuality) {}, nil, 0, 100 * ms},
		{"on top of the round trip", func(p *Punctuality) { p.RoundTrip(100 * ms) }, nil, 0, 200 * ms},
		{"a quick device is given 100 ms all the same", spokeAfter(2 * ms), nil, 0, 100 * ms},
		{"four times its p99", spokeAfter(30 * ms), nil, 0, 4 * 31457 * time.Microsecond}, // a bucket ends there
		{"never more than 150 ms", spokeAfter(90 * ms), nil, 0, 150 * ms},
		{"its connection breaks: at once", func(*Punctuality) {}, func(g *Gather) { g.GiveUp(1 << 2) }, 0, 0},
		{"it was broken before", func(p *Punctuality) { p.Connected(false) }, nil, 0, 0},
		{"it missed two", missed(2), nil, 0, 100 * ms},
		{"it missed three: not at all", missed(3), nil, 0, 0},
		{"it missed three and is connected anew", func(p *Punctuality) {
			missed(3)(p)
			p.Connected(false)
			p.Connected(true)
		}, nil, 0, 100 * ms},
		{"it missed three and was in time again", func(p *Punctuality) {
			missed(3)(p)
			p.Spoke(at(80*ms), 0)
		}, nil, 0, 150 * ms},
		{"it missed three and was late again", func(p *Punctuality) {
			missed(3)(p)
			p.Spoke(at(170*ms), 0)
		}, nil, 0, 0},
		{"the tier above", func(p *Punctuality) { p.RoundTrip(20 * ms) }, nil, FeatureWait, 70 * ms},
		{"it speaks", func(*Punctuality) {}, func(g *Gather) { g.Speak(2) }, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var views [3]Punctuality
			tt.device(&views[2])
			const opened = Instant(time.Hour)
			g := NewGather(opened, 0b111, tt.wait, func(v int) *Punctuality { return &views[v] })
			g.Speak(0)
			g.Speak(1)
			if tt.event != nil {
				tt.event(g)
			}
			now := opened
			for !g.Done() {
				if g.Next() <= now {
					t.Fatalf("at %v nothing expires, and it says that something should", now.Sub(opened))
				}
				now = g.Next()
				if late := g.Expire(now - 1); late != 0 {
					t.Errorf("%b expired early", late)
				}
				if late := g.Expire(now); late != 1<<2 {
					t.Errorf("%b expired, want view 2", late)
				}
			}
			if got := now.Sub(opened); got < tt.want-tt.want/100 || got > tt.want+tt.want/100 {
				t.Errorf("done after %v, want %v", got, tt.want)
			}
			if g.Next() != Never {
				t.Error("it is done and has a next deadline")
			}
		})
	}
}

func spokeAfter(d time.Duration) func(*Punctuality) {
	return func(p *Punctuality) {
		for range 200 {
			p.Spoke(at(d), 0)
		}
	}
}

func missed(n int) func(*Punctuality) {
	return func(p *Punctuality) {
		for i := range n {
			p.Missed(at(time.Duration(i)*ms), at(time.Duration(i)*ms))
		}
	}
}

// Whatever is spoken, broken and late in whatever order: a gather ends at the latest when
// its longest patience is over, and nobody is counted twice.
func TestGatherEnds(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		views := make([]Punctuality, 1+rng.IntN(MaxViews))
		all := ^uint64(0) >> (MaxViews - len(views))
		limit := Instant(0)
		for v := range views {
			for range rng.IntN(5) {
				views[v].Spoke(Instant(rng.Int64N(int64(200*ms))), 0)
			}
			missed(rng.IntN(4))(&views[v])
			views[v].RoundTrip(time.Duration(rng.Int64N(int64(50 * ms))))
			limit = max(limit, Instant(0).Add(views[v].Patience()))
		}
		g := NewGather(0, all, 0, func(v int) *Punctuality { return &views[v] })
		spoken := uint64(0)
		for now := Instant(0); !g.Done(); now = now.Add(ms) {
			if now >= limit.Add(ms) {
				t.Fatalf("seed %d: still waiting for %b at %v, longer than %v", seed, g.Waiting, now.Sub(0), limit.Sub(0))
			}
			v := rng.IntN(len(views))
			if rng.IntN(8) == 0 {
				if g.Speak(v) != (spoken>>v&1 == 0) {
					t.Fatalf("seed %d: view %d spoke for the first time, or not", seed, v)
				}
				spoken |= 1 << v
			}
			if late := g.Expire(now); late&spoken != 0 {
				t.Fatalf("seed %d: %b spoke and are late", seed, late&spoken)
			}
		}
		if g.Spoken != spoken {
			t.Fatalf("seed %d: spoken %b, want %b", seed, g.Spoken, spoken)
		}
	}
}

// A gather tells what ended it: an operator sees by it whether devices are slow or gone.
func TestGatherTellsItsEnd(t *testing.T) {
	speak := func(views ...int) func(*Gather) {
		return func(g *Gather) {
			for _, v := range views {
				g.Speak(v)
			}
		}
	}
	late := func(g *Gather) { g.Expire(g.Opened.Add(time.Second)) }
	tests := []struct {
		name   string
		events []func(*Gather)
		want   GatherEnd
	}{
		{"everyone speaks", []func(*Gather){speak(0, 1, 2)}, AllSpoke},
		{"a connection breaks", []func(*Gather){speak(0, 1), func(g *Gather) { g.GiveUp(1 << 2) }}, LinkBroke},
		{"one breaks that had spoken", []func(*Gather){speak(0, 1), func(g *Gather) { g.GiveUp(1) }, speak(2)}, AllSpoke},
		{"one is silent", []func(*Gather){speak(0, 1), late}, TimePassed},
		{"one breaks, one is silent", []func(*Gather){speak(0), func(g *Gather) { g.GiveUp(1 << 1) }, late}, TimePassed},
		{"nobody is late any more", []func(*Gather){speak(0, 1, 2), late}, AllSpoke},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := NewGather(0, 0b111, 0, func(int) *Punctuality { return &Punctuality{} })
			for _, event := range tt.events {
				event(g)
			}
			if !g.Done() || g.End != tt.want {
				t.Errorf("done %v by %q, want %q", g.Done(), g.End, tt.want)
			}
		})
	}
}

// What waits for a device at one time is one silence of it, however many samples that is; the
// next silence is of what was opened after the last was noted.
func TestSilencesAreCounted(t *testing.T) {
	var p Punctuality
	for i := range 100 {
		opened := at(time.Duration(5*i) * ms)
		p.Missed(opened.Add(leastWait), opened)
		if want := leastWait * (missedInARow - 1); p.Awaited() != (opened < at(want)) {
			t.Fatalf("silent for %v: awaited %v", opened.Add(leastWait).Sub(at(0)), p.Awaited())
		}
	}
	p.Spoke(at(time.Second), at(time.Second))
	if p.Missed(at(1200*ms), at(1100*ms)); !p.Awaited() {
		t.Error("not awaited after one silence")
	}
}
