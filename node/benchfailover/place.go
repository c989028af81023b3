package benchfailover

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ganglion/node/control"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// apiOf is where the node of a process serves its control API, by its run file.
func apiOf(dir string, pid int) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%d.json", pid)))
	if err != nil {
		return "", err
	}
	var file control.RunFile
	if err := json.Unmarshal(data, &file); err != nil {
		return "", fmt.Errorf("read run file: %w", err)
	}
	return file.API, nil
}

// places is who does what, by name: views, then roles.
type places map[string]string

// view of a node; empty: none.
func (p places) view(name string) string {
	view, _, _ := strings.Cut(p[name], "/")
	return view
}

// holders are the nodes that have a role, by name.
func (p places) holders(role string) (names []string) {
	for name, place := range p {
		_, roles, _ := strings.Cut(place, "/")
		if slices.Contains(strings.Split(roles, ","), role) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// lacks says what is not in its place where these nodes live and no others; empty: nothing.
func (p places) lacks(living []*member) string {
	if len(p) != len(living) {
		return fmt.Sprintf("sees %d alive of %d", len(p), len(living))
	}
	views := map[string]bool{}
	for _, one := range living {
		view := p.view(one.name)
		switch {
		case p[one.name] == "":
			return "does not see " + one.name
		case one.device() && (view == "" || views[view]):
			return one.name + " has not got a view of its own"
		default:
			views[view] = true
		}
	}
	for _, role := range []string{aggregatorRole, cloudRole, coordinatorRole} {
		if n := len(p.holders(role)); n != 1 {
			return fmt.Sprintf("sees %d nodes as %s", n, role)
		}
	}
	return ""
}

// differ tells of one node of which two have different notions.
func (p places) differ(by string, q places, other string) string {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if p[name] != q[name] {
			return fmt.Sprintf("%s has %q as %s sees it, %q as %s does", name, p[name], by, q[name], other)
		}
	}
	return "they see others"
}

// look says what is not in its place; empty: nothing, and all agree on places.
func (m *liveMesh) look(ctx context.Context, living []*member) (lacks string, agreed places) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	answers, err := each(ctx, living, func(ctx context.Context, one *member) (*controlpb.MembersResponse, error) {
		return one.asked.Members(ctx, &controlpb.MembersRequest{})
	})
	if err != nil {
		return err.Error(), nil
	}
	for i, a := range answers {
		if len(a.GetViews()) == 0 {
			return living[i].name + " tells of nobody", nil
		}
		p := places(control.Places(a.GetViews()[0].GetMembers()))
		if lacks := p.lacks(living); lacks != "" {
			return living[i].name + " " + lacks, nil
		}
		if agreed == nil {
			agreed = p
		}
		if !maps.Equal(agreed, p) {
			return "nodes do not agree on who does what: " + agreed.differ(living[0].name, p, living[i].name), nil
		}
	}
	return "", agreed
}

// settle waits until everything is in its place for some time, of these nodes that live.
func (m *liveMesh) settle(ctx context.Context, living []*member) (places, error) {
	return m.settleWithin(ctx, living, readyWait, steady)
}

// settleWithin is settle with a bound, and so many looks in a row.
func (m *liveMesh) settleWithin(ctx context.Context, living []*member, bound time.Duration, looks int) (places, error) {
	deadline := time.Now().Add(bound)
	var last places
	for calm := 0; ; {
		for _, one := range living {
			if !one.process.Running() {
				return nil, one.process.Failure()
			}
		}
		lacks, agreed := m.look(ctx, living)
		if lacks != "" || !maps.Equal(last, agreed) {
			calm = 0
		}
		last = agreed
		if lacks == "" {
			calm++
		}
		if calm >= looks {
			for _, one := range living {
				one.view = agreed.view(one.name)
			}
			return agreed, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%w within %v: %s", errUnsettled, bound, lacks)
		}
		if err := launch.Pause(ctx, readyPace); err != nil {
			return nil, err
		}
	}
}
