package demo

import (
	"context"
	"sync"
	"time"

	"ganglion/node/control"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// The times of asking nodes.
const (
	askWait   = time.Second            // for one answer
	listenGap = 200 * time.Millisecond // before events are asked for again
)

// member is a node of the demo: its process and, once it is up, a client to ask it.
type member struct {
	*launch.Process
	part   Part
	leaves bool                      // it was told to end
	node   *control.Node             // nil: it is not up yet
	status *controlpb.StatusResponse // the last one that it answered
	before spent                     // when the run began
}

// up tells whether the node runs and can be asked.
func (m *member) up() bool { return m.node != nil && m.Running() }

// outlooks asks every node that is up how it and the mesh are, all at once.
func outlooks(ctx context.Context, members []*member) []outlook {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	var up []*member
	for _, m := range members {
		if m.up() {
			up = append(up, m)
		}
	}
	out := make([]outlook, len(up))
	var asking sync.WaitGroup
	for i, m := range up {
		asking.Go(func() {
			out[i] = outlook{name: m.part.Name, device: m.part.Views > 0}
			status, err := m.node.NodeServiceClient.Status(ctx, &controlpb.StatusRequest{})
			if err != nil {
				return // it is told as one that does not answer
			}
			members, err := m.node.Members(ctx, &controlpb.MembersRequest{})
			if err != nil || len(members.GetViews()) == 0 {
				return
			}
			out[i].status, out[i].members = status, members.GetViews()[0].GetMembers()
			m.status = status
		})
	}
	asking.Wait()
	return out
}

// tallyOf is what became of the samples of a run, by the first node that knows it to have
// ended; where none does, by the one that knows of most samples. It is nil where none
// answers.
func tallyOf(ctx context.Context, members []*member, run string) (best *controlpb.TallyResponse) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	for _, m := range members {
		if !m.up() {
			continue
		}
		t, err := m.node.Tally(ctx, &controlpb.TallyRequest{Run: run})
		switch {
		case err != nil:
		case t.GetEnded():
			return t
		case best == nil || t.GetTally().GetDue() > best.GetTally().GetDue():
			best = t
		}
	}
	return best
}

// listen passes on what happens at a node until it ends or ctx is done.
func listen(ctx context.Context, m *member, to chan<- news) {
	again := time.NewTicker(listenGap)
	defer again.Stop()
	var last uint64
	for {
		last = hear(ctx, m, last, to)
		select {
		case <-ctx.Done():
			return
		case <-m.Ended():
			return
		case <-again.C:
		}
	}
}

// hear passes on the events behind a number, until the stream breaks; it returns the number
// of the last.
func hear(ctx context.Context, m *member, last uint64, to chan<- news) uint64 {
	stream, err := m.node.Events(ctx, &controlpb.EventsRequest{Follow: true})
	if err != nil {
		return last
	}
	defer stream.Close() //nolint:errcheck // it is only read from
	for stream.Receive() {
		e := stream.Msg()
		if e.GetNumber() <= last {
			continue
		}
		last = e.GetNumber()
		select {
		case to <- news{time.Now(), m.part.Name, e}:
		case <-ctx.Done():
			return last
		}
	}
	return last
}
