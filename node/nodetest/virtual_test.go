package nodetest_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

var (
	seeds    = flag.Uint64("seeds", defaultSeeds, "deployments in virtual time that random faults befall")
	fromSeed = flag.Uint64("seed", 0, "the first of them")
)

// lan is a busy local network.
func lan() nodetest.Quality {
	return nodetest.Quality{Latency: 200 * time.Microsecond, Jitter: time.Millisecond, Loss: 0.01}
}

// Whatever befalls nodes and network: when all is well again, every sample is decided, once,
// and everybody knows it.
func TestFaults(t *testing.T) {
	for seed := *fromSeed; seed < *fromSeed+*seeds; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel() // each is in a bubble of its own
			synctest.Test(t, func(t *testing.T) {
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("run it again, though goroutines take turns in other ways, with\n"+
							"go test ./node/nodetest -run '^TestFaults$' -seeds 1 -seed %d", seed)
					}
				})
				play(t, seed).agreed()
			})
		})
	}
}

// Both halves of a deployment go on, which shows that the network parts them, and the one
// verdict of each sample shows that it heals.
func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := nodetest.StartVirtual(t, 1, lan(), nodetest.Devices(street, 4))
		m.Settle(t.Context())
		run := m.Run(150, beatPeriod)
		m.AwaitVerdict(t.Context(), "device-0", run, 10)
		m.Partition("device-2", "device-3")
		one := m.AwaitVerdict(t.Context(), "device-0", run, 100)
		other := m.AwaitVerdict(t.Context(), "device-2", run, 100)
		if both := slices.Concat(one.GetSeen(), one.GetNothing(), other.GetSeen(), other.GetNothing()); one.GetHash() == other.GetHash() ||
			len(slices.Compact(slices.Sorted(slices.Values(both)))) != len(both) {
			t.Errorf("each half decides from its own views, but they were\n%v\n%v", one, other)
		}
		m.Heal()
		m.Settle(t.Context())
		m.AwaitRun(t.Context(), run)
		m.Await(t.Context(), "the verdicts of one half stand", func() bool {
			a, b := m.AwaitVerdict(t.Context(), "device-0", run, 100), m.AwaitVerdict(t.Context(), "device-2", run, 100)
			return a.GetHash() == b.GetHash() && m.Tally("device-0", run).GetSuperseded() > 0
		})
	})
}

// A node that hears all and is heard by one fewer: nobody is lost, nobody waits for ever.
func TestOneWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := nodetest.StartVirtual(t, 1, lan(), nodetest.Devices(street, 3), nodetest.Spares(1))
		m.Settle(t.Context())
		run := m.Run(200, beatPeriod)
		holder := m.Holder("coordinator")
		for _, name := range m.Names() {
			if name != holder {
				m.Sever(holder, name)
				break
			}
		}
		for _, name := range m.Names() {
			m.AwaitVerdict(t.Context(), name, run, 150)
		}
		m.Heal()
		m.AwaitRun(t.Context(), run)
	})
}

// The end of a machine is silence: what tells of it is that nothing comes. It is back under
// its name, though others still have connections to what it was.
func TestPowerOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := nodetest.StartVirtual(t, 1, lan(), nodetest.Kept(), nodetest.Devices(street, 3), nodetest.Spares(1))
		m.Settle(t.Context())
		run := m.Run(100, beatPeriod)
		m.AwaitVerdict(t.Context(), "device-0", run, 10)
		victim := m.Holder("coordinator")
		before := m.Node(victim).Self()
		m.PowerOff(victim)
		if live := m.Names(); slices.Contains(live, victim) || len(live) != 3 {
			t.Errorf("%v run, without %s", live, victim)
		}
		m.AwaitRun(t.Context(), run)
		m.Restart(victim)
		m.Settle(t.Context())
		m.AwaitRun(t.Context(), run) // by the one that is back, too
		if m.Node(victim).Self() != before || m.SentBytes(victim) == 0 {
			t.Errorf("%s came back as %s, having sent %d bytes", before.Short(), m.Node(victim).Self().Short(), m.SentBytes(victim))
		}
	})
}

// Who follows a node over its control API, as a person does, follows it here too.
func TestFollowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := nodetest.StartVirtual(t, 1, lan(), nodetest.Devices(street, 3))
		m.Settle(t.Context())
		run := m.Run(50, beatPeriod)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var from uint64
		stream, err := m.API("device-2").Verdicts(ctx, &controlpb.VerdictsRequest{Run: run, FromBeat: &from, Follow: true})
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		m.Stall("device-1", 500*time.Millisecond)
		m.Travel(nodetest.Quality{Latency: 20 * time.Millisecond})
		beats := map[uint64]bool{}
		for len(beats) < 50 && stream.Receive() {
			if v := stream.Msg().GetVerdict(); v != nil {
				beats[v.GetBeat()] = true
			}
		}
		if len(beats) < 50 {
			t.Errorf("followed %d beats of 50: %v", len(beats), stream.Err())
		}
	})
}

// Outside virtual time a network in memory would be a slow network: it is said at once.
func TestNotInVirtualTime(t *testing.T) {
	s := &stand{TB: t, ctx: t.Context()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		nodetest.StartVirtual(s, 1, lan(), nodetest.Devices(street, 1))
	}()
	<-done
	if !strings.Contains(s.fatal, "call it inside testing/synctest.Test") {
		t.Errorf("it said %q", s.fatal)
	}
}
