package roles

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sort"
	"time"

	"ganglion/inference"
)

// The limits of a run record.
const (
	MinPeriod     = 100 * time.Microsecond // between two beats
	MaxPeriod     = 24 * time.Hour
	MaxEntries    = 64          // of bundles and settings in one run record
	EntryLead     = time.Second // from the appending of an entry to its beat
	maxRunLasting = 1<<63 - 1   // nanoseconds that a time since t0 can tell
	maxSplitBytes = 64          // of the name of a split
)

// Entry is what holds from one beat of a run on.
type Entry struct {
	From     Beat
	Bundle   inference.BundleID
	Settings uint64 // version of the settings
}

// RunRecord describes a run: what every device and standby of its site knows. A copy may
// be read by anyone as long as nobody writes to its entries.
type RunRecord struct {
	Site    Site
	Run     RunID
	Starter Epoch             // the claim of the coordinator that started it
	Period  time.Duration     // from beat to beat
	Count   Beat              // beats; 0: endless
	Data    [sha256.Size]byte // of a replayed data set; zero for live cameras
	Split   string            // of the data set, that is replayed
	Entries []Entry           // ascending in From, the first at beat 0
}

// Validate reports a record that no coordinator makes.
func (r *RunRecord) Validate() error {
	if err := (SampleID{Site: r.Site, Run: r.Run}).Validate(); err != nil {
		return fmt.Errorf("run record: %w", err)
	}
	if err := r.Starter.Validate(); err != nil || r.Starter.IsZero() {
		return fmt.Errorf("run record %s: started by no claim", r.Run)
	}
	switch {
	case r.Period < MinPeriod || r.Period > MaxPeriod:
		return fmt.Errorf("run record %s: a period of %v is not within %v and %v", r.Run, r.Period, MinPeriod, MaxPeriod)
	case r.Count > MaxBeat:
		return fmt.Errorf("run record %s: %d beats", r.Run, r.Count)
	case len(r.Split) > maxSplitBytes:
		return fmt.Errorf("run record %s: a split's name of %d bytes", r.Run, len(r.Split))
	case len(r.Entries) == 0 || len(r.Entries) > MaxEntries || r.Entries[0].From != 0:
		return fmt.Errorf("run record %s: %d entries, the first must be of beat 0", r.Run, len(r.Entries))
	}
	for i, e := range r.Entries[1:] {
		if e.From <= r.Entries[i].From || e.From > MaxBeat {
			return fmt.Errorf("run record %s: entry %d is of beat %d, after beat %d", r.Run, i+1, e.From, r.Entries[i].From)
		}
	}
	return nil
}

// At is the entry that holds at a beat.
func (r *RunRecord) At(b Beat) Entry {
	i := sort.Search(len(r.Entries), func(i int) bool { return r.Entries[i].From > b })
	return r.Entries[max(i, 1)-1]
}

// Replayed reports whether the run replays a data set.
func (r *RunRecord) Replayed() bool { return r.Data != [sha256.Size]byte{} }

// Ended reports whether a beat is beyond the last of the run.
func (r *RunRecord) Ended(b Beat) bool { return r.Count > 0 && b >= r.Count }

// Offset is when a beat falls, from beat 0 on; the longest duration where that cannot be
// told.
func (r *RunRecord) Offset(b Beat) time.Duration {
	if b > Beat(maxRunLasting/r.Period) {
		return maxRunLasting
	}
	return time.Duration(b) * r.Period
}

// BeatAt is the last beat that has fallen at a time since t0.
func (r *RunRecord) BeatAt(since time.Duration) Beat { return Beat(max(0, since) / r.Period) }

// With appends an entry as of now, a time since t0, for the first beat that is at least
// EntryLead ahead and behind every other entry's. Entries that no longer hold for any
// beat from floor on are dropped; where there are still MaxEntries it returns false.
func (r *RunRecord) With(bundle inference.BundleID, settings uint64, now time.Duration, floor Beat) (RunRecord, bool) {
	out := *r
	out.Entries = slices.Clone(r.Entries)
	for len(out.Entries) == MaxEntries && out.Entries[1].From <= floor {
		out.Entries = slices.Delete(out.Entries, 1, 2)
		out.Entries[0] = r.At(floor)
		out.Entries[0].From = 0
	}
	if len(out.Entries) == MaxEntries {
		return *r, false
	}
	from := max(r.BeatAt(now+EntryLead)+1, out.Entries[len(out.Entries)-1].From+1)
	out.Entries = append(out.Entries, Entry{From: from, Bundle: bundle, Settings: settings})
	return out, true
}

// Ref is the element of a replayed list that belongs to a beat: a pure function, so that
// no device has a cursor to lose. The list must not be empty.
func Ref(list []int, b Beat) int { return list[b%Beat(len(list))] }
