package realnet

import (
	"fmt"
	"testing"
	"time"
)

// cable connects a machine to the switch, or takes it off.
func (m *machine) cable(state string) {
	m.network.t.Helper()
	m.network.ip("-n", m.space, "link", "set", "eth0", state)
}

// TestCable starts nodes before their network is there, as machines that boot do, pulls a
// cable and plugs it in again, and gives a machine another address: each time all see all
// without anybody doing anything at the nodes.
func TestCable(t *testing.T) {
	n := newNetwork(t, 3, wiring{})
	n.token = n.newToken()
	var nodes []*node
	for i, m := range n.machines {
		m.cable("down")
		nodes = append(nodes, m.start(fmt.Sprint("node", i)))
	}
	within(t, "nodes are up without a network", func() bool {
		for _, one := range nodes {
			if one.states()["alive"] != 1 {
				return false
			}
		}
		return true
	})
	for _, m := range n.machines {
		m.cable("up")
	}
	plugged := time.Now()
	t.Logf("all see all %.2f s after the cables were plugged in", allSeeAll(t, nodes).Sub(plugged).Seconds())

	away := n.machines[2]
	away.cable("down")
	pulled := time.Now()
	gone := within(t, "those that stay miss the one", func() bool {
		return nodes[0].states()["down"] == 1 && nodes[1].states()["down"] == 1
	})
	t.Logf("those that stay miss the one %.2f s after its cable was pulled", gone.Sub(pulled).Seconds())
	gone = within(t, "it misses all others", func() bool { return nodes[2].states()["down"] == 2 })
	t.Logf("it misses all others %.2f s after", gone.Sub(pulled).Seconds())
	away.cable("up")
	plugged = time.Now()
	t.Logf("all see all %.2f s after it was plugged in again", allSeeAll(t, nodes).Sub(plugged).Seconds())

	n.ip("-n", away.space, "address", "delete", away.address()+"/24", "dev", "eth0")
	n.ip("-n", away.space, "address", "add", "10.77.0.99/24", "broadcast", "+", "dev", "eth0")
	moved := time.Now()
	within(t, "the others know the new address", func() bool {
		for _, m := range nodes[0].members() {
			for _, address := range m.GetAddresses() {
				if m.GetName() == nodes[2].name && address == "10.77.0.99:4801" {
					return true
				}
			}
		}
		return false
	})
	t.Logf("all see all %.2f s after a machine has got another address", allSeeAll(t, nodes).Sub(moved).Seconds())
}
