package link

import (
	"errors"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// TestConnectionRates: a member at an address of a network is dialled again and again after
// failures, as often as whoever keeps it does, while what floods is stopped; and who is
// stopped is told that it is this host that does.
func TestConnectionRates(t *testing.T) {
	const peers = 64
	manager, err := resourceManager(peers, false)
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	there := ma.StringCast("/ip4/192.168.1.7/tcp/4801")
	open := func() error {
		scope, err := manager.OpenConnection(network.DirOutbound, false, there)
		if err == nil {
			scope.Done()
		}
		return err
	}
	for n := range peers {
		if err := open(); err != nil {
			t.Fatalf("attempt %d: %v", n+1, err)
		}
	}
	const flood = 10_000
	for range flood {
		if err = open(); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrNoRoom) || CauseOf(err) != CauseOther {
		t.Errorf("a flood: got %v, want %v", err, ErrNoRoom)
	}
	if got := (&attempt{}).failed(t.Context(), err); CauseOf(got) != CauseOther {
		t.Errorf("a dial that this host refuses: %v is taken for %q", got, CauseOf(got))
	}
}
