package node

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ganglion/mesh"
)

var (
	// errEnded says that the node's engine takes no more calls.
	errEnded = errors.New("the node is stopping")
	// errMisplaced says that a message came in a frame of the other sort.
	errMisplaced = errors.New("message in a frame of the wrong kind")
)

// counters is what the engine counts, for metrics and the status.
type counters struct {
	unsent  atomic.Uint64 // frames that could not be queued
	full    atomic.Uint64 // of these, those whose peer takes them too slowly
	refused atomic.Uint64 // payloads that were malformed

	log *slog.Logger
	mu  sync.Mutex // guards what follows
	by  map[mesh.MemberID]*refusals
}

// refusals is what one peer sent that was not taken.
type refusals struct {
	count    uint64
	reported time.Time
}

const (
	refusalReport = time.Minute // between two lines about one peer
	refusalPeers  = 1024        // that are told apart
)

// refuse counts a payload that is not taken, and logs it once a minute for each peer.
func (c *counters) refuse(from mesh.MemberID, err error) {
	c.refused.Add(1)
	c.mu.Lock()
	r := c.by[from]
	if r == nil {
		if len(c.by) >= refusalPeers {
			c.by = nil
		}
		if c.by == nil {
			c.by = map[mesh.MemberID]*refusals{}
		}
		r = &refusals{}
		c.by[from] = r
	}
	r.count++
	count, tell := r.count, time.Since(r.reported) >= refusalReport
	if tell {
		r.reported = time.Now()
	}
	c.mu.Unlock()
	if tell {
		c.log.Warn("refused what a peer sent", "peer", string(from), "refused", count, "error", err)
	}
}
