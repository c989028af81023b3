package capability

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is the processor time that this thread has used. The thread must be
// locked. getrusage would not do: its times of the running thread move on at the
// kernel's ticks alone, which are longer than a measurement.
func threadTime() time.Duration {
	var used unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used); err != nil {
		return wallTime()
	}
	return time.Duration(used.Nano())
}
