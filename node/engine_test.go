package node

import (
	"context"
	"errors"
	"testing"
)

// A call that nobody waits for any more must not run: its caller has what it writes again.
// Found by the race detector, in a status that had timed out.
func TestCallThatIsGivenUp(t *testing.T) {
	e := &engine{calls: make(chan func(), 1), ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // whether it is queued at all is by chance: the context has ended
		ran := false
		if err := e.do(ctx, func() { ran = true }); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want %v", err, context.Canceled)
		}
		select {
		case call := <-e.calls:
			call()
		default:
		}
		if ran {
			t.Fatal("it ran after its caller had gone")
		}
	}
}
