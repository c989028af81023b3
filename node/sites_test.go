package node_test

import (
	"context"
	"testing"
	"time"

	"ganglion/node"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// Two sites share a mesh and its cloud: each has its own views, coordinator and run, no
// verdict of one ever speaks of the other, and every node of the mesh knows both.
func TestTwoSites(t *testing.T) {
	m := nodetest.Start(t,
		nodetest.At("yard", nodetest.Device(street, "0", "1", "2"), nodetest.Device(street, "3", "4", "5"), nodetest.Spares(1)),
		nodetest.At("gate", nodetest.Device(street, "0", "1"), nodetest.Device(street, "2", "3"), nodetest.Spares(1)),
		nodetest.Spares(1),
	)
	m.Settle(t.Context())
	if clouds := m.Holders("cloud"); len(clouds) != 1 {
		t.Errorf("clouds %v, want one for both sites", clouds)
	}
	if all := m.Holders("coordinator"); len(all) != 2 {
		t.Errorf("coordinators %v, want one for each site", all)
	}
	yard, gate := m.RunAt("yard", 40, pace), m.RunAt("gate", 40, pace)
	m.AwaitRun(t.Context(), yard)
	m.AwaitRun(t.Context(), gate)
	for run, views := range map[string]int{yard: 6, gate: 4} {
		for _, v := range m.Verdicts("spare-0", run) {
			if got := len(v.GetSeen()) + len(v.GetNothing()); got > views {
				t.Errorf("%s has %d views, the site has %d", v.GetSample(), got, views)
			}
		}
	}
}

// Whoever follows the verdicts at any node gets every beat once, though the coordinator is
// another and dies meanwhile.
func TestFollowElsewhere(t *testing.T) {
	m := nodetest.Start(t, nodetest.Device(street, "0", "1", "2"), nodetest.Device(street, "3", "4", "5"), nodetest.Spares(2))
	m.Settle(t.Context())
	run := m.Run(beats, pace)
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	var first uint64
	stream, err := m.API("device-1").Verdicts(ctx, &controlpb.VerdictsRequest{Run: run, FromBeat: &first, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	told, killed := map[uint64]int{}, false
	for len(told) < beats && stream.Receive() {
		v := stream.Msg().GetVerdict()
		if v == nil || v.GetSupersededBy() != "" {
			continue
		}
		told[v.GetBeat()]++
		if len(told) == deathAt && !killed {
			m.Kill(m.Holder("coordinator"))
			killed = true
		}
	}
	if len(told) < beats {
		t.Fatalf("%d beats of %d were told: %v\n%s", len(told), beats, stream.Err(), m.State())
	}
	for beat, times := range told {
		if times != 1 {
			t.Errorf("beat %d was told %d times", beat, times)
		}
	}
}

// The rate setting of a site changes the run that a coordinator keeps going, at every node.
func TestRateChangesTheRun(t *testing.T) {
	m := nodetest.Start(t, nodetest.Device(street, "0", "1", "2"), nodetest.Device(street, "3", "4", "5"), nodetest.Spares(1),
		nodetest.Configure(func(c *node.Config) { c.Run = node.RunAuto }))
	m.Settle(t.Context())
	period := func(want time.Duration) func() bool {
		return func() bool {
			for _, name := range []string{"device-0", "device-1"} {
				s, err := m.API(name).Status(t.Context(), &controlpb.StatusRequest{})
				if err != nil || s.GetRun().GetPeriodNs() != int64(want) || s.GetTally().GetDecided() < 3 {
					return false
				}
			}
			return true
		}
	}
	m.Await(t.Context(), "a run at the rate that nobody asked for", period(time.Second/node.DefaultRate))
	if _, err := m.API("spare-0").Set(t.Context(), &controlpb.SetRequest{Key: "rate", Value: "40"}); err != nil {
		t.Fatal(err)
	}
	m.Await(t.Context(), "a run of 40 beats a second", period(25*time.Millisecond))
}
