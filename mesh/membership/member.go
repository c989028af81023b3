package membership

import "time"

// State says whether a member lives, as this node sees it.
type State int

const (
	// StateAlive says that the member is there.
	StateAlive State = iota
	// StateSuspect says that either gossip or our own connection has lost it, not both.
	StateSuspect
	// StateDown says that it is dead, or not to be reached by anybody.
	StateDown
	// StateLeft says that it left of its own accord.
	StateLeft
)

// String returns the state in a word.
func (s State) String() string {
	switch s {
	case StateAlive:
		return "alive"
	case StateSuspect:
		return "suspect"
	case StateDown:
		return "down"
	case StateLeft:
		return "left"
	}
	return "unknown"
}

// Member is what this node knows of a member. It must not be changed.
type Member struct {
	ID    MemberID
	Self  bool
	State State
	Since time.Time // of the last change of State
	// Connected tells whether this node has a connection to it; of itself, it has not.
	Connected bool
	// Instance differs between two lives of a member's process.
	Instance uint64
	// Counter is that of the latest record that is known to exist.
	Counter uint64
	// Claim is the highest claim counter that the member knows of.
	Claim uint64
	// Record is the latest that has arrived; nil: none yet. It may have a lower counter
	// than Counter.
	Record *Record
}
