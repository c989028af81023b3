package mesh

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestStages: parts end in the reverse order of their start; one that fails ends all,
// and one that hangs holds nobody up for longer than was promised.
func TestStages(t *testing.T) {
	broken := errors.New("broken")
	const within, work = 5 * time.Second, time.Second
	tests := []struct {
		name   string
		fails  string // this one by itself
		hangs  string
		work   time.Duration // of each at its end
		ends   []string
		faults []string // in the error
		took   time.Duration
	}{
		{"as it should", "", "", work, []string{"c", "b", "a"}, nil, 3 * work},
		{"one fails", "b", "", work, []string{"b", "c", "a"}, []string{"b ended by itself", "broken"}, 2 * work},
		{"one hangs", "", "c", time.Millisecond, []string{"b", "a"}, []string{"c has not ended 5s after"}, within + 200*time.Millisecond},
		// A machine that is too busy is no fault of any part.
		{"all are slow", "", "", within - time.Second, []string{"c", "b", "a"}, nil, 3 * within},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var ends []string
				release := make(chan struct{})
				var stages []stage
				for _, name := range []string{"a", "b", "c"} {
					stages = append(stages, stage{name, func(ctx context.Context) error {
						end := func(err error) error {
							mu.Lock()
							defer mu.Unlock()
							ends = append(ends, name)
							return err
						}
						if name == tt.fails {
							return end(broken)
						}
						<-ctx.Done()
						if name == tt.hangs {
							<-release
							return nil
						}
						<-time.After(tt.work)
						return end(ctx.Err())
					}})
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.fails == "" {
					cancel()
				}
				begin := time.Now()
				err := runStages(ctx, stages, within)
				took := time.Since(begin)
				close(release)
				synctest.Wait()
				if !slices.Equal(ends, tt.ends) || took > tt.took || (err == nil) != (tt.faults == nil) {
					t.Errorf("got %q after %v: %v", ends, took, err)
				}
				for _, want := range tt.faults {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("got %v, want %s", err, want)
					}
				}
			})
		})
	}
}
