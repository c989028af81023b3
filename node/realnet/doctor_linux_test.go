package realnet

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// patienceDoctor is how long a cause may take to be named: some show only when a network has
// been silent for a while.
const patienceDoctor = 90 * time.Second

// finding is one of `ganglion doctor --json`.
type finding struct {
	Code, Text, Mend string
	Grave            bool
}

// diagnosis is what the verb says, and with which exit code.
type diagnosis struct {
	Healthy  bool
	Findings []finding
	Heard    []struct{ Name, Mesh, Way string }
	Place    struct{ Mesh string }
	Peers    []struct {
		Name           string
		Reach, Reached []struct{ Address, Cause, Fault string }
	}

	code int
}

// doctor asks the verb on a machine, as a person's program does.
func (m *machine) doctor(t *testing.T, arguments ...string) diagnosis {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	var out, errs text
	cmd := m.command(ctx, m.dir, append([]string{"doctor", "--json"}, arguments...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := m.begin(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	m.network.said = append(m.network.said, out.String(), errs.String())
	var d diagnosis
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		d.code = failed.ExitCode()
	} else if err != nil {
		t.Fatalf("doctor: %v: %s", err, &errs)
	}
	if err := json.Unmarshal([]byte(out.String()), &d); err != nil {
		t.Fatalf("doctor is no JSON: %v: %s%s", err, &out, &errs)
	}
	if (d.code == 0) != d.Healthy || d.code > 1 {
		t.Fatalf("exit code %d, healthy is %v: %s", d.code, d.Healthy, &out)
	}
	return d
}

// finds waits until the doctor of a node names a cause, and returns what it says of it.
func (n *node) finds(t *testing.T, code string) (f finding) {
	t.Helper()
	var last diagnosis
	deadline := time.Now().Add(patienceDoctor)
	for {
		last = n.machine.doctor(t, "--node", n.api)
		if at := slices.IndexFunc(last.Findings, func(f finding) bool { return f.Code == code }); at >= 0 {
			t.Logf("%s: %s: %s do: %s", n.name, code, last.Findings[at].Text, last.Findings[at].Mend)
			return last.Findings[at]
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never finds %s, but %+v", n.name, code, last.Findings)
		}
		time.Sleep(200 * time.Millisecond) //nolint:forbidigo // of a loop with an end
	}
}

// up waits until nodes answer.
func up(t *testing.T, nodes ...*node) {
	t.Helper()
	within(t, "all are up", func() bool { return !slices.ContainsFunc(nodes, func(n *node) bool { return n.client() == nil }) })
}

// says holds that a finding has what a person needs.
func (f finding) says(t *testing.T, grave bool, parts ...string) {
	t.Helper()
	if f.Grave != grave {
		t.Errorf("%s: grave is %v", f.Code, f.Grave)
	}
	for _, part := range parts {
		if !strings.Contains(f.Text+"\n"+f.Mend, part) {
			t.Errorf("%s does not say %q: %s\n%s", f.Code, part, f.Text, f.Mend)
		}
	}
}

// TestDoctorHealthy: where nothing is wrong the doctor finds nothing, on the network and on
// the loopback alone.
func TestDoctorHealthy(t *testing.T) {
	// Other programs run on the machine too, and on one machine one node has the port.
	busy := []string{"slow-hop", "slow-node", "dropped-frames", "no-room", "port-taken"}
	for _, machines := range []int{3, 1} {
		n := newNetwork(t, machines, wiring{})
		n.token = n.newToken()
		var nodes []*node
		for i := range 3 {
			nodes = append(nodes, n.machines[i%machines].start("node"+string(rune('0'+i)), "--source", "street:samples=60,seed=3"))
		}
		allSeeAll(t, nodes)
		until := time.Now().Add(20 * time.Second) // past what is only told of after a while
		for time.Now().Before(until) {
			for _, one := range nodes {
				d := one.machine.doctor(t, "--node", one.api)
				d.Findings = slices.DeleteFunc(d.Findings, func(f finding) bool { return slices.Contains(busy, f.Code) })
				if len(d.Findings) > 0 {
					t.Fatalf("%s finds %+v of %+v", one.name, d.Findings, d.Peers)
				}
			}
			time.Sleep(time.Second) //nolint:forbidigo // it looks again and again
		}
		if out, err := n.machines[0].verb("doctor", "--node", nodes[0].api); err == nil { // but for a busy machine
			t.Logf("as a person sees it:\n%s", out)
		}
	}
}

// TestDoctorBlocked blocks what a network may block: multicast, broadcasts, or both.
func TestDoctorBlocked(t *testing.T) {
	t.Run("multicast", func(t *testing.T) {
		n := newNetwork(t, 2, wiring{noMulticast: true})
		n.token = n.newToken()
		nodes := []*node{n.machines[0].start("alice"), n.machines[1].start("bob")}
		allSeeAll(t, nodes)
		nodes[0].finds(t, "multicast-blocked").says(t, false, "bob is there", "client isolation")
	})
	t.Run("multicast switched off", func(t *testing.T) {
		n := newNetwork(t, 2, wiring{})
		n.token = n.newToken()
		n.ip("-n", n.machines[0].space, "link", "set", "eth0", "multicast", "off")
		nodes := []*node{n.machines[0].start("alice"), n.machines[1].start("bob")}
		allSeeAll(t, nodes)
		nodes[0].finds(t, "multicast-off").says(t, false, "eth0", "ip link set eth0 multicast on")
	})
	t.Run("broadcasts", func(t *testing.T) {
		n := newNetwork(t, 2, wiring{noBroadcast: true})
		n.token = n.newToken()
		nodes := []*node{n.machines[0].start("alice"), n.machines[1].start("bob")}
		allSeeAll(t, nodes)
		nodes[1].finds(t, "broadcast-blocked").says(t, false, "alice is there", "UDP port 4801")
	})
	t.Run("both", func(t *testing.T) {
		n := newNetwork(t, 2, wiring{noMulticast: true, noBroadcast: true})
		n.token = n.newToken()
		nodes := []*node{n.machines[0].start("alice"), n.machines[1].start("bob")}
		up(t, nodes...)
		f := nodes[0].finds(t, "alone")
		f.says(t, true, "own came back", "neither broadcasts nor multicast", "--join "+n.machines[0].address()+":4801")
		// What it says to type brings both together, and tells what the network does not carry.
		nodes[1].signal(t, os.Interrupt)
		joined := n.machines[1].start("bob", "--join", n.machines[0].address()+":4801")
		allSeeAll(t, []*node{nodes[0], joined})
		nodes[0].finds(t, "multicast-blocked")
		nodes[0].finds(t, "broadcast-blocked")
	})
}

// TestDoctorOnlyDocker0 has a machine whose one network is a bridge of containers.
func TestDoctorOnlyDocker0(t *testing.T) {
	n := newNetwork(t, 1, wiring{})
	n.token = n.newToken()
	m := n.machines[0]
	n.ip("-n", m.space, "link", "add", "docker0", "type", "bridge")
	n.ip("-n", m.space, "address", "add", "172.17.0.1/16", "broadcast", "+", "dev", "docker0")
	n.ip("-n", m.space, "link", "set", "docker0", "up")
	one := m.start("alice")
	up(t, one)
	within(t, "it is alone for long", func() bool { return strings.Contains(one.warnings(), "has been alone for") })
	one.finds(t, "virtual-interfaces-only").says(t, true, "docker0", "ganglion node --interface docker0")
}

// TestDoctorPort closes the TCP port of one machine: what it answers there is lost. Its own
// dials go through, so the mesh comes about, and looks whole; both ends say which port is
// closed.
func TestDoctorPort(t *testing.T) {
	n := newNetwork(t, 2, wiring{})
	n.token = n.newToken()
	closed := n.machines[1]
	// What leaves by that port is lost, as are answers to who dials it.
	if err := ip("-n", closed.space, "rule", "add", "iif", "lo", "ipproto", "tcp", "sport", "4801", "pref", "10", "blackhole"); err != nil {
		t.Skipf("this kernel has no rules by port: %v", err)
	}
	nodes := []*node{n.machines[0].start("alice"), closed.start("bob")}
	allSeeAll(t, nodes)
	nodes[0].finds(t, "port-blocked").says(t, true, "bob cannot be dialled", closed.address()+":4801", "on the machine of bob", "sudo ufw allow 4801/tcp")
	nodes[1].finds(t, "port-blocked").says(t, true, "alice cannot dial this node", closed.address()+":4801", "on this machine")
}

// TestDoctorTokens has two nodes with different tokens, and one that is open beside them; and
// what the doctor says who is asked where no node runs.
func TestDoctorTokens(t *testing.T) {
	n := newNetwork(t, 3, wiring{})
	n.token = n.newToken()
	wrong := n.machines[1].file("wrong", n.newToken()+"\n")
	alice, bob := n.machines[0].start("alice"), n.machines[1].start("bob", "--token-file", wrong)
	up(t, alice, bob)
	mesh, other := alice.status().GetMesh(), bob.status().GetMesh()
	alice.finds(t, "wrong-token").says(t, true, "bob", other, mesh, n.machines[1].address(), "ganglion node --token-file -")
	bob.finds(t, "wrong-token").says(t, true, "alice", other, mesh)

	// A machine on which no node runs hears both.
	idle := n.machines[2]
	d := idle.doctor(t, "--state", filepath.Join(idle.dir, "none"))
	for _, want := range []string{mesh, other} {
		if !slices.ContainsFunc(d.Heard, func(h struct{ Name, Mesh, Way string }) bool { return h.Mesh == want }) {
			t.Errorf("without a node mesh %s is not heard: %+v", want, d.Heard)
		}
	}
	if d.Findings[0].Code != "no-node" || !strings.Contains(d.Findings[0].Mend, "--token-file -") {
		t.Errorf("without a node: %+v", d.Findings)
	}

	bob.signal(t, os.Interrupt)
	open := idle.start("carol", "--open", "--token-file", "")
	if up(t, open); open.status().GetOpen() {
		alice.finds(t, "open-and-closed").says(t, true, "carol", "ganglion node --open")
	}
}

// TestDoctorVersionSkew has somebody on the network who speaks another version of the beacon.
func TestDoctorVersionSkew(t *testing.T) {
	n := newNetwork(t, 2, wiring{})
	n.token = n.newToken()
	one := n.machines[0].start("alice")
	up(t, one)
	var conn net.PacketConn
	if err := inside(n.machines[1].space, func() (err error) {
		conn, err = net.ListenPacket("udp4", n.machines[1].address()+":0") //nolint:noctx // of a test
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	later := append([]byte("gng\xb1\x02\x01abcdefgh"), make([]byte, 64)...)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(n.machines[0].address() + ":4801"))
		to.IP = net.IPv4(10, 77, 0, 255)
		for {
			_, _ = conn.WriteTo(later, to) // as a beacon, it is not missed
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
			}
		}
	}()
	defer func() { close(stop); <-done }()
	one.finds(t, "version-skew").says(t, true, n.machines[1].address(), "version 2", "version 1", "ganglion version")
}

// TestDoctorCopies has an identity used twice, a view that two cameras claim, and a disk that
// is full: causes whose making other tests here have.
func TestDoctorCopies(t *testing.T) {
	n := newNetwork(t, 3, wiring{})
	n.token = n.newToken()
	m := n.machines[2]
	disk := filepath.Join(m.dir, "state-full")
	m.before = m.small(disk)
	full := m.start("full", "--source", "street:samples=60,seed=3", "--view", "2")
	m.before = nil
	first := n.machines[0].start("first")
	allSeeAll(t, []*node{first, full})
	within(t, "the older has its view", func() bool { return full.feeds() != "" }) // or it is the other's
	twice := n.machines[1].start("twice", "--source", "street:samples=60,seed=3", "--view", "2")
	up(t, twice)
	twice.finds(t, "view-claimed-twice").says(t, true, "full feeds it", "--view")
	full.fill(t, disk)
	full.finds(t, "state-unwritable").says(t, true, "no space left on device", disk)

	twice.signal(t, os.Interrupt)
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", first.state, filepath.Join(n.machines[1].dir, "state-copy")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	second := n.machines[1].start("copy")
	up(t, second)
	first.finds(t, "identity-twice").says(t, true, n.machines[1].address(), "identity.pem")
}
