package link

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"ganglion/mesh/secret"
)

// childVariable makes the test binary a node for TestProcessKilled.
const childVariable = "GANGLION_LINK_TEST_CHILD"

func TestMain(m *testing.M) {
	RouteLogs(slog.New(slog.DiscardHandler))
	if os.Getenv(childVariable) == "" {
		code := m.Run()
		if left := leaked(); code == 0 && left != "" {
			fmt.Fprintf(os.Stderr, "goroutines are left behind:\n%s\n", left)
			code = 1
		}
		os.Exit(code) //nolint:forbidigo // the main function of tests
	}
	if err := child(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // the main function of the child
	}
}

// leaked returns the goroutines of this package and of libp2p that do not end after
// the last test; empty: there are none.
func leaked() string {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var left []string
	for began := time.Now(); time.Since(began) < patience; <-tick.C {
		left = left[:0]
		buffer := make([]byte, 1<<20)
		for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
			ours := strings.Contains(stack, "ganglion/mesh/link.") || strings.Contains(stack, "libp2p/")
			if ours && !strings.Contains(stack, "TestMain") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return ""
		}
	}
	return strings.Join(left, "\n\n")
}

// child is a node on loopback that prints who and where it is, and lives until it is
// killed or its standard input ends.
func child() error {
	id, err := secret.NewIdentity()
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	h, err := New(loopback(), id, testKeys(), log)
	if err != nil {
		return err
	}
	l, err := NewLinks(h, DefaultLinks(), log)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if _, err := fmt.Fprintf(os.Stdout, "%s %s\n", h.Self(), h.Addresses()[0]); err != nil {
		return err
	}
	if err := l.Run(ctx); err != nil {
		return err
	}
	return h.Close()
}

// TestProcessKilled kills another process, as a crash or the kernel would: its peers
// must hear of it from the connection, long before any timer of theirs.
func TestProcessKilled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Skipf("this test starts its own binary: %v", err)
	}
	x := start(t, options{})
	const times = 5
	for range times {
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Env = append(os.Environ(), childVariable+"=1")
		cmd.Stderr = testWriter{t}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		id, where, _ := strings.Cut(strings.TrimSpace(line), " ")
		if err := x.AddAddresses(Peer(id), []netip.AddrPort{netip.MustParseAddrPort(where)}, time.Hour); err != nil {
			t.Fatal(err)
		}
		await(t, x.Links, Peer(id))
		if up := receive(t, x.events, "the child's link"); !up.Up {
			t.Errorf("got %+v", up)
		}
		began := time.Now()
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		down := receive(t, x.events, "the child's death")
		if down.Up || !down.Broken || down.Peer != Peer(id) {
			t.Errorf("got %+v", down)
		}
		t.Logf("heard of after %v", down.At.Sub(began))
		_ = cmd.Wait() // it was killed
	}
}
