package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"ganglion/node"
	"ganglion/proto/controlpb"
)

// settled waits until all cameras have a place and both tiers a holder, as a node sees it.
func settled(ctx context.Context, n *node.Node) ([]*controlpb.Member, error) {
	const cameras = 6
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := n.API().Members(ctx, &controlpb.MembersRequest{})
		if err != nil {
			return nil, err
		}
		members := r.GetViews()[0].GetMembers() // the first view is the node's own
		held, roles := 0, []string{}
		for _, m := range members {
			slices.Sort(m.Roles)
			held += len(m.GetViews())
			roles = append(roles, m.GetRoles()...)
		}
		if held == cameras && slices.Contains(roles, "aggregator") && slices.Contains(roles, "cloud") {
			return members, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// explain is a verdict for people: each exit that the sample met says how sure it was.
func explain(v *controlpb.Verdict) string {
	out := new(strings.Builder)
	fmt.Fprintf(out, "\nsample %d shows a %s; the mesh says %s\n", v.GetRef(), v.GetLabel(), v.GetClass())
	fmt.Fprintf(out, "  seen by      %s\n", strings.Join(v.GetSeen(), " "))
	fmt.Fprintf(out, "  nothing at   %s\n", strings.Join(v.GetNothing(), " "))
	for i, p := range v.GetProposals() {
		is, so := ">", "not sure enough: the tier above is asked"
		if int32(i) == v.GetAnswered() {
			is, so = "<=", "answered"
		}
		fmt.Fprintf(out, "  %-5s exit   %s, entropy %.3f %s %.3f: %s\n", p.GetExit(), p.GetClass(), p.GetEntropy(), is, p.GetThreshold(), so)
	}
	for _, hop := range v.GetPayloadBytes() {
		fmt.Fprintf(out, "  %-12s %d bytes\n", hop.GetHop(), hop.GetBytes())
	}
	fmt.Fprintf(out, "  decided by   %s\n", v.GetHolder())
	return out.String()
}

// loopback is the name of the interface from which nothing leaves this machine.
func loopback() (string, error) {
	all, err := net.Interfaces()
	if err != nil {
		return "", err
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 && i.Flags&net.FlagUp != 0 {
			return i.Name, nil
		}
	}
	return "", errors.New("this machine has no loopback interface that is up")
}
