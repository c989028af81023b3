package membership

import (
	"fmt"
	"time"

	"ganglion/proto/wirepb"
)

const (
	fetchPause        = 200 * time.Millisecond // after a record could not be fetched
	fetchPauseLongest = 5 * time.Second
)

// want is an exchange that is due: to fetch a record, to introduce this node to a
// member, or both.
type want struct {
	member MemberID // whose record is wanted
	from   MemberID // whom to ask
}

// wanted returns exchanges that are due, at most n, and when there may be more; zero:
// not before something changes. Each is under way until fetched is called for it.
func (r *roster) wanted(now time.Time, n int, pick func(n int) int) (wants []want, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		if e.underway || !e.lacking() && (!e.present || e.introduced) {
			continue
		}
		if now.Before(e.retry) {
			next = earlier(next, e.retry)
			continue
		}
		if len(wants) == n {
			break // the first that is fetched makes this be called again
		}
		e.underway = true
		wants = append(wants, want{e.id, r.source(e, pick)})
	}
	return wants, next
}

// lacking tells whether the record that the meta names is not in hand.
func (e *entry) lacking() bool {
	return e.present && e.raw != nil && (e.record == nil || e.record.hash != e.meta.hash && e.record.Counter <= e.meta.counter)
}

// source picks whom to ask for a record: the member itself, and every other time
// somebody else.
func (r *roster) source(e *entry, pick func(n int) int) MemberID {
	if e.failures%2 == 0 || !e.lacking() {
		return e.id
	}
	others := []MemberID{e.id}
	for _, o := range r.entries {
		if o.present && o != e {
			others = append(others, o.id)
		}
	}
	return others[pick(len(others))]
}

// fetched ends what wanted began.
func (r *roster) fetched(w want, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[w.member]
	if !ok {
		return
	}
	e.underway = false
	e.introduced = e.introduced || err == nil && w.from == w.member
	if err == nil {
		e.failures, e.retry = 0, time.Time{}
		return
	}
	pause := fetchPause << min(e.failures, 8)
	e.failures++
	e.retry = now.Add(min(pause, fetchPauseLongest))
}

// received judges a record that somebody says is the member's, and keeps it if it is
// the latest. Of a peer without a meta none is kept. The errors are [ErrStale], a
// *[CloneError], [ErrMalformed] and [ErrSignature].
func (r *roster) received(id MemberID, signed *wirepb.Signed) (*signedRecord, error) {
	r.mu.Lock()
	e, ok := r.entries[id]
	known := ok && (e.raw == nil || e.record.same(signed))
	r.mu.Unlock()
	if !ok || known {
		return nil, nil
	}
	record, err := decodeRecord(id, signed) // takes a while: under no lock
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	err = r.store(id, record)
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	r.changed()
	return record, nil
}

func (r *roster) store(id MemberID, record *signedRecord) error {
	e, ok := r.entries[id]
	if !ok {
		return fmt.Errorf("record of %s: %w", id, ErrStale)
	}
	held := uint64(0)
	if e.record != nil {
		held = e.record.Counter
	}
	switch {
	case record.hash == e.meta.hash:
	case record.Counter == e.meta.counter:
		return clone(id, e.meta, meta{instance: record.Instance, address: firstAddress(record.Record)})
	case record.Counter <= held:
		return fmt.Errorf("record of %s with counter %d: %w", id, record.Counter, ErrStale)
	}
	e.record = record
	return nil
}

func firstAddress(r Record) string {
	if len(r.Addresses) == 0 {
		return ""
	}
	return r.Addresses[0].String()
}
