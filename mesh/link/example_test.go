package link

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"ganglion/mesh/secret"

	"golang.org/x/sync/errgroup"
)

// Two nodes on loopback: one asks the other something.
func Example() {
	const greet Kind = 1
	keys := secret.NewToken().Keys()
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	var nodes errgroup.Group

	start := func() (*Host, *Links, error) {
		id, err := secret.NewIdentity()
		if err != nil {
			return nil, nil, err
		}
		config := DefaultLAN()
		config.Port, config.Interfaces = 0, []string{loopbackName()}
		host, err := New(config, id, keys, log)
		if err != nil {
			return nil, nil, err
		}
		links, err := NewLinks(host, DefaultLinks(), log)
		if err != nil {
			return nil, nil, err
		}
		err = links.Handle(greet, 64, func(m Message) { _ = m.Reply([]byte("hello, " + string(m.Payload))) })
		nodes.Go(func() error { return host.Run(ctx) })
		nodes.Go(func() error { return links.Run(ctx) })
		return host, links, err
	}

	a, links, err := start()
	if err == nil {
		var b *Host
		if b, _, err = start(); err == nil {
			if err = a.AddAddresses(b.Self(), b.Addresses(), time.Hour); err == nil {
				var reply []byte
				reply, err = links.Request(ctx, b.Self(), greet, []byte("neighbour"), 64)
				fmt.Println(string(reply))
			}
		}
	}
	cancel()
	fmt.Println(err, nodes.Wait())
	// Output:
	// hello, neighbour
	// <nil> <nil>
}
