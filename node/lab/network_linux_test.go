package lab

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds what must come: on the busiest machine it does sooner.
const patience = time.Minute

// twoMachines is a network of two, where this process may make one.
func twoMachines(t *testing.T) *Network {
	t.Helper()
	n, err := New(2, 1)
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// echo answers on a machine with what it is sent, over TCP, until the test ends.
func echo(t *testing.T, m *Space, address string) string {
	t.Helper()
	var l net.Listener
	if err := m.Do(func() (err error) {
		l, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp4", address+":0")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				_, _ = io.Copy(conn, conn) // until the other end closes
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

func dial(t *testing.T, m *Space, to string) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := m.Dial(ctx, "tcp4", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil { // what takes as long is broken
		t.Fatal(err)
	}
	return conn
}

// there sends something there and back, and returns how long that took.
func there(t *testing.T, conn net.Conn, data []byte) time.Duration {
	t.Helper()
	start := time.Now()
	var writing sync.WaitGroup
	writing.Go(func() {
		if _, err := conn.Write(data); err != nil {
			t.Error(err)
		}
	})
	back := make([]byte, len(data))
	_, err := io.ReadFull(conn, back)
	writing.Wait()
	if err != nil || !bytes.Equal(data, back) {
		t.Fatalf("what came back is not what was sent: %v", err)
	}
	return time.Since(start)
}

// Bytes arrive as they were sent, small ones and so many that a kernel would leave their
// cutting to the hardware, over paths that are whole, slow, and lose some. A delay is no
// shorter than it was told to be.
func TestNetworkCarries(t *testing.T) {
	n := twoMachines(t)
	conn := dial(t, n.Machine(0), echo(t, n.Machine(1), Address(1)))
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	t.Logf("a byte there and back: %v; %d bytes: %v", there(t, conn, large[:1]), len(large), there(t, conn, large))
	const each = 30 * time.Millisecond
	if err := n.Set(func(int, int) Path { return Path{Delay: each} }); err != nil {
		t.Fatal(err)
	}
	if took := there(t, conn, large[:1]); took < 2*each {
		t.Errorf("a byte took %v there and back, each way has a delay of %v", took, each)
	}
	if err := n.Set(func(int, int) Path { return Path{Loss: 0.02} }); err != nil {
		t.Fatal(err)
	}
	before := n.Losses()
	t.Logf("with 2 %% lost, %d bytes: %v", len(large), there(t, conn, large))
	if n.Losses() == before {
		t.Error("nothing was lost of a megabyte")
	}
}

// A cut of one direction: what is sent against it arrives, its answer does not, until it is
// healed. So it is with a cable, which the machine notices.
func TestNetworkCuts(t *testing.T) {
	n := twoMachines(t)
	conn := dial(t, n.Machine(0), echo(t, n.Machine(1), Address(1)))
	there(t, conn, []byte("whole"))
	for _, tt := range []struct {
		name string
		cut  func() error
	}{
		{"from the other machine", func() error { return n.Set(func(from, _ int) Path { return Path{Cut: from == 1} }) }},
		{"to the other machine", func() error { return n.Set(func(_, to int) Path { return Path{Cut: to == 1} }) }},
		{"cable", func() error { return n.Unplug(1) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.cut(); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte("cut")); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if got, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read %d bytes through a cut, %v", got, err)
			}
			if err := n.Heal(); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(conn, make([]byte, len("cut"))); err != nil {
				t.Errorf("it does not arrive when the cut is healed: %v", err)
			}
		})
	}
}

// Nothing is left over: no namespace, no thread, no interface of this process.
func TestNetworkLeavesNothing(t *testing.T) {
	spaces := func() map[string]bool {
		all := map[string]bool{}
		threads, err := filepath.Glob("/proc/self/task/*/ns/net")
		if err != nil || len(threads) == 0 {
			t.Skip("no /proc")
		}
		for _, thread := range threads {
			if of, err := os.Readlink(thread); err == nil {
				all[of] = true
			}
		}
		return all
	}
	const before = 1 // this process's own
	deadline := time.Now().Add(patience)
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	ended := func(when string) {
		for len(spaces()) > before { // a thread ends a moment after its goroutine
			if <-pace.C; time.Now().After(deadline) {
				t.Fatalf("%s: %d namespaces are left", when, len(spaces()))
			}
		}
	}
	ended("after other tests")
	n, err := New(2, 1)
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := len(spaces()); got != before+3 {
		t.Errorf("%d namespaces, want two machines and the switch beside %d", got, before)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	ended("after the network was closed")
}

// Who may not make namespaces is told so in words, before anything is started.
func TestNetworkRefuses(t *testing.T) {
	if _, err := New(0, 1); err == nil || !strings.Contains(err.Error(), "0 machines") {
		t.Errorf("no machines: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := New(2, 1); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "install iproute2") {
		t.Errorf("no ip command: %v", err)
	}
}
