package link

import (
	"context"
	"errors"
	"testing"
	"time"
)

const (
	kindEcho  Kind = 7
	kindShort Kind = 8
	kindSlow  Kind = 9
)

// echo answers with what it gets.
func echo(m Message) { _ = m.Reply(m.Payload) }

func handles(t testing.TB, kind Kind, maxBytes int, handler Handler) options {
	t.Helper()
	return options{prepare: func(n *node) {
		if err := n.Handle(kind, maxBytes, handler); err != nil {
			t.Error(err)
		}
	}}
}

// TestTCPRequest is the ordinary life of a link, in both directions.
func TestTCPRequest(t *testing.T) {
	a, b := pair(t, handles(t, kindEcho, 1000, echo), handles(t, kindEcho, 1000, echo))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, end := range []struct{ from, to *node }{{a, b}, {b, a}} {
		got, err := end.from.Request(ctx, end.to.Self(), kindEcho, []byte("hello"), 100)
		if err != nil || string(got) != "hello" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	h := a.Health(b.Self())
	if !h.Up || h.Acknowledged.IsZero() || h.RoundTrip.Samples == 0 || h.RoundTrip.Best <= 0 || h.RoundTrip.Best > h.RoundTrip.P99 {
		t.Errorf("got %+v", h)
	}
	if err := a.Flush(ctx); err != nil {
		t.Error(err)
	}
	if h := a.Health(b.Self()); h.Unacknowledged != 0 || !h.Waiting.IsZero() {
		t.Errorf("after flushing: got %+v", h)
	}
	var sized *SizeError
	if _, err := a.Request(ctx, b.Self(), kindEcho, []byte("hello"), 4); !errors.As(err, &sized) {
		t.Errorf("reply over its limit: got %v", err)
	}
	var refused *RefusedError
	if _, err := a.Request(ctx, b.Self(), kindEcho, make([]byte, 1001), 2000); !errors.As(err, &refused) || refused.Status != StatusTooLarge {
		t.Errorf("request over its limit: got %v", err)
	}
	if _, err := a.Request(ctx, b.Self(), kindShort, nil, 10); !errors.As(err, &refused) || refused.Status != StatusUnknown {
		t.Errorf("unknown kind: got %v", err)
	}
	if got := b.Health(a.Self()).Refused; got != (Refusals{Unknown: 1, TooLarge: 1}) {
		t.Errorf("got refusals %+v", got)
	}
	_ = time.Now()
}
