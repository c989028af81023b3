package node

import (
	"context"
	"time"
)

// kept is a value that is made for whoever asks first and given to all who ask while it is
// fresh, so that many who ask cost what one does. It is safe for concurrent use.
type kept[T any] struct {
	turn  chan struct{} // has room for the one who looks at what follows
	at    time.Time     // when it was made; zero: never
	value T
}

func newKept[T any]() kept[T] { return kept[T]{turn: make(chan struct{}, 1)} }

// get is the value, not older than age. Where it is made anew, made is given the one before.
// The error is made's, or the context's.
func (k *kept[T]) get(ctx context.Context, age time.Duration, made func(before T) (T, error)) (T, error) {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }() // it is ours
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
	if !k.at.IsZero() && time.Since(k.at) < age {
		return k.value, nil
	}
	value, err := made(k.value)
	if err == nil {
		k.value, k.at = value, time.Now()
	}
	return value, err
}
