package lab

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A frame of the tests: who it is for, who sent it.
func frameOf(to, from byte) []byte {
	f := make([]byte, shortest+4)
	f[header+5], f[header+11] = to, from
	return f
}

const everybody = 0xff // as the last byte of an address: the frame is a broadcast

func broadcast(from byte) []byte {
	f := frameOf(everybody, from)
	f[header] = everybody
	return f
}

func portsOf(of []fate) (ports []int) {
	for _, f := range of {
		ports = append(ports, f.port)
	}
	slices.Sort(ports)
	return ports
}

// A switch that floods everything would pass every other test, and be as slow as a hub.
func TestFabricLearns(t *testing.T) {
	f := newFabric(4, 1)
	if got := portsOf(f.route(0, frameOf(12, 10), nil)); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("a frame to nobody known goes to %v", got)
	}
	if got := portsOf(f.route(2, frameOf(10, 12), nil)); !slices.Equal(got, []int{0}) {
		t.Errorf("a frame to who has spoken goes to %v", got)
	}
	if got := portsOf(f.route(0, broadcast(10), nil)); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("a broadcast goes to %v", got)
	}
	f.route(3, frameOf(10, 12), nil) // the machine was plugged in elsewhere
	if got := portsOf(f.route(0, frameOf(12, 10), nil)); !slices.Equal(got, []int{3}) {
		t.Errorf("a frame to who has moved goes to %v", got)
	}
	if got := f.route(0, frameOf(10, 10), nil); len(got) != 0 {
		t.Errorf("a frame comes back to its port: %v", got)
	}
}

// A cut is of one direction unless both are named, of broadcasts too.
func TestFabricCuts(t *testing.T) {
	f := newFabric(3, 1)
	f.route(1, frameOf(10, 11), nil)
	f.route(0, frameOf(11, 10), nil)
	if err := f.set(func(from, to int) Path { return Path{Cut: from == 0 && to == 1, Delay: time.Duration(from)} }); err != nil {
		t.Fatal(err)
	}
	if got := f.route(0, frameOf(11, 10), nil); len(got) != 0 {
		t.Errorf("what is cut arrives: %v", got)
	}
	if got := portsOf(f.route(0, broadcast(10), nil)); !slices.Equal(got, []int{2}) {
		t.Errorf("a broadcast goes to %v, of two ports one is cut", got)
	}
	if diff := cmp.Diff([]fate{{0, 1}}, f.route(1, frameOf(10, 11), nil), cmp.AllowUnexported(fate{})); diff != "" {
		t.Errorf("the other direction (-want +got):\n%s", diff)
	}
	if f.losses() != 2 {
		t.Errorf("%d frames were lost, two were cut", f.losses())
	}
}

// The share of loss is that which was asked for, and a seed gives the same losses again,
// whatever the other paths carry in between.
func TestFabricLoses(t *testing.T) {
	const frames, share = 20_000, 0.05
	lost := func(seed uint64, beside bool) (which []int) {
		f := newFabric(3, seed)
		f.route(1, frameOf(10, 11), nil)
		if err := f.set(func(from, _ int) Path { return Path{Loss: share * float64(1-from%2)} }); err != nil {
			t.Fatal(err)
		}
		for i := range frames {
			if len(f.route(0, frameOf(11, 10), nil)) == 0 {
				which = append(which, i)
			}
			if beside {
				f.route(2, frameOf(11, 12), nil)
			}
		}
		return which
	}
	one := lost(1, false)
	deviation := math.Sqrt(frames * share * (1 - share))
	if got := float64(len(one)); math.Abs(got-frames*share) > 5*deviation {
		t.Errorf("%v of %d frames were lost, want a share of %v", got, frames, share)
	}
	if !slices.Equal(one, lost(1, true)) {
		t.Error("a seed has lost other frames when there was more traffic beside")
	}
	if slices.Equal(one, lost(2, false)) {
		t.Error("two seeds have lost the same frames")
	}
}

// Paths that cannot be must be told all at once, and change nothing.
func TestFabricRefuses(t *testing.T) {
	f := newFabric(2, 1)
	err := f.set(func(from, _ int) Path {
		if from == 0 {
			return Path{Loss: math.NaN(), Cut: true}
		}
		return Path{Delay: -time.Second, Loss: 1.5}
	})
	for _, want := range []string{"port 0 to port 1: loss NaN", "port 1 to port 0: delay -1s", "loss 1.5"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	if got := portsOf(f.route(0, frameOf(11, 10), nil)); !slices.Equal(got, []int{1}) {
		t.Errorf("a refused path was taken: %v", got)
	}
}

// FuzzRoute: what comes in at a port is anything. Nothing may come back at it, nothing may
// arrive twice, and no more addresses are remembered than there is room for.
func FuzzRoute(f *testing.F) {
	f.Add(0, frameOf(12, 10))
	f.Add(1, broadcast(11))
	f.Add(2, []byte{})
	f.Add(2, make([]byte, shortest-1))
	const ports = 3
	fabric := newFabric(ports, 1)
	f.Fuzz(func(t *testing.T, port int, frame []byte) {
		if port < 0 || port >= ports {
			t.Skip()
		}
		got := portsOf(fabric.route(port, frame, nil))
		if slices.Contains(got, port) || len(slices.Compact(slices.Clone(got))) != len(got) || len(got) >= ports {
			t.Errorf("a frame from port %d goes to %v", port, got)
		}
		if len(fabric.known) > mostKnown {
			t.Errorf("%d addresses are known", len(fabric.known))
		}
	})
}
