package benchmesh

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

// Memory of a process, in bytes.
type Memory struct {
	Anonymous uint64 `json:"anonymous_bytes"` // resident, of no file
	Resident  uint64 `json:"resident_bytes"`  // the program's text included
}

// ProcKnown tells whether the system has /proc as Linux does.
func ProcKnown() bool { return runtime.GOOS == "linux" }

// MemoryOf reads a process's memory.
func MemoryOf(pid int) (m Memory, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, fmt.Errorf("read memory: %w", err)
	}
	if m.Anonymous, err = kilobytes(status, "RssAnon"); err != nil {
		return m, err
	}
	m.Resident, err = kilobytes(status, "VmRSS")
	return m, err
}

// kilobytes reads a line such as "VmRSS:     1234 kB" of a status, in bytes.
func kilobytes(status []byte, name string) (uint64, error) {
	for line := range bytes.Lines(status) {
		rest, ok := bytes.CutPrefix(line, []byte(name+":"))
		if !ok {
			continue
		}
		fields := bytes.Fields(rest)
		const unit = 1024 // what proc(5) calls kB
		if len(fields) == 2 && string(fields[1]) == "kB" {
			if n, err := strconv.ParseUint(string(fields[0]), 10, 54); err == nil {
				return n * unit, nil
			}
		}
		return 0, fmt.Errorf("read memory: %q is no size", bytes.TrimSpace(line))
	}
	return 0, fmt.Errorf("read memory: there is no line %s", name)
}

// processorTime reads how long a process ran, in all its threads.
func processorTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return processorTimeIn(stat)
}

// processorTimeIn is user and system time in a stat of proc(5).
func processorTimeIn(stat []byte) (time.Duration, error) {
	// The second field, the program's name in brackets, may hold anything, brackets too.
	const user, system = 14 - 3, 15 - 3 // proc(5) counts from 1, and two fields are behind us
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= system {
		return 0, errors.New("read processor time: the line is too short")
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 wherever Go runs
	var sum time.Duration
	for _, at := range []int{user, system} {
		n, err := strconv.ParseUint(string(fields[at]), 10, 40)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// LoadAverage is the machine's load of the last minute, as the system tells it; empty: it
// does not.
func LoadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := bytes.Cut(b, []byte(" "))
	return string(first)
}
