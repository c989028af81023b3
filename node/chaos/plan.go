package chaos

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The sizes of plans.
const (
	MostSteps = 256
	MostTimes = 1_000_000 // that a step may be repeated
)

// Step is a fault, whom it strikes, when and how often.
type Step struct {
	At     time.Duration // from the start of the plan
	Target Target
	Fault  Fault
	Every  time.Duration // from one injection to the next; 0: once
	Times  int           // 0: where there is Every, until it is ended
}

// Plan is steps, each by its own time.
type Plan struct {
	Steps []Step
}

// leastEvery is the shortest time from one injection to the next.
const leastEvery = 100 * time.Millisecond

// Validate returns every fault of the step, joined, or nil.
func (s *Step) Validate() error {
	faults := []error{s.Fault.Validate()}
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	const longest = 24 * time.Hour
	if s.At < 0 || s.At > longest {
		add("at %v: give 0 to %v", s.At, longest)
	}
	if s.Every != 0 && (s.Every < leastEvery || s.Every > longest) {
		add("every %v: give %v to %v", s.Every, leastEvery, longest)
	}
	switch {
	case s.Times < 0 || s.Times > MostTimes:
		add("%d times: give 1 to %d, or leave it out", s.Times, MostTimes)
	case s.Times > 1 && s.Every == 0:
		add("%d times: say how far apart, with every", s.Times)
	}
	return errors.Join(faults...)
}

// Validate returns every fault of the plan, joined, or nil.
func (p *Plan) Validate() error {
	if len(p.Steps) == 0 {
		return errors.New("the plan has no step")
	}
	if len(p.Steps) > MostSteps {
		return fmt.Errorf("the plan has %d steps: give at most %d", len(p.Steps), MostSteps)
	}
	var faults []error
	for i := range p.Steps {
		if err := p.Steps[i].Validate(); err != nil {
			faults = append(faults, fmt.Errorf("step %d: %w", i+1, err))
		}
	}
	return errors.Join(faults...)
}

// String is the step as a person would say it.
func (s *Step) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s", s.Fault.Do, s.Target)
	if of := strings.TrimPrefix(s.Fault.String(), string(s.Fault.Do)); of != "" {
		text.WriteString(of)
	}
	switch {
	case s.Every > 0 && s.Times > 0:
		fmt.Fprintf(&text, ", %d times, every %v", s.Times, s.Every)
	case s.Every > 0:
		fmt.Fprintf(&text, ", every %v until it is ended", s.Every)
	}
	return text.String()
}

// agenda is what is left of a plan: for each step, when it is due next.
type agenda struct {
	steps []Step
	due   []time.Duration
	done  []int
}

func newAgenda(p Plan) *agenda {
	a := &agenda{steps: p.Steps, done: make([]int, len(p.Steps))}
	for _, s := range p.Steps {
		a.due = append(a.due, s.At)
	}
	return a
}

// next is the step that is due first, and when; ok is false where none is left. Of steps that
// are due at once the earlier in the plan comes first.
func (a *agenda) next() (step int, due time.Duration, ok bool) {
	step = -1
	for i := range a.steps {
		if a.left(i) && (step < 0 || a.due[i] < a.due[step]) {
			step = i
		}
	}
	if step < 0 {
		return 0, 0, false
	}
	return step, a.due[step], true
}

// left reports whether a step is to be carried out again.
func (a *agenda) left(i int) bool {
	s := &a.steps[i]
	if s.Every == 0 {
		return a.done[i] == 0
	}
	return s.Times == 0 || a.done[i] < s.Times
}

// wait puts a step off that cannot be carried out yet.
func (a *agenda) wait(step int, until time.Duration) { a.due[step] = max(a.due[step], until) }

// did notes that a step was carried out, or tried. It is due again by its own pace; what was
// missed by now is left out.
func (a *agenda) did(step int, now time.Duration) {
	a.done[step]++
	if every := a.steps[step].Every; every > 0 {
		a.due[step] += every
		if late := now - a.due[step]; late > 0 {
			a.due[step] = now - late%every + every
		}
	}
}
