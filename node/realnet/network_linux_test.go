package realnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// program names the variable with the program to test.
const program = "GANGLION_TEST_NETWORK"

// prefix begins the names of the namespaces of these tests; the process's ID follows.
const prefix = "gngreal"

// made is what has to be gone when this process ends, however it ends.
var made = struct {
	mu        sync.Mutex // guards what follows
	ended     bool       // nothing more may be made
	spaces    map[string]bool
	processes map[*node]bool
}{spaces: map[string]bool{}, processes: map[*node]bool{}}

// TestMain takes everything away when the tests are interrupted, and what an earlier run
// that was killed has left.
func TestMain(m *testing.M) {
	if os.Getenv(program) == "" || os.Geteuid() != 0 {
		os.Exit(m.Run()) //nolint:forbidigo // of a test's main
	}
	sweep()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	ended := make(chan int, 1)
	go starter()
	go func() { ended <- m.Run() }()
	select {
	case code := <-ended:
		leave()
		os.Exit(code) //nolint:forbidigo // of a test's main
	case <-interrupted:
		leave()
		os.Exit(130) //nolint:forbidigo // of a test's main
	}
}

// leave ends all processes and removes all namespaces.
func leave() {
	made.mu.Lock()
	defer made.mu.Unlock()
	made.ended = true
	for n := range made.processes {
		_ = n.cmd.Process.Kill()
	}
	for n := range made.processes {
		<-n.done
	}
	for space := range made.spaces {
		_ = ip("netns", "delete", space)
	}
	_ = os.RemoveAll(folder(os.Getpid()))
}

// folder is where a process of these tests keeps the files of its machines.
func folder(pid int) string { return filepath.Join(os.TempDir(), fmt.Sprint(prefix, pid)) }

// sweep removes namespaces of runs whose process is gone. Their nodes ended with it.
func sweep() {
	spaces, err := os.ReadDir("/run/netns")
	if err != nil {
		return // there are none
	}
	for _, space := range spaces {
		rest, ours := strings.CutPrefix(space.Name(), prefix)
		digits, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(digits)
		if ours && err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = ip("netns", "delete", space.Name())
			_ = os.RemoveAll(folder(pid))
		}
	}
}

// ip runs a command of iproute2, which takes no time of its own; whoever cleans up has no context left.
func ip(arguments ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "ip", arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(arguments, " "), err, out)
	}
	return nil
}

// wiring is what a network does not carry.
type wiring struct {
	noMulticast bool
	noBroadcast bool // addresses of the link layer are then known beforehand
}

// network is machines on one switch.
type network struct {
	t        *testing.T
	machines []*machine
	nodes    []*node
	token    string   // of the mesh, as text; empty: a node founds one
	said     []string // by verbs
}

// machine is one network namespace and the files of whoever works there.
type machine struct {
	network *network
	space   string
	number  int
	dir     string
	pasted  string   // on the standard input of nodes
	before  []string // goes before the program: a command that replaces itself by what follows
}

// address of the machine on the switch; a machine without a switch has none.
func (m *machine) address() string { return fmt.Sprintf("10.77.0.%d", m.number+1) }

// needed skips the test where it cannot run.
func needed(t *testing.T) {
	t.Helper()
	switch {
	case os.Getenv(program) == "":
		t.Skipf("real processes take minutes: `make test-network` runs them, with %s naming the program", program)
	case os.Geteuid() != 0:
		t.Skip("needs root, for network namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs the ip command of iproute2")
	}
}

// networks numbers those of this process, for their names.
var networks struct {
	mu   sync.Mutex // guards what follows
	last int
}

// newNetwork is machines on a switch, which end with the test. One machine has no switch:
// its loopback is all there is.
func newNetwork(t *testing.T, machines int, w wiring) *network {
	t.Helper()
	needed(t)
	networks.mu.Lock()
	networks.last++
	number := networks.last
	networks.mu.Unlock()
	name := fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), number)
	n := &network{t: t}
	dir := filepath.Join(folder(os.Getpid()), fmt.Sprint(number))
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for i := range machines {
		m := &machine{network: n, space: fmt.Sprintf("%s-%d", name, i), number: i, dir: filepath.Join(dir, fmt.Sprint("machine", i))}
		n.machines = append(n.machines, m)
		if err := os.MkdirAll(m.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		n.newSpace(m.space)
		n.ip("-n", m.space, "link", "set", "lo", "up")
	}
	if machines > 1 {
		n.newSpace(name)
		n.ip("-n", name, "link", "add", "switch", "type", "bridge", "mcast_snooping", "0")
		n.ip("-n", name, "link", "set", "switch", "up")
		for _, m := range n.machines {
			m.plug(name, w)
		}
	}
	t.Cleanup(n.end) // before the namespaces and the files go
	return n
}

// newSpace makes a network namespace.
func (n *network) newSpace(name string) {
	n.t.Helper()
	made.mu.Lock()
	defer made.mu.Unlock()
	if made.ended {
		n.t.Fatal("interrupted")
	}
	if err := ip("netns", "add", name); err != nil {
		n.t.Skipf("cannot make network namespaces here: %v", err)
	}
	made.spaces[name] = true
	n.t.Cleanup(func() {
		made.mu.Lock()
		defer made.mu.Unlock()
		if err := ip("netns", "delete", name); err != nil {
			n.t.Error(err)
		}
		delete(made.spaces, name)
	})
}

func (n *network) ip(arguments ...string) {
	n.t.Helper()
	if err := ip(arguments...); err != nil {
		n.t.Fatal(err)
	}
}

// plug connects a machine to the switch.
func (m *machine) plug(switchSpace string, w wiring) {
	port := fmt.Sprint("port", m.number)
	run := m.network.ip
	run("-n", switchSpace, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", m.space)
	run("-n", switchSpace, "link", "set", port, "master", "switch", "up")
	// A switch that carries no broadcasts carries no ARP either.
	for flag, off := range map[string]bool{"mcast_flood": w.noMulticast, "bcast_flood": w.noBroadcast} {
		if off {
			run("-n", switchSpace, "link", "set", port, "type", "bridge_slave", flag, "off")
		}
	}
	hardware := func(number int) string { return fmt.Sprintf("02:00:0a:4d:00:%02x", number+1) }
	run("-n", m.space, "link", "set", "eth0", "address", hardware(m.number))
	run("-n", m.space, "address", "add", m.address()+"/24", "broadcast", "+", "dev", "eth0")
	run("-n", m.space, "link", "set", "eth0", "up")
	if !w.noBroadcast {
		return
	}
	for _, other := range m.network.machines {
		if other != m {
			run("-n", m.space, "neighbour", "add", other.address(), "lladdr", hardware(other.number), "dev", "eth0", "nud", "permanent")
		}
	}
}

// inside does something in a network namespace; what it opens stays there.
func inside(space string, act func() error) error {
	result := make(chan error, 1)
	go func() {
		// It is never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		err := enter(space)
		if err == nil {
			err = act()
		}
		result <- err
	}()
	return <-result
}

// enter moves the thread of the caller, who has locked it, into a network namespace.
func enter(space string) error {
	f, err := os.Open(filepath.Join("/run/netns", space))
	if err != nil {
		return err
	}
	return errors.Join(unix.Setns(int(f.Fd()), unix.CLONE_NEWNET), f.Close())
}
