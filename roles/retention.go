package roles

import (
	"slices"

	"ganglion/inference"
)

// The bounds of a device's memory of samples.
const (
	// RetentionBytes is the default for what retained samples may take.
	RetentionBytes = 16 << 20
	// MaxSeals is how many seals a device keeps that are not known to be published. A
	// coordinator has at most MaxOpen samples in work, so that one that keeps to it and
	// one that takes over from it are never refused.
	MaxSeals = 2 * MaxOpen
	// MaxOpen is how many samples of a site a coordinator has open or sealing at once.
	MaxOpen = 16_384
	// otherSeals is how many seals are kept of requests and of runs that are over, whose
	// publication no floor tells: the oldest make room.
	otherSeals = 4096
)

// retainedOverhead is what a retained sample takes beside its payload, in bytes.
const retainedOverhead = 256

// Observation is what one device has of one sample: its views alone.
type Observation struct {
	Sample   SampleID
	Bundle   inference.BundleID
	Settings uint64
	Captured Instant
	Ref      int          // element of the data set that a replay showed; negative: none
	Label    int          // class that the data set names, see Bundle; negative: none. It decides nothing
	Views    []ViewResult // ascending by view, each once
}

func (o *Observation) model() Model { return Model{o.Bundle, o.Settings} }

// ViewResult is what became of one view of a sample at its device.
type ViewResult struct {
	View     int
	Seen     bool      // something is in view, and Features are there; else nothing is in view, or Reason says why it is missing
	Reason   Reason    // not NotMissing: the view is missing, its device says so itself
	Scores   []float32 // [class]; nil where the topology has no local exit
	Features []byte    // packed, or raw pixels in deployment (a)
}

// size is what an observation takes of a retention, in bytes.
func (o *Observation) size() int {
	n := retainedOverhead
	for i := range o.Views {
		n += retainedOverhead + 4*len(o.Views[i].Scores) + len(o.Views[i].Features)
	}
	return n
}

// StoredSeal is a device's note of a verdict.
type StoredSeal struct {
	Claim  Epoch // that sent it
	Sealed *Sealed
}

// Retention is what a device remembers of samples: observations until their seal is
// stored, seals until their sample is published. When it is full it refuses what is new
// and never drops what is old. It has one owner.
type Retention struct {
	limit    int // bytes
	used     int
	held     map[SampleID]*Observation
	order    []*Observation // as captured; some may be released
	seals    map[SampleID]StoredSeal
	promised Epoch               // the highest claim heard of the site's coordinator
	current  RunID               // the run that the heartbeat has
	done     Beat                // its floor
	others   []SampleID          // with seals, not of the current run, as stored
	logged   func(SampleID) bool // whether this node's verdict log has a sample; nil: as soon as it is published

	captured, released, refused, stored uint64
}

// NewRetention is an empty retention of at most limit bytes.
func NewRetention(limit int) *Retention {
	return &Retention{
		limit: limit, held: map[SampleID]*Observation{}, seals: map[SampleID]StoredSeal{},
	}
}

// Counts is what a device captured, released and refused since it started, and what it
// retains.
type Counts struct {
	Captured, Released, Refused uint64
	Stored                      uint64 // seals, each sample's once
	Retained                    int
	RetainedBytes               int
	Seals                       int // that are stored, of samples that are not known to be published
}

// Counts returns the counters.
func (r *Retention) Counts() Counts {
	return Counts{
		Captured: r.captured, Released: r.released, Refused: r.refused, Stored: r.stored,
		Retained: len(r.held), RetainedBytes: r.used, Seals: len(r.seals),
	}
}

// Capture retains an observation; false where there is no room, and then the sample is
// refused. A sample that is held already is not captured twice, and one that is sealed is
// not kept.
func (r *Retention) Capture(o *Observation) bool {
	if r.held[o.Sample] != nil {
		return true
	}
	if size := o.size(); r.used+size > r.limit {
		r.refused++
		return false
	}
	r.captured++
	if _, sealed := r.seals[o.Sample]; sealed {
		r.released++
		return true
	}
	r.used += o.size()
	r.held[o.Sample] = o
	r.order = append(r.order, o)
	return true
}

// Observation is what is retained of a sample; nil where nothing is.
func (r *Retention) Observation(id SampleID) *Observation { return r.held[id] }

// Promise notes a claim of the site's coordinator. It returns false where a higher one has
// been heard: the sender is answered with Stale and Promised.
func (r *Retention) Promise(e Epoch) bool {
	if e.Below(r.promised) {
		return false
	}
	r.promised = e
	return true
}

// unpromise forgets a claim of this very node that nobody else has followed.
func (r *Retention) unpromise(e Epoch) {
	if r.promised == e {
		r.promised = Epoch{}
	}
}

// Promised is the highest claim heard.
func (r *Retention) Promised() Epoch { return r.promised }

// Store notes a seal that the claim sent: in place of any older one of the sample, and the
// observation is released. It returns false, and stores nothing, where the claim is lower
// than the highest heard or where MaxSeals are stored; only the first calls for Stale.
func (r *Retention) Store(claim Epoch, s *Sealed) bool {
	if !r.Promise(claim) {
		return false
	}
	if r.published(s.Sample) {
		r.release(s.Sample)
		return true
	}
	if _, ok := r.seals[s.Sample]; !ok {
		if len(r.seals) >= MaxSeals {
			return false
		}
		if s.Sample.Run != r.current {
			r.setAside(s.Sample)
		}
		r.stored++
	}
	r.seals[s.Sample] = StoredSeal{claim, s}
	r.release(s.Sample)
	return true
}

// setAside bounds the seals of samples that no floor passes.
func (r *Retention) setAside(id SampleID) {
	if len(r.others) == otherSeals {
		delete(r.seals, r.others[0])
		r.others = r.others[1:]
	}
	r.others = append(r.others, id)
}

// Seal is the stored seal of a sample; false where there is none.
func (r *Retention) Seal(id SampleID) (StoredSeal, bool) {
	s, ok := r.seals[id]
	return s, ok
}

// Final notes that every beat of a run below floor is published, and so are the samples:
// their seals are no longer needed. What is retained without a seal stays: the floor may
// have passed a beat that only this device has seen, and the verdict is had by asking.
func (r *Retention) Final(run RunID, floor Beat, samples []SampleID) {
	for _, id := range samples {
		if r.inLog(id) {
			delete(r.seals, id)
		}
	}
	if run == 0 {
		return
	}
	if run != r.current {
		r.others = slices.DeleteFunc(r.others, func(id SampleID) bool { return id.Run == run })
		over := r.current
		r.current, r.done = run, 0
		for _, s := range r.Seals() {
			if s.Sealed.Sample.Run == over && over != 0 {
				r.setAside(s.Sealed.Sample)
			}
		}
	}
	r.done = max(r.done, floor)
	for id := range r.seals { // all that are below: the order does not matter
		if r.published(id) {
			delete(r.seals, id)
		}
	}
}

// published reports whether a sample is below the floor of the current run, and its verdict
// in the log here: who published it may be dead, and its seals all that is left of it.
func (r *Retention) published(id SampleID) bool {
	return id.Run == r.current && id.Beat < r.done && r.inLog(id)
}

func (r *Retention) inLog(id SampleID) bool { return r.logged == nil || r.logged(id) }

func (r *Retention) release(id SampleID) {
	o := r.held[id]
	if o == nil {
		return
	}
	r.used -= o.size()
	r.released++
	delete(r.held, id)
	if len(r.order) > 2*len(r.held)+64 {
		r.order = slices.DeleteFunc(r.order, func(o *Observation) bool { return r.held[o.Sample] != o })
	}
}

// Unsealed is what is retained without a seal and was captured by before, oldest first,
// most of them at most.
func (r *Retention) Unsealed(before Instant, most int) []*Observation {
	var out []*Observation
	for _, o := range r.order {
		if r.held[o.Sample] == o && o.Captured <= before && len(out) < most {
			out = append(out, o)
		}
	}
	return out
}

// Seals is the stored seals that are not known to be published, by sample.
func (r *Retention) Seals() []StoredSeal {
	out := make([]StoredSeal, 0, len(r.seals))
	for _, s := range r.seals {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b StoredSeal) int { return a.Sealed.Sample.Compare(b.Sealed.Sample) })
	return out
}
