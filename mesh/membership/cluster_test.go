package membership_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"ganglion/mesh/membership"
	"ganglion/mesh/meshtest"
	"ganglion/mesh/secret"
)

// lan is a busy local network.
func lan() meshtest.Quality {
	return meshtest.Quality{Latency: 200 * time.Microsecond, Jitter: time.Millisecond, Loss: 0.01}
}

// node is one member of a cluster under test.
type node struct {
	*membership.Membership
	name     string
	identity secret.Identity
	host     *meshtest.Host
	stop     context.CancelFunc
	ended    chan error
	dead     bool
}

// cluster is some nodes on one network. It lives in a synctest bubble.
type cluster struct {
	t     *testing.T
	seed  uint64
	net   *meshtest.Network
	nodes []*node
}

func newCluster(t *testing.T, seed uint64, q meshtest.Quality, size int) *cluster {
	t.Helper()
	c := &cluster{t: t, seed: seed, net: meshtest.New(seed, q)}
	for i := range size {
		c.start(fmt.Sprintf("node-%d", i), newIdentity(t), nil)
	}
	return c
}

func newIdentity(t *testing.T) secret.Identity {
	t.Helper()
	identity, err := secret.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func logger() *slog.Logger {
	if os.Getenv("MESH_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return slog.New(slog.DiscardHandler)
}

// start adds a node that knows nobody.
func (c *cluster) start(name string, identity secret.Identity, change func(*membership.Config)) *node {
	c.t.Helper()
	config := membership.DefaultLAN()
	config.Name = name
	if change != nil {
		change(&config)
	}
	n := &node{name: name, identity: identity, host: c.net.Host(identity.ID()), ended: make(chan error, 1)}
	var err error
	n.Membership, err = membership.New(config, identity, n.host, n.host, logger().With("node", name))
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	go func() { n.ended <- n.Run(ctx) }()
	c.nodes = append(c.nodes, n)
	return n
}

// joinFirst has all nodes know the first one.
func (c *cluster) joinFirst() {
	c.t.Helper()
	for _, n := range c.nodes[1:] {
		c.join(n, c.nodes[0])
	}
}

func (c *cluster) join(n, other *node) {
	c.t.Helper()
	if err := n.Join(other.Self()); err != nil {
		c.t.Fatal(err)
	}
}

// kill ends a node as the end of its process does.
func (c *cluster) kill(n *node) {
	n.dead = true
	n.host.Kill()
}

// close ends all nodes, and lets memberlist's goroutines end.
func (c *cluster) close() {
	for _, n := range c.nodes {
		n.stop()
	}
	for _, n := range c.nodes {
		if err := <-n.ended; err != nil {
			c.t.Errorf("run of %s: %v", n.name, err)
		}
	}
	time.Sleep(20 * time.Second) //nolint:forbidigo // virtual: memberlist does not wait for its own
}

// live returns the nodes that were not killed.
func (c *cluster) live() []*node {
	var live []*node
	for _, n := range c.nodes {
		if !n.dead {
			live = append(live, n)
		}
	}
	return live
}

// await waits until something holds, and returns how long that took.
func (c *cluster) await(what string, limit time.Duration, holds func() error) time.Duration {
	c.t.Helper()
	begin := time.Now()
	for {
		err := holds()
		took := time.Since(begin)
		if err == nil {
			return took
		}
		if took > limit {
			c.t.Fatalf("%s: not after %v: %v", what, took, err)
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // virtual
	}
}

// steady fails if something ceases to hold within a time.
func (c *cluster) steady(what string, during time.Duration, holds func() error) {
	c.t.Helper()
	for begin := time.Now(); time.Since(begin) < during; {
		if err := holds(); err != nil {
			c.t.Fatalf("%s: broke after %v: %v", what, time.Since(begin), err)
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // virtual
	}
}

// see tells whether each of some nodes sees all of others in a state, with a record.
func see(who, whom []*node, state membership.State) func() error {
	return func() error {
		for _, n := range who {
			seen := make(map[membership.MemberID]membership.Member)
			for _, m := range n.Members() {
				seen[m.ID] = m
			}
			for _, o := range whom {
				m, ok := seen[o.Self()]
				switch {
				case !ok:
					return fmt.Errorf("%s does not see %s", n.name, o.name)
				case m.State != state:
					return fmt.Errorf("%s sees %s %v, not %v", n.name, o.name, m.State, state)
				case m.Record == nil || m.Record.Counter < m.Counter:
					return fmt.Errorf("%s has no record of %s", n.name, o.name)
				case m.Record.Name != o.name:
					return fmt.Errorf("%s has the name %q of %s", n.name, m.Record.Name, o.name)
				}
			}
		}
		return nil
	}
}

// clean fails where anything was refused: nobody here is hostile.
func (c *cluster) clean() {
	c.t.Helper()
	for _, n := range c.nodes {
		if s := n.Status(); s.Refused != (membership.Refused{}) || s.Clone != nil {
			c.t.Errorf("%s refused %+v of honest peers: %+v", n.name, s.Refused, s.Faults)
		}
	}
}

func seeds() uint64 {
	if raceSeeds > 0 {
		return raceSeeds
	}
	if testing.Short() {
		return 3
	}
	return 20
}

// overSeeds runs a scenario on a cluster in virtual time, once a seed.
func overSeeds(t *testing.T, size int, scenario func(c *cluster)) {
	t.Helper()
	for seed := range seeds() {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, seed, lan(), size)
				defer c.close()
				scenario(c)
			})
		})
	}
}

// TestClusterFormsAndHeals is the promise of the package: whatever the network does,
// in the end all see all. Partitions outlast memberlist's memory of the dead, which
// alone it would never heal.
func TestClusterFormsAndHeals(t *testing.T) {
	var formed, split, healed []time.Duration
	overSeeds(t, 8, func(c *cluster) {
		seed := c.seed
		c.joinFirst()
		formed = append(formed, c.await("forming", 3*time.Second, see(c.nodes, c.nodes, membership.StateAlive)))
		size := 1 + int(seed%4)
		left, right := c.nodes[:size], c.nodes[size:]
		var ids []secret.MemberID
		for _, n := range left {
			ids = append(ids, n.Self())
		}
		c.net.Partition(ids...)
		split = append(split, c.await("splitting", 60*time.Second, func() error {
			if err := see(left, right, membership.StateDown)(); err != nil {
				return err
			}
			return see(right, left, membership.StateDown)()
		}))
		length := time.Duration(35+10*(seed%4)) * time.Second
		time.Sleep(length) //nolint:forbidigo // virtual
		c.net.Heal()
		healed = append(healed, c.await("healing", 20*time.Second, see(c.nodes, c.nodes, membership.StateAlive)))
		c.steady("being whole", 20*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
		c.clean()
	})
	t.Logf("formed: %v", formed)
	t.Logf("split:  %v", split)
	t.Logf("healed: %v", healed)
}

// TestKilledNodeIsDown: a node whose process ends is known dead by all within a few
// seconds, and a node that starts in its place is seen.
func TestKilledNodeIsDown(t *testing.T) {
	var down, back []time.Duration
	overSeeds(t, 8, func(c *cluster) {
		seed := c.seed
		c.joinFirst()
		c.await("forming", 3*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
		time.Sleep(5 * time.Second) //nolint:forbidigo // virtual
		victim := c.nodes[seed%8]
		c.kill(victim)
		down = append(down, c.await("noticing", 8*time.Second, see(c.live(), []*node{victim}, membership.StateDown)))
		again := c.start(victim.name, victim.identity, nil)
		c.join(again, c.nodes[(seed+1)%8])
		back = append(back, c.await("coming back", 10*time.Second, see(c.live(), c.live(), membership.StateAlive)))
	})
	t.Logf("down: %v", down)
	t.Logf("back: %v", back)
}

// TestRestartIsSeenAtOnce: a process that is started again before it was missed is a
// member at once, as a new instance.
func TestRestartIsSeenAtOnce(t *testing.T) {
	overSeeds(t, 4, func(c *cluster) {
		t := c.t
		dir := t.TempDir()
		first := c.start("phoenix", newIdentity(t), func(config *membership.Config) { config.Dir = dir })
		c.joinFirst()
		c.await("forming", 3*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
		before := instance(t, c.nodes[0], first)
		c.kill(first)
		again := c.start("phoenix", first.identity, func(config *membership.Config) { config.Dir = dir })
		c.join(again, c.nodes[1])
		took := c.await("coming back", 3*time.Second, func() error {
			for _, n := range c.live() {
				if instance(t, n, again) == before {
					return fmt.Errorf("%s sees the old instance", n.name)
				}
			}
			return see(c.live(), c.live(), membership.StateAlive)()
		})
		t.Logf("back after %v", took)
		c.clean()
	})
}

func instance(t *testing.T, at, of *node) uint64 {
	t.Helper()
	for _, m := range at.Members() {
		if m.ID == of.Self() {
			return m.Instance
		}
	}
	return 0
}

// standing tells whether each of some nodes counts on each of others: whoever is suspect
// keeps its roles.
func standing(who, whom []*node) func() error {
	return func() error {
		for _, n := range who {
			seen := make(map[membership.MemberID]membership.State)
			for _, m := range n.Members() {
				seen[m.ID] = m.State
			}
			for _, o := range whom {
				if state, ok := seen[o.Self()]; !ok || state != membership.StateAlive && state != membership.StateSuspect {
					return fmt.Errorf("%s sees %s %v (%t)", n.name, o.name, state, ok)
				}
			}
		}
		return nil
	}
}

// TestStallIsNoDeath: one second of silence, as a swapping or compiling machine has
// it, must cost nobody a role. In one of some thousand stalls somebody misses for a second
// and a half that the suspicion was refuted; that is in doubt for a moment, not dead.
func TestStallIsNoDeath(t *testing.T) {
	overSeeds(t, 8, func(c *cluster) {
		seed := c.seed
		c.joinFirst()
		c.await("forming", 3*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
		for i := range 10 {
			c.nodes[(int(seed)+i)%8].host.Stall(time.Second)
			c.steady("stalling", 3*time.Second, standing(c.nodes, c.nodes))
			c.await("being well again", 2*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
		}
		c.clean()
	})
}

// TestLeavingIsAnnounced: a node that is stopped is seen to have left, not to have
// died, and soon.
func TestLeavingIsAnnounced(t *testing.T) {
	overSeeds(t, 8, func(c *cluster) {
		t, seed := c.t, c.seed
		c.joinFirst()
		c.await("forming", 3*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
		leaver := c.nodes[seed%8]
		leaver.dead = true
		leaver.stop()
		took := c.await("leaving", time.Second, func() error {
			for _, n := range c.live() {
				for _, m := range n.Members() {
					if m.ID == leaver.Self() && m.State != membership.StateLeft {
						return fmt.Errorf("%s sees it %v", n.name, m.State)
					}
				}
			}
			return nil
		})
		t.Logf("left after %v", took)
		c.steady("staying gone", 10*time.Second, func() error {
			for _, n := range c.live() {
				for _, m := range n.Members() {
					if m.ID == leaver.Self() && m.State != membership.StateLeft {
						return fmt.Errorf("%s sees it %v", n.name, m.State)
					}
				}
			}
			return nil
		})
	})
}

// TestRecordsAndSettingsSpread: what a node says of itself and what it sets for the
// mesh is known by all, and two who set one key at once agree.
func TestRecordsAndSettingsSpread(t *testing.T) {
	var records, settings []time.Duration
	overSeeds(t, 8, func(c *cluster) {
		t, seed := c.t, c.seed
		c.joinFirst()
		c.await("forming", 3*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
		payload := make([]byte, membership.PayloadBytesMax)
		for i := range payload {
			payload[i] = byte(uint64(i) * (seed + 1))
		}
		want := sha256.Sum256(payload)
		if err := c.nodes[3].SetPayload(payload); err != nil {
			t.Fatal(err)
		}
		records = append(records, c.await("record", 3*time.Second, func() error {
			for _, n := range c.nodes {
				for _, m := range n.Members() {
					if m.ID == c.nodes[3].Self() && sha256.Sum256(m.Record.Payload) != want {
						return fmt.Errorf("%s has the old one", n.name)
					}
				}
			}
			return nil
		}))
		c.nodes[5].SetClaim(41)
		c.await("claim", 3*time.Second, func() error {
			for _, n := range c.nodes {
				if got := n.HighestClaim(); got != 41 {
					return fmt.Errorf("%s knows of claim %d", n.name, got)
				}
			}
			return nil
		})
		for _, i := range []int{1, 6} {
			if err := c.nodes[i].Settings().Set("published", []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		settings = append(settings, c.await("setting", 15*time.Second, func() error {
			first, ok := c.nodes[0].Settings().Get("published")
			for _, n := range c.nodes {
				if got, _ := n.Settings().Get("published"); !ok || got.Hash != first.Hash {
					return fmt.Errorf("%s has another", n.name)
				}
			}
			return nil
		}))
		c.clean()
	})
	t.Logf("records: %v", records)
	t.Logf("settings: %v", settings)
}

// TestIdleTraffic: membership is to leave most of the 4 KB/s that an idle node may send
// to the rest.
func TestIdleTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, lan(), 8)
		defer c.close()
		for _, n := range c.nodes {
			if err := n.SetPayload(make([]byte, 1024)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.nodes[0].Settings().Set("published", make([]byte, 256)); err != nil {
			t.Fatal(err)
		}
		c.joinFirst()
		c.await("forming", 3*time.Second, see(c.nodes, c.nodes, membership.StateAlive))
		time.Sleep(time.Minute) //nolint:forbidigo // virtual: until it is idle
		before := make([]uint64, len(c.nodes))
		for i, n := range c.nodes {
			before[i] = n.host.SentBytes()
		}
		const during = 2 * time.Minute
		time.Sleep(during) //nolint:forbidigo // virtual
		for i, n := range c.nodes {
			rate := float64(n.host.SentBytes()-before[i]) / during.Seconds()
			t.Logf("%s sends %.0f B/s", n.name, rate)
			const most = 2048
			if rate > most {
				t.Errorf("%s sends %.0f B/s, at most %d are allowed", n.name, rate, most)
			}
		}
	})
}
