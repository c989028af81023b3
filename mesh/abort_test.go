package mesh

import (
	"testing"

	"ganglion/mesh/membership"
)

// What ends by Abort is to others a member that died, not one that left: without the
// difference every test of a death would test a farewell.
func TestAbortTellsNobody(t *testing.T) {
	e := newEther(t)
	nodes := e.mesh(t, 3)
	dead := nodes[0]
	if err := dead.Abort(); err != nil {
		t.Fatal(err)
	}
	dead.once.Do(dead.cancel)
	for _, n := range nodes[1:] {
		n.until(t, "without a link to the dead", func() bool { return !n.Up(dead.Self()) })
		n.until(t, "aware of the death", func() bool { return n.state(dead) != membership.StateAlive && n.state(dead) != membership.StateSuspect })
		if got := n.state(dead); got != membership.StateDown {
			t.Errorf("%s: the dead member is %v, want %v", n.config.Name, got, membership.StateDown)
		}
	}
}
