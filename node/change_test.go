package node_test

import (
	"strings"
	"testing"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/topology"
	"ganglion/node"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// another is a network other than the built-in one, hardly trained, for six views.
func another(t *testing.T, preset string, seed uint64) *inference.Bundle {
	t.Helper()
	set := nodetest.Data(t, street)
	return nodetest.Train(t, preset, set, seed, 1)
}

// everything has replays show the whole data set: what they show then does not depend on
// the bundle.
func everything(c *node.Config) { c.Split = "all" }

// A bundle of the same shape takes its place between two beats: each verdict is wholly of
// the old network or wholly of the new one, as the forward pass of that one says, and the
// run goes over once. Going back to the old one is the same thing.
func TestBundleChangesInARun(t *testing.T) {
	old, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	next := another(t, "c", 7)
	m := nodetest.Start(t, nodetest.Devices(street, 6), nodetest.Spares(1), nodetest.Configure(everything))
	m.Settle(t.Context())
	run := m.Run(0, pace)
	m.AwaitVerdict(t.Context(), m.Names()[0], run, 10)
	m.Publish(next)
	first := awaitBundle(t, m, run, 10, next)
	m.Publish(old)
	second := awaitBundle(t, m, run, first, old)
	m.AwaitVerdict(t.Context(), m.Names()[0], run, second+10)
	set := nodetest.Data(t, street)
	judges := map[string]*nodetest.Judge{
		old.ID().String(): nodetest.NewJudge(old, set), next.ID().String(): nodetest.NewJudge(next, set),
	}
	var changes []string
	for _, v := range m.Verdicts(m.Names()[0], run) {
		if !spoken(v) {
			continue
		}
		if n := len(changes); n == 0 || changes[n-1] != v.GetBundle() {
			changes = append(changes, v.GetBundle())
		}
		if what := judges[v.GetBundle()].Differs(v); what != "" && len(v.GetSeen()) > 0 {
			t.Error(what)
		}
	}
	if len(changes) != 3 || changes[0] != old.ID().String() || changes[1] != next.ID().String() || changes[2] != old.ID().String() {
		t.Errorf("the run was of %v, want %s, %s, %[2]s", changes, old.ID(), next.ID())
	}
}

// awaitBundle waits until a verdict of a run after a beat is of a bundle, and returns its
// beat.
func awaitBundle(t *testing.T, m *nodetest.Mesh, run string, after uint64, b *inference.Bundle) (beat uint64) {
	t.Helper()
	m.Await(t.Context(), "the run goes over to "+b.ID().Short(), func() bool {
		for _, v := range m.Verdicts(m.Names()[0], run) {
			if v.GetBeat() > after && v.GetBundle() == b.ID().String() {
				beat = v.GetBeat()
				return true
			}
		}
		return false
	})
	return beat
}

// A bundle of another topology ends what is under way, decided under the old one, and every
// node begins anew with the new one: other groups, then other views.
func TestTopologyChanges(t *testing.T) {
	set := nodetest.Data(t, street)
	base := topology.Base{Views: set.Views, Classes: set.Classes, Input: set.Shape()}
	base.Views = []string{"gate", "yard", "road", "dock", "roof", "door"}
	renamed, err := topology.Preset("elastic", base)
	if err != nil {
		t.Fatal(err)
	}
	bundles := map[string]*inference.Bundle{
		"groups and an edge": another(t, "f", 5),
		"names of views":     nodetest.TrainTopology(t, renamed, set, 5, 1),
	}
	for name, next := range bundles {
		t.Run(name, func(t *testing.T) {
			m := nodetest.Start(t, nodetest.Devices(street, 6), nodetest.Spares(3), nodetest.Configure(everything))
			m.Settle(t.Context())
			before := m.Run(0, pace)
			m.AwaitVerdict(t.Context(), m.Names()[0], before, 10)
			m.PublishAnyway(next) // other names are other views: it is refused otherwise
			m.AwaitBundle(t.Context(), next.ID())
			m.Settle(t.Context())
			nothingLost(t, m, before)
			run := m.Run(30, pace)
			m.AwaitRun(t.Context(), run)
			judge := nodetest.NewJudge(next, set)
			for _, v := range m.Verdicts(m.Names()[0], run) {
				if what := judge.Differs(v); what != "" && len(v.GetSeen()) > 0 {
					t.Error(what)
				}
			}
		})
	}
}

// A mesh that keeps a run going goes over to another topology with one run ended and one begun:
// while what was in work was finished, every turn of the coordinator once began a run and ended it.
func TestTopologyChangesByItself(t *testing.T) {
	next := another(t, "f", 5)
	m := nodetest.Start(t, nodetest.Devices(street, 6), nodetest.Spares(2), nodetest.Configure(everything),
		nodetest.Configure(func(c *node.Config) { c.Run = node.RunAuto }))
	m.Settle(t.Context())
	all := func() map[string]int {
		stream, err := m.API(m.Names()[0]).Verdicts(t.Context(), &controlpb.VerdictsRequest{Last: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		runs := map[string]int{}
		for stream.Receive() {
			v := stream.Msg().GetVerdict()
			runs[strings.Split(v.GetSample(), "/")[1]]++ // site/run/beat
		}
		return runs
	}
	sum := func(runs map[string]int) (n int) {
		for _, k := range runs {
			n += k
		}
		return n
	}
	m.Await(t.Context(), "the run is under way", func() bool { return sum(all()) >= 5 })
	before := all()
	m.PublishAnyway(next)
	m.AwaitBundle(t.Context(), next.ID())
	m.Settle(t.Context())
	at := sum(all())
	m.Await(t.Context(), "a run is under way again", func() bool { return sum(all()) > at+10 })
	if n := len(all()) - len(before); n > 3 {
		t.Errorf("%d runs were begun, want one", n)
	}
}

// nothingLost checks that what was due in a run that ended is decided, at every node.
func nothingLost(t *testing.T, m *nodetest.Mesh, run string) {
	t.Helper()
	m.Await(t.Context(), "nothing of run "+run+" is open any more", func() bool {
		for _, name := range m.Names() {
			if tally := m.Tally(name, run); tally.GetOpen() > 0 || tally.GetDue() != tally.GetDecided() {
				return false
			}
		}
		return true
	})
	for _, name := range m.Names() {
		if tally := m.Tally(name, run); tally.GetLost() > 0 || tally.GetDecided() == 0 {
			t.Errorf("%s: run %s ended with %v", name, run, tally)
		}
	}
}

// A node that starts late has an old bundle: it fetches the mesh's from a peer, and answers
// with it.
func TestLateNodeFetches(t *testing.T) {
	next := another(t, "c", 7)
	m := nodetest.Start(t, nodetest.Device(street, "0", "1", "2"), nodetest.Device(street, "3", "4"), nodetest.Configure(everything))
	m.Settle(t.Context())
	m.Publish(next)
	m.AwaitBundle(t.Context(), next.ID())
	late := m.Add(nodetest.Device(street, "5"), nodetest.Configure(everything))[0]
	m.Settle(t.Context())
	m.AwaitBundle(t.Context(), next.ID())
	file, err := m.API(late).Bundle(t.Context(), &controlpb.BundleRequest{Bundle: next.ID().String()})
	if err != nil {
		t.Fatal(err)
	}
	got, err := inference.DecodeBundle(file.GetFile())
	if err != nil || got.ID() != next.ID() {
		t.Fatalf("the late node has bundle %v, %v", got, err)
	}
	run := m.Run(20, pace)
	m.AwaitRun(t.Context(), run)
	judge := nodetest.NewJudge(next, nodetest.Data(t, street))
	sawLate := false
	for _, v := range m.Verdicts(late, run) {
		if what := judge.Differs(v); what != "" && len(v.GetSeen()) > 0 {
			t.Error(what)
		}
		for _, view := range v.GetSeen() {
			sawLate = sawLate || view == "camera5"
		}
	}
	if !sawLate {
		t.Error("no verdict has seen the view of the late node")
	}
}
