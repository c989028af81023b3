//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package discovery

import (
	"errors"
	"net/netip"
	"syscall"
)

// share lets other sockets bind the same address and port: the BSDs ask for
// SO_REUSEPORT, and give a copy of a broadcast to each socket that has it.
func share(fd uintptr) error {
	return errors.Join(
		syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1),
		syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEPORT, 1),
	)
}

// earAddress is where the broadcasts of a lane are heard, and nothing else.
func earAddress(l lane) netip.Addr { return l.broadcast }
