package link

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// The tests of this file run the wire in virtual time, on connections in memory. Those
// have no buffer: a write ends when it has been read, like TCP's with a full window.

// pipeEnd is one end of such a connection. It has no addresses.
type pipeEnd struct{ net.Conn }

func (pipeEnd) LocalMultiaddr() ma.Multiaddr  { return nil }
func (pipeEnd) RemoteMultiaddr() ma.Multiaddr { return nil }

// cable is a connection on a wire, and its far end.
type cable struct {
	t    *testing.T
	w    *wire
	near *plug
	far  net.Conn
}

func (c cable) parts() (*testing.T, *wire, *plug, net.Conn) { return c.t, c.w, c.near, c.far }

// pass lets virtual time pass.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual: in a synctest bubble
}

// onWire runs the test in virtual time.
func onWire(t *testing.T, test func(cable)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWire(1)
		near, far := net.Pipe()
		p := w.plugIn(pipeEnd{near})
		test(cable{t, w, p, far})
		_ = p.Close()   // where the test has not
		_ = far.Close() // likewise
		if !w.closed {  // by the test
			w.close()
		}
		if n := len(w.plugs); n != 0 || w.lingers != 0 {
			t.Errorf("%d connections are left, %d linger", n, w.lingers)
		}
	})
}

func impair(t testing.TB, w *wire, i Impairment) {
	t.Helper()
	if _, err := w.impair(i); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, c io.Writer, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Errorf("write %q: got %d, %v", text, n, err)
	}
}

func expect(t testing.TB, c io.Reader, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Errorf("got %q, %v, want %q", got[:n], err, text)
	}
}

// TestWireDelay: what is written together arrives together, half the delay later in each
// direction, and a delay that is taken back holds nothing up.
func TestWireDelay(t *testing.T) {
	const delay = 100 * time.Millisecond
	onWire(t, func(c cable) {
		t, w, near, far := c.parts()
		impair(t, w, Impairment{Delay: delay})
		began := time.Now()
		write(t, near, "one")
		write(t, near, "two")
		if took := time.Since(began); took != 0 {
			t.Errorf("writing took %v", took)
		}
		expect(t, far, "onetwo")
		if took := time.Since(began); took != delay/2 {
			t.Errorf("on the way out it took %v", took)
		}
		began = time.Now()
		go write(t, far, "back")
		expect(t, near, "back")
		if took := time.Since(began); took != delay/2 {
			t.Errorf("on the way in it took %v", took)
		}
		impair(t, w, Impairment{Delay: DelayMax})
		write(t, near, "late")
		impair(t, w, Impairment{})
		began = time.Now()
		expect(t, far, "late")
		if took := time.Since(began); took != 0 {
			t.Errorf("after healing it took %v", took)
		}
	})
}

// TestWirePipelines: a long wire carries as much as a short one, up to what it holds, and
// then it holds writers up; it never takes more.
func TestWirePipelines(t *testing.T) {
	const delay = time.Second
	onWire(t, func(c cable) {
		t, w, near, far := c.parts()
		impair(t, w, Impairment{Delay: delay})
		sent := make([]byte, 3*laneBytes)
		for i := range sent {
			sent[i] = byte(i % 251)
		}
		began := time.Now()
		var writer sync.WaitGroup
		writer.Go(func() {
			for rest := sent; len(rest) > 0; {
				n := min(len(rest), 1000)
				write(t, near, string(rest[:n]))
				rest = rest[n:]
			}
		})
		synctest.Wait()
		if near.out.bytes > laneBytes || near.out.bytes < laneBytes*9/10 {
			t.Errorf("the wire holds %d bytes", near.out.bytes)
		}
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("what arrives is not what was sent: %v", err)
		}
		writer.Wait()
		// Small writes cost more than their bytes, so it takes some more than three.
		if took := time.Since(began); took < 3*delay/2 || took > 5*delay/2 {
			t.Errorf("three wires full took %v", took)
		}
		began = time.Now()
		writer.Go(func() { write(t, far, string(sent[:laneBytes/2])) })
		if _, err := io.ReadFull(near, got[:laneBytes/2]); err != nil || time.Since(began) != delay/2 {
			t.Errorf("half a wire full took %v, %v", time.Since(began), err)
		}
		writer.Wait()
	})
}

// TestWireCut: nothing passes, in either direction, whatever was under way; and then
// everything does.
func TestWireCut(t *testing.T) {
	onWire(t, func(c cable) {
		t, w, near, far := c.parts()
		var got, back bytes.Buffer
		var running sync.WaitGroup
		running.Go(func() { _, _ = io.Copy(&got, far) })   // ends with the connection
		running.Go(func() { _, _ = io.Copy(&back, near) }) // likewise
		write(t, near, "before ")
		synctest.Wait()
		impair(t, w, Impairment{Cut: true})
		write(t, near, "during ")
		running.Go(func() { write(t, far, strings.Repeat("back", 50_000)) })
		pass(time.Hour)
		synctest.Wait()
		if got.String() != "before " || back.Len() != 0 {
			t.Errorf("got %q and %d bytes through a cut", got.String(), back.Len())
		}
		impair(t, w, Impairment{})
		write(t, near, "after")
		synctest.Wait()
		if got.String() != "before during after" || back.Len() != 200_000 {
			t.Errorf("got %q and %d bytes after it", got.String(), back.Len())
		}
		_ = near.Close() // ends what runs
		running.Wait()
	})
}

// TestWireCutMidWrite: a write that waits for the other end when the wire is cut is called
// back, so that the rest of it is not sent.
func TestWireCutMidWrite(t *testing.T) {
	onWire(t, func(c cable) {
		t, w, near, far := c.parts()
		go write(t, near, "abcdef")
		expect(t, far, "abc")
		synctest.Wait()
		impair(t, w, Impairment{Cut: true})
		if err := far.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if n, err := far.Read(make([]byte, 10)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %d bytes, %v", n, err)
		}
		impair(t, w, Impairment{})
		if err := far.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		expect(t, far, "def")
	})
}

// TestWireDeadlines: deadlines hold on an impaired wire and after it, also those set
// before; and what a read gave up waiting for is there for the next.
func TestWireDeadlines(t *testing.T) {
	onWire(t, func(c cable) {
		t, w, near, far := c.parts()
		late := func(what string, n int, err error, want time.Duration, began time.Time) {
			t.Helper()
			if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != want {
				t.Errorf("%s: got %d, %v after %v, want a timeout after %v", what, n, err, time.Since(began), want)
			}
		}
		impair(t, w, Impairment{Cut: true})
		began := time.Now()
		_ = near.SetDeadline(began.Add(time.Second)) // a pipe has deadlines
		go write(t, far, "kept")
		n, err := near.Read(make([]byte, 10))
		late("read", n, err, time.Second, began)
		began = time.Now()
		_ = near.SetDeadline(began.Add(time.Second)) // as above
		full := make([]byte, 2*laneBytes)
		n, err = near.Write(full)
		late("write into a full wire", 0, err, time.Second, began)
		go func() { // before the sleep ends
			pass(time.Second)
			_ = near.SetReadDeadline(time.Now()) // as above
		}()
		began = time.Now()
		_ = near.SetReadDeadline(time.Time{}) // as above
		got, err := near.Read(make([]byte, 10))
		late("deadline that was moved", got, err, time.Second, began)

		_ = near.SetWriteDeadline(began.Add(time.Hour)) // as above
		_ = near.SetReadDeadline(began.Add(time.Hour))  // as above
		impair(t, w, Impairment{})
		expect(t, near, "kept")
		expect(t, far, string(full[:n]))
		synctest.Wait()
		n, err = near.Write([]byte("nobody reads this"))
		late("write on a wire that was healed", n, err, time.Hour, began)
		n, err = near.Read(make([]byte, 10))
		late("read on a wire that was healed", n, err, time.Hour, began)
	})
}

// TestWireClose: the near end is closed at once; the far end hears of it behind what is
// under way, and under a cut only when that heals.
func TestWireClose(t *testing.T) {
	const delay = time.Second
	tests := []struct {
		name  string
		early bool // a read is pending before the wire is impaired
		cut   bool
		heal  bool
		after time.Duration // until the far end hears of it
		gets  string
	}{
		{"delayed", false, false, false, delay / 2, "sent"},
		{"delayed under a read", true, false, false, delay / 2, "sent"},
		{"cut", false, true, true, time.Hour, ""}, // linger is off in libp2p: what was not sent is lost
		{"cut under a read", true, true, true, time.Hour, ""},
		{"cut for ever", false, true, false, time.Hour, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onWire(t, func(c cable) {
				t, w, near, far := c.parts()
				var pending sync.WaitGroup
				if !tt.early {
					impair(t, w, Impairment{Cut: tt.cut, Delay: delay})
				}
				pending.Go(func() {
					if _, err := near.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
						t.Errorf("pending read: got %v", err)
					}
				})
				synctest.Wait()
				impair(t, w, Impairment{Cut: tt.cut, Delay: delay})
				write(t, near, "sent")
				synctest.Wait()
				began := time.Now()
				if err := near.Close(); err != nil {
					t.Errorf("close: got %v", err)
				}
				pending.Wait()
				if _, err := near.Write([]byte("x")); !errors.Is(err, net.ErrClosed) || time.Since(began) != 0 {
					t.Errorf("write after close: got %v after %v", err, time.Since(began))
				}
				pending.Go(func() {
					pass(time.Hour)
					if tt.heal {
						impair(t, w, Impairment{})
					} else if tt.cut {
						w.close() // the end of the process
					}
				})
				got, err := io.ReadAll(far)
				if string(got) != tt.gets || err != nil || time.Since(began) != tt.after {
					t.Errorf("the far end got %q, %v after %v", got, err, time.Since(began))
				}
				pending.Wait()
			})
		})
	}
}

// TestWireFarEnd: that the far end has closed is not heard of through a cut, and then
// behind all that it sent.
func TestWireFarEnd(t *testing.T) {
	onWire(t, func(c cable) {
		t, w, near, far := c.parts()
		ended := make(chan string, 1)
		go func() {
			got, err := io.ReadAll(near)
			if err != nil {
				t.Error(err)
			}
			ended <- string(got)
		}()
		synctest.Wait()
		impair(t, w, Impairment{Cut: true})
		write(t, far, "last words") // the read that is under way takes them
		_ = far.Close()             // a pipe's does not fail
		pass(time.Hour)
		select {
		case got := <-ended:
			t.Errorf("the end was heard of, after %q", got)
		default:
		}
		impair(t, w, Impairment{})
		if got := <-ended; got != "last words" {
			t.Errorf("got %q", got)
		}
	})
}

// TestWireLoss: what is lost comes later, in order, and equal seeds lose the same.
func TestWireLoss(t *testing.T) {
	const trips = 500
	run := func() (total time.Duration, stalled int) {
		onWire(t, func(c cable) {
			t, w, near, far := c.parts()
			impair(t, w, Impairment{Loss: 0.1})
			go func() { _, _ = io.Copy(far, far) }() // an echo, until the end
			for i := range trips {
				began := time.Now()
				sent := string(rune('a' + i%26))
				write(t, near, sent)
				expect(t, near, sent)
				took := time.Since(began)
				if took%timeoutFirst != 0 {
					t.Fatalf("a trip took %v", took)
				}
				if total += took; took > 0 {
					stalled++
				}
			}
		})
		return total, stalled
	}
	total, stalled := run()
	// Of two segments a trip one is lost in 19 of 100 trips; 5 standard deviations aside.
	if stalled < 50 || stalled > 140 {
		t.Errorf("%d of %d trips met a loss", stalled, trips)
	}
	if again, n := run(); again != total || n != stalled {
		t.Errorf("took %v with %d losses, and then with the same seed %v with %d", total, stalled, again, n)
	}
}

// TestStall: each further loss of a segment doubles the timeout, and it ends.
func TestStall(t *testing.T) {
	const draws = 100_000
	draw := rand.New(rand.NewPCG(1, 2))
	counts := map[time.Duration]int{}
	for range draws {
		counts[stall(draw, 0.5)]++
	}
	for n, d := 0, time.Duration(0); n < 5; n++ {
		want := draws / math.Pow(2, float64(n+1))
		if got := float64(counts[d]); math.Abs(got-want) > 0.1*want {
			t.Errorf("%v: got %v of %d draws, want about %v", d, got, draws, want)
		}
		d = 2*d + timeoutFirst
	}
	for range draws {
		if d := stall(draw, LossMax); d > timeoutMax {
			t.Fatalf("got %v", d)
		}
	}
}

// TestWireRandom sends both ways while the wire changes all the time. Whatever the order
// of things, each byte arrives once and in order, and in the end by no detour.
func TestWireRandom(t *testing.T) {
	for seed := range uint64(40) {
		onWire(t, func(c cable) {
			t, w, near, far := c.parts()
			var running sync.WaitGroup
			for i, ends := range [][2]net.Conn{{near, far}, {far, near}} {
				const bytesEach = 200_000
				running.Go(func() {
					r := rand.New(rand.NewPCG(seed, uint64(i)))
					for at := 0; at < bytesEach; {
						piece := make([]byte, min(1+r.IntN(5000), bytesEach-at))
						for j := range piece {
							piece[j] = byte((at + j) % 253)
						}
						write(t, ends[0], string(piece))
						at += len(piece)
						pass(time.Duration(r.IntN(50)) * time.Millisecond)
					}
				})
				running.Go(func() {
					got := make([]byte, bytesEach)
					_, err := io.ReadFull(ends[1], got)
					for at, b := range got {
						if err != nil || b != byte(at%253) {
							t.Errorf("seed %d: byte %d of way %d is wrong, error %v", seed, at, i, err)
							return
						}
					}
				})
			}
			r := rand.New(rand.NewPCG(seed, 9))
			for range 30 {
				impair(t, w, []Impairment{
					{}, {Cut: true}, {Delay: time.Duration(r.IntN(300)) * time.Millisecond}, {Loss: 0.3}, {Delay: 20, Loss: 0.1},
				}[r.IntN(5)])
				pass(time.Duration(r.IntN(200)) * time.Millisecond)
			}
			impair(t, w, Impairment{})
			running.Wait()
			go write(t, far, "x") // the pump of what comes in ends with what comes next
			expect(t, near, "x")
			synctest.Wait()
			if near.in.busy() || near.out.busy() {
				t.Errorf("seed %d: a wire that was healed still takes the detour", seed)
			}
		})
	}
}

// TestWireLingersBounded: connections that were closed behind a cut are not kept without
// end: those above the bound are closed in sight of the other end.
func TestWireLingersBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(1)
		impair(t, w, Impairment{Cut: true})
		for range 2 * lingerMax {
			near, _ := net.Pipe()
			if err := w.plugIn(pipeEnd{near}).Close(); err != nil {
				t.Error(err)
			}
		}
		if len(w.plugs) != lingerMax || w.lingers != lingerMax {
			t.Errorf("%d connections are kept, %d linger", len(w.plugs), w.lingers)
		}
		impair(t, w, Impairment{})
		synctest.Wait()
		if len(w.plugs) != 0 || w.lingers != 0 {
			t.Errorf("after healing %d connections are kept, %d linger", len(w.plugs), w.lingers)
		}
		w.close()
	})
}

// TestImpairmentValidate: each bound is held and named, and what is no number is no share.
func TestImpairmentValidate(t *testing.T) {
	tests := []struct {
		name string
		i    Impairment
		want string // part of the error; empty: none
	}{
		{"nothing", Impairment{}, ""},
		{"all", Impairment{Cut: true, Delay: DelayMax, Loss: LossMax}, ""},
		{"negative delay", Impairment{Delay: -1}, "delay is -1ns"},
		{"long delay", Impairment{Delay: DelayMax + 1}, "0 to 10s"},
		{"negative loss", Impairment{Loss: -0.1}, "loss is -0.1"},
		{"all lost", Impairment{Loss: 1}, "0 to 0.9"},
		{"no number", Impairment{Loss: math.NaN()}, "loss is NaN"},
		{"both", Impairment{Delay: time.Hour, Loss: 2}, "loss is 2"},
	}
	for _, tt := range tests {
		err := tt.i.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
	if got := (Impairment{Cut: true, Delay: 20 * time.Millisecond, Loss: 0.05}).String(); got != "cut, delay 20ms, loss 5 %" {
		t.Errorf("got %q", got)
	}
}
