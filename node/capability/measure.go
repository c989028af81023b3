package capability

import (
	"fmt"
	"runtime"
	"time"

	"ganglion/inference"
	"ganglion/inference/builtin"
)

// How long is measured.
const (
	budget   = 30 * time.Millisecond  // of the thread's time
	patience = 250 * time.Millisecond // of wall time, on a machine that is busy
	runs     = 16                     // of the kernel in one measurement: long beside a clock's tick
	least    = 3                      // measurements, however slow the machine is
)

// Measure is the time that one run of the kernel takes here. It blocks for about 30 ms.
// An error says that the program was built from damaged files.
func Measure() (time.Duration, error) {
	b, err := builtin.Bundle()
	if err != nil {
		return 0, fmt.Errorf("measure the machine: %w", err)
	}
	return measure(kernel(b.Model()), threadTime, budget), nil
}

// kernel is one run of the device section on a picture without regularities.
func kernel(m *inference.Model) func() {
	pixels := make([]byte, m.Topology().Input.Size())
	state := uint32(1)
	for i := range pixels {
		state = state*1664525 + 1013904223 // a linear congruential generator; its high bits are good
		pixels[i] = byte(state >> 24)
	}
	out, scratch := m.NewOutput(), m.NewDeviceScratch()
	return func() { m.Device(0, pixels, out, scratch) }
}

// measure is the best time of one run. now is the thread's clock.
func measure(kernel func(), now func() time.Duration, budget time.Duration) time.Duration {
	runtime.LockOSThread() // its clock is read
	defer runtime.UnlockOSThread()
	began, first := time.Now(), now()
	var best time.Duration
	for n := 0; n < least || now()-first < budget && time.Since(began) < patience; n++ {
		from := now()
		for range runs {
			kernel()
		}
		if d := (now() - from) / runs; d > 0 && (best == 0 || d < best) {
			best = d
		}
	}
	if best == 0 { // a clock too coarse for all of it
		best = max(1, time.Since(began)/(least*runs))
	}
	return best
}
