package meshtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"ganglion/mesh/meshtest"
)

// Whole nodes are tested on this network: it must do to connections what TCP does, and no
// more than it was told to.

// machines is a LAN with two machines, the second of which listens.
type machines struct {
	t        *testing.T
	lan      *meshtest.LAN
	a, b     *meshtest.Machine
	listener net.Listener
}

func twoMachines(t *testing.T, q meshtest.Quality) *machines {
	t.Helper()
	lan := meshtest.NewLAN(1, q)
	m := &machines{t: t, lan: lan, a: lan.Machine(), b: lan.Machine()}
	m.listen()
	return m
}

func (m *machines) listen() {
	m.t.Helper()
	var err error
	if m.listener, err = m.b.Listen(netip.AddrPortFrom(m.b.Addresses()[0], 0)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machines) dial(within time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return m.a.DialContext(ctx, "tcp", m.listener.Addr().String())
}

// connect is a connection from a to b, both ends.
func (m *machines) connect() (near, far net.Conn) {
	m.t.Helper()
	near, err := m.dial(time.Minute)
	if err != nil {
		m.t.Fatal(err)
	}
	if far, err = m.listener.Accept(); err != nil {
		m.t.Fatal(err)
	}
	return near, far
}

func (m *machines) write(c net.Conn, data string) {
	m.t.Helper()
	if _, err := io.WriteString(c, data); err != nil {
		m.t.Fatal(err)
	}
}

// reads reads exactly as much, and says how long that took.
func (m *machines) reads(c net.Conn, want string) time.Duration {
	m.t.Helper()
	begin, got := time.Now(), make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		m.t.Fatalf("read %q, %v, want %q", got, err, want)
	}
	return time.Since(begin)
}

// silent checks that nothing comes for a while.
func (m *machines) silent(c net.Conn, d time.Duration) {
	m.t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
		m.t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		m.t.Fatalf("read %d bytes, %v, want silence", n, err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		m.t.Fatal(err)
	}
}

func TestLAN(t *testing.T) {
	tests := []struct {
		name string
		does func(*machines)
	}{
		{"loss delays, in order and whole", (*machines).loses},
		{"a partition is silence, and holds what is sent", (*machines).parts},
		{"one way is open", (*machines).partsOneWay},
		{"nobody is dialled across a partition", (*machines).dials},
		{"the end is heard of after what was written", (*machines).ends},
		{"after a power cut there is silence, then a reset", (*machines).cutsPower},
		{"a stall holds up both ways", (*machines).stalls},
		{"who does not read holds up who writes", (*machines).fills},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.does(twoMachines(t, meshtest.Quality{Latency: 10 * time.Millisecond}))
			})
		})
	}
}

func (m *machines) loses() {
	m.lan.SetQuality(meshtest.Quality{Latency: time.Millisecond, Jitter: time.Millisecond, Loss: 0.3})
	near, far := m.connect()
	var want bytes.Buffer
	begin := time.Now()
	for i := range 200 {
		data := bytes.Repeat([]byte{byte(i)}, i)
		want.Write(data)
		m.write(near, string(data))
	}
	m.reads(far, want.String())
	if took := time.Since(begin); took < 200*time.Millisecond {
		m.t.Errorf("all arrived after %v: nothing was lost", took)
	}
	if m.a.SentBytes() != uint64(want.Len()) || m.b.SentBytes() != 0 {
		m.t.Errorf("sent %d and %d bytes, want %d and none", m.a.SentBytes(), m.b.SentBytes(), want.Len())
	}
}

func (m *machines) parts() {
	near, far := m.connect()
	m.write(near, "before ") // it is on its way, and is lost
	m.lan.Partition(m.b)
	m.write(near, "meanwhile")
	m.silent(far, time.Minute)
	m.lan.Heal()
	if took := m.reads(far, "before meanwhile"); took > 2*time.Minute {
		m.t.Errorf("it took %v after the heal, more than twice as long as it was held", took)
	}
	m.write(far, "back")
	m.reads(near, "back")
}

// The sender whose acknowledgements do not arrive is heard for a window, and not more.
func (m *machines) partsOneWay() {
	near, far := m.connect()
	m.lan.Sever(m.a, m.b)
	m.write(near, "lost")
	m.silent(far, time.Second)
	m.write(far, "heard")
	m.reads(near, "heard")
	const much = 64 << 10
	m.write(far, string(make([]byte, 1<<10)))
	m.write(far, string(make([]byte, much)))
	m.reads(near, string(make([]byte, 1<<10)))
	m.silent(near, time.Second)
	m.lan.Heal()
	m.reads(near, string(make([]byte, much)))
	m.reads(far, "lost")
}

func (m *machines) dials() {
	m.lan.Sever(m.b, m.a) // the answer does not arrive
	if c, err := m.dial(10 * time.Second); !errors.Is(err, context.DeadlineExceeded) {
		m.t.Fatalf("got %v, %v, want no answer", c, err)
	}
	m.lan.Heal()
	m.connect()
	if err := m.listener.Close(); err != nil {
		m.t.Fatal(err)
	}
	if c, err := m.dial(10 * time.Second); err == nil || errors.Is(err, context.DeadlineExceeded) {
		m.t.Fatalf("got %v, %v, want a refusal", c, err)
	}
}

func (m *machines) ends() {
	near, far := m.connect()
	m.write(near, "last words")
	if err := near.Close(); err != nil {
		m.t.Fatal(err)
	}
	m.reads(far, "last words")
	if n, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		m.t.Errorf("read %d bytes, %v, want the end", n, err)
	}
	if _, err := io.WriteString(far, "hello?"); err == nil {
		m.t.Error("wrote to nobody")
	}
}

func (m *machines) cutsPower() {
	near, far := m.connect()
	m.b.PowerOff()
	if _, err := far.Read(make([]byte, 1)); err == nil {
		m.t.Error("a machine without power reads")
	}
	if _, err := m.listener.Accept(); err == nil {
		m.t.Error("a machine without power accepts")
	}
	m.write(near, "hello?")
	m.silent(near, time.Minute)
	if c, err := m.dial(10 * time.Second); !errors.Is(err, context.DeadlineExceeded) {
		m.t.Errorf("got %v, %v, want no answer", c, err)
	}
	m.b.PowerOn()
	if n, err := near.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		m.t.Errorf("read %d bytes, %v, want a reset", n, err)
	}
	m.listen()
	m.connect()
}

func (m *machines) stalls() {
	near, far := m.connect()
	m.b.Stall(time.Second)
	m.write(near, "in")
	m.write(far, "out")
	if took := m.reads(far, "in"); took < time.Second {
		m.t.Errorf("it came in after %v", took)
	}
	m.reads(near, "out")
}

func (m *machines) fills() {
	near, far := m.connect()
	if err := near.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		m.t.Fatal(err)
	}
	n, err := near.Write(make([]byte, 16<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n > 1<<20 {
		m.t.Fatalf("wrote %d bytes, %v, want a buffer full", n, err)
	}
	m.reads(far, string(make([]byte, n)))
}

// A machine talks to itself by itself, whatever becomes of the network.
func TestMachineAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan := meshtest.NewLAN(1, meshtest.Quality{Latency: time.Second, Loss: 0.5})
		m := lan.Machine()
		listener, err := m.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		lan.Partition(m)
		m.PowerOff()
		begin := time.Now()
		two := &machines{t: t, lan: lan, a: m, b: m, listener: listener}
		near, far := two.connect()
		two.write(near, "self")
		two.reads(far, "self")
		if took := time.Since(begin); took > 0 {
			t.Errorf("it took %v", took)
		}
		if m.SentBytes() != 0 {
			t.Errorf("sent %d bytes to others", m.SentBytes())
		}
		if _, err := lan.Machine().DialContext(t.Context(), "tcp", listener.Addr().String()); err == nil {
			t.Error("another machine reached it")
		}
	})
}
