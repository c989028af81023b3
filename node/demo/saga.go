package demo

import "slices"

// sagaKept is how many states of a saga are remembered: nodes lag by a few at most.
const sagaKept = 64

// saga is the states that one thing went through, as they were told: who has a role, who
// feeds a view, whether a node is there. Every node tells of every state, each in its order
// and at its own time, so that what one says late is no news, though a thing may well come
// to a state again.
type saga struct {
	told  []string
	heard map[string]int // by node: the last of told that it has spoken of
}

// state is the last that was told; empty: none was.
func (s *saga) state() string {
	if len(s.told) == 0 {
		return ""
	}
	return s.told[len(s.told)-1]
}

// news takes a state as a node tells it, and reports whether it is to be told.
func (s *saga) news(by, state string) bool {
	last := len(s.told) - 1
	if s.state() == state {
		s.follow(by, last)
		return false
	}
	from := 0
	if at, ok := s.heard[by]; ok {
		from = at + 1
	}
	if i := slices.Index(s.told[from:], state); i >= 0 {
		s.follow(by, from+i)
		return false
	}
	s.told = append(s.told, state)
	s.follow(by, last+1)
	s.trim()
	return true
}

// follow notes how far a node is.
func (s *saga) follow(by string, at int) {
	if s.heard == nil {
		s.heard = map[string]int{}
	}
	s.heard[by] = at
}

// trim forgets the oldest states.
func (s *saga) trim() {
	if len(s.told) <= sagaKept {
		return
	}
	s.told = slices.Clone(s.told[1:])
	for by := range s.heard {
		s.heard[by] = max(0, s.heard[by]-1)
	}
}

// sagas are sagas by what they are about.
type sagas map[string]*saga

// of is the saga about something.
func (all sagas) of(what string) *saga {
	s := all[what]
	if s == nil {
		s = &saga{}
		all[what] = s
	}
	return s
}
