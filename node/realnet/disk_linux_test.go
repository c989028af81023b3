package realnet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// small is a folder of the machine that holds little, for a node's state: a disk of its own,
// which nobody but the node sees, and which is gone when it ends. It returns what goes before
// the node's command.
func (m *machine) small(folder string) []string {
	m.network.t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		m.network.t.Fatal(err)
	}
	const mount = `mount -t tmpfs -o size=256k,mode=700 tmpfs "$0" && exec "$@"`
	return []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", mount, folder}
}

// fill writes to a node's disk until there is no room.
func (n *node) fill(t *testing.T, folder string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(fmt.Sprintf("/proc/%d/root", n.cmd.Process.Pid), folder, "filler"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const most = 1 << 20 // else it is no small disk
	for written := 0; written < most; {
		k, err := f.Write(make([]byte, 512))
		if written += k; errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("the disk in %s takes more than %d bytes", folder, most)
}

// TestFullDisk fills the disk of a camera's node while it runs, and has it fetch a model that
// it cannot keep, learn of a setting, and at last take every role. A device in the field does
// not end because a log has filled its card: it says so, and goes on from memory.
func TestFullDisk(t *testing.T) {
	n := newNetwork(t, 3, wiring{})
	n.token = n.newToken()
	var all []*node
	for i, m := range n.machines[:2] {
		all = append(all, m.start(fmt.Sprint("node", i), "--source", "street:samples=60,seed=3"))
	}
	m := n.machines[2]
	disk := filepath.Join(m.dir, "state-full")
	m.before = m.small(disk)
	full := m.start("full", "--source", "street:samples=60,seed=3")
	m.before = nil
	all = append(all, full)
	allSeeAll(t, all)
	verdicts := all[0].follow(t)
	const whole = 3 // views that have a camera
	views := func() bool {
		lines := verdicts.now()
		return len(lines) > 0 && lines[len(lines)-1].Beat != nil && len(lines[len(lines)-1].Missing) == 6-whole
	}
	within(t, "verdicts of all cameras come", views)

	full.fill(t, disk)
	other := filepath.Join(n.machines[0].dir, "other.ganglion")
	n.machines[0].must("calibrate", "--min-local", "0.4", "--out", other)
	n.machines[0].must("model", "publish", other, "--node", all[0].api)
	published := all[0].status().GetPublished()
	within(t, "all have the model that was published", func() bool {
		return !slices.ContainsFunc(all, func(n *node) bool { return n.status().GetBundle() != published })
	})
	within(t, "verdicts of all cameras go on", views)
	within(t, "the node with the full disk says so", func() bool {
		for _, e := range full.events(t) {
			if e.GetKind() == "warning" && strings.Contains(e.GetText(), "no space left on device") {
				return true
			}
		}
		return false
	})
	n.machines[0].must("set", "rate/default", "20", "--node", all[0].api)
	within(t, "all follow the setting", func() bool {
		return !slices.ContainsFunc(all, func(n *node) bool { return n.status().GetRun().GetPeriodNs() != 50_000_000 })
	})

	// It takes what roles there are, although it cannot write down that it has.
	for _, one := range all[:2] {
		one.signal(t, syscall.SIGKILL)
	}
	within(t, "it has all roles", func() bool {
		roles := full.status().GetRoles()
		return slices.Contains(roles, "aggregator") && slices.Contains(roles, "cloud") && slices.Contains(roles, "coordinator")
	})
	decided := full.status().GetTally().GetDecided()
	within(t, "it goes on answering", func() bool { return full.status().GetTally().GetDecided() > decided+20 })
	if tally := full.status().GetTally(); tally.GetLost() != 0 || full.ended() {
		t.Errorf("%d samples are lost; it has ended: %v", tally.GetLost(), full.ended())
	}
}
