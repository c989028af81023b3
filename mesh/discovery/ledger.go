package discovery

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Status is what a doctor wants to know. Counters run from the start.
type Status struct {
	Lanes      []LaneStatus
	Used       []Interface // now; not to be changed
	Skipped    []Skipped
	Fault      string // of listing the interfaces; empty: none
	MDNS       MDNSStatus
	Joins      []JoinStatus // in the order of Config.Join
	Remembered RememberedStatus
	Members    int        // heard by beacon or mDNS, of this mesh
	Heard      []Sighting // of them, of late
	Foreign    []Foreign  // heard of late
}

// LaneStatus is the beacon on one network of one interface.
type LaneStatus struct {
	Interface  string
	Address    netip.Prefix // this machine's
	Broadcast  netip.Addr
	Open       bool      // it is in use now
	Since      time.Time // it is; zero: it is not
	Sent       uint64
	SentBytes  uint64
	SendFailed uint64
	// ReceivedBytes counts all datagrams, own broadcasts and refused ones included.
	ReceivedBytes uint64
	Heard         uint64 // taken: members', foreign and seekers' datagrams
	Own           uint64 // own datagrams that came back: what is sent here is heard here
	Refused       map[Refusal]uint64
	SendFault     string // why nothing can be sent; empty: it can
	HearFault     string // why nothing can be heard; empty: it can
}

// MDNSStatus is multicast DNS.
type MDNSStatus struct {
	Interfaces []string  // where it runs now
	Starts     uint64    // address changes restart it
	Since      time.Time // of the last start; zero: it does not run
	Heard      uint64
	Own        uint64 // own record, as it came back
	Refused    map[Refusal]uint64
	Fault      string // why it does not run now; empty if it does
}

// JoinStatus is an address that was given to join.
type JoinStatus struct {
	Target   string
	Attempts uint64
	Peer     string // who answered there last
	Fault    string // of the last attempt
	Cause    error  // the same as an error; nil: none
}

// RememberedStatus is the file of last known peers.
type RememberedStatus struct {
	Read  int    // peers that were in it at the start
	Kept  int    // peers that are in it now
	Fault string // of the last reading or writing
}

// maxLanes bounds the lanes that are counted; the closed ones go first.
const maxLanes = 64

// ledger counts.
type ledger struct {
	mu     sync.Mutex
	lanes  map[lane]*LaneStatus
	status Status // without Lanes
}

func newLedger() *ledger {
	l := &ledger{lanes: map[lane]*LaneStatus{}}
	l.status.MDNS.Refused = map[Refusal]uint64{}
	return l
}

// snapshot returns a copy that belongs to the caller.
func (l *ledger) snapshot() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.status
	s.Skipped = slices.Clone(s.Skipped)
	s.Joins = slices.Clone(s.Joins)
	s.Foreign, s.Heard = slices.Clone(s.Foreign), slices.Clone(s.Heard)
	s.MDNS.Interfaces = slices.Clone(s.MDNS.Interfaces)
	s.MDNS.Refused = maps.Clone(s.MDNS.Refused)
	for _, one := range l.lanes {
		copied := *one
		copied.Refused = maps.Clone(one.Refused)
		s.Lanes = append(s.Lanes, copied)
	}
	slices.SortFunc(s.Lanes, func(a, b LaneStatus) int {
		return cmp.Or(cmp.Compare(a.Interface, b.Interface), a.Broadcast.Compare(b.Broadcast),
			a.Address.Addr().Compare(b.Address.Addr()), cmp.Compare(a.Address.Bits(), b.Address.Bits()))
	})
	return s
}

// change changes the status under the lock.
func (l *ledger) change(f func(*Status)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.status)
}

// onLane changes a lane's status under the lock.
func (l *ledger) onLane(at lane, f func(*LaneStatus)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.lanes[at]
	if one == nil {
		if len(l.lanes) >= maxLanes {
			maps.DeleteFunc(l.lanes, func(_ lane, s *LaneStatus) bool { return !s.Open })
		}
		one = &LaneStatus{Interface: at.iface, Address: at.network, Broadcast: at.broadcast, Refused: map[Refusal]uint64{}}
		l.lanes[at] = one
	}
	f(one)
}

func (l *ledger) listing(err error) { l.change(func(s *Status) { s.Fault = err.Error() }) }

func (l *ledger) selected(used []Interface, skipped []Skipped) {
	l.change(func(s *Status) { s.Used, s.Skipped, s.Fault = used, skipped, "" })
}

func (l *ledger) opened(at lane) {
	l.onLane(at, func(s *LaneStatus) { s.Open, s.Since, s.HearFault = true, time.Now(), "" })
}

func (l *ledger) closed(at lane) {
	l.onLane(at, func(s *LaneStatus) { s.Open, s.Since = false, time.Time{} })
}

func (l *ledger) sent(at lane, bytes int) {
	l.onLane(at, func(s *LaneStatus) {
		s.Sent, s.SentBytes, s.SendFault = s.Sent+1, s.SentBytes+uint64(bytes), ""
	})
}

// received counts a datagram before it is judged.
func (l *ledger) received(at lane, bytes int) {
	l.onLane(at, func(s *LaneStatus) { s.ReceivedBytes += uint64(bytes) })
}

// cannotSend notes a failure. It tells whether the lane could send before.
func (l *ledger) cannotSend(at lane, err error) (fresh bool) {
	l.onLane(at, func(s *LaneStatus) {
		fresh = s.SendFault == ""
		s.SendFailed, s.SendFault = s.SendFailed+1, err.Error()
	})
	return fresh
}

// silent notes that there is nothing to send on a lane.
func (l *ledger) silent(at lane) {
	l.onLane(at, func(s *LaneStatus) { s.SendFault = "the host does not listen on this address: nothing to announce" })
}

// cannotHear notes a failure. It tells whether the lane could hear before.
func (l *ledger) cannotHear(at lane, err error) (fresh bool) {
	l.onLane(at, func(s *LaneStatus) { fresh, s.HearFault = s.HearFault == "", err.Error() })
	return fresh
}

// refused counts a refusal; the zero lane is mDNS.
func (l *ledger) refused(at lane, why Refusal) {
	if at == (lane{}) {
		l.change(func(s *Status) { s.MDNS.Refused[why]++ })
		return
	}
	l.onLane(at, func(s *LaneStatus) { s.Refused[why]++ })
}

// heard counts what was taken; the zero lane is mDNS.
func (l *ledger) heard(at lane) {
	if at == (lane{}) {
		l.change(func(s *Status) { s.MDNS.Heard++ })
		return
	}
	l.onLane(at, func(s *LaneStatus) { s.Heard++ })
}

// own counts an own message that came back; the zero lane is mDNS.
func (l *ledger) own(at lane) {
	if at == (lane{}) {
		l.change(func(s *Status) { s.MDNS.Own++ })
		return
	}
	l.onLane(at, func(s *LaneStatus) { s.Own++ })
}

// noMulticast notes why mDNS does not run.
func (l *ledger) noMulticast(why error) {
	l.change(func(s *Status) { s.MDNS.Interfaces, s.MDNS.Since, s.MDNS.Fault = nil, time.Time{}, why.Error() })
}
