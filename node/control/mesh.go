package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"ganglion/proto/controlpb"
)

// RunOf is the run in the name of a sample, which is site/run/beat; empty: it is on demand.
func RunOf(v *controlpb.Verdict) string {
	const least = 3
	parts := strings.Split(v.GetSample(), "/")
	if v == nil || v.Beat == nil || len(parts) < least {
		return ""
	}
	return parts[len(parts)-2]
}

// JoinAddress is where others of this machine find the node of a status.
func JoinAddress(s *controlpb.StatusResponse) (string, error) {
	for _, a := range s.GetAddresses() {
		if _, port, err := net.SplitHostPort(a); err == nil {
			return net.JoinHostPort("127.0.0.1", port), nil
		}
	}
	return "", fmt.Errorf("find %s: it listens nowhere", s.GetName())
}

// Places is who does what, of the live members that a node lists: by name its views, then a
// slash and its roles, as "north/aggregator,device". Two nodes agree where theirs are equal.
func Places(members []*controlpb.Member) map[string]string {
	out := map[string]string{}
	for _, m := range members {
		if m.GetState() == "alive" {
			roles := slices.Sorted(slices.Values(m.GetRoles()))
			out[m.GetName()] = strings.Join(m.GetViews(), ",") + "/" + strings.Join(slices.Compact(roles), ",")
		}
	}
	return out
}

// Each asks several, all at once, and returns what they answered in their order, with the
// errors joined.
func Each[N, T any](ctx context.Context, of []N, ask func(context.Context, N) (T, error)) ([]T, error) {
	out, faults := make([]T, len(of)), make([]error, len(of))
	var asking sync.WaitGroup
	for i, one := range of {
		asking.Go(func() { out[i], faults[i] = ask(ctx, one) })
	}
	asking.Wait()
	return out, errors.Join(faults...)
}
