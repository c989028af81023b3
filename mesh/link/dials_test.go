package link

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// Whoever reads how dials end must be able to tell a firewall from a wrong token, and both
// from a peer that dialled first.
func TestDialResults(t *testing.T) {
	network := errors.New("connection refused")
	tests := []struct {
		err  error
		want DialResult
	}{
		{nil, DialConnected},
		{fmt.Errorf("connect: %w: %w", ErrUnreachable, ErrNoAddress), DialNoAddress},
		{fmt.Errorf("connect: %w: %w (%w)", ErrUnreachable, ErrNoAnswer, network), DialNoAnswer},
		{fmt.Errorf("connect: %w: %w (%w)", ErrUnreachable, ErrNotOurMesh, network), DialNotOurMesh},
		{fmt.Errorf("connect: %w: %w", ErrUnreachable, network), DialRefused},
		{fmt.Errorf("connect: %w", context.Canceled), DialGivenUp},
		{fmt.Errorf("connect: %w", context.DeadlineExceeded), DialNoAnswer},
		{fmt.Errorf("connect: %w", ErrClosed), DialGivenUp},
	}
	var counts dialCounts
	for _, tt := range tests {
		if got := resultOf(tt.err); got != tt.want {
			t.Errorf("%v is %q, want %q", tt.err, got, tt.want)
		}
		counts.add(tt.err)
	}
	if got := counts[DialNoAnswer].Load(); got != 2 {
		t.Errorf("%d dials without an answer, want 2", got)
	}
}
