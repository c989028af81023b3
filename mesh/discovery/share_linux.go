package discovery

import (
	"net/netip"
	"syscall"
)

// share lets other sockets, of any user, bind the same address and port: Linux
// gives each of them a copy of a broadcast. SO_REUSEPORT is not set: it would
// keep the nodes of different users apart.
func share(fd uintptr) error {
	return syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
}

// earAddress is where the broadcasts of a lane are heard, and nothing else.
func earAddress(l lane) netip.Addr { return l.broadcast }
