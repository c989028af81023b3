package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// header is what stands before each frame: what its sender left to the hardware, as
	// struct virtio_net_hdr of the kernel.
	header = 10

	// shortest is the shortest frame: two addresses and a type.
	shortest = header + 14

	// mostKnown is how many addresses a switch remembers. Whoever makes up more is not known.
	mostKnown = 4096
)

// address of the link layer.
type address [6]byte

// group tells whether an address is of several: multicast, or of all, broadcast.
func (a address) group() bool { return a[0]&1 == 1 }

// fate is what becomes of a frame at one port.
type fate struct {
	port  int
	delay time.Duration
}

// fabric decides what becomes of frames. It is safe for concurrent use.
type fabric struct {
	mu    sync.Mutex // guards what follows
	paths [][]Path   // [from][to]
	dice  [][]*rand.Rand
	known map[address]int
	lost  uint64 // frames that a path has lost or cut
}

// newFabric is one of so many ports, which carries everything.
func newFabric(ports int, seed uint64) *fabric {
	f := &fabric{known: map[address]int{}}
	for from := range ports {
		f.paths = append(f.paths, make([]Path, ports))
		dice := make([]*rand.Rand, ports)
		for to := range dice {
			dice[to] = rand.New(rand.NewPCG(seed, uint64(from*ports+to)))
		}
		f.dice = append(f.dice, dice)
	}
	return f
}

// set makes the paths what of says of each ordered pair of ports, all at once.
func (f *fabric) set(of func(from, to int) Path) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var faults []error
	paths := make([][]Path, len(f.paths))
	for from := range paths {
		paths[from] = make([]Path, len(f.paths))
		for to := range paths[from] {
			paths[from][to] = of(from, to)
			if err := paths[from][to].Validate(); err != nil {
				faults = append(faults, fmt.Errorf("path from port %d to port %d: %w", from, to, err))
			}
		}
	}
	if len(faults) == 0 {
		f.paths = paths
	}
	return errors.Join(faults...)
}

// route appends to fates what becomes of a frame that came in at a port, at each port that
// it is for. What is too short to be a frame is for none.
func (f *fabric) route(from int, frame []byte, fates []fate) []fate {
	if len(frame) < shortest {
		return fates
	}
	to, sender := address(frame[header:]), address(frame[header+len(address{}):])
	f.mu.Lock()
	defer f.mu.Unlock()
	if !sender.group() {
		if _, ok := f.known[sender]; ok || len(f.known) < mostKnown {
			f.known[sender] = from
		}
	}
	if port, ok := f.known[to]; ok && !to.group() {
		return f.pass(from, port, fates)
	}
	for port := range f.paths {
		fates = f.pass(from, port, fates)
	}
	return fates
}

// pass has a frame take a path. The caller has the lock.
func (f *fabric) pass(from, to int, fates []fate) []fate {
	if from == to {
		return fates
	}
	p := f.paths[from][to]
	if p.Cut || p.Loss > 0 && f.dice[from][to].Float64() < p.Loss {
		f.lost++
		return fates
	}
	return append(fates, fate{to, p.Delay})
}

// losses is how many frames were lost or cut so far.
func (f *fabric) losses() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}
