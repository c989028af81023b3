package node_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"ganglion/node"
	"ganglion/node/chaos"
	"ganglion/node/control"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// allowing has all nodes take faults but those of some names.
func allowing(but ...string) nodetest.Part {
	return nodetest.Configure(func(c *node.Config) { c.AllowChaos = !slices.Contains(but, c.Name) })
}

// inject asks one node to have another take a fault.
func inject(t *testing.T, m *nodetest.Mesh, asked, target string, f chaos.Fault) error {
	t.Helper()
	_, err := m.API(asked).Inject(t.Context(), &controlpb.InjectRequest{Peer: string(m.Node(target).Self()), Fault: f.Message()})
	return err
}

// A node that was not started to take faults takes none, whoever asks, and says what to do
// about it; who takes some is known to all; what is no fault is refused before it goes out.
func TestFaultsRefused(t *testing.T) {
	m := nodetest.Start(t, nodetest.Devices(street, 2), nodetest.Spares(2), allowing("spare-1"))
	m.Settle(t.Context())
	slow := chaos.Fault{Do: chaos.Slow, For: time.Second, Delay: time.Millisecond}
	for _, asked := range []string{"spare-1", "device-0"} {
		err := inject(t, m, asked, "spare-1", slow)
		if connect.CodeOf(err) != connect.CodeFailedPrecondition || !strings.Contains(err.Error(), "--allow-chaos") {
			t.Errorf("asked through %s: %v", asked, err)
		}
	}
	if err := inject(t, m, "spare-1", "device-0", slow); err != nil {
		t.Errorf("a node that takes none passes faults on all the same: %v", err)
	}
	for _, f := range []chaos.Fault{{Do: "burn"}, {Do: chaos.Cut}, {Do: chaos.Cut, For: time.Hour}} {
		if err := inject(t, m, "device-0", "device-1", f); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%v: %v", f, err)
		}
	}
	_, err := m.API("device-0").Inject(t.Context(), &controlpb.InjectRequest{Peer: "nobody", Fault: slow.Message()})
	if connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("a peer of nobody: %v", err)
	}
	if err := inject(t, m, "device-0", "device-1", chaos.Fault{Do: chaos.Pause, For: time.Second}); err == nil || !strings.Contains(err.Error(), "nobody to wake it") {
		t.Errorf("a pause without who ends it: %v", err)
	}
	answer, err := m.API("device-0").Members(t.Context(), &controlpb.MembersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range answer.GetViews()[0].GetMembers() {
		if one.GetAllowsChaos() != (one.GetName() != "spare-1") {
			t.Errorf("%s allows chaos: %v", one.GetName(), one.GetAllowsChaos())
		}
	}
}

// What is in force ends by itself, at a node that nobody can reach too, which is then a
// member again; what it was cut off from costs no beat.
func TestFaultsEndByThemselves(t *testing.T) {
	m := nodetest.Start(t, nodetest.Devices(street, 6), nodetest.Spares(2), allowing())
	m.Settle(t.Context())
	run := m.Run(beats, pace)
	m.AwaitVerdict(t.Context(), m.Names()[0], run, deathAt)
	const d = 1500 * time.Millisecond
	for target, f := range map[string]chaos.Fault{
		m.Holder("aggregator"): {Do: chaos.Cut, For: d},
		"device-0":             {Do: chaos.Slow, For: d, Delay: 40 * time.Millisecond},
		"device-1":             {Do: chaos.Lose, For: d, Loss: 0.1},
	} {
		asked := "device-2" // through the mesh
		if target == asked {
			asked = "device-3"
		}
		if err := inject(t, m, asked, target, f); err != nil {
			t.Fatalf("%s at %s: %v", f, target, err)
		}
		m.Await(t.Context(), f.String()+" begins at "+target, func() bool { return len(faultsAt(t, m, target)) > 0 })
	}
	for _, name := range m.Names() {
		m.Await(t.Context(), "nothing is in force at "+name, func() bool { return len(faultsAt(t, m, name)) == 0 })
	}
	m.AwaitRun(t.Context(), run)
	m.Settle(t.Context())
	complete(t, m, run, beats)
}

func faultsAt(t *testing.T, m *nodetest.Mesh, name string) []*controlpb.FaultInForce {
	t.Helper()
	s, err := m.API(name).Status(t.Context(), &controlpb.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return s.GetFaults()
}

// story is a Teller that ends the plan once it was told certain things.
type story struct {
	wanted  []chaos.What
	end     context.CancelFunc
	entries []chaos.Entry
	reports []chaos.Report
	remarks []string
}

func (s *story) Entry(e chaos.Entry) {
	s.entries = append(s.entries, e)
	if !slices.ContainsFunc(s.wanted, func(w chaos.What) bool { return s.first(w) == nil }) {
		s.end()
	}
}

func (s *story) Report(r chaos.Report) { s.reports = append(s.reports, r) }
func (s *story) Remark(text string)    { s.remarks = append(s.remarks, text) }

// first is the first entry that says something.
func (s *story) first(what chaos.What) *chaos.Entry {
	if i := slices.IndexFunc(s.entries, func(e chaos.Entry) bool { return e.What == what }); i >= 0 {
		return &s.entries[i]
	}
	return nil
}

// A person who cuts the aggregator off sees who notices, who takes over and the first answer
// without it; when she ends that, the node is healed, and not a beat is lost.
func TestConductor(t *testing.T) {
	m := nodetest.Start(t, nodetest.Devices(street, 6), nodetest.Spares(2), allowing())
	m.Settle(t.Context())
	const unhurried = 100 * time.Millisecond // what is looked at is who takes over, however busy the machine is
	run := m.Run(0, unhurried)
	victim := m.Holder("aggregator")
	var nodes []*control.Node
	for _, name := range m.Names() {
		s, err := m.API(name).Status(t.Context(), &controlpb.StatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		n, err := control.Finder{}.Find(t.Context(), s.GetApi())
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	target, err := chaos.ParseTarget("aggregator")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	told := &story{wanted: []chaos.What{chaos.Injected, chaos.Noticed, chaos.Claimed, chaos.Moved, chaos.Answered}, end: cancel}
	c := chaos.NewConductor(chaos.ConductorConfig{
		Asked: nodes[0],
		Local: func(context.Context, func(control.RunFile) bool) ([]*control.Node, error) { return nodes, nil },
	}, told)
	plan := chaos.Plan{Steps: []chaos.Step{{Target: target, Fault: chaos.Fault{Do: chaos.Cut, For: 5 * time.Minute}}}}
	summary, err := c.Run(ctx, plan)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("ended with %v; told %+v, %q", err, told.entries, told.remarks)
	}
	if got := summary.Healed; !slices.Equal(got, []string{victim}) {
		t.Errorf("healed %v, want %s", got, victim)
	}
	moved, answered := told.first(chaos.Moved), told.first(chaos.Answered)
	if moved.Node != victim || moved.By == victim || answered.By == victim {
		t.Errorf("moved %+v, first verdict %+v; the cut off %s has no part in it", moved, answered, victim)
	}
	if len(told.reports) != 1 || told.reports[0].Silent || told.reports[0].LargestGap <= 0 || told.reports[0].First == nil {
		t.Errorf("reports: %+v", told.reports)
	}
	m.Await(t.Context(), "nothing is in force at "+victim, func() bool { return len(faultsAt(t, m, victim)) == 0 })
	m.Settle(t.Context())
	for _, name := range m.Names() {
		m.Await(t.Context(), "nothing is lost, as "+name+" sees it", func() bool { return m.Tally(name, run).GetLost() == 0 })
	}
}
