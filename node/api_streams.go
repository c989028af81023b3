package node

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	"ganglion/proto/controlpb"
	"ganglion/roles"
)

// streamLines is how many lines a stream takes from the engine at once.
const streamLines = 64

// lastMost is the most lines of the past that one call may ask for.
const lastMost = roles.LogVerdicts

// Verdicts tells verdicts from the log and, to followers, those that come.
func (a *api) Verdicts(ctx context.Context, q *controlpb.VerdictsRequest, stream *connect.ServerStream[controlpb.VerdictsResponse]) error {
	site := a.site(q.GetSite())
	next := a.arrivals.end() // before the past is read: nothing falls between the two
	told, err := a.past(ctx, site, q, stream)
	if err != nil || !q.GetFollow() {
		return err
	}
	for {
		some, after, lost, err := a.arrivals.wait(ctx, next, streamLines)
		if err != nil {
			return nil //nolint:nilerr // the caller has gone, or the node ends: so does the stream
		}
		if lost > 0 {
			return connect.NewError(connect.CodeDataLoss, fmt.Errorf("this follower is %d lines behind: ask again from the first beat that it lacks", lost))
		}
		next = after
		if err := a.present(ctx, site, some, told, stream); err != nil {
			return err
		}
	}
}

// key tells two lines apart.
type key struct {
	hash, by roles.Hash
}

func keyOf(p *roles.Published) key { return key{p.Sealed.Hash, p.SupersededBy} }

// past sends what was asked for of the log, and returns what that was.
func (a *api) past(ctx context.Context, site roles.Site, q *controlpb.VerdictsRequest, stream *connect.ServerStream[controlpb.VerdictsResponse]) (map[key]bool, error) {
	told := map[key]bool{}
	var of []*roles.Published
	var gaps []roles.Gap
	var fault error
	err := a.inEngine(ctx, func() {
		l := a.roles.Log(site)
		if l == nil {
			fault = fmt.Errorf("site %.80q is not known here", site)
			return
		}
		if q.FromBeat == nil {
			of = l.Last(int(min(q.GetLast(), lastMost)))
			return
		}
		run, err := a.runNamed(site, q.GetRun())
		if err != nil {
			fault = err
			return
		}
		of, gaps = a.beats(l, site, run, q.GetFromBeat())
	})
	if err != nil {
		return nil, err
	}
	if fault != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, fault)
	}
	for _, g := range gaps {
		if err := stream.Send(gapLine(g)); err != nil {
			return nil, err
		}
	}
	var lines []arrival
	for _, p := range of {
		lines = append(lines, arrival{published: p, site: site})
	}
	return told, a.present(ctx, site, lines, told, stream)
}

// beats is what the log has of a run from a beat on, and the gaps below what it knows.
func (a *api) beats(l *roles.Log, site roles.Site, run roles.RunID, from uint64) (of []*roles.Published, gaps []roles.Gap) {
	end := uint64(l.End(run))
	for from < end {
		some, missing, next := l.Range(site, roles.Span{Run: run, From: from, To: end}, lastMost)
		of = append(of, some...)
		for _, g := range missing {
			if g.Kind != roles.NotFinal {
				gaps = append(gaps, g)
			}
		}
		if next <= from {
			break
		}
		from = next
	}
	return of, gaps
}

// present sends lines of a site that were not told yet.
func (a *api) present(ctx context.Context, site roles.Site, lines []arrival, told map[key]bool, stream *connect.ServerStream[controlpb.VerdictsResponse]) error {
	for len(lines) > 0 {
		some := lines[:min(len(lines), streamLines)]
		lines = lines[len(some):]
		var out []*controlpb.VerdictsResponse
		if err := a.inEngine(ctx, func() {
			for _, one := range some {
				switch {
				case one.site != site:
				case one.gap != nil:
					out = append(out, gapLine(*one.gap))
				case !told[keyOf(one.published)]:
					told[keyOf(one.published)] = true
					out = append(out, &controlpb.VerdictsResponse{Line: &controlpb.VerdictsResponse_Verdict{Verdict: a.describe(one.published, false)}})
				}
			}
		}); err != nil {
			return err
		}
		for _, line := range out {
			if err := stream.Send(line); err != nil {
				return err
			}
		}
		if len(told) > 2*arrivalsKept { // what is that old does not come again
			clear(told)
		}
	}
	return nil
}

func gapLine(g roles.Gap) *controlpb.VerdictsResponse {
	return &controlpb.VerdictsResponse{Line: &controlpb.VerdictsResponse_Gap{Gap: &controlpb.Gap{
		Run: g.Run.String(), From: g.From, To: g.To, Reason: g.Kind.String(),
	}}}
}

// message is an event for programs.
func (e *event) message() *controlpb.EventsResponse {
	return &controlpb.EventsResponse{
		AtUnixNs: e.at.UnixNano(), Kind: e.kind, Text: e.text, Attributes: e.attributes, Number: e.number,
	}
}

// Events tells what happened at this node.
func (a *api) Events(ctx context.Context, q *controlpb.EventsRequest, stream *connect.ServerStream[controlpb.EventsResponse]) error {
	var last uint64
	for {
		some, err := a.events.after(ctx, last, q.GetFollow())
		if err != nil {
			return nil //nolint:nilerr // the caller has gone, or the node ends: so does the stream
		}
		for _, one := range some {
			last = one.number
			if err := stream.Send(one.message()); err != nil {
				return err
			}
		}
		if !q.GetFollow() {
			return nil
		}
	}
}
