package chaos

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Impairment is what of the faults in force concerns the network; see package link, which
// has it too.
type Impairment struct {
	Cut   bool
	Delay time.Duration
	Loss  float64
}

// mostWaiting is how many faults may wait for their beginning.
const mostWaiting = 16

// BodyConfig is what a [Body] needs of its node.
type BodyConfig struct {
	// Impair replaces what is done to the node's traffic.
	Impair func(Impairment) error
	// Waker is the command line of a process that runs [Wake], without its arguments.
	// Empty: the node cannot be paused.
	Waker []string
	// Tell, if not nil, is called with each beginning and end, in a sentence.
	Tell func(text string, f Fault, over bool)
	// Log is where it logs to.
	Log *slog.Logger
}

// Body carries faults out at its own node, and ends them in time. Make it with [NewBody];
// it does something while [Body.Run] runs. It is safe for concurrent use.
type Body struct {
	config BodyConfig
	wake   chan struct{}

	mu      sync.Mutex // guards what follows
	waiting []appointment
	inForce map[Do]appointment // cut, slow and lose
}

// appointment is a fault and when it is due: its beginning or, in force, its end.
type appointment struct {
	fault Fault
	due   time.Time
}

// NewBody is a body that no fault is in force at.
func NewBody(c BodyConfig) *Body {
	return &Body{config: c, wake: make(chan struct{}, 1), inForce: map[Do]appointment{}}
}

// Take takes a fault, which begins after the time that is returned: at once where it is
// heal. The error says why the node cannot do it.
func (b *Body) Take(f Fault) (begins time.Duration, err error) {
	if err := f.Validate(); err != nil {
		return 0, err
	}
	if f.Do == Pause {
		if err := pausable(b.config.Waker); err != nil {
			return 0, err
		}
	}
	if f.Do != Heal {
		begins = Lead
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if f.Do == Heal {
		b.waiting = nil // what has not begun does not
	}
	if len(b.waiting) >= mostWaiting {
		return 0, fmt.Errorf("%d faults wait for their beginning already: ask again", len(b.waiting))
	}
	b.waiting = append(b.waiting, appointment{f, time.Now().Add(begins)})
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return begins, nil
}

// InForce is the faults of the network that are in force, and for how long they go on.
func (b *Body) InForce() (faults []Fault, left []time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, do := range Deeds() {
		if a, ok := b.inForce[do]; ok {
			faults, left = append(faults, a.fault), append(left, time.Until(a.due))
		}
	}
	return faults, left
}

// Run carries out what was taken until ctx is done. What is in force then stays so: a cable
// that was pulled is not put back by the end of a node.
func (b *Body) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.wake:
		case <-timer.C:
		}
		now := time.Now()
		for _, f := range b.due(now) {
			b.carryOut(ctx, f)
		}
		b.endWhatIsOver(ctx, time.Now())
		timer.Reset(max(0, time.Until(b.next())))
	}
}

// due takes the faults that begin now, in the order in which they were taken.
func (b *Body) due(now time.Time) (faults []Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = slices.DeleteFunc(b.waiting, func(a appointment) bool {
		if now.Before(a.due) {
			return false
		}
		faults = append(faults, a.fault)
		return true
	})
	return faults
}

// next is when there is something to do next; within a day.
func (b *Body) next() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	const day = 24 * time.Hour
	at := time.Now().Add(day)
	for _, a := range b.waiting {
		at = earlier(at, a.due)
	}
	for _, a := range b.inForce {
		at = earlier(at, a.due)
	}
	return at
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// carryOut has a fault begin.
func (b *Body) carryOut(ctx context.Context, f Fault) {
	b.config.Log.WarnContext(ctx, "fault begins on purpose", "fault", f.String())
	b.tell(fmt.Sprintf("fault on purpose: %s", f), f, false)
	var err error
	switch f.Do {
	case Kill:
		err = kill()
	case Pause:
		if err = pause(ctx, b.config.Waker, f.For); err == nil {
			b.tell("pause is over", f, true)
		}
	case Heal:
		err = b.heal()
	default:
		b.mu.Lock()
		b.inForce[f.Do] = appointment{f, time.Now().Add(f.For)}
		b.mu.Unlock()
		err = b.impair()
	}
	if err != nil {
		b.config.Log.ErrorContext(ctx, "fault failed", "fault", f.String(), "error", err)
	}
}

// heal ends all that is in force.
func (b *Body) heal() error {
	b.mu.Lock()
	clear(b.inForce)
	b.mu.Unlock()
	return b.impair()
}

// endWhatIsOver ends faults whose time is over.
func (b *Body) endWhatIsOver(ctx context.Context, now time.Time) {
	var over []Fault
	b.mu.Lock()
	for do, a := range b.inForce { // each is ended for itself: the order does not matter
		if !now.Before(a.due) {
			over = append(over, a.fault)
			delete(b.inForce, do)
		}
	}
	b.mu.Unlock()
	if len(over) == 0 {
		return
	}
	if err := b.impair(); err != nil {
		b.config.Log.ErrorContext(ctx, "fault not ended", "error", err)
	}
	for _, f := range over {
		b.config.Log.WarnContext(ctx, "fault is over", "fault", f.String())
		b.tell(fmt.Sprintf("%s is over", f.Do), f, true)
	}
}

// impair has the traffic be as the faults in force want it.
func (b *Body) impair() error {
	b.mu.Lock()
	i := Impairment{Delay: b.inForce[Slow].fault.Delay, Loss: b.inForce[Lose].fault.Loss}
	_, i.Cut = b.inForce[Cut]
	b.mu.Unlock()
	return b.config.Impair(i)
}

func (b *Body) tell(text string, f Fault, over bool) {
	if b.config.Tell != nil {
		b.config.Tell(text, f, over)
	}
}
