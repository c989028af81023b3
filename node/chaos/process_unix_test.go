//go:build unix

package chaos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ganglion/node/chaos"
	"ganglion/node/control"
	"ganglion/node/launch"
	"ganglion/proto/controlpb"
)

// patience is for what must come, on however slow a machine.
const patience = 2 * time.Minute

// crowd is a mesh of real processes on loopback.
type crowd struct {
	t       *testing.T
	program string
	token   string
	port    int
	launch  *launch.Launcher
}

// newCrowd builds the program and starts three devices, of two views each, and two spares.
func newCrowd(t *testing.T) *crowd {
	t.Helper()
	if testing.Short() {
		t.Skip("real processes take a minute: run without -short")
	}
	dir := t.TempDir()
	t.Setenv("GANGLION_RUN_DIR", filepath.Join(dir, "run"))
	c := &crowd{t: t, program: filepath.Join(dir, "ganglion"), token: filepath.Join(dir, "token"), port: 20_000 + os.Getpid()%20_000}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", c.program, "ganglion").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	c.verb("token", "new", "--out", c.token)
	c.launch = launch.New(c.program, dir)
	t.Cleanup(func() {
		c.launch.Close(nil)
		c.await("no waker is left", func() bool { return !c.waked() })
	})
	for i := range 3 {
		c.start(fmt.Sprintf("device%d", i), "--source", fmt.Sprintf("street@%d", 2*i), "--source", fmt.Sprintf("street@%d", 2*i+1))
	}
	c.start("spare0")
	c.start("spare1")
	c.settle()
	return c
}

func (c *crowd) start(name string, args ...string) {
	c.t.Helper()
	all := append([]string{
		"node", "--name", name, "--state", "none", "--token-file", c.token, "--interface", "lo", "--port", "0",
		"--beacon-port", fmt.Sprint(c.port), "--api", "127.0.0.1:0", "--allow-chaos", "--class", "5",
	}, args...)
	if _, err := c.launch.Start(launch.Command{Name: name, Args: all}); err != nil {
		c.t.Fatal(err)
	}
}

// settle waits until all five see all, somebody has each role, and verdicts come.
func (c *crowd) settle() {
	c.t.Helper()
	c.await("the mesh has settled", func() bool {
		n, err := control.Finder{}.Find(c.t.Context(), "device0")
		return err == nil && n.Status.GetAlive() == 5 && c.holder("aggregator") != "" && c.holder("cloud") != "" &&
			n.Status.GetTally().GetDecided() > 10
	})
}

// await waits for what must come.
func (c *crowd) await(what string, is func() bool) {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(deadline) {
			c.t.Fatalf("waited in vain until %s", what)
		}
		<-tick.C
	}
}

// holder is the node that has a role, as one of those that live sees it.
func (c *crowd) holder(role string) string {
	nodes, err := control.RunFiles()
	if err != nil {
		return ""
	}
	for _, file := range nodes {
		n, err := control.Finder{}.Find(c.t.Context(), file.Name)
		if err != nil {
			continue
		}
		answer, err := n.Members(c.t.Context(), &controlpb.MembersRequest{})
		if err != nil {
			continue
		}
		for _, m := range answer.GetViews()[0].GetMembers() {
			if m.GetState() == "alive" && strings.Contains(strings.Join(m.GetRoles(), " "), role) {
				return m.GetName()
			}
		}
	}
	return ""
}

// verb runs the program to its end, which has to be a good one.
func (c *crowd) verb(args ...string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.program, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("ganglion %s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// node is the node of a name, which answers.
func (c *crowd) node(name string) *control.Node {
	c.t.Helper()
	var n *control.Node
	c.await(name+" answers", func() (ok bool) {
		var err error
		n, err = control.Finder{}.Find(c.t.Context(), name)
		return err == nil
	})
	return n
}

// inject has a node take a fault, over its own control API.
func (c *crowd) inject(n *control.Node, f chaos.Fault) {
	c.t.Helper()
	if _, err := n.Inject(c.t.Context(), &controlpb.InjectRequest{Peer: n.Status.GetPeer(), Fault: f.Message()}); err != nil {
		c.t.Fatal(err)
	}
}

// waked reports whether a process is there that wakes one of ours.
func (c *crowd) waked() bool {
	out, err := exec.CommandContext(context.Background(), "ps", "ax", "-o", "args").Output()
	if err != nil {
		c.t.Skipf("cannot list processes: %v", err)
	}
	return strings.Contains(string(out), c.program+" chaos wake ")
}

// told is how long a node's last pause took by its own clock; zero: none has ended.
func (c *crowd) paused(n *control.Node) (d time.Duration) {
	c.t.Helper()
	events, err := n.Events(c.t.Context(), &controlpb.EventsRequest{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer events.Close()
	var began int64
	for events.Receive() {
		e := events.Msg()
		switch at := e.GetAttributes(); {
		case e.GetKind() != "chaos" || at["do"] != "pause":
		case at["over"] == "false":
			began = e.GetAtUnixNs()
		default:
			d = time.Duration(e.GetAtUnixNs() - began)
		}
	}
	return d
}

// summary is what is read of the last line of the verb.
type summary struct {
	Summary struct {
		Faults []struct {
			Targets []struct{ Name string }
			Moved   []struct{ Role, By string }
			First   *struct{ By string } `json:"first_verdict"`
			Gap     *float64             `json:"largest_gap_ms"`
			Flight  struct {
				Waiting int
			} `json:"in_flight"`
		}
		Samples struct{ Lost, Decided uint64 }
	}
}

// TestProcesses is what can be done to nodes alone that are processes: stop them and kill
// them. One mesh is used for all; nothing is left of it, wakers included.
func TestProcesses(t *testing.T) {
	c := newCrowd(t)
	t.Run("a pause ends by itself", c.pauseEnds)
	t.Run("a pause is healed", c.pauseHealed)
	t.Run("a plan is ended", c.planEnded)
	t.Run("the aggregator is killed", c.aggregatorKilled)
	t.Run("a paused node is killed", c.pausedKilled)
}

// Nobody has to be there who ends a pause: the node has seen to it before it stands still.
func (c *crowd) pauseEnds(t *testing.T) {
	n := c.node("device2")
	const d = 1500 * time.Millisecond
	c.inject(n, chaos.Fault{Do: chaos.Pause, For: d})
	c.await("the pause is over", func() bool { return c.paused(c.node("device2")) > 0 })
	if took := c.paused(n); took < d {
		t.Errorf("the node stood still for %v, want %v", took, d)
	}
	c.await("the waker has ended", func() bool { return !c.waked() })
}

// A pause that is healed is over at once, and so is whoever was to end it: it would wake the
// node from a later pause too early.
func (c *crowd) pauseHealed(t *testing.T) {
	n := c.node("device2")
	before := c.paused(n)
	c.inject(n, chaos.Fault{Do: chaos.Pause, For: chaos.MostFor})
	c.await("the waker is there", c.waked)
	c.verb("chaos", "heal", "device2")
	c.await("the pause is over", func() bool { return c.paused(c.node("device2")) != before })
	if took := c.paused(n); took > chaos.MostFor/2 {
		t.Errorf("the node stood still for %v although it was healed", took)
	}
	c.await("the waker has ended", func() bool { return !c.waked() })
}

// Ctrl-C ends what a plan has begun.
func (c *crowd) planEnded(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), c.program, "chaos", "cut", "2 of devices", "--for", "10m", "--node", "spare0")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	inForce := func() (n int) {
		for _, name := range []string{"device0", "device1", "device2"} {
			n += len(c.node(name).Status.GetFaults())
		}
		return n
	}
	c.await("two devices are cut off", func() bool { return inForce() == 2 })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 || !strings.Contains(errs.String(), "healed") {
		t.Errorf("ended with %v, %s%s", err, out.String(), errs.String())
	}
	if n := inForce(); n != 0 {
		t.Errorf("%d faults are in force after Ctrl-C", n)
	}
	c.settle()
}

// The death of the aggregator is what the whole is for: somebody else answers, and nothing is
// lost.
func (c *crowd) aggregatorKilled(t *testing.T) {
	victim := c.holder("aggregator")
	out := strings.TrimSpace(c.verb("chaos", "kill", "aggregator", "--json"))
	lines := strings.Split(out, "\n")
	var s summary
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(s.Summary.Faults) != 1 || s.Summary.Samples.Lost != 0 || s.Summary.Samples.Decided == 0 {
		t.Fatalf("summary: %s", out)
	}
	f := s.Summary.Faults[0]
	if len(f.Targets) != 1 || f.Targets[0].Name != victim || f.First == nil || f.First.By == victim || f.Flight.Waiting != 0 || f.Gap == nil {
		t.Errorf("%s was the aggregator; summary: %s", victim, out)
	}
	if len(f.Moved) == 0 || f.Moved[0].By == victim {
		t.Errorf("no role moved: %s", out)
	}
	c.await(victim+" is gone", func() bool {
		files, err := control.RunFiles()
		for _, file := range files {
			if file.Name == victim {
				return false
			}
		}
		return err == nil
	})
}

// Who waits to wake a node that dies in its sleep goes with it.
func (c *crowd) pausedKilled(t *testing.T) {
	n := c.node("device1")
	c.inject(n, chaos.Fault{Do: chaos.Pause, For: chaos.MostFor})
	c.await("the waker is there", c.waked)
	if err := syscall.Kill(n.Run.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.await("the waker has ended", func() bool { return !c.waked() })
}
