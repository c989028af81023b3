package realnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ganglion/proto/controlpb"
)

// text is what a process has said so far. It is safe for concurrent use.
type text struct {
	mu  sync.Mutex // guards what follows
	all bytes.Buffer
}

func (x *text) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.all.Write(p)
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.all.String()
}

// node is a process of `ganglion node`.
type node struct {
	machine   *machine
	name      string
	state     string   // its folder
	given     []string // settings
	cmd       *exec.Cmd
	out, errs text
	done      chan struct{} // closed when the process has ended
	code      int           // its exit code, then
	asked     controlpb.NodeServiceClient
	api       string
}

// starting is for processes to begin on one thread that stays: the system kills a process
// whose parent's thread has ended, as is asked for in command.
var starting = make(chan func())

func starter() {
	runtime.LockOSThread()
	for begin := range starting {
		begin()
	}
}

// begin starts a process on the machine: the thread goes there and back.
func (m *machine) begin(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	starting <- func() {
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			result <- err
			return
		}
		if err = enter(m.space); err == nil {
			err = cmd.Start()
		}
		result <- errors.Join(err, unix.Setns(int(home.Fd()), unix.CLONE_NEWNET), home.Close())
	}
	return <-result
}

// environment is that of a person with a home folder on the machine, and no settings.
// The folder of caches is everybody's: all machines are the same one.
func (m *machine) environment(state string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GANGLION_") || strings.HasPrefix(v, "XDG_") || strings.HasPrefix(v, "HOME=")
	})
	return append(env, "HOME="+m.dir, "XDG_STATE_HOME="+state, "XDG_CACHE_HOME="+filepath.Join(filepath.Dir(m.dir), "cache"),
		"GANGLION_RUN_DIR="+filepath.Join(m.dir, "run"))
}

// command is the program on a machine.
func (m *machine) command(ctx context.Context, state string, arguments ...string) *exec.Cmd {
	all := slices.Concat(m.before, []string{os.Getenv(program)}, arguments)
	cmd := exec.CommandContext(ctx, all[0], all[1:]...)
	cmd.Dir, cmd.Env = m.dir, m.environment(state)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	return cmd
}

// start starts a node with a name and, unless the mesh is to be founded, its token: nothing
// else is configured but what is given. A node that was there before finds its state again.
func (m *machine) start(name string, arguments ...string) *node {
	m.network.t.Helper()
	n := &node{machine: m, name: name, state: filepath.Join(m.dir, "state-"+name), given: arguments, done: make(chan struct{})}
	given := []string{"node", "--name", name}
	if m.network.token != "" && !slices.Contains(arguments, "--token-file") {
		given = append(given, "--token-file", m.file("token-"+name, m.network.token+"\n"))
	}
	// The longest that any test may take: a node whose test hangs must not.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	n.cmd = m.command(ctx, n.state, append(given, arguments...)...)
	n.cmd.Stdin, n.cmd.Stdout, n.cmd.Stderr = strings.NewReader(m.pasted), &n.out, &n.errs
	made.mu.Lock()
	defer made.mu.Unlock()
	if made.ended {
		cancel()
		m.network.t.Fatal("interrupted")
	}
	if err := m.begin(n.cmd); err != nil {
		cancel()
		m.network.t.Fatal(err)
	}
	made.processes[n] = true
	m.network.nodes = append(m.network.nodes, n)
	go func() {
		defer cancel()
		var failed *exec.ExitError
		if err := n.cmd.Wait(); errors.As(err, &failed) {
			n.code = failed.ExitCode()
		}
		close(n.done)
	}()
	return n
}

// file writes a file that a person of the machine keeps to themselves.
func (m *machine) file(name, contents string) string {
	m.network.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.WriteFile(path, []byte(contents), 0o600); err != nil {
		m.network.t.Fatal(err)
	}
	return path
}

// end stops all nodes, with what they said where the test failed, and looks for the token
// in it.
func (n *network) end() {
	for _, one := range n.nodes {
		_ = one.cmd.Process.Kill()
	}
	for _, one := range n.nodes {
		<-one.done
		made.mu.Lock()
		delete(made.processes, one)
		made.mu.Unlock()
		if n.t.Failed() {
			n.t.Logf("node %s said:\n%s%s", one.name, &one.out, &one.errs)
		}
	}
	n.checkSecrecy()
}

// founding is the one line in which a token is told: to whoever founds a mesh.
var founding = regexp.MustCompile(`(?m)^Founded mesh \S+\. On the next device type\n  ganglion node --token-file -\nand paste the token:\n  (gng1-\S+)$`)

// told is the token that a founder tells.
func (n *node) told(t *testing.T) string {
	t.Helper()
	found := founding.FindAllStringSubmatch(n.out.String(), -1)
	if len(found) != 1 {
		t.Fatalf("%s is to found one mesh, and to print its token once:\n%s", n.name, &n.out)
	}
	return found[0][1]
}

// checkSecrecy looks for tokens in all that was said.
func (n *network) checkSecrecy() {
	spoken := regexp.MustCompile(`(?i)gng1`)
	for _, one := range n.nodes {
		told := founding.ReplaceAllString(one.out.String(), "")
		if spoken.MatchString(told) || spoken.MatchString(one.errs.String()) {
			n.t.Errorf("node %s tells a token", one.name)
		}
	}
	for _, said := range n.said {
		if spoken.MatchString(said) || n.token != "" && strings.Contains(said, n.token[5:]) {
			n.t.Errorf("a verb tells a token: %s", said)
		}
	}
}

// verb runs the program on a machine as a person would, and returns what it printed.
func (m *machine) verb(arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out, errs text
	cmd := m.command(ctx, m.dir, arguments...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := m.begin(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if !slices.Contains(arguments, "new") {
		m.network.said = append(m.network.said, out.String(), errs.String())
	}
	if err != nil {
		return "", fmt.Errorf("ganglion %s: %w: %s", strings.Join(arguments, " "), err, &errs)
	}
	return out.String(), nil
}

// must is what a verb prints that has to work.
func (m *machine) must(arguments ...string) string {
	m.network.t.Helper()
	out, err := m.verb(arguments...)
	if err != nil {
		m.network.t.Fatal(err)
	}
	return out
}

// newToken makes the token of the network's mesh, as a person does.
func (n *network) newToken() string {
	n.t.Helper()
	return strings.TrimSpace(n.machines[0].must("token", "new"))
}

// apiLine is how a node says where its control API is.
var apiLine = regexp.MustCompile(`(?m)^  control API +http://(\S+)$`)

// client is the node's control API; nil until the node has said where it is.
func (n *node) client() controlpb.NodeServiceClient {
	if n.asked != nil {
		return n.asked
	}
	found := apiLine.FindStringSubmatch(n.out.String())
	if found == nil {
		return nil
	}
	space := n.machine.space
	dial := func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		err = inside(space, func() (err error) {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
			return err
		})
		return conn, err
	}
	n.api = found[1]
	n.asked = controlpb.NewNodeServiceClient(&http.Client{Transport: &http.Transport{DialContext: dial}}, "http://"+n.api)
	return n.asked
}

// members is how the node sees the mesh; nil while it does not answer.
func (n *node) members() []*controlpb.Member {
	client := n.client()
	if client == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := client.Members(ctx, &controlpb.MembersRequest{})
	if err != nil {
		return nil
	}
	return answer.GetViews()[0].GetMembers()
}

// states counts the members by state, as the node sees them. Alive is only who can be spoken
// to: of others a round trip was measured.
func (n *node) states() map[string]int {
	count := map[string]int{}
	for _, m := range n.members() {
		if m.GetState() == "alive" && !m.GetSelf() && m.GetRoundTripUs() == 0 {
			count["no link"]++
			continue
		}
		count[m.GetState()]++
	}
	return count
}

// status is what the node says of itself.
func (n *node) status() *controlpb.StatusResponse {
	client := n.client()
	if client == nil {
		return &controlpb.StatusResponse{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := client.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return &controlpb.StatusResponse{}
	}
	return answer
}

// warnings is those of `ganglion status --json`, as a person's program reads them.
func (n *node) warnings() string {
	n.machine.network.t.Helper()
	var status struct{ Warnings []string }
	if n.client() == nil {
		return ""
	}
	out := n.machine.must("status", "--json", "--node", n.api)
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		n.machine.network.t.Fatalf("status is no JSON: %v: %s", err, out)
	}
	return strings.Join(status.Warnings, "\n")
}

// ended reports whether the node's process has ended.
func (n *node) ended() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

// signal sends a signal to the node's process, and waits for its end.
func (n *node) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	select {
	case <-n.done:
	case <-time.After(patience):
		t.Fatalf("node %s does not end on %v", n.name, s)
	}
}

// within waits until something is so, and returns when that was. The bound is wide: what
// takes as long is broken.
func within(t *testing.T, what string, so func() bool) time.Time {
	t.Helper()
	limit := time.After(patience)
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for {
		if so() {
			return time.Now()
		}
		select {
		case <-limit:
			t.Fatalf("after %v not so: %s", patience, what)
		case <-pace.C:
		}
	}
}
