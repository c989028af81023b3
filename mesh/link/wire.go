package link

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	// lingerMax bounds the connections that are closed here while the wire still has to
	// say so; a further one is closed at once.
	lingerMax = 256
	// lingerWithin is how long the end of a host waits for what is under way.
	lingerWithin = time.Second
)

// wire is the cable of a host that may be impaired: what its connections share.
type wire struct {
	now  atomic.Pointer[wireState]
	seed uint64

	mu      sync.Mutex // guards what follows
	plugs   map[*plug]struct{}
	made    uint64 // plugs
	lingers int
	closed  bool
	pumps   sync.WaitGroup // Add only where closed is false
	dead    chan struct{}  // closed when nothing is waited for any more
}

// wireState is an impairment for as long as it lasts.
type wireState struct {
	Impairment
	idle     bool // nothing is done
	replaced chan struct{}
}

func newWireState(i Impairment) *wireState {
	return &wireState{Impairment: i, idle: i == Impairment{}, replaced: make(chan struct{})}
}

// newWire returns a wire that does nothing. Equal seeds lose equal segments; 0 is drawn.
func newWire(seed uint64) *wire {
	for seed == 0 {
		seed = rand.Uint64()
	}
	w := &wire{seed: seed, plugs: make(map[*plug]struct{}), dead: make(chan struct{})}
	w.now.Store(newWireState(Impairment{}))
	return w
}

func (w *wire) get() *wireState { return w.now.Load() }

// impair replaces the impairment and returns the one before.
func (w *wire) impair(i Impairment) (before Impairment, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return Impairment{}, ErrClosed
	}
	old := w.now.Swap(newWireState(i))
	close(old.replaced)
	for p := range w.plugs {
		// A write that the kernel has no room for is called back.
		p.outgoing.interrupt()
	}
	return old.Impairment, nil
}

// whole returns when the wire is not cut, or why that was not waited for.
func (w *wire) whole(done <-chan struct{}) bool {
	for {
		state := w.get()
		if !state.Cut {
			return true
		}
		select {
		case <-state.replaced:
		case <-done:
			return false
		}
	}
}

// start runs a pump, unless the wire has ended.
func (w *wire) start(pump func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.pumps.Go(pump)
	return true
}

// plugIn puts a connection on the wire.
func (w *wire) plugIn(c manet.Conn) *plug {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	p := newPlug(w, c, rand.NewPCG(w.seed, 2*w.made), rand.NewPCG(w.seed, 2*w.made+1))
	w.plugs[p] = struct{}{}
	return p
}

// linger tells whether one more connection may wait for its end to be told.
func (w *wire) linger() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.lingers >= lingerMax {
		return false
	}
	w.lingers++
	return true
}

// unplug forgets a connection.
func (w *wire) unplug(p *plug, lingered bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.plugs, p)
	if lingered {
		w.lingers--
	}
}

// close ends the wire when all its connections have been closed: what is under way has a
// moment to arrive, unless the wire is cut. Then every connection ends as with the
// process.
func (w *wire) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	if !w.get().Cut {
		drained := make(chan struct{})
		var wait sync.WaitGroup
		defer wait.Wait()
		wait.Go(func() {
			w.pumps.Wait()
			close(drained)
		})
		timer := time.NewTimer(lingerWithin)
		defer timer.Stop()
		select {
		case <-drained:
		case <-timer.C:
		}
	}
	close(w.dead)
	w.mu.Lock()
	left := make([]*plug, 0, len(w.plugs))
	for p := range w.plugs {
		left = append(left, p)
	}
	w.mu.Unlock()
	for _, p := range left {
		_ = p.sever() // nobody is left to tell
	}
	w.pumps.Wait()
}
