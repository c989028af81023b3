package membership

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// faultKind says what was refused.
type faultKind int

const (
	faultPacket faultKind = iota
	faultStream
	faultMeta
	faultVersion
	faultRecord
	faultSetting
	faultState
	faultClone
	faultKinds
)

// String returns the kind in words.
func (k faultKind) String() string {
	return [faultKinds]string{"packet", "stream", "meta", "version", "record", "setting", "state", "clone"}[k]
}

const (
	faultsMax      = 256 // peers whose last fault is kept
	reportInterval = time.Minute
	// startWithin is for how long a peer may not know a protocol: one that has just
	// started listens before it serves, and one that ends serves no more.
	startWithin = 3 * time.Second
)

// Fault is the last thing that was refused of a peer.
type Fault struct {
	Peer  MemberID // empty: memberlist did not tell whose it was
	Kind  string   // packet, stream, meta, version, record, setting, state or clone
	Err   error
	Count uint64 // of all of this peer's
	At    time.Time
}

// Refused counts what was refused, by kind.
type Refused struct {
	Packets, Streams, Metas, Versions, Records, Settings, States, Clones uint64
}

// faults counts what is refused and logs it once a minute for each peer.
type faults struct {
	log *slog.Logger

	mu     sync.Mutex // guards what follows
	counts [faultKinds]uint64
	last   map[MemberID]*Fault
	logged map[MemberID]time.Time // never more than in last
	mute   map[MemberID]time.Time // since when a peer knows no protocol of ours; at most faultsMax
}

func newFaults(log *slog.Logger) *faults {
	return &faults{log: log, last: make(map[MemberID]*Fault), logged: make(map[MemberID]time.Time), mute: make(map[MemberID]time.Time)}
}

// answers notes that the peer knows a protocol of ours.
func (f *faults) answers(peer MemberID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.mute, peer)
}

// starts tells, under the lock, whether the peer knows no protocol of ours because it has
// just started or is about to end, as far as can be told. One that names its version does
// neither.
func (f *faults) starts(peer MemberID, err error, now time.Time) bool {
	if named := (*VersionError)(nil); !errors.Is(err, ErrOtherVersion) || errors.As(err, &named) {
		return false
	}
	since, known := f.mute[peer]
	if !known {
		if len(f.mute) >= faultsMax {
			clear(f.mute) // then they are known a little later
		}
		f.mute[peer], since = now, now
	}
	return now.Sub(since) < startWithin
}

// count notes a fault and never blocks for long: it is called under memberlist's lock.
func (f *faults) count(peer MemberID, kind faultKind, err error) {
	if errors.Is(err, ErrOtherVersion) {
		kind = faultVersion
	}
	now := time.Now()
	f.mu.Lock()
	if f.starts(peer, err, now) {
		f.mu.Unlock()
		return
	}
	f.counts[kind]++
	fault, ok := f.last[peer]
	if !ok {
		f.makeRoom()
		fault = &Fault{Peer: peer}
		f.last[peer] = fault
	}
	fault.Kind, fault.Err, fault.At = kind.String(), err, now
	fault.Count++
	n := fault.Count
	logged, before := f.logged[peer]
	due := !before || now.Sub(logged) >= reportInterval
	if due {
		f.logged[peer] = now
	}
	f.mu.Unlock()
	if due {
		f.log.Warn("refused", "peer", string(peer), "what", kind.String(), "error", err, "count", n)
	}
}

// makeRoom forgets the peer whose last fault is the longest ago.
func (f *faults) makeRoom() {
	if len(f.last) < faultsMax {
		return
	}
	var oldest *Fault
	for _, fault := range f.last {
		if oldest == nil || fault.At.Before(oldest.At) {
			oldest = fault
		}
	}
	delete(f.last, oldest.Peer)
	delete(f.logged, oldest.Peer)
}

func (f *faults) snapshot() (Refused, []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Fault, 0, len(f.last))
	for _, fault := range f.last {
		all = append(all, *fault)
	}
	slices.SortFunc(all, func(a, b Fault) int { return strings.Compare(string(a.Peer), string(b.Peer)) })
	c := f.counts
	return Refused{
		Packets: c[faultPacket], Streams: c[faultStream], Metas: c[faultMeta], Versions: c[faultVersion],
		Records: c[faultRecord], Settings: c[faultSetting], States: c[faultState], Clones: c[faultClone],
	}, all
}

func isMalformed(err error) bool { return errors.Is(err, ErrMalformed) }
