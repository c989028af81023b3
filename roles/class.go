package roles

import "time"

// Class says how fast a node is, coarsely: one more is about four times faster, so that
// noise moves no role.
type Class uint8

// classStep is the factor between two classes.
const classStep = 4

// slowest is the time from which a node is of class 0.
const slowest = 4 * time.Second

// ClassOf is the class of a node whose best of many short runs of a fixed kernel took
// d of thread CPU time. It does not decrease as d falls; below a nanosecond it stays.
func ClassOf(d time.Duration) Class {
	var c Class
	for limit := slowest; d < limit && limit >= classStep; limit /= classStep {
		c++
	}
	return c
}
