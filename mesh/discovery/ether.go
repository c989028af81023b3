package discovery

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// ether is what datagrams travel through: the machine's network, or a test's.
type ether interface {
	// interfaces lists the machine's interfaces, now.
	interfaces() ([]Interface, error)
	// listen opens a socket at an address; port 0: any. Others may share the
	// address and port of a shared one.
	listen(ctx context.Context, at netip.AddrPort, shared bool) (socket, error)
}

// socket sends and receives datagrams. *net.UDPConn is one.
type socket interface {
	ReadFromUDPAddrPort(b []byte) (n int, from netip.AddrPort, err error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (n int, err error)
	Close() error
}

// machine is the network of this machine.
type machine struct{}

func (machine) interfaces() ([]Interface, error) { return SystemInterfaces() }

func (machine) listen(ctx context.Context, at netip.AddrPort, shared bool) (socket, error) {
	config := net.ListenConfig{}
	if shared {
		config.Control = func(_, _ string, c syscall.RawConn) error {
			var failed error
			if err := c.Control(func(fd uintptr) { failed = share(fd) }); err != nil {
				return err
			}
			return failed
		}
	}
	conn, err := config.ListenPacket(ctx, "udp4", at.String())
	if err != nil {
		return nil, err
	}
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return nil, fmt.Errorf("listen at %v: got a %T", at, conn)
	}
	return udp, nil
}
