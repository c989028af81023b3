package chaos

import (
	"maps"
	"math"
	"slices"
	"time"

	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

// The sizes of what a timeline keeps of verdicts.
const (
	beatsKept  = 1 << 16 // of the run; older ones count as received
	timesKept  = 256     // of verdicts, for the usual time between them
	leastTimes = 4       // that say something of it
)

// stream is the verdicts of the present run as they come, each once.
type stream struct {
	run    string
	period time.Duration
	origin time.Time // of beat 0, by the earliest verdict for its beat; zero: not placed
	count  int       // all that came
	last   time.Time // when the last one came; zero: none has

	beats map[uint64]bool // received, all below lowest included
	least uint64          // the first that was received, or is still kept
	most  uint64
	other map[string]bool // samples on demand
	times []time.Time     // of the last ones, a ring
	next  int
}

// arrival is when a sample began and when its verdict was released.
type arrival struct {
	beat             uint64
	numbered         bool // it is one of the run
	moment, released time.Time
}

// begin takes a run.
func (s *stream) begin(run string, period time.Duration) {
	if run != s.run || period != s.period {
		s.origin = time.Time{}
	}
	if run != s.run {
		s.beats = nil
	}
	s.run, s.period = run, period
}

// add notes a verdict; ok is false where it is known.
func (s *stream) add(at time.Time, v *controlpb.Verdict) (one arrival, ok bool) {
	released := at
	if control.RunOf(v) == "" {
		if s.other[v.GetSample()] {
			return arrival{}, false
		}
		if s.other == nil || len(s.other) >= beatsKept {
			s.other = map[string]bool{}
		}
		s.other[v.GetSample()] = true
		one = arrival{moment: at.Add(-time.Duration(v.GetLatencyNs())), released: released}
		s.came(at)
		return one, true
	}
	beat := v.GetBeat()
	if s.beats == nil {
		s.beats, s.least, s.most = map[uint64]bool{}, beat, beat
	}
	if s.beats[beat] || beat < s.least && s.least-beat > beatsKept {
		return arrival{}, false
	}
	s.beats[beat] = true
	s.most = max(s.most, beat)
	s.trim()
	s.came(at)
	return s.place(at, beat, time.Duration(v.GetSinceBeatNs())), true
}

// logged notes a verdict that was read later than it came; ok is false where it is known, or
// its moment cannot be told.
func (s *stream) logged(v *controlpb.Verdict) (one arrival, ok bool) {
	beat := v.GetBeat()
	if s.beats == nil || s.beats[beat] || s.origin.IsZero() || beat < s.least || beat > s.most {
		return arrival{}, false
	}
	s.beats[beat] = true
	moment := s.origin.Add(time.Duration(beat) * s.period)
	return arrival{beat: beat, numbered: true, moment: moment, released: moment.Add(time.Duration(v.GetSinceBeatNs()))}, true
}

// place finds the moment of a beat. What a verdict takes to get here makes its moment seem
// later, never earlier: the earliest of all places the run.
func (s *stream) place(at time.Time, beat uint64, since time.Duration) arrival {
	moment := at.Add(-since)
	if s.period > 0 && beat < math.MaxInt64/uint64(s.period) {
		fall := time.Duration(beat) * s.period
		if origin := moment.Add(-fall); s.origin.IsZero() || origin.Before(s.origin) {
			s.origin = origin
		}
		moment = s.origin.Add(fall)
	}
	return arrival{beat: beat, numbered: true, moment: moment, released: moment.Add(since)}
}

// came notes the time of a verdict.
func (s *stream) came(at time.Time) {
	s.count++
	if len(s.times) < timesKept {
		s.times = append(s.times, at)
	} else {
		s.times[s.next] = at
		s.next = (s.next + 1) % timesKept
	}
	if s.last.Before(at) {
		s.last = at
	}
}

// usual is the time from one verdict to the next: the period or, where that is not known, the
// mean of late, because several may come at once; zero: not known.
func (s *stream) usual() time.Duration {
	if s.period > 0 {
		return s.period
	}
	if len(s.times) < leastTimes {
		return 0
	}
	first := slices.MinFunc(s.times, time.Time.Compare)
	return s.last.Sub(first) / time.Duration(len(s.times)-1)
}

// trim forgets the oldest beats, some at a time.
func (s *stream) trim() {
	const slack = beatsKept / 4
	if s.most-min(s.most, s.least) <= beatsKept+slack {
		return
	}
	s.least = s.most - beatsKept
	maps.DeleteFunc(s.beats, func(beat uint64, _ bool) bool { return beat < s.least })
}

// low is the first beat that has no verdict yet.
func (s *stream) low() (beat uint64, known bool) {
	if s.beats == nil {
		return 0, false
	}
	for beat = s.least; s.beats[beat]; beat++ {
	}
	return beat, true
}

// missing is how many beats from one up to before another have no verdict.
func (s *stream) missing(from, to uint64) (n int) {
	for beat := max(from, s.least); beat < to; beat++ {
		if !s.beats[beat] {
			n++
		}
	}
	return n
}

// flight is the samples that were in flight at one injection.
type flight struct {
	low     uint64 // no verdict of a beat below was missing
	known   bool   // low is
	after   uint64 // the first beat behind the injection that is known of
	landed  bool   // after is
	ended   bool   // the run is another: missed is final
	missed  int    // beats without a verdict, of a run that ended
	samples int    // that have a verdict by now
	by      map[string]int
	early   int
	none    int
	refused int
}

// take counts a verdict whose sample was in flight.
func (f *flight) take(struck time.Time, one *arrival, v *controlpb.Verdict) {
	if one.numbered && one.moment.After(struck) {
		if !f.landed || one.beat < f.after {
			f.after, f.landed = one.beat, true
		}
		return
	}
	if one.moment.After(struck) || !one.released.After(struck) {
		return
	}
	f.samples++
	switch {
	case v.GetExit() == "refused":
		f.refused++
	case v.GetExit() == "none":
		f.none++
	default:
		f.by[v.GetHolder()]++
		if v.GetStoppedEarly() {
			f.early++
		}
	}
}

// InFlight is what became of the samples whose moment had come at a fault and whose verdicts
// were not out.
type InFlight struct {
	Samples      int            `json:"samples"`
	By           map[string]int `json:"decided_by"`    // how many each coordinator answered
	StoppedEarly int            `json:"stopped_early"` // of those, without the tier above
	NoView       int            `json:"no_view"`       // nobody saw anything
	Refused      int            `json:"refused"`
	Waiting      int            `json:"waiting"` // they have no verdict
}

// end notes that the run is over: nothing more comes of it.
func (f *flight) end(s *stream) {
	if !f.ended {
		f.missed, f.ended = f.outcome(s).Waiting, true
	}
}

// outcome is what became of them by now.
func (f *flight) outcome(s *stream) InFlight {
	out := InFlight{By: map[string]int{}, StoppedEarly: f.early, NoView: f.none, Refused: f.refused}
	maps.Copy(out.By, f.by)
	switch {
	case f.ended:
		out.Waiting = f.missed
	case f.known && f.landed:
		out.Waiting = s.missing(f.low, f.after)
	}
	out.Samples = f.samples + out.Waiting
	return out
}
