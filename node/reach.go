package node

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"ganglion/mesh"
	"ganglion/mesh/link"
	"ganglion/proto/controlpb"
)

// kindReach asks a member to dial whoever asks, and to say what came of it.
const kindReach mesh.Kind = 9

// The limits of dialling to find out whether somebody can be dialled.
const (
	reachWait      = 7 * time.Second // for all addresses of one node
	reachTries     = 2               // of an address that does not answer: a machine may be busy
	reachAddresses = 4               // of one node
	reachBytes     = 8 << 10         // of an answer
	reachAtOnce    = 4               // members that are dialled because they asked
	probesAtOnce   = 16              // members that are dialled for one diagnosis
)

// reach dials addresses of a member, and leaves no connection. There is no report of what was
// not finished when within ended: that says nothing of the member.
func (e *engine) reach(within context.Context, p mesh.MemberID, addresses []netip.AddrPort) []*controlpb.ReachReport {
	addresses = slices.Compact(slices.SortedFunc(slices.Values(addresses), netip.AddrPort.Compare))
	reports := make([]*controlpb.ReachReport, min(len(addresses), reachAddresses))
	ctx, cancel := context.WithTimeout(within, reachWait)
	defer cancel()
	var dialling sync.WaitGroup
	for i := range reports {
		dialling.Go(func() {
			began := time.Now()
			var err error
			for range reachTries {
				if err = e.mesh.Probe(ctx, p, addresses[i]); link.CauseOf(err) != link.CauseNoAnswer {
					break
				}
			}
			if within.Err() != nil {
				return
			}
			report := &controlpb.ReachReport{
				Address: addresses[i].String(), Cause: string(link.CauseOf(err)), ElapsedUs: time.Since(began).Microseconds(),
			}
			if err != nil {
				report.Fault = err.Error()
			}
			reports[i] = report
		})
	}
	dialling.Wait()
	return slices.DeleteFunc(reports, func(r *controlpb.ReachReport) bool { return r == nil })
}

// reached asks a member to dial this node.
func (e *engine) reached(ctx context.Context, p mesh.MemberID) ([]*controlpb.ReachReport, error) {
	ctx, cancel := context.WithTimeout(ctx, reachWait+time.Second)
	defer cancel()
	reply, err := e.mesh.Request(ctx, p, kindReach, nil, reachBytes)
	if err != nil {
		return nil, err
	}
	reports := &controlpb.ReachReports{}
	if err := proto.Unmarshal(reply, reports); err != nil {
		return nil, err
	}
	return reports.GetReports(), nil
}

// serveReach dials the member that asks for it.
func (e *engine) serveReach(m mesh.Message) {
	e.later(func() {
		if e.reaching.Load() >= reachAtOnce {
			e.refuse(m, "busy with dialling others: ask again")
			return
		}
		var addresses []netip.AddrPort
		for i := range e.members {
			if one := &e.members[i]; one.ID == m.From && one.Record != nil {
				addresses = one.Record.Addresses
			}
		}
		e.reaching.Add(1)
		e.group.Go(func() {
			defer e.reaching.Add(-1)
			ctx, cancel := context.WithCancel(context.Background()) // a node that stops gives it up
			defer cancel()
			ended := make(chan struct{})
			defer close(ended)
			e.group.Go(func() {
				select {
				case <-e.ended:
					cancel()
				case <-ended:
				}
			})
			payload, err := proto.Marshal(&controlpb.ReachReports{Reports: e.reach(ctx, m.From, addresses)})
			if err != nil {
				e.refuse(m, "cannot say")
				return
			}
			e.reply(m, payload)
		})
	})
}
