package benchfailover

import (
	"context"
	"sync"
	"time"

	"ganglion/node/control"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// The times of watching.
const (
	againWait   = 50 * time.Millisecond // before a stream that broke is asked for again
	againLast   = 400                   // verdicts that are then asked for again
	mostWatched = 1_000_000             // lines of one trial; what is beyond is not measured
)

// arrival is a verdict as it came to an observer.
type arrival struct {
	at    time.Time
	beat  uint64
	since time.Duration // from its beat to its release, by who released it
	early bool          // it stopped early

	missing []missing
}

// missing is a view that a verdict lacks.
type missing struct {
	view, reason string
}

// happening is an event of a node.
type happening struct {
	at         time.Time
	by         string // the node that tells it
	kind       string
	attributes map[string]string
}

// watcher collects what nodes tell during a trial. It is safe for concurrent use.
type watcher struct {
	mu       sync.Mutex // guards what follows
	verdicts map[string]*stream
	events   []happening
	told     map[string]uint64 // number of the last event by node

	stop  context.CancelFunc
	doing sync.WaitGroup
}

// stream is the first verdicts of beats of one run as one node told them.
type stream struct {
	arrivals []arrival
	known    map[uint64]bool
}

// watch follows verdicts of a run at some nodes, from a beat on, and events at others, until
// its end is called. Earlier beats may be published again, as after a cut.
func watch(ctx context.Context, run string, from uint64, observers, listened []*member) *watcher {
	ctx, stop := context.WithCancel(ctx)
	w := &watcher{verdicts: map[string]*stream{}, told: map[string]uint64{}, stop: stop}
	for _, one := range observers {
		w.verdicts[one.name] = &stream{known: map[uint64]bool{}}
	}
	begun := time.Now()
	for _, one := range observers {
		client := one.asked // of this process: a later one begins a later stream
		w.doing.Go(func() { w.again(ctx, func() { w.follow(ctx, one.name, client, run, from) }) })
	}
	for _, one := range listened {
		client := one.asked
		w.doing.Go(func() { w.again(ctx, func() { w.listen(ctx, one.name, client, begun) }) })
	}
	return w
}

// end ends watching.
func (w *watcher) end() {
	w.stop()
	w.doing.Wait()
}

// again does something again when it ends, until ctx is done.
func (w *watcher) again(ctx context.Context, what func()) {
	for ctx.Err() == nil {
		what()
		_ = launch.Pause(ctx, againWait) // its error is that of ctx
	}
}

// follow takes verdicts until the stream breaks.
func (w *watcher) follow(ctx context.Context, name string, client controlpb.NodeServiceClient, run string, from uint64) {
	w.mu.Lock()
	last := 0
	if len(w.verdicts[name].arrivals) > 0 {
		last = againLast
	}
	w.mu.Unlock()
	lines, err := client.Verdicts(ctx, &controlpb.VerdictsRequest{Follow: true, Last: uint32(last)})
	if err != nil {
		return
	}
	defer lines.Close() //nolint:errcheck // it is only read from
	for lines.Receive() {
		at := time.Now()
		v := lines.Msg().GetVerdict()
		if v == nil || v.Beat == nil || v.GetBeat() < from || v.GetSupersededBy() != "" || control.RunOf(v) != run {
			continue
		}
		w.mu.Lock()
		s := w.verdicts[name]
		if beat := v.GetBeat(); !s.known[beat] && len(s.arrivals) < mostWatched {
			s.known[beat] = true
			a := arrival{at: at, beat: beat, since: time.Duration(v.GetSinceBeatNs()), early: v.GetStoppedEarly()}
			for _, m := range v.GetMissing() {
				a.missing = append(a.missing, missing{m.GetView(), m.GetReason()})
			}
			s.arrivals = append(s.arrivals, a)
		}
		w.mu.Unlock()
	}
}

// listen takes events until the stream breaks.
func (w *watcher) listen(ctx context.Context, name string, client controlpb.NodeServiceClient, begun time.Time) {
	events, err := client.Events(ctx, &controlpb.EventsRequest{Follow: true})
	if err != nil {
		return
	}
	defer events.Close() //nolint:errcheck // it is only read from
	for events.Receive() {
		e := events.Msg()
		at := time.Unix(0, e.GetAtUnixNs()) // of the same machine's clock
		w.mu.Lock()
		if e.GetNumber() > w.told[name] && at.After(begun) && len(w.events) < mostWatched {
			w.told[name] = e.GetNumber()
			w.events = append(w.events, happening{at: at, by: name, kind: e.GetKind(), attributes: e.GetAttributes()})
		}
		w.mu.Unlock()
	}
}

// seen is what came to an observer so far.
func (w *watcher) seen(name string) []arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.verdicts[name]; s != nil {
		return append([]arrival(nil), s.arrivals...)
	}
	return nil
}

// happened is the events so far.
func (w *watcher) happened() []happening {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]happening(nil), w.events...)
}
