package node

import (
	"context"
	"sync"
	"time"
)

// eventsKept is how many events a node remembers.
const eventsKept = 1024

// The kinds of events.
const (
	eventFound   = "found"
	eventJoined  = "joined"
	eventLeft    = "left"
	eventDown    = "down"
	eventNoticed = "noticed" // something is wrong with a member
	eventClaimed = "claimed" // this node claims a role
	eventChaos   = "chaos"   // a fault was injected here, or is over
	eventView    = "view"
	eventElected = "elected"
	eventBundle  = "bundle"
	eventRun     = "run"
	eventVerdict = "verdict"
	eventWarning = "warning"
)

// event is one thing that happened at this node, in a sentence for people.
type event struct {
	number     uint64 // from 1
	at         time.Time
	kind       string
	text       string
	attributes map[string]string
}

// events is the last of them. It is safe for concurrent use.
type events struct {
	mu     sync.Mutex // guards what follows
	kept   []event
	last   uint64
	change chan struct{}
}

func newEvents() *events { return &events{change: make(chan struct{})} }

// tell notes an event; attributes are pairs of a name and a value.
func (e *events) tell(kind, text string, attributes ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last++
	one := event{number: e.last, at: time.Now(), kind: kind, text: text, attributes: map[string]string{}}
	for i := 0; i+1 < len(attributes); i += 2 {
		one.attributes[attributes[i]] = attributes[i+1]
	}
	if len(e.kept) == eventsKept {
		e.kept = append(e.kept[:0:0], e.kept[1:]...)
	}
	e.kept = append(e.kept, one)
	close(e.change)
	e.change = make(chan struct{})
}

// end is the number of the last event; 0: there was none.
func (e *events) end() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

// after is the events behind a number; where there are none it waits if it is told to.
func (e *events) after(ctx context.Context, number uint64, wait bool) ([]event, error) {
	for {
		e.mu.Lock()
		var out []event
		for i := range e.kept {
			if e.kept[i].number > number {
				out = append(out, e.kept[i])
			}
		}
		change := e.change
		e.mu.Unlock()
		if len(out) > 0 || !wait {
			return out, nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
