package meshtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"ganglion/mesh/meshtest"
	"ganglion/mesh/secret"
)

// Tests of the mesh are worth as much as the network that they run on: it must not
// lose or reorder what TCP would not, and must do what it is told to.

const protocol = "/test/1"

func twoHosts(t *testing.T, q meshtest.Quality) (n *meshtest.Network, a, b *meshtest.Host) {
	t.Helper()
	n = meshtest.New(1, q)
	hosts := make([]*meshtest.Host, 2)
	for i := range hosts {
		identity, err := secret.NewIdentity()
		if err != nil {
			t.Fatal(err)
		}
		hosts[i] = n.Host(identity.ID())
	}
	return n, hosts[0], hosts[1]
}

func open(t *testing.T, from, to *meshtest.Host) net.Conn {
	t.Helper()
	s, err := from.Open(context.Background(), to.ID(), protocol)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// received returns what a host reads from the first stream that it accepts.
func received(h *meshtest.Host) <-chan []byte {
	all := make(chan []byte, 1)
	h.Accept(protocol, func(_ secret.MemberID, s net.Conn) {
		data, _ := io.ReadAll(s) // ends with the stream, however
		all <- data
	})
	return all
}

// TestLossDelaysAndNothingElse: as TCP does, in order and whole.
func TestLossDelaysAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := twoHosts(t, meshtest.Quality{Latency: time.Millisecond, Jitter: time.Millisecond, Loss: 0.3})
		got := received(b)
		s := open(t, a, b)
		var want []byte
		begin := time.Now()
		for i := range 200 {
			data := bytes.Repeat([]byte{byte(i)}, i)
			want = append(want, data...)
			if _, err := s.Write(data); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(<-got, want) {
			t.Error("other bytes arrived")
		}
		if took := time.Since(begin); took < 200*time.Millisecond {
			t.Errorf("all arrived after %v: nothing was lost", took)
		}
		if a.SentBytes() != uint64(len(want)) {
			t.Errorf("sent %d bytes, want %d", a.SentBytes(), len(want))
		}
	})
}

// TestPartitionHolds: silence while it lasts, everything after, and the end of the
// connection if it lasts too long.
func TestPartitionHolds(t *testing.T) {
	for name, tt := range map[string]struct {
		length time.Duration
		breaks bool
	}{
		"short": {10 * time.Second, false},
		"long":  {time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, a, b := twoHosts(t, meshtest.Quality{Latency: time.Millisecond})
				downs := make(chan secret.MemberID, 2)
				b.Watch(func(peer secret.MemberID, up bool) {
					if !up {
						downs <- peer
					}
				})
				got := received(b)
				s := open(t, a, b)
				n.Partition(a.ID())
				if _, err := s.Write([]byte("hello")); err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(tt.length) //nolint:forbidigo // virtual
				select {
				case data := <-got:
					t.Errorf("%q arrived through a partition", data)
				default:
				}
				n.Heal()
				if tt.breaks {
					if peer := <-downs; peer != a.ID() {
						t.Errorf("heard that %s is down", peer)
					}
					return
				}
				if data := <-got; string(data) != "hello" {
					t.Errorf("%q arrived, want hello", data)
				}
			})
		})
	}
}

// TestKillIsHeardAtOnce: the end of a process breaks its connections.
func TestKillIsHeardAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := twoHosts(t, meshtest.Quality{Latency: time.Millisecond})
		_ = received(b)
		s := open(t, a, b)
		ups := make(chan bool, 1)
		a.Watch(func(_ secret.MemberID, up bool) { ups <- up })
		b.Kill()
		if up := <-ups; up || a.Connected(b.ID()) {
			t.Error("still connected to a host that was killed")
		}
		if _, err := s.Write([]byte("x")); err == nil {
			t.Error("wrote to a host that was killed")
		}
		if _, err := a.Open(context.Background(), b.ID(), protocol); err == nil {
			t.Error("opened a stream to a host that was killed")
		}
	})
}

// TestStallHolds: what is sent to a stalled host is read when it goes on.
func TestStallHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := twoHosts(t, meshtest.Quality{Latency: time.Millisecond})
		got := received(b)
		s := open(t, a, b)
		b.Stall(time.Second)
		begin := time.Now()
		if _, err := s.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if data := <-got; string(data) != "hello" || time.Since(begin) < time.Second {
			t.Errorf("%q arrived after %v", data, time.Since(begin))
		}
	})
}

// TestDeadline: a read that waits ends in time.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := twoHosts(t, meshtest.Quality{Latency: time.Millisecond})
		b.Accept(protocol, func(_ secret.MemberID, _ net.Conn) {})
		s := open(t, a, b)
		if err := s.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_, err := s.Read(make([]byte, 1))
		timeout := net.Error(nil)
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(begin) != time.Second {
			t.Errorf("read ended after %v: %v", time.Since(begin), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
