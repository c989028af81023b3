package roles

import (
	"math/rand/v2"
	"testing"
	"time"

	"ganglion/inference"
)

func runOf(period time.Duration, count Beat) RunRecord {
	return RunRecord{
		Site: hall, Run: 7, Starter: Epoch{1, "h"}, Period: period, Count: count, Entries: []Entry{{}},
	}
}

// A device's beats fall when the holder's do, within what the ways differ by, although
// its clock drifts and every heartbeat is late by a random queue; and whatever happens no
// beat comes twice and none is left out.
func TestBeatClockFollows(t *testing.T) {
	tests := []struct {
		name   string
		drift  int64 // of the device's clock, in parts per million
		way    time.Duration
		queue  time.Duration // a heartbeat is late by up to this
		within time.Duration
	}{
		{"LAN", 0, 100 * time.Microsecond, 2 * ms, ms},
		{"a bad crystal", 300, 100 * time.Microsecond, 2 * ms, 2 * ms},
		{"netem 50 ms", 0, 50 * ms, 5 * ms, 3 * ms},
		{"a loaded Wi-Fi", -100, 2 * ms, 60 * ms, 20 * ms},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			run := runOf(10*ms, 0)
			c := NewBeatClock(run, 0)
			device := func(holder time.Duration) Instant { // its clock when the holder's shows this
				return Instant(holder + holder*time.Duration(tt.drift)/1e6).Add(time.Hour)
			}
			var want Beat
			nextHeartbeat := time.Duration(0)
			for now := time.Duration(0); now < 20*time.Second; now += ms {
				if now >= nextHeartbeat {
					late := time.Duration(rng.Int64N(int64(tt.queue)))
					trip := 2*tt.way + late/2
					c.Heartbeat(device(now), run, now-tt.way-late, trip)
					nextHeartbeat += HeartbeatInterval
				}
				first, n := c.Due(device(now), 100)
				if n > 0 && first != want {
					t.Fatalf("at %v: beat %d comes, want %d", now, first, want)
				}
				want += Beat(n)
				if now < 5*time.Second {
					continue // it has to settle
				}
				if since, _ := c.Since(device(now)); (since - now).Abs() > tt.within {
					t.Fatalf("at %v since t0 the device says %v: off by more than %v", now, since, tt.within)
				}
			}
		})
	}
}

// A device that begins anew while its holder is busy hears the first heartbeat late. With the
// next one that is in time it is where the others are: a device that is behind by the 100 ms
// that it is waited for counts as silent for as long.
func TestBeatClockLateFirst(t *testing.T) {
	for _, late := range []time.Duration{20 * ms, 400 * ms, 900 * ms} {
		for _, anew := range []bool{true, false} { // else another holder is followed
			run := runOf(5*ms, 0)
			c := NewBeatClock(run, 0)
			if !anew {
				c.Heartbeat(0, run, 0, 0)
				c.HolderChanged()
			}
			now, told := time.Second+late, Beat(0)
			c.Heartbeat(at(now), run, time.Second, ms)
			_, n := c.Due(at(now), 1000)
			told += Beat(n)
			now += HeartbeatInterval
			c.Heartbeat(at(now), run, now-ms/2, ms)
			if since, _ := c.Since(at(now)); (now - since).Abs() > ms {
				t.Errorf("first late by %v, anew %t: %v behind after the second", late, anew, now-since)
			}
			first, n := c.Due(at(now), 1000)
			if told += Beat(n); first+Beat(n) != told || told != run.BeatAt(now)+1 {
				t.Errorf("first late by %v, anew %t: told %d beats up to %d, want all up to %d", late, anew, told, first+Beat(n), run.BeatAt(now))
			}
		}
	}
}

// Whatever a holder, a successor or a liar says: the time since t0 never falls, and but
// for a step to where the heartbeats say that it is, it moves within 1 % of the clock.
func TestBeatClockNeverFalls(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 5))
		run := runOf(ms, 0)
		c := NewBeatClock(run, 0)
		now, last, told := Instant(0), time.Duration(0), Beat(0)
		for range 300 {
			step := time.Duration(rng.Int64N(int64(50 * ms)))
			now = now.Add(step)
			switch rng.IntN(4) {
			case 0:
				off := time.Duration(rng.Int64N(int64(4*time.Second))) - 2*time.Second
				c.Heartbeat(now, run, now.Sub(0)+off, time.Duration(rng.Int64N(int64(20*ms))))
			case 1:
				c.HolderChanged()
			}
			synced := last > 0
			since, ok := c.Since(now)
			if !ok {
				continue
			}
			moved := since - last
			stepped := c.count > 0 && since == c.target(now) && moved > step+beatStep
			if since < last || synced && moved > step+step/slewShare && !stepped {
				t.Fatalf("seed %d: since t0 moved from %v to %v in %v", seed, last, since, step)
			}
			last = since
			first, n := c.Due(now, 10)
			if n > 0 && first != told {
				t.Fatalf("seed %d: beat %d after beat %d", seed, first, told)
			}
			told = first + Beat(n)
		}
	}
}

// The end of a run, and beats that a newcomer or a live camera passes over.
func TestBeatClockEdges(t *testing.T) {
	c := NewBeatClock(runOf(10*ms, 5), 0)
	if _, n := c.Due(at(time.Second), 10); n != 0 || c.NextAt() != Never {
		t.Fatalf("before any heartbeat: %d beats, the next at %d", n, c.NextAt())
	}
	c.Heartbeat(0, runOf(10*ms, 5), 0, 0)
	if first, n := c.Due(at(0), 10); first != 0 || n != 1 {
		t.Errorf("at t0: %d beats from %d, want beat 0", n, first)
	}
	if got, want := c.NextAt(), at(10*ms); got != want {
		t.Errorf("the next beat at %v, want %v", got, want)
	}
	if got := c.Skip(2); got != 1 {
		t.Errorf("skipped %d, want 1", got)
	}
	if first, n := c.Due(at(25*ms), 10); first != 2 || n != 1 {
		t.Errorf("at 25 ms: %d beats from %d, want beat 2", n, first)
	}
	if first, n := c.Due(at(500*ms), 1); first != 3 || n != 1 {
		t.Errorf("at most one: %d beats from %d, want beat 3", n, first)
	}
	if first, n := c.Due(at(500*ms), 10); first != 4 || n != 1 {
		t.Errorf("the last: %d beats from %d, want beat 4", n, first)
	}
	if _, n := c.Due(at(900*ms), 10); n != 0 || c.NextAt() != Never {
		t.Errorf("after the end: %d beats, the next at %d", n, c.NextAt())
	}
}

// Every sample is of exactly one bundle: the entry that holds at its beat.
func TestRunRecordEntries(t *testing.T) {
	id := func(b byte) inference.BundleID { return inference.BundleID{b} }
	r := runOf(100*ms, 0)
	r, ok := r.With(id(1), 3, 950*ms, 0)
	if !ok || r.Entries[1].From != 20 {
		t.Fatalf("at 0.95 s an entry is appended for beat %d, want 20: the first that is 1 s ahead", r.Entries[1].From)
	}
	r, _ = r.With(id(2), 3, 950*ms, 0)
	for _, tt := range []struct {
		beat Beat
		want byte
	}{{0, 0}, {19, 0}, {20, 1}, {21, 2}, {MaxBeat, 2}} {
		if got := r.At(tt.beat).Bundle; got != id(tt.want) {
			t.Errorf("beat %d has bundle %s, want %s", tt.beat, got.Short(), id(tt.want).Short())
		}
	}
	for i := range 2 * MaxEntries { // one a second: the old ones go
		now := time.Duration(i+2) * 2 * time.Second
		floor := r.BeatAt(now)
		want := r.At(floor).Bundle
		if r, ok = r.With(id(byte(i)), 4, now, floor); !ok {
			t.Fatalf("entry %d was refused", i)
		}
		if got := r.At(floor).Bundle; got != want {
			t.Fatalf("entry %d: the floor %d now has bundle %s, had %s", i, floor, got.Short(), want.Short())
		}
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	for range MaxEntries {
		r, ok = r.With(id(0), 5, 0, 0)
	}
	if ok {
		t.Error("entries without end are taken where none can go")
	}
}

// A record comes in a frame: what would divide by zero, overflow or mix bundles is
// refused.
func TestRunRecordValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(r *RunRecord)
		ok     bool
	}{
		{"as it is", func(*RunRecord) {}, true},
		{"no period", func(r *RunRecord) { r.Period = 0 }, false},
		{"a period of a week", func(r *RunRecord) { r.Period = 7 * 24 * time.Hour }, false},
		{"no run", func(r *RunRecord) { r.Run = 0 }, false},
		{"no site", func(r *RunRecord) { r.Site = "" }, false},
		{"no starter", func(r *RunRecord) { r.Starter = Epoch{} }, false},
		{"too many beats", func(r *RunRecord) { r.Count = MaxBeat + 1 }, false},
		{"no entry", func(r *RunRecord) { r.Entries = nil }, false},
		{"no entry at the start", func(r *RunRecord) { r.Entries = []Entry{{From: 1}} }, false},
		{"entries out of order", func(r *RunRecord) { r.Entries = []Entry{{}, {From: 2}, {From: 2}} }, false},
		{"too many entries", func(r *RunRecord) { r.Entries = make([]Entry, MaxEntries+1) }, false},
		{"a long name", func(r *RunRecord) { r.Split = string(make([]byte, maxSplitBytes+1)) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := runOf(100*ms, 10)
			tt.change(&r)
			if err := r.Validate(); (err == nil) != tt.ok {
				t.Errorf("%v, want ok %v", err, tt.ok)
			}
		})
	}
	r := runOf(MaxPeriod, 0)
	if got := r.Offset(MaxBeat); got != maxRunLasting {
		t.Errorf("beat %d of a day each is at %v, want the longest duration", MaxBeat, got)
	}
}

// A replay has no cursor: a beat alone says what is shown.
func TestRef(t *testing.T) {
	list := []int{3, 5, 9}
	for b, want := range []int{3, 5, 9, 3, 5} {
		if got := Ref(list, Beat(b)); got != want {
			t.Errorf("beat %d shows %d, want %d", b, got, want)
		}
	}
}
