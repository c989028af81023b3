package benchmesh

import (
	"runtime"
	"time"
)

// Machine is where something was measured, and what else went on there: the head of every
// result.
type Machine struct {
	Go         string    `json:"go"`
	Platform   string    `json:"platform"` // os/architecture
	Processors int       `json:"processors"`
	Load       [2]string `json:"load"` // of a minute, before and after; empty: the system does not tell
	Seconds    float64   `json:"seconds"`
}

// ThisMachine is the machine before a measurement.
func ThisMachine() Machine {
	return Machine{
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Processors: runtime.NumCPU(),
		Load: [2]string{LoadAverage()},
	}
}

// After notes that what was begun at a time has been measured.
func (m *Machine) After(begun time.Time) {
	m.Load[1], m.Seconds = LoadAverage(), time.Since(begun).Seconds()
}
