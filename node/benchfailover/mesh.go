package benchfailover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ganglion/mesh/secret"
	"ganglion/node/control"
	"ganglion/node/lab"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// The times of a mesh.
const (
	upWait    = time.Minute     // for a node to answer
	readyWait = 2 * time.Minute // for everything to be in its place, on the busiest machine
	askWait   = 5 * time.Second // for an answer
	upPace    = 20 * time.Millisecond
	readyPace = 200 * time.Millisecond
	steady    = 5 // looks in a row at which everything is in its place
)

// Who there is.
const (
	devices = 6
	others  = 2
	nodes   = devices + others
)

// The roles as a member lists them.
const (
	aggregatorRole  = "aggregator"
	coordinatorRole = "coordinator"
	cloudRole       = "cloud"
)

// member is a node of the mesh. Its client is replaced when it is restarted.
type member struct {
	number  int
	name    string
	process *launch.Process
	asked   controlpb.NodeServiceClient // nil: it has not come up yet
	plain   *http.Client
	api     string
	peer    string
	view    string // that it had last
	starts  int
}

// device tells whether the node has a source.
func (one *member) device() bool { return one.number < devices }

// liveMesh is the processes and, unless they are on loopback, their network.
type liveMesh struct {
	dir      string // of state and run files
	token    string
	launcher *launch.Launcher
	network  *lab.Network // nil: loopback
	join     string       // where the first node listens; empty: nodes find one another
	members  []*member
}

// raise starts the nodes and waits until everything is in its place.
func (m *liveMesh) raise(ctx context.Context) error {
	m.token = filepath.Join(m.dir, "token")
	if _, err := secret.KeepToken(m.token, secret.NewToken()); err != nil {
		return err
	}
	for i := range nodes {
		name := fmt.Sprintf("device-%d", i+1)
		if i >= devices {
			name = fmt.Sprintf("helper-%d", i-devices+1)
		}
		one := &member{number: i, name: name}
		m.members = append(m.members, one)
		if err := m.start(one); err != nil {
			return err
		}
		if m.network != nil || i > 0 {
			continue
		}
		if err := m.reach(ctx, one); err != nil {
			return err
		}
		status, err := one.status(ctx)
		if err != nil {
			return err
		}
		if m.join, err = control.JoinAddress(status); err != nil {
			return err
		}
	}
	if err := m.reach(ctx, m.members...); err != nil {
		return err
	}
	_, err := m.settle(ctx, m.members)
	return err
}

// start starts a node's process, for the first time or again.
func (m *liveMesh) start(one *member) error {
	args := []string{
		"node", "--name", one.name, "--state", filepath.Join(m.dir, one.name), "--token-file", m.token, "--run", "manual", "--log-level", "info",
	}
	command := launch.Command{Name: one.name, Env: []string{"GANGLION_RUN_DIR=" + filepath.Join(m.dir, "run")}}
	if m.network != nil {
		args = append(args, "--interface", "eth0")
		command.Through = m.network.Machine(one.number).Through()
	} else {
		args = append(args, "--interface", "lo", "--port", "0", "--api", "127.0.0.1:0")
		if m.join != "" {
			args = append(args, "--join", m.join)
		}
	}
	if one.device() {
		args = append(args, "--source", "street")
	}
	command.Args = args
	p, err := m.launcher.Start(command)
	if err != nil {
		return err
	}
	if one.plain != nil {
		one.plain.CloseIdleConnections()
	}
	one.process, one.asked, one.plain = p, nil, nil
	one.starts++
	return nil
}

// reach waits until nodes answer.
func (m *liveMesh) reach(ctx context.Context, of ...*member) error {
	deadline := time.Now().Add(upWait)
	for _, one := range of {
		for one.asked == nil {
			if err := m.hail(ctx, one); err == nil {
				break
			}
			if !one.process.Running() {
				return one.process.Failure()
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s did not come up within %v", one.name, upWait)
			}
			if err := launch.Pause(ctx, upPace); err != nil {
				return err
			}
		}
	}
	return nil
}

// hail asks a node for the first time, where its run file says.
func (m *liveMesh) hail(ctx context.Context, one *member) error {
	api, err := apiOf(filepath.Join(m.dir, "run"), one.process.PID())
	if err != nil {
		return err
	}
	dial := (&net.Dialer{}).DialContext
	if m.network != nil {
		dial = m.network.Machine(one.number).Dial
	}
	plain := &http.Client{Transport: &http.Transport{DialContext: dial}}
	client := controlpb.NewNodeServiceClient(plain, "http://"+api)
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	status, err := client.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	one.asked, one.plain, one.api, one.peer = client, plain, api, status.GetPeer()
	return nil
}

// status is what a node says of itself.
func (one *member) status(ctx context.Context) (*controlpb.StatusResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	s, err := one.asked.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", one.name, err)
	}
	return s, nil
}

// beat is the first that no node has come to. What fell before is not a trial's: who was
// started anew in an earlier one need not have it.
func (m *liveMesh) beat(ctx context.Context) (first uint64, err error) {
	states, err := each(ctx, m.members, func(ctx context.Context, one *member) (*controlpb.StatusResponse, error) { return one.status(ctx) })
	for _, s := range states {
		first = max(first, uint64(s.GetRun().GetBeat()+1))
	}
	return first, err
}

// beats says where each node is in the run, and what it retains.
func (m *liveMesh) beats(ctx context.Context) string {
	parts := make([]string, 0, len(m.members))
	for _, one := range m.members {
		s, err := one.status(ctx)
		if err != nil {
			parts = append(parts, one.name+": no answer")
			continue
		}
		parts = append(parts, fmt.Sprintf("%s: beat %d, final up to %d, %d retained", one.name, s.GetRun().GetBeat(), s.GetRun().GetFloor(), s.GetRetention().GetRetained()))
	}
	return "the nodes are at " + strings.Join(parts, "; ")
}

// kill ends processes without a word, all at once, and waits until they have ended.
func (m *liveMesh) kill(of ...*member) error {
	var faults []error
	for _, one := range of {
		faults = append(faults, one.process.Signal(os.Kill))
	}
	for _, one := range of {
		<-one.process.Ended()
	}
	return errors.Join(faults...)
}

// except is the members without some.
func (m *liveMesh) except(some ...*member) []*member {
	return slices.DeleteFunc(slices.Clone(m.members), func(one *member) bool { return slices.Contains(some, one) })
}

// close ends all processes; those that stand still as well.
func (m *liveMesh) close(hurry <-chan struct{}) {
	for _, one := range m.members {
		if one.process != nil && one.process.Running() {
			_ = wake(one.process) // else it is killed
		}
		if one.plain != nil {
			one.plain.CloseIdleConnections()
		}
	}
	m.launcher.Close(hurry)
}

// each asks some nodes, all at once, and returns what they answered in their order.
func each[T any](ctx context.Context, of []*member, ask func(context.Context, *member) (T, error)) ([]T, error) {
	return control.Each(ctx, of, func(ctx context.Context, one *member) (T, error) {
		answer, err := ask(ctx, one)
		if err != nil {
			err = fmt.Errorf("ask %s: %w", one.name, err)
		}
		return answer, err
	})
}
