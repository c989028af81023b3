package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	// largest is a frame that its sender's kernel has left to the hardware to cut into
	// pieces, which nobody here does, behind the header that says so.
	largest = header + 18 + 65536

	// burst is how many frames of a port are taken before others have their turn.
	burst = 64

	// room for frames that wait to be taken, in bytes of a socket.
	socketRoom = 4 << 20
)

// Switch carries frames between interfaces.
type Switch struct {
	fabric *fabric
	late   *late
	ports  []*os.File
}

// OpenSwitch is a switch whose ports are these interfaces of the caller's network
// namespace, numbered in their order. Losses are drawn from the seed. Run lets it carry,
// and Close ends it; both may be called in any namespace.
func OpenSwitch(seed uint64, interfaces ...string) (*Switch, error) {
	s := &Switch{fabric: newFabric(len(interfaces), seed), late: newLate()}
	for _, name := range interfaces {
		port, err := openPort(name)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open interface %s: %w", name, err), s.Close())
		}
		s.ports = append(s.ports, port)
	}
	return s, nil
}

// openPort is a socket that has all frames of an interface. With each goes what its sender
// left to the hardware: checksums, and cutting into pieces.
func openPort(name string) (*os.File, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		unix.SetsockoptInt(socket, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		unix.SetsockoptInt(socket, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketRoom),
		unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketRoom),
		// Whatever is on the link, whomever it is for.
		unix.SetsockoptPacketMreq(socket, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{
			Ifindex: int32(iface.Index), Type: unix.PACKET_MR_PROMISC,
		}),
		unix.Bind(socket, &unix.SockaddrLinklayer{Protocol: all, Ifindex: iface.Index}),
	)
	if err != nil {
		return nil, errors.Join(err, unix.Close(socket))
	}
	return os.NewFile(uintptr(socket), name), nil
}

// Set makes every path what of says of it, from the next frame on. On an error all stay as
// they were.
func (s *Switch) Set(of func(from, to int) Path) error { return s.fabric.set(of) }

// Losses is how many frames were lost or cut so far.
func (s *Switch) Losses() uint64 { return s.fabric.losses() }

// Close ends the switch, once Run has returned.
func (s *Switch) Close() error {
	var faults []error
	for _, p := range s.ports {
		faults = append(faults, p.Close())
	}
	return errors.Join(faults...)
}

// Run carries frames until ctx is done. It is called once.
func (s *Switch) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range s.ports {
		group.Go(func() error { return s.listen(ctx, i) })
	}
	group.Go(func() error {
		s.late.run(ctx, s.send)
		return nil
	})
	stop := context.AfterFunc(ctx, func() {
		for _, p := range s.ports {
			_ = p.SetReadDeadline(time.Now()) // who waits for a frame looks up
		}
	})
	defer stop()
	return group.Wait()
}

// listen takes what comes in at a port.
func (s *Switch) listen(ctx context.Context, port int) error {
	raw, err := s.ports[port].SyscallConn()
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	buffer := make([]byte, largest)
	var fates []fate
	for ctx.Err() == nil {
		var fault error
		err := raw.Read(func(fd uintptr) bool {
			for range burst {
				n, err := unix.Read(int(fd), buffer)
				if errors.Is(err, unix.EAGAIN) {
					return false // it is called again when there is something
				}
				if err != nil {
					fault = err
					return true
				}
				fates = s.fabric.route(port, buffer[:n], fates[:0])
				s.carry(port, buffer[:n], fates)
			}
			return true
		})
		switch {
		case ctx.Err() != nil:
		case err != nil:
			return fmt.Errorf("receive: %w", err)
		case fault != nil && !passing(fault):
			return fmt.Errorf("receive: %w", fault)
		}
	}
	return nil
}

// carry has a frame go where it is to go, now or later.
func (s *Switch) carry(from int, frame []byte, fates []fate) {
	for _, f := range fates {
		if !s.late.hold(time.Now(), from, f, frame) {
			s.send(f.port, frame)
		}
	}
}

// send lets a frame out at a port. What a link does not take is lost: it is down, or full.
func (s *Switch) send(port int, frame []byte) {
	raw, err := s.ports[port].SyscallConn()
	if err != nil {
		return // the switch ends
	}
	_ = raw.Control(func(fd uintptr) {
		_, _ = unix.Write(int(fd), frame) // see above
	})
}

// passing says that an error is none of the switch's: a signal, an interface that is down.
func passing(err error) bool {
	return errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENETDOWN) || errors.Is(err, unix.ENOBUFS)
}
