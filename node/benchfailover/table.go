package benchfailover

import (
	"context"
	"slices"
	"time"

	"ganglion/node/lab"
	"ganglion/node/launch"
)

// Random is the name of the fault that is none of the table: others, drawn one after the
// other for a given time.
const Random = "random"

// goal is what the project wants of a fault. Zero: nothing is wanted.
type goal struct {
	gap     time.Duration // the longest time without a verdict
	settled time.Duration // until no role moves any more; from the end of a fault that ends
	still   bool          // no role moves at all
	final   time.Duration // from the fault's end until its beats are final and logs agree
}

// fault is a row of the table.
type fault struct {
	name  string
	title string
	kills bool    // its trials are as many as of those that kill
	wires bool    // it needs a network of its own
	rate  float64 // samples a second; 0: those of the configuration
	want  goal
	run   func(ctx context.Context, t *trial) error
}

// Names are the names of all faults.
func Names() (names []string) {
	for _, f := range table() {
		names = append(names, f.name)
	}
	return names
}

// table is every fault there is.
func table() []fault {
	const (
		short, second = 500 * time.Millisecond, time.Second
		roles         = 5 * time.Second
		healed        = 15 * time.Second
	)
	killed := goal{gap: short, settled: roles}
	devicesKilled := goal{gap: short}
	return []fault{
		{name: "quiet", title: "nothing", want: goal{still: true}, run: quiet},
		{name: "kill-aggregator", title: "kill -9 of the aggregator", kills: true, want: killed, run: killHolders(aggregatorRole)},
		{name: "kill-cloud", title: "kill -9 of the cloud", kills: true, want: killed, run: killHolders(cloudRole)},
		{name: "kill-both", title: "kill -9 of aggregator and cloud", kills: true, want: killed, run: killHolders(aggregatorRole, cloudRole)},
		{name: "kill-1-device", title: "kill -9 of a device", kills: true, want: devicesKilled, run: killDevices(1)},
		{name: "kill-2-devices", title: "kill -9 of two devices", kills: true, want: devicesKilled, run: killDevices(2)},
		{name: "kill-5-devices", title: "kill -9 of five of six devices", kills: true, want: devicesKilled, run: killDevices(devices - 1)},
		{name: "kill-all-but-one", title: "kill -9 of all but one device", kills: true, want: killed, run: killAllButOne},
		{name: "pause-1s", title: "aggregator stopped for 1 s", want: goal{gap: second, settled: roles}, run: pauseAggregator(time.Second)},
		{name: "pause-10s", title: "aggregator stopped for 10 s", want: goal{gap: second, settled: roles}, run: pauseAggregator(10 * time.Second)},
		{name: "unplug", title: "aggregator's link down", wires: true, want: goal{gap: second, settled: 8 * time.Second}, run: unplug},
		{name: "one-way", title: "nothing from the aggregator arrives", wires: true, want: goal{gap: second, settled: 8 * time.Second}, run: oneWay},
		{name: "delay", title: "100 ms round trip", wires: true, want: goal{gap: short, still: true}, run: delay},
		{name: "loss-5", title: "5 % loss", wires: true, want: goal{gap: 1500 * time.Millisecond, still: true}, run: loss(0.05, 10*time.Second)},
		{name: "loss-30", title: "30 % loss, 10 samples a second", wires: true, rate: 10, want: goal{settled: healed, final: healed}, run: loss(0.3, 30*time.Second)},
		{name: "partition", title: "4 and 4 cut apart, healed", wires: true, want: goal{gap: second, settled: healed, final: healed}, run: partition},
		{name: "restart-each", title: "every node restarted in turn", want: goal{gap: short}, run: restartEach},
		{name: "restart-storm", title: "aggregator restarted three times in a second", want: goal{gap: second, settled: roles}, run: restartStorm},
		{name: Random, title: "random faults", run: random},
	}
}

// quiet is no fault: what a gap is without one.
func quiet(ctx context.Context, t *trial) error {
	if err := t.begin(ctx, nil); err != nil {
		return err
	}
	if err := t.strike(func() error { return nil }); err != nil {
		return err
	}
	return launch.Pause(ctx, leastHold)
}

// killHolders kills the holders of roles.
func killHolders(roles ...string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		var victims []*member
		for _, role := range roles {
			if one := t.holder(role); !slices.Contains(victims, one) {
				victims = append(victims, one)
			}
		}
		return t.kill(ctx, nil, victims...)
	}
}

// killDevices kills some devices, whatever else they are.
func killDevices(n int) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		return t.kill(ctx, nil, t.drawn(n, t.bench.mesh.members[:devices])...)
	}
}

func killAllButOne(ctx context.Context, t *trial) error {
	one := t.drawn(1, t.bench.mesh.members[:devices])
	return t.kill(ctx, one, t.bench.mesh.except(one...)...)
}

// pauseAggregator has the aggregator stand still for a while.
func pauseAggregator(d time.Duration) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error { return pauseOne(ctx, t, t.holder(aggregatorRole), d) }
}

func pauseOne(ctx context.Context, t *trial, one *member, d time.Duration) error {
	if err := t.begin(ctx, []*member{one}); err != nil {
		return err
	}
	if err := t.strike(func() error { return freeze(one.process) }); err != nil {
		return err
	}
	err := launch.Pause(ctx, d)
	if awake := t.endFault(func() error { return wake(one.process) }); awake != nil {
		return awake
	}
	if err != nil {
		return err
	}
	return launch.Pause(ctx, leastHold)
}

// unplug takes the aggregator's link down for a while.
func unplug(ctx context.Context, t *trial) error {
	one := t.holder(aggregatorRole)
	if err := t.begin(ctx, []*member{one}); err != nil {
		return err
	}
	m := t.bench.mesh
	if err := t.strike(func() error { return m.network.Unplug(one.number) }); err != nil {
		return err
	}
	if err := launch.Pause(ctx, leastHold); err != nil {
		return err
	}
	// The one that is cut off is aside: it does what it likes until it is back.
	if _, err := m.settleWithin(ctx, m.except(one), mostHold, 1); err != nil {
		t.unsettled = true
	}
	t.marks.closed = time.Now()
	if err := m.network.Heal(); err != nil {
		return err
	}
	return launch.Pause(ctx, leastHold)
}

// oneWay lets nothing of the aggregator through; it goes on hearing the others.
func oneWay(ctx context.Context, t *trial) error {
	one := t.holder(aggregatorRole)
	if err := t.begin(ctx, []*member{one}); err != nil {
		return err
	}
	hold := t.bench.config.held(30 * time.Second)
	return t.wires(ctx, hold, func(from, _ int) lab.Path { return lab.Path{Cut: from == one.number} })
}

// delay has whatever a machine sends arrive 50 ms late.
func delay(ctx context.Context, t *trial) error {
	const each = 50 * time.Millisecond
	if err := t.begin(ctx, nil); err != nil {
		return err
	}
	err := t.wires(ctx, t.bench.config.held(10*time.Second), func(int, int) lab.Path { return lab.Path{Delay: each} })
	t.marks.ends, t.marks.closed = time.Time{}, t.marks.ends // what counts is the time with it
	return err
}

// loss has a share of what each machine sends not arrive.
func loss(share float64, hold time.Duration) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		if err := t.begin(ctx, nil); err != nil {
			return err
		}
		err := t.wires(ctx, t.bench.config.held(hold), func(int, int) lab.Path { return lab.Path{Loss: share} })
		t.aside = t.bench.mesh.members // a view may be missing anywhere
		return err
	}
}

// partition cuts the mesh into halves with a device in each.
func partition(ctx context.Context, t *trial) error {
	half := t.drawn(nodes/2, t.bench.mesh.members)
	other := t.bench.mesh.except(half...)
	if err := t.begin(ctx, nil, half[0], other[0]); err != nil {
		return err
	}
	side := make([]bool, nodes)
	for _, one := range half {
		side[one.number] = true
	}
	t.aside, t.parted = t.bench.mesh.members, true
	hold := time.Minute
	if t.bench.config.Short {
		hold = 32 * time.Second // beyond what membership mends by itself
	}
	return t.wires(ctx, hold, func(from, to int) lab.Path { return lab.Path{Cut: side[from] != side[to]} })
}

// restartEach restarts every node in turn, as an upgrade does.
func restartEach(ctx context.Context, t *trial) error {
	m := t.bench.mesh
	order := t.drawn(nodes, m.members)
	last := order[nodes-1]
	if err := t.begin(ctx, m.members, last); err != nil {
		return err
	}
	t.restarted = m.members[:0:0]
	if err := t.strike(func() error { return nil }); err != nil {
		return err
	}
	for _, one := range order {
		if one == last { // who has watched so far is the last: what follows is seen by another
			t.marks.closed = time.Now()
		}
		t.restarted = append(t.restarted, one)
		if err := leave(one.process); err != nil {
			return err
		}
		<-one.process.Ended()
		if err := t.restart(ctx, one); err != nil {
			return err
		}
		if err := launch.Pause(ctx, t.bench.config.held(10*time.Second)); err != nil {
			return err
		}
	}
	return nil
}

// restartStorm kills the aggregator as soon as it has begun, again and again.
func restartStorm(ctx context.Context, t *trial) error {
	const times, between = 3, 300 * time.Millisecond
	one := t.holder(aggregatorRole)
	if err := t.begin(ctx, []*member{one}); err != nil {
		return err
	}
	m := t.bench.mesh
	t.restarted = append(t.restarted, one)
	t.marks.struck = time.Now()
	for i := range times {
		if err := m.kill(one); err != nil {
			return err
		}
		if err := m.start(one); err != nil {
			return err
		}
		if i < times-1 {
			if err := launch.Pause(ctx, between); err != nil {
				return err
			}
		}
	}
	return m.reach(ctx, one)
}

// held is how long a fault is held: shorter where that is to be.
func (c *Config) held(d time.Duration) time.Duration {
	const shortest = 5 * time.Second
	if c.Short {
		return min(d, shortest)
	}
	return d
}
