package realnet

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFounding starts two nodes beside each other that have no token: one founds a mesh,
// the other says which mesh it has heard, where that is and what to type. What it says to
// type works.
func TestFounding(t *testing.T) {
	n := newNetwork(t, 2, wiring{})
	a, b := n.machines[0].start("alice"), n.machines[1].start("bob")
	started := time.Now()
	decided := within(t, "one has founded and the other has ended", func() bool {
		return a.client() != nil && b.ended() || b.client() != nil && a.ended()
	})
	t.Logf("decided %.2f s after the start", decided.Sub(started).Seconds())
	founder, other := a, b
	if a.ended() {
		founder, other = b, a
	}
	token := founder.told(t)
	said := other.out.String() + other.errs.String()
	mesh := founder.status().GetMesh()
	for _, want := range []string{"mesh " + mesh + " is here", founder.name, founder.machine.address(), "ganglion node --token-file -", "--found"} {
		if !strings.Contains(said, want) {
			t.Errorf("%s does not say %q:\n%s", other.name, want, said)
		}
	}
	if other.code != 1 {
		t.Errorf("%s has exit code %d, want 1", other.name, other.code)
	}

	// What the founder says to type, typed on the other machine.
	other.machine.pasted = token + "\n"
	again := other.machine.start(other.name, "--token-file", "-")
	allSeeAll(t, []*node{founder, again})

	// Its own restart needs no token again.
	founder.signal(t, os.Interrupt)
	if founder.code != 0 {
		t.Errorf("a node that Ctrl-C ends has exit code %d", founder.code)
	}
	back := founder.machine.start(founder.name)
	allSeeAll(t, []*node{back, again})
	if strings.Contains(back.out.String(), "Founded") {
		t.Errorf("it founds a mesh again:\n%s", &back.out)
	}
}

// TestTwoMeshes has two nodes beside each other whose tokens differ. Both say which other
// mesh they see, and what to type to bring them together.
func TestTwoMeshes(t *testing.T) {
	n := newNetwork(t, 2, wiring{})
	n.token = n.newToken()
	wrong := n.machines[1].file("wrong", n.newToken()+"\n")
	nodes := []*node{n.machines[0].start("alice"), n.machines[1].start("bob", "--token-file", wrong)}
	for i, one := range nodes {
		other := nodes[1-i]
		within(t, "both are up", func() bool { return one.client() != nil && other.client() != nil })
		for _, want := range []string{
			"Mesh " + other.status().GetMesh(), `node "` + other.name + `"`, other.machine.address(), "This node is of mesh " + one.status().GetMesh(),
			"ganglion node --token-file -",
		} {
			within(t, one.name+" warns of "+want, func() bool { return strings.Contains(one.warnings(), want) })
		}
		if alive := one.status().GetAlive(); alive != 1 {
			t.Errorf("%s has %d members in its mesh: the tokens differ", one.name, alive)
		}
	}
	// The way out: the right token on the second machine.
	nodes[1].signal(t, os.Interrupt)
	right := n.machines[1].start("bob")
	allSeeAll(t, []*node{nodes[0], right})
}

// TestBadToken starts nodes with tokens that no mesh has: they say so, not the token, and do
// not start.
func TestBadToken(t *testing.T) {
	n := newNetwork(t, 1, wiring{})
	m := n.machines[0]
	good := n.newToken()
	mistyped := []byte(good)
	mistyped[20] = 'a' + ('z'-mistyped[20])%26
	tests := []struct {
		name, file, want string
	}{
		{"mistyped", m.file("mistyped", string(mistyped)+"\n"), "checksum does not fit"},
		{"empty", m.file("empty", ""), "empty"},
		{"not there", filepath.Join(m.dir, "nowhere"), "nowhere"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			one := m.start("node", "--token-file", tt.file)
			within(t, "it ends", one.ended)
			if said := one.errs.String(); one.code == 0 || !strings.Contains(said, tt.want) || !strings.HasPrefix(said, "ganglion: ") {
				t.Errorf("exit code %d:\n%s", one.code, said)
			}
			if strings.Contains(one.errs.String(), string(mistyped[10:])) {
				t.Error("it repeats the token")
			}
		})
	}
}

// TestStateInUse starts a second node with the folder of the first, as a person does who
// starts two on one machine: it says what to give it, and the first does not notice.
func TestStateInUse(t *testing.T) {
	n := newNetwork(t, 1, wiring{})
	n.token = n.newToken()
	first := n.machines[0].start("first")
	within(t, "the first is up", func() bool { return first.client() != nil })
	second := n.machines[0].start("first")
	within(t, "the second has ended", second.ended)
	if said := second.errs.String(); second.code != 1 || !strings.Contains(said, "in use by another node") || !strings.Contains(said, "--state") {
		t.Errorf("exit code %d: %s", second.code, said)
	}
	if first.ended() || first.status().GetAlive() != 1 {
		t.Error("the first has noticed")
	}
}

// TestClone starts a copy of a node on another machine. Both say so, with both addresses:
// whoever reads it knows where to look.
func TestClone(t *testing.T) {
	n := newNetwork(t, 3, wiring{})
	n.token = n.newToken()
	first, third := n.machines[0].start("first"), n.machines[2].start("third")
	allSeeAll(t, []*node{first, third})
	// As an image of a disk is copied, or `cp -a` does.
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", first.state, filepath.Join(n.machines[1].dir, "state-second")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	second := n.machines[1].start("second")
	started := time.Now()
	for _, one := range []*node{first, second} {
		within(t, one.name+" warns of both addresses", func() bool {
			said := one.warnings()
			return strings.Contains(said, "uses this node's identity") && strings.Contains(said, n.machines[0].address()) && strings.Contains(said, n.machines[1].address())
		})
	}
	t.Logf("both say so %.2f s after the copy's start", time.Since(started).Seconds())
	if first.ended() || third.ended() {
		t.Error("a copy ends other nodes")
	}
}

// TestPortTaken has another program on the port of the mesh: the node takes another, says
// which, and is found all the same.
func TestPortTaken(t *testing.T) {
	n := newNetwork(t, 2, wiring{})
	n.token = n.newToken()
	m := n.machines[0]
	var others []io.Closer
	if err := inside(m.space, func() error {
		for _, place := range []string{"0.0.0.0:4801", "127.0.0.1:4802"} {
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", place)
			if err != nil {
				return err
			}
			others = append(others, l)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, l := range others {
			_ = l.Close()
		}
	})
	nodes := []*node{m.start("crowded"), n.machines[1].start("other")}
	allSeeAll(t, nodes)
	s := nodes[0].status()
	_, port, err := net.SplitHostPort(s.GetAddresses()[0])
	if err != nil || port == "4801" {
		t.Fatalf("its addresses are %v, %v", s.GetAddresses(), err)
	}
	if warnings := nodes[0].warnings(); !strings.Contains(warnings, "TCP port 4801 is taken") || !strings.Contains(warnings, "uses port "+port) {
		t.Errorf("it does not say which port it uses: %q", warnings)
	}
	if strings.HasSuffix(nodes[0].api, ":4802") {
		t.Errorf("its control API is said to be at %s, where another program listens", nodes[0].api)
	}
	// The verbs find it by its run file.
	if out := m.must("status"); !strings.Contains(out, nodes[0].api) {
		t.Errorf("status does not find it:\n%s", out)
	}
}
