package membership

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"ganglion/proto/wirepb"
)

// roster is this node's own table of the others: memberlist's tells neither who is
// suspect nor who left, and must not be read while it changes. It is fed by
// memberlist's callbacks, by connections and by records, and calls nobody but changed,
// under no lock of its own. Times are arguments. It is safe for concurrent use.
type roster struct {
	debounce, forget time.Duration
	connected        func(MemberID) bool
	changed          func()

	mu      sync.Mutex // guards what follows
	entries map[MemberID]*entry
	denied  map[MemberID]bool
}

// entry is one peer: a member, a former one, or one that is to be joined.
type entry struct {
	id     MemberID
	raw    []byte // the meta's bytes; nil: none yet
	meta   meta
	former uint64 // the instance before the meta's; 0: none known

	present   bool      // memberlist has it as alive or suspect
	shown     bool      // it was a member, not too long ago
	out       time.Time // when it was last reported dead
	connected bool
	broken    bool // it was connected, and is not

	state State
	since time.Time

	record     *signedRecord // nil: none yet
	introduced bool          // it has heard from this node itself
	failures   int           // of introducing this node, or fetching the record that the meta names
	retry      time.Time     // when to try again; zero: at once
	underway   bool          // somebody tries
	joining    bool          // somebody joins it
	joinTries  int           // that did not make it a member
	joinTried  time.Time     // when the last of them ended
	joinAt     time.Time     // when to try again; zero: at once
}

func newRoster(debounce, forget time.Duration, connected func(MemberID) bool, changed func()) *roster {
	return &roster{
		debounce: debounce, forget: forget, connected: connected, changed: changed,
		entries: make(map[MemberID]*entry), denied: make(map[MemberID]bool),
	}
}

// entry returns the peer's, which is made where there is room.
func (r *roster) entry(id MemberID, now time.Time) (*entry, error) {
	if e, ok := r.entries[id]; ok {
		return e, nil
	}
	if r.denied[id] {
		return nil, fmt.Errorf("note peer %s: %w", id, ErrDenied)
	}
	if len(r.entries) >= MembersMax && !r.makeRoom() {
		return nil, fmt.Errorf("note peer %s: %d members are as many as there can be: %w", id, MembersMax, ErrFull)
	}
	e := &entry{id: id, connected: r.connected(id), state: StateDown, since: now}
	r.entries[id] = e
	return e, nil
}

// makeRoom forgets the peer that has not been a member for longest.
func (r *roster) makeRoom() bool {
	var oldest *entry
	for _, e := range r.entries {
		if !e.present && (oldest == nil || e.since.Before(oldest.since)) {
			oldest = e
		}
	}
	if oldest == nil {
		return false
	}
	delete(r.entries, oldest.id)
	return true
}

// know notes a peer that is to be joined, and tells whether it is a member already.
func (r *roster) know(id MemberID, now time.Time) (member bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.entry(id, now)
	if err != nil {
		return false, err
	}
	e.hasten()
	return e.present, nil
}

// hasten has a peer be joined soon, since there is a new reason to hope.
func (e *entry) hasten() {
	if soon := e.joinTried.Add(joinPause); e.joinTries > 0 && soon.Before(e.joinAt) {
		e.joinAt = soon
	}
}

// heard judges a meta that somebody says is the member's, and keeps it if it is the
// latest. The errors are [ErrDenied], [ErrFull], [ErrStale], a *[CloneError] and those
// of decodeMeta.
func (r *roster) heard(id MemberID, raw []byte, now time.Time) error {
	r.mu.Lock()
	e := r.entries[id]
	same := e != nil && e.raw != nil && bytes.Equal(e.raw, raw)
	denied := r.denied[id]
	r.mu.Unlock()
	switch {
	case denied:
		return fmt.Errorf("meta of %s: %w", id, ErrDenied)
	case same:
		return nil
	}
	m, err := decodeMeta(id, raw) // takes a while: under no lock
	if err != nil {
		return err
	}
	r.mu.Lock()
	changed, err := r.keep(id, raw, m, now)
	r.mu.Unlock()
	if changed {
		r.changed()
	}
	return err
}

func (r *roster) keep(id MemberID, raw []byte, m meta, now time.Time) (changed bool, err error) {
	e, err := r.entry(id, now)
	if err != nil {
		return false, err
	}
	before := e.meta
	if e.raw != nil {
		if m.contradicts(before) {
			return false, clone(id, before, m)
		}
		if m.compare(before) < 0 {
			return false, fmt.Errorf("meta of %s with counter %d: %w", id, m.counter, ErrStale)
		}
	}
	e.raw, e.meta = bytes.Clone(raw), m
	if m.hash != before.hash {
		e.failures, e.retry = 0, time.Time{}
	}
	if m.instance != before.instance {
		e.introduced = false
		// A life that ended does not come back.
		if e.former != 0 && m.instance == e.former {
			err = clone(id, before, m)
		}
		e.former = before.instance
	}
	r.refresh(e, now)
	return e.shown, err
}

func clone(id MemberID, one, other meta) *CloneError {
	return &CloneError{
		Member: id, Address: one.address, OtherAddress: other.address,
		Instance: one.instance, OtherInstance: other.instance,
	}
}

// joined notes that memberlist has the member as alive.
func (r *roster) joined(id MemberID, now time.Time) {
	r.update(id, now, func(e *entry) {
		e.present, e.shown = true, true
		e.introduced, e.failures, e.retry = false, 0, time.Time{}
		e.connected = r.connected(id)
		e.broken = false
	})
}

// died notes that memberlist has the member as dead, or left: it does not say which.
func (r *roster) died(id MemberID, now time.Time) {
	r.update(id, now, func(e *entry) {
		e.present, e.out = false, now
		switch e.joinTries = 0; {
		case e.meta.leaving:
			e.joinAt = now.Add(leftPause)
		case e.connected:
			e.joinAt = time.Time{} // it may live: then it hears from us what is said of it
		default:
			e.joinAt = now.Add(joinPause)
		}
	})
}

// connection notes that the first connection to a peer came up, or the last one ended.
func (r *roster) connection(id MemberID, up bool, now time.Time) {
	r.update(id, now, func(e *entry) {
		e.broken = e.connected && !up || e.broken && !up
		e.connected = up
		if up {
			e.hasten()
		}
	})
}

// update changes an entry, if there is one, and tells what that makes of the member.
func (r *roster) update(id MemberID, now time.Time, change func(*entry)) {
	r.mu.Lock()
	e, ok := r.entries[id]
	changed := false
	if ok {
		shown, connected := e.shown, e.connected
		change(e)
		changed = r.refresh(e, now) || shown != e.shown || connected != e.connected
	}
	r.mu.Unlock()
	if changed {
		r.changed()
	}
}

// refresh judges the entry, and tells whether its state changed.
func (r *roster) refresh(e *entry, now time.Time) bool {
	state := judge(e, now, r.debounce)
	if state == e.state {
		return false
	}
	e.state, e.since = state, now
	return true
}

// judge decides what state a member is in.
func judge(e *entry, now time.Time, debounce time.Duration) State {
	switch {
	case e.meta.leaving:
		return StateLeft
	case e.present && e.broken:
		return StateSuspect
	case e.present:
		return StateAlive
	case e.connected && !e.out.IsZero() && now.Sub(e.out) < debounce:
		return StateSuspect
	}
	return StateDown
}

// tick lets time pass, and returns when it must be called again at the latest; zero:
// not before something else changes.
func (r *roster) tick(now time.Time) (next time.Time) {
	r.mu.Lock()
	changed := false
	for _, e := range r.entries {
		if r.refresh(e, now) {
			changed = true
		}
		due := time.Time{}
		switch {
		case e.state == StateSuspect && !e.present:
			due = e.out.Add(r.debounce)
		case e.shown && !e.present:
			if due = e.since.Add(r.forget); !now.Before(due) {
				e.shown, changed, due = false, true, time.Time{}
			}
		}
		next = earlier(next, due)
	}
	r.mu.Unlock()
	if changed {
		r.changed()
	}
	return next
}

// earlier returns the earlier of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// members returns what is known of the others, in no order.
func (r *roster) members() []Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	members := make([]Member, 0, len(r.entries)+1)
	for _, e := range r.entries {
		if !e.shown {
			continue
		}
		m := Member{
			ID: e.id, State: e.state, Since: e.since, Connected: e.connected,
			Instance: e.meta.instance, Counter: e.meta.counter, Claim: e.meta.claim,
		}
		if e.record != nil {
			m.Record = &e.record.Record
		}
		members = append(members, m)
	}
	return members
}

// claim returns the highest claim counter that any member has told of.
func (r *roster) claim() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	highest := uint64(0)
	for _, e := range r.entries {
		highest = max(highest, e.meta.claim)
	}
	return highest
}

// deny replaces the denied peers, forgets those on the list, and has those joined that
// were on it.
func (r *roster) deny(ids []MemberID, now time.Time) {
	r.mu.Lock()
	before := r.denied
	r.denied = make(map[MemberID]bool, len(ids))
	for _, id := range ids {
		r.denied[id] = true
		delete(r.entries, id)
	}
	for id := range before {
		if !r.denied[id] {
			_, _ = r.entry(id, now) // where there is no room it joins us
		}
	}
	r.mu.Unlock()
	r.changed()
}

const (
	joinPause = 500 * time.Millisecond // between two attempts to join one peer, at first
	leftPause = 5 * time.Second        // for which a member that left is let go
)

// absent returns the peers that are to be joined now: all that are known and are not
// members, each at its time. Next is when there will be more; zero: not before
// something changes. Each is being joined until tried is called for it.
func (r *roster) absent(now time.Time, n int) (absent []MemberID, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		switch {
		case e.present || e.joining:
		case now.Before(e.joinAt):
			next = earlier(next, e.joinAt)
		case len(absent) < n: // the first that is tried makes this be called again
			e.joining = true
			absent = append(absent, e.id)
		}
	}
	return absent, next
}

// tried ends what absent began. The pause until the next attempt doubles, up to a
// longest.
func (r *roster) tried(id MemberID, now time.Time, longest time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[id]
	if !ok {
		return
	}
	e.joining, e.joinTried = false, now
	e.joinAt = now.Add(min(joinPause<<min(e.joinTries, 10), longest))
	e.joinTries++
}

// alive returns the members that are there.
func (r *roster) alive() []MemberID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []MemberID
	for _, e := range r.entries {
		if e.present && e.state == StateAlive {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// signedRecords returns the records that are here, while they fit: those of members
// that are there first. Those of others tell a node that lost its counter what it was.
func (r *roster) signedRecords(roomBytes int) []*wirepb.SignedRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	held := make([]*entry, 0, len(r.entries))
	for _, e := range r.entries {
		if e.record != nil {
			held = append(held, e)
		}
	}
	slices.SortFunc(held, func(a, b *entry) int { return rank(b.present) - rank(a.present) })
	var records []*wirepb.SignedRecord
	for _, e := range held {
		if roomBytes -= e.record.sizeBytes(); roomBytes < 0 {
			break
		}
		records = append(records, &wirepb.SignedRecord{Member: string(e.id), Record: e.record.signed})
	}
	return records
}

// signedRecord returns what others may be told of the member, or nil.
func (r *roster) signedRecord(id MemberID) *wirepb.SignedRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[id]
	if !ok || e.record == nil {
		return nil
	}
	return &wirepb.SignedRecord{Member: string(id), Record: e.record.signed}
}

// addresses returns where the peer said that it is reached.
func (r *roster) addresses(id MemberID) []netip.AddrPort {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.entries[id]; ok && e.record != nil {
		return e.record.Addresses
	}
	return nil
}
