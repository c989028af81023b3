//go:build linux

// Command wire is a long cable: what comes in at one network interface leaves at another
// one, and the other way round, a while later.
//
//	wire DELAY INTERFACE OTHER
//
// Whole frames are carried, in order, whatever is in them; the interfaces need no address
// and have to be promiscuous. While one of them is down, what is under way to it is lost, as
// it is in a cable that was pulled. The kernel's netem does the same where there is one.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	// underway is how many frames a direction holds; what comes beyond that is lost.
	underway = 1024

	// largest is a frame that its sender's kernel has left to the hardware to cut into
	// pieces, which nobody here does, behind the header that says so.
	largest = 10 + 18 + 65536
)

// frame is what was received, and when it is to leave.
type frame struct {
	data []byte
	due  time.Time
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "wire: %v\n", err)
		os.Exit(1)
	}
}

// run carries frames until ctx is done.
func run(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("type wire DELAY INTERFACE OTHER")
	}
	delay, err := time.ParseDuration(args[0])
	if err != nil || delay < 0 {
		return fmt.Errorf("%q is no delay: write 20ms", args[0])
	}
	near, err := open(args[1])
	if err != nil {
		return fmt.Errorf("open interface %s: %w", args[1], err)
	}
	defer func() { _ = unix.Close(near) }()
	far, err := open(args[2])
	if err != nil {
		return fmt.Errorf("open interface %s: %w", args[2], err)
	}
	defer func() { _ = unix.Close(far) }()
	group, ctx := errgroup.WithContext(ctx)
	ends := [2]int{near, far}
	for i := range ends {
		queue := make(chan frame, underway)
		group.Go(func() error { return listen(ctx, ends[i], delay, queue) })
		group.Go(func() error { return speak(ctx, ends[1-i], queue) })
	}
	return group.Wait()
}

// open is a socket that has all frames of an interface. With each goes what its sender left
// to the hardware: checksums, and cutting into pieces.
func open(name string) (int, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return -1, err
	}
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	// A read ends now and then, to look whether the program ends.
	patience := unix.NsecToTimeval(int64(200 * time.Millisecond))
	err = errors.Join(
		unix.SetsockoptInt(socket, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		unix.SetsockoptInt(socket, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience),
		unix.Bind(socket, &unix.SockaddrLinklayer{Protocol: all, Ifindex: iface.Index}),
	)
	if err != nil {
		return -1, errors.Join(err, unix.Close(socket))
	}
	return socket, nil
}

// listen queues what comes.
func listen(ctx context.Context, socket int, delay time.Duration, queue chan<- frame) error {
	buffer := make([]byte, largest)
	for ctx.Err() == nil {
		n, err := unix.Read(socket, buffer)
		switch {
		case passing(err):
			continue
		case err != nil:
			return fmt.Errorf("receive: %w", err)
		}
		select {
		case queue <- frame{append([]byte(nil), buffer[:n]...), time.Now().Add(delay)}:
		default: // the wire is full
		}
	}
	return nil
}

// passing says that an error is none of the wire's: a signal, silence, an interface that is
// down or full.
func passing(err error) bool {
	return errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENETDOWN) || errors.Is(err, unix.ENOBUFS)
}

// speak sends what is due.
func speak(ctx context.Context, socket int, queue <-chan frame) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-queue:
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Until(f.due)):
			}
			if _, err := unix.Write(socket, f.data); err != nil && !passing(err) {
				return fmt.Errorf("send: %w", err)
			}
		}
	}
}
