//go:build unix

package chaos

import (
	"os/signal"
	"syscall"
)

// ignoreSignals has this process go on where others would end.
func ignoreSignals() {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGPIPE)
}
