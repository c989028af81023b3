package chaos

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// impaired is what a body did to its node's traffic, and when.
type impaired struct {
	After time.Duration
	Impairment
}

// try runs a body for a time in virtual time, and returns what it did.
func try(t *testing.T, d time.Duration, script func(b *Body, wait func(time.Duration))) (done []impaired, told []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		b := NewBody(BodyConfig{
			Impair: func(i Impairment) error {
				done = append(done, impaired{time.Since(start), i})
				return nil
			},
			Tell: func(text string, _ Fault, _ bool) { told = append(told, text) },
			Log:  slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- b.Run(ctx) }()
		script(b, func(d time.Duration) {
			time.Sleep(d) //nolint:forbidigo // virtual
			synctest.Wait()
		})
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return done, told
}

// take has a body take a fault.
func take(t *testing.T, b *Body, f Fault) {
	t.Helper()
	if _, err := b.Take(f); err != nil {
		t.Errorf("take %s: %v", f, err)
	}
}

// A node ends its faults by itself: whoever injected them may be dead, or cut off by them.
func TestEndsByItself(t *testing.T) {
	done, told := try(t, time.Minute, func(b *Body, wait func(time.Duration)) {
		take(t, b, Fault{Do: Cut, For: 2 * time.Second})
		take(t, b, Fault{Do: Slow, For: time.Second, Delay: 80 * time.Millisecond})
		take(t, b, Fault{Do: Lose, For: 3 * time.Second, Loss: 0.2})
		wait(time.Second)
		if faults, left := b.InForce(); len(faults) != 3 || left[0] != time.Second+Lead {
			t.Errorf("in force: %v, for %v; want all three", faults, left)
		}
		wait(time.Minute)
		if faults, _ := b.InForce(); len(faults) != 0 {
			t.Errorf("in force after all is over: %v", faults)
		}
	})
	const delay = 80 * time.Millisecond
	want := []impaired{
		{Lead, Impairment{Cut: true}},
		{Lead, Impairment{Cut: true, Delay: delay}},
		{Lead, Impairment{Cut: true, Delay: delay, Loss: 0.2}},
		{Lead + time.Second, Impairment{Cut: true, Loss: 0.2}},
		{Lead + 2*time.Second, Impairment{Loss: 0.2}},
		{Lead + 3*time.Second, Impairment{}},
	}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	const tale = "fault on purpose: cut for 2s; fault on purpose: slow by 80ms for 1s; fault on purpose: lose 20% for 3s; slow is over; cut is over; lose is over"
	if got := strings.Join(told, "; "); got != tale {
		t.Errorf("told %q, want %q", got, tale)
	}
}

// A fault that is injected again replaces the first, whose end must not end it; heal ends
// what there is, what waits for its beginning included.
func TestReplacedAndHealed(t *testing.T) {
	done, _ := try(t, time.Minute, func(b *Body, wait func(time.Duration)) {
		take(t, b, Fault{Do: Cut, For: 2 * time.Second})
		wait(time.Second)
		take(t, b, Fault{Do: Cut, For: 5 * time.Second})
		wait(3 * time.Second)
		take(t, b, Fault{Do: Slow, For: time.Second, Delay: time.Millisecond})
		take(t, b, Fault{Do: Heal})
		wait(time.Second)
	})
	want := []impaired{
		{Lead, Impairment{Cut: true}},
		{time.Second + Lead, Impairment{Cut: true}},
		{4 * time.Second, Impairment{}},
	}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What a node cannot do it refuses before anything is done; what it is asked too often for
// does not pile up.
func TestRefused(t *testing.T) {
	done, _ := try(t, time.Second, func(b *Body, _ func(time.Duration)) {
		for _, f := range []Fault{{}, {Do: "burn"}, {Do: Cut}, {Do: Cut, For: MostFor + 1}, {Do: Pause, For: time.Second}} { // nobody would wake it
			if _, err := b.Take(f); err == nil {
				t.Errorf("%v was taken", f)
			}
		}
	})
	if len(done) != 0 {
		t.Errorf("done: %v, want nothing", done)
	}
	b := NewBody(BodyConfig{Impair: func(Impairment) error { return nil }, Log: slog.New(slog.DiscardHandler)})
	for range mostWaiting {
		take(t, b, Fault{Do: Cut, For: time.Second})
	}
	if _, err := b.Take(Fault{Do: Cut, For: time.Second}); err == nil {
		t.Error("faults pile up without a bound")
	}
}
