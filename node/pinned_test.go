package node_test

import (
	"slices"
	"strings"
	"testing"

	"ganglion/node"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// An operator who pins a role twice is told at the node that stands by who has the role, and
// why it is not this one: the other has nothing to complain of.
func TestPinnedTwice(t *testing.T) {
	m := nodetest.Start(t, nodetest.Devices(street, 2), nodetest.Spares(2), nodetest.Configure(func(c *node.Config) {
		if strings.HasPrefix(c.Name, "spare") {
			c.Pinned = []string{"cloud"}
		}
	}))
	m.Settle(t.Context())
	spares := []string{"spare-0", "spare-1"}
	warned := func(name string) bool {
		s, err := m.API(name).Status(t.Context(), &controlpb.StatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		other := spares[1-slices.Index(spares, name)]
		return slices.ContainsFunc(s.GetWarnings(), func(text string) bool {
			return strings.Contains(text, "pinned to be cloud, and so is "+other+", which has the role")
		})
	}
	m.Await(t.Context(), "the one without the role is warned, and it alone", func() bool {
		holder := m.Holder("cloud")
		i := slices.Index(spares, holder)
		return i >= 0 && !warned(holder) && warned(spares[1-i])
	})
}
