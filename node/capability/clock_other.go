//go:build !linux

package capability

import "time"

// threadTime is the time on the wall: the thread's own cannot be read here. The best of
// many short measurements is then one during which nothing else ran.
func threadTime() time.Duration { return wallTime() }
