package benchmesh

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"ganglion/mesh/secret"
	"ganglion/node/control"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// The times of the mesh.
const (
	upWait    = time.Minute      // for a node to answer
	readyWait = 2 * time.Minute  // for everything to be in its place, on the busiest machine
	askWait   = 10 * time.Second // for an answer
	upPace    = 20 * time.Millisecond
	readyPace = 250 * time.Millisecond
	steady    = 6 // looks in a row at which everything is in its place
)

// The roles as a status names them.
const (
	aggregatorRole  = "aggregator"
	coordinatorRole = "coordinator"
	cloudRole       = "cloud"
	deviceRole      = "device"
)

// member is a node of the mesh: its process, and a client to ask it.
type member struct {
	*launch.Process
	*control.Node
}

// liveMesh is the mesh that is measured.
type liveMesh struct {
	members     []*member // devices first
	coordinator *member
}

// views is how many devices there are.
const views = 6

// raise starts the mesh and waits until everything is in its place; extra are arguments of
// every node.
func raise(ctx context.Context, l *launch.Launcher, dir string, extra ...string) (*liveMesh, error) {
	token := filepath.Join(dir, "token")
	if _, err := secret.KeepToken(token, secret.NewToken()); err != nil {
		return nil, err
	}
	args := func(name string, more ...string) []string {
		return slices.Concat([]string{
			"node", "--name", name, "--state", filepath.Join(dir, name), "--token-file", token, "--interface", "lo",
			"--port", "0", "--api", "127.0.0.1:0", "--run", "manual", "--log-level", "warn", "--cloud-delay", "0s",
		}, extra, more)
	}
	m := &liveMesh{}
	start := func(name string, more ...string) error {
		p, err := l.Start(launch.Command{Name: name, Args: args(name, more...)})
		if err == nil {
			m.members = append(m.members, &member{Process: p})
		}
		return err
	}
	if err := start(aggregatorRole, "--pin", aggregatorRole); err != nil {
		return nil, err
	}
	if err := m.reach(ctx); err != nil {
		return nil, err
	}
	join, err := control.JoinAddress(m.members[0].Status)
	if err != nil {
		return nil, err
	}
	if err := start(cloudRole, "--pin", cloudRole, "--join", join); err != nil {
		return nil, err
	}
	for v := range views {
		if err := start(fmt.Sprintf("device-%d", v+1), "--join", join, "--source", "street"); err != nil {
			return nil, err
		}
	}
	if err := m.reach(ctx); err != nil {
		return nil, err
	}
	m.members = append(m.members[2:], m.members[:2]...)
	return m, m.settle(ctx)
}

// reach waits until all nodes answer.
func (m *liveMesh) reach(ctx context.Context) error {
	deadline := time.Now().Add(upWait)
	for _, one := range m.members {
		for one.Node == nil {
			files, err := control.RunFiles()
			if err != nil {
				return fmt.Errorf("%w: name another directory with GANGLION_RUN_DIR", err)
			}
			if slices.ContainsFunc(files, func(f control.RunFile) bool { return f.PID == one.PID() }) {
				if n, err := (control.Finder{}).Find(ctx, strconv.Itoa(one.PID())); err == nil {
					one.Node = n
					break
				} // it is asked again
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s did not come up within %v", one.Name(), upWait)
			}
			if err := m.pause(ctx, upPace); err != nil {
				return err
			}
		}
	}
	return nil
}

// pause waits, and notices where a node has ended.
func (m *liveMesh) pause(ctx context.Context, d time.Duration) error {
	if err := launch.Pause(ctx, d); err != nil {
		return err
	}
	for _, one := range m.members {
		if !one.Running() {
			return failure(one.Process)
		}
	}
	return nil
}

// failure is the error of a process that should not have ended, with the end of its log.
func failure(p *launch.Process) error {
	fault := p.Failure()
	return fmt.Errorf("%w:\n%s", fault, strings.Join(fault.Log, "\n"))
}

// settle waits until every node is in its place, for some time.
func (m *liveMesh) settle(ctx context.Context) error {
	deadline := time.Now().Add(readyWait)
	for calm := 0; calm < steady; {
		lacks := m.lacks(ctx)
		if calm++; lacks != "" {
			calm = 0
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the nodes did not come together within %v: %s", readyWait, lacks)
		}
		if err := m.pause(ctx, readyPace); err != nil {
			return err
		}
	}
	return nil
}

// lacks says what is not in its place; empty: everything is.
func (m *liveMesh) lacks(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	var first map[string]string
	for _, one := range m.members {
		answer, err := one.Members(ctx, &controlpb.MembersRequest{})
		if err != nil || len(answer.GetViews()) == 0 {
			return one.Name() + " does not answer"
		}
		status, err := one.NodeServiceClient.Status(ctx, &controlpb.StatusRequest{})
		if err != nil {
			return one.Name() + " does not answer"
		}
		one.Status = status
		for _, s := range status.GetSources() {
			if !s.GetReady() || s.GetView() == "" {
				return one.Name() + " has not got its view"
			}
		}
		placed := control.Places(answer.GetViews()[0].GetMembers())
		if first == nil {
			first = placed
		}
		if lacks := m.misplaced(placed); lacks != "" {
			return one.Name() + ": " + lacks
		}
		if !maps.Equal(first, placed) {
			return "nodes do not agree on who does what"
		}
	}
	return ""
}

// misplaced says what is not as it is to be; empty: nothing.
func (m *liveMesh) misplaced(placed map[string]string) string {
	if len(placed) < len(m.members) {
		return fmt.Sprintf("sees %d of %d nodes", len(placed), len(m.members))
	}
	held := map[string]bool{}
	for _, one := range m.members[:views] {
		view, roles, _ := strings.Cut(placed[one.Name()], "/")
		if view == "" || roles != deviceRole {
			return one.Name() + " is no device with a view and nothing else"
		}
		held[view] = true
	}
	for i, want := range []string{"/" + aggregatorRole + "," + coordinatorRole, "/" + cloudRole} {
		one := m.members[views+i]
		if placed[one.Name()] != want {
			return one.Name() + " has not got its role"
		}
		if i == 0 {
			m.coordinator = one
		}
	}
	if len(held) != views {
		return "two nodes have one view"
	}
	return ""
}

// each asks every node, all at once, and returns what they answered in their order.
func each[T any](ctx context.Context, m *liveMesh, ask func(context.Context, *member) (T, error)) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	return control.Each(ctx, m.members, func(ctx context.Context, one *member) (T, error) {
		answer, err := ask(ctx, one)
		return answer, one.Explain(err)
	})
}
