//go:build unix

package control

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// runs reports whether there is a process.
func runs(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// checkRunDir refuses a directory in which others could put run files.
func checkRunDir(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("run directory %s is not a directory; remove it, or set GANGLION_RUN_DIR", dir)
	case ok && int(owner.Uid) != os.Getuid():
		return fmt.Errorf("run directory %s belongs to user %d, not to you; set GANGLION_RUN_DIR to a directory of yours", dir, owner.Uid)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("run directory %s: others may write to it (mode %#o); mend it with: chmod 700 %s", dir, info.Mode().Perm(), dir)
	}
	return nil
}
