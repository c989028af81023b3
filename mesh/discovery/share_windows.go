package discovery

import (
	"net/netip"
	"syscall"
)

// share lets other sockets bind the same address and port: on Windows
// SO_REUSEADDR alone does, and each gets a copy of a broadcast.
func share(fd uintptr) error {
	return syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
}

// earAddress is where the broadcasts of a lane are heard: Windows binds no
// broadcast address, and gives those of a network to the sockets of this
// machine's own address there.
func earAddress(l lane) netip.Addr { return l.network.Addr() }
