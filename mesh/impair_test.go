package mesh

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ganglion/mesh/link"
	"ganglion/mesh/membership"
)

// TestImpair: a member that is cut off is silent, by beacon too, until the others take it
// for dead; when it is healed they find one another again. Status and warnings tell.
func TestImpair(t *testing.T) {
	beacon(t)
	e := newEther(t)
	var nodes []*node
	for _, name := range []string{"one", "two", "three"} {
		config := e.config(t, name)
		config.Impairable = name == "three"
		nodes = append(nodes, e.start(t, config))
	}
	t.Cleanup(func() { stop(t, nodes) })
	together(t, nodes...)
	third := nodes[2]
	if err := nodes[0].Impair(link.Impairment{Cut: true}); !errors.Is(err, link.ErrNotImpairable) {
		t.Errorf("a node that does not allow it: got %v", err)
	}
	cut := link.Impairment{Cut: true}
	if err := third.Impair(cut); err != nil {
		t.Fatal(err)
	}
	// What was under way at the cut is counted a moment later.
	before, since := third.Traffic().Beacon, time.Now()
	third.until(t, "silent by beacon", func() bool {
		if now := third.Traffic().Beacon; now != before {
			before, since = now, time.Now()
		}
		return time.Since(since) > 200*time.Millisecond
	})
	for _, n := range nodes[:2] {
		n.until(t, "rid of the one that is cut off", func() bool { return n.state(third) == membership.StateDown })
	}
	third.until(t, "alone", func() bool { return third.alive() == 1 })
	if after := third.Traffic().Beacon; after != before {
		t.Errorf("its beacon went on: %+v, before %+v", after, before)
	}
	if s := third.Status(); s.Impairment != cut || !slices.ContainsFunc(s.Warnings, func(w string) bool {
		return strings.Contains(w, "'ganglion chaos heal three'")
	}) {
		t.Errorf("got %v and %q", s.Impairment, s.Warnings)
	}
	if s := nodes[0].Status(); s.Impairment != (link.Impairment{}) {
		t.Errorf("another is impaired: %v", s.Impairment)
	}
	if err := third.Impair(link.Impairment{}); err != nil {
		t.Fatal(err)
	}
	together(t, nodes...)
}

// TestJoinFault: a join that fails names what is wrong at the address, and nobody who does
// not exist.
func TestJoinFault(t *testing.T) {
	e := newEther(t)
	config := e.config(t, "hopeful")
	config.Join = []string{"127.0.0.1:1"} // no node listens there
	n := e.start(t, config)
	joining := ""
	n.until(t, "warned", func() bool {
		for _, w := range n.Status().Warnings {
			if strings.HasPrefix(w, "Joining ") {
				joining = w
			}
		}
		return joining != ""
	})
	if !strings.Contains(joining, "127.0.0.1:1 fails") || !strings.Contains(joining, "nothing listens at that port") {
		t.Errorf("got %q", joining)
	}
	if fault := n.Status().Discovery.Joins[0].Fault; strings.Contains(fault, "12D3") {
		t.Errorf("an invented peer is named: %s", fault)
	}
}
