package benchfailover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ganglion/node/lab"
	"ganglion/node/launch"
)

// The shape of random faults.
const (
	veteranDevices = 2 // that are never killed, so that growth can be seen in them
	veteranOthers  = 1
	randomGap      = 20 * time.Second // without a verdict, at an observer that may have been cut off or stopped for half of it
	warmUp         = 4                // the share of the time, 1 in so many, after which growth counts
)

// random is never had by itself: see randomly.
func random(context.Context, *trial) error { return errors.New("random faults are drawn") }

// randomly has faults that are drawn, one after the other, for the time that is wanted, and
// looks what the nodes that live all along have grown by.
func (b *bench) randomly(ctx context.Context, out *Result) error {
	o := newOutcome(Random, "random faults")
	begun := time.Now()
	var warm []use
	for {
		lasted := time.Since(begun)
		b.progress(Random+": seconds", int(lasted.Seconds()), int(b.config.For.Seconds()))
		if warm == nil && lasted >= b.config.For/warmUp {
			var err error
			if warm, err = b.mesh.uses(ctx, b.veterans()); err != nil {
				return err
			}
		}
		if lasted >= b.config.For {
			break
		}
		t, err := b.try(ctx, &fault{name: Random, run: drawn})
		if err != nil {
			return fmt.Errorf("%s, fault %d: %w", Random, len(o.Trials)+1, err)
		}
		out.take(o, t, goal{gap: randomGap})
	}
	after, err := b.mesh.uses(ctx, b.veterans())
	if err != nil {
		return err
	}
	for i, u := range after {
		g := growthOf(warm[i], u)
		out.Growth = append(out.Growth, g)
		o.Missed = append(o.Missed, g.Faults...)
	}
	o.Met = len(o.Missed) == 0
	return nil
}

// veterans are the nodes that random faults never kill.
func (b *bench) veterans() []*member {
	m := b.mesh.members
	return slices.Concat(m[:veteranDevices], m[devices:devices+veteranOthers])
}

// drawn has a fault of the network, one of a process, or both at once.
func drawn(ctx context.Context, t *trial) error {
	b := t.bench
	const kinds = 4 // one in so many is both
	what := b.dice.IntN(kinds)
	var wires func(from, to int) lab.Path
	if b.mesh.network != nil && what < kinds-1 {
		wires = t.drawWires()
	}
	if wires != nil && what > 0 {
		t.aside = b.mesh.members // a view may be missing anywhere
		if err := t.begin(ctx, nil); err != nil {
			return err
		}
		return t.wires(ctx, t.between(time.Second, 10*time.Second), wires)
	}
	victims := t.drawVictims()
	if err := t.begin(ctx, victims, t.drawn(1, b.veterans())...); err != nil {
		return err
	}
	t.marks.struck = time.Now()
	if wires != nil {
		t.aside = b.mesh.members
		if err := b.mesh.network.Set(wires); err != nil {
			return err
		}
	}
	err := t.strikeProcesses(ctx, victims)
	if wires != nil {
		return errors.Join(err, t.endFault(b.mesh.network.Heal))
	}
	return err
}

// between is a time drawn from the seed.
func (t *trial) between(least, most time.Duration) time.Duration {
	return least + time.Duration(t.bench.dice.Int64N(int64(most-least)))
}

// drawVictims are one node, two, or whoever has a role, of those that may be killed; or one
// of all, to be paused.
func (t *trial) drawVictims() []*member {
	mortal := t.bench.mesh.except(t.bench.veterans()...)
	switch t.bench.dice.IntN(4) {
	case 0:
		return t.drawn(2, mortal)
	case 1:
		role := []string{aggregatorRole, cloudRole}[t.bench.dice.IntN(2)]
		return []*member{t.holder(role)}
	default:
		return t.drawn(1, mortal)
	}
}

// strikeProcesses kills, restarts or pauses nodes; veterans are paused.
func (t *trial) strikeProcesses(ctx context.Context, victims []*member) error {
	m := t.bench.mesh
	veteran := func(one *member) bool { return slices.Contains(t.bench.veterans(), one) }
	what := t.bench.dice.IntN(3)
	if slices.ContainsFunc(victims, veteran) || what == 0 {
		for _, one := range victims {
			if err := freeze(one.process); err != nil {
				return err
			}
		}
		err := launch.Pause(ctx, t.between(200*time.Millisecond, 5*time.Second))
		for _, one := range victims {
			err = errors.Join(err, wake(one.process))
		}
		t.marks.ends = time.Now()
		return err
	}
	t.restarted = append(t.restarted, victims...)
	if what == 1 {
		for _, one := range victims {
			if err := leave(one.process); err != nil {
				return err
			}
			<-one.process.Ended()
		}
	} else if err := m.kill(victims...); err != nil {
		return err
	}
	if err := launch.Pause(ctx, t.between(0, 4*time.Second)); err != nil {
		return err
	}
	return t.restart(ctx, victims...)
}

// drawWires is a fault of the network.
func (t *trial) drawWires() func(from, to int) lab.Path {
	dice := t.bench.dice
	one := dice.IntN(nodes)
	share, late := 0.02+0.13*dice.Float64(), t.between(5*time.Millisecond, 45*time.Millisecond)
	side := make([]bool, nodes)
	for i := range side {
		side[i] = dice.IntN(2) == 0
	}
	switch dice.IntN(5) {
	case 0:
		return func(from, to int) lab.Path { return lab.Path{Cut: from == one || to == one} }
	case 1:
		return func(from, _ int) lab.Path { return lab.Path{Cut: from == one} }
	case 2:
		return func(from, to int) lab.Path { return lab.Path{Cut: side[from] != side[to]} }
	case 3:
		return func(int, int) lab.Path { return lab.Path{Loss: share} }
	default:
		return func(int, int) lab.Path { return lab.Path{Delay: late} }
	}
}
