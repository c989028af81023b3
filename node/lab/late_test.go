package lab

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Frames come when they are due, those of a path in their order, also where its delay was
// taken away with frames still under way.
func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLate()
		start := time.Now()
		type arrived struct {
			what  string
			after time.Duration
		}
		var got []arrived
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			l.run(ctx, func(to int, data []byte) {
				got = append(got, arrived{string(data) + string(rune('0'+to)), time.Since(start)})
			})
		})
		hold := func(what string, to int, delay time.Duration) bool {
			return l.hold(time.Now(), 0, fate{to, delay}, []byte(what))
		}
		if hold("direct", 1, 0) {
			t.Error("a frame without a delay waits")
		}
		held := hold("a", 1, 50*time.Millisecond) && hold("b", 1, 50*time.Millisecond) && hold("c", 2, 20*time.Millisecond)
		if !held {
			t.Error("a frame with a delay may go at once")
		}
		synctest.Wait()
		if !hold("other", 2, 0) || hold("third", 3, 0) {
			t.Error("a frame overtakes those of its path, or waits for those of another")
		}
		time.Sleep(60 * time.Millisecond) //nolint:forbidigo // virtual
		synctest.Wait()
		if hold("after", 1, 0) {
			t.Error("a frame waits although nothing is under way")
		}
		cancel()
		running.Wait()
		want := []arrived{
			{"c2", 20 * time.Millisecond}, {"other2", 20 * time.Millisecond}, {"a1", 50 * time.Millisecond}, {"b1", 50 * time.Millisecond},
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// What waits is bounded.
func TestLateIsBounded(t *testing.T) {
	l := newLate()
	now := time.Now()
	for range mostLate + 10 {
		l.hold(now, 0, fate{1, time.Second}, nil)
	}
	if len(l.frames) != mostLate || l.lost != 10 {
		t.Errorf("%d frames wait, %d were lost", len(l.frames), l.lost)
	}
}
