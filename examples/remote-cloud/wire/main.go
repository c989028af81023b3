//go:build linux

// Command wire is a long cable: what comes in at one network interface leaves at another
// one, and the other way round, a while later.
//
//	wire DELAY INTERFACE OTHER
//
// Whole frames are carried, in order, whatever is in them; the interfaces need no address.
// While one of them is down, what is under way to it is lost, as it is in a cable that was
// pulled. The kernel's netem does the same where there is one.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ganglion/node/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "wire: %v\n", err)
		os.Exit(1)
	}
}

// run carries frames until ctx is done.
func run(ctx context.Context, args []string) (err error) {
	if len(args) != 3 {
		return errors.New("type wire DELAY INTERFACE OTHER")
	}
	delay, err := time.ParseDuration(args[0])
	if err != nil {
		return fmt.Errorf("%q is no delay: write 20ms", args[0])
	}
	ends, err := lab.OpenSwitch(0, args[1:]...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ends.Close()) }()
	if err := ends.Set(func(int, int) lab.Path { return lab.Path{Delay: delay} }); err != nil {
		return err
	}
	return ends.Run(ctx)
}
