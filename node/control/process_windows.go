package control

import (
	"os"
	"syscall"
)

// open gives a handle of a process that runs.
func open(pid int) (syscall.Handle, bool) {
	const queryLimited = 0x1000                                     // PROCESS_QUERY_LIMITED_INFORMATION
	h, err := syscall.OpenProcess(queryLimited, false, uint32(pid)) //nolint:gosec // a PID has 32 bits
	return h, err == nil
}

// startOf is when a process started, in units of 100 ns; 0: there is no such process.
func startOf(pid int) uint64 {
	h, ok := open(pid)
	if !ok {
		return 0
	}
	defer func() { _ = syscall.CloseHandle(h) }()
	var created, exited, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return 0
	}
	return uint64(created.HighDateTime)<<32 | uint64(created.LowDateTime)
}

// runs reports whether there is a process.
func runs(pid int) bool {
	h, ok := open(pid)
	if !ok {
		return false
	}
	defer func() { _ = syscall.CloseHandle(h) }()
	const stillActive = 259
	var code uint32
	return syscall.GetExitCodeProcess(h, &code) == nil && code == stillActive
}

// checkRunDir relies on the permissions of the user's folder of temporary files.
func checkRunDir(dir string) error {
	_, err := os.Stat(dir)
	return err
}
