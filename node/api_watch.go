package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"

	"ganglion/proto/controlpb"
	"ganglion/roles"

	"google.golang.org/protobuf/proto"
)

// What watchers get unless they ask for something else, and how often they may ask for it.
const (
	watchInterval      = 250 * time.Millisecond
	watchIntervalLeast = 100 * time.Millisecond
	watchIntervalMost  = 10 * time.Second
	watchVerdicts      = 8
	watchPace          = time.Second      // of what changes all the time: the status, and links
	watchTimes         = 10 * time.Second // of members where nothing but times changes
)

// watcher is one that watches a site: what it has been told of.
type watcher struct {
	api      *api
	site     roles.Site
	verdicts int

	sums       figures
	came       uint64 // verdicts of the stage
	event      uint64
	edition    uint64    // of the roster
	listed     time.Time // when it was told
	ups        []bool    // links of that roster
	thresholds *controlpb.Thresholds
	paced      time.Time // when the status was told, and links whatever they are
	told       time.Time
}

// Watch tells what a page draws.
func (a *api) Watch(ctx context.Context, q *controlpb.WatchRequest, stream *connect.ServerStream[controlpb.WatchResponse]) error {
	w, interval, err := a.newWatcher(q)
	if err != nil {
		return connect.NewError(connect.CodeInvalidArgument, err)
	}
	if a.config.NoPage {
		return connect.NewError(connect.CodeFailedPrecondition, errNoPage)
	}
	if err := a.audience.takeSeat(); err != nil {
		return connect.NewError(connect.CodeResourceExhausted, err)
	}
	defer a.audience.seats.Add(-1)
	stage, out, err := w.begin(ctx)
	if err != nil {
		return err
	}
	defer a.later(func() { a.audience.leave(w.site) })
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := stream.Send(out); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		if out, err = w.next(ctx, stage); err != nil {
			return nil // the caller has gone, or the node ends: so does the stream
		}
	}
}

// newWatcher checks what is asked for.
func (a *api) newWatcher(q *controlpb.WatchRequest) (*watcher, time.Duration, error) {
	w := &watcher{api: a, site: a.site(q.GetSite()), verdicts: int(q.GetVerdicts()), event: q.GetAfterEvent()}
	if w.verdicts == 0 {
		w.verdicts = watchVerdicts
	}
	interval := time.Duration(q.GetIntervalMs()) * time.Millisecond
	if interval == 0 {
		interval = watchInterval
	}
	var faults []error
	if interval < watchIntervalLeast || interval > watchIntervalMost {
		faults = append(faults, fmt.Errorf("interval_ms %d: use %d to %d, or 0 for %d",
			q.GetIntervalMs(), watchIntervalLeast.Milliseconds(), watchIntervalMost.Milliseconds(), watchInterval.Milliseconds()))
	}
	if q.GetVerdicts() > verdictsMost {
		faults = append(faults, fmt.Errorf("verdicts %d: use 1 to %d, or 0 for %d; figures count them all", q.GetVerdicts(), verdictsMost, watchVerdicts))
	}
	if w.event > a.events.end() {
		w.event = 0 // of an earlier life of this node
	}
	return w, interval, errors.Join(faults...)
}

// begin takes a place in front of the stage, and tells all that a page begins with: the last
// verdicts of the log among it.
func (w *watcher) begin(ctx context.Context) (*stage, *controlpb.WatchResponse, error) {
	out := &controlpb.WatchResponse{}
	var s *stage
	var unknown bool
	err := w.api.inEngine(ctx, func() {
		e := w.api.engine
		l := e.roles.Log(w.site)
		if unknown = l == nil; unknown {
			return
		}
		s = e.audience.enter(w.site)
		w.sums, w.came = s.sums, s.came
		for _, p := range l.Last(w.verdicts) {
			out.Verdicts = append(out.Verdicts, e.describe(p, false))
		}
		w.inForce(out)
	})
	if unknown {
		err = connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("site %.80q is not known here", w.site))
	}
	if err == nil {
		if err = w.around(ctx, out); err != nil {
			w.api.later(func() { w.api.audience.leave(w.site) })
		}
	}
	return s, out, err
}

// next is what is new since the answer before.
func (w *watcher) next(ctx context.Context, s *stage) (*controlpb.WatchResponse, error) {
	out := &controlpb.WatchResponse{}
	var fresh figures
	if err := w.api.inEngine(ctx, func() {
		fresh = s.sums.since(&w.sums)
		out.Verdicts = w.api.audience.show(s, w.came, w.verdicts)
		out.Skipped = s.came - w.came - uint64(len(out.Verdicts))
		w.sums, w.came = s.sums, s.came
		w.inForce(out)
	}); err != nil {
		return nil, err
	}
	out.Figures = fresh.message(time.Since(w.told))
	return out, w.around(ctx, out)
}

// inForce adds the thresholds where they are others. It is called in the engine.
func (w *watcher) inForce(out *controlpb.WatchResponse) {
	if now := w.api.thresholdsInForce(); !proto.Equal(now, w.thresholds) {
		w.thresholds, out.Thresholds = now, now
	}
}

// around adds what is not of the samples: the node, its members and links, what happened.
func (w *watcher) around(ctx context.Context, out *controlpb.WatchResponse) error {
	a, now := w.api, time.Now()
	paced := now.Sub(w.paced) >= watchPace
	if paced {
		w.paced = now
		var err error
		if out.Status, err = a.statusNow(ctx); err != nil {
			return err
		}
	}
	r, err := a.rosterNow(ctx)
	if err != nil {
		return err
	}
	if r.edition != w.edition || now.Sub(w.listed) >= watchTimes {
		w.listed, out.Members = now, r.members
		paced = paced || r.edition != w.edition
		w.edition = r.edition
	}
	ups := a.ups(make([]bool, 0, len(r.members)), r)
	if paced || !slices.Equal(ups, w.ups) {
		w.ups, out.Links = ups, a.links(r)
	}
	happened, err := a.events.after(ctx, w.event, false)
	if err != nil {
		return err
	}
	for i := range happened {
		w.event = happened[i].number
		out.Events = append(out.Events, happened[i].message())
	}
	w.told = now
	out.AtUnixNs = now.UnixNano()
	return nil
}

// statusNow is the status, and the same one for all who watch.
func (a *api) statusNow(ctx context.Context) (*controlpb.StatusResponse, error) {
	return a.audience.status.get(ctx, watchPace/2, func(*controlpb.StatusResponse) (*controlpb.StatusResponse, error) {
		return a.Status(ctx, &controlpb.StatusRequest{})
	})
}
