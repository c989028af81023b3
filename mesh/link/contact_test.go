package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// TestContact is what a diagnosis says of a peer: why dials of it fail, how many, and who
// dialled the connection that stands.
func TestContact(t *testing.T) {
	x, y := start(t, options{}), start(t, options{})
	ctx := within(t)
	free, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	nobody := netip.MustParseAddrPort(free.Addr().String())
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	absent := identity(t).ID()
	if got := x.Contact(absent); !got.Tried.IsZero() || got.Err != nil {
		t.Errorf("of a peer that was never dialled: %+v", got)
	}
	if err := x.AddAddresses(absent, []netip.AddrPort{nobody}, time.Hour); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_ = x.ConnectNow(ctx, absent)
	}
	got := x.Contact(absent)
	if CauseOf(got.Err) != CauseRefused || got.Failures != 2 || got.Tried.IsZero() || len(got.Lines) != 0 || len(got.Addresses) != 1 || got.Addresses[0] != nobody {
		t.Errorf("where nobody listens: %+v, cause %q", got, CauseOf(got.Err))
	}

	if err := x.AddAddresses(y.Self(), y.Addresses(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := x.ConnectNow(ctx, y.Self()); err != nil {
		t.Fatal(err)
	}
	// Whichever of its addresses was faster.
	if got := x.Contact(y.Self()); got.Err != nil || got.Failures != 0 || len(got.Lines) != 1 || got.Lines[0].Inbound || !slices.Contains(y.Addresses(), got.Lines[0].Remote) {
		t.Errorf("at who dialled: %+v", got)
	}
	for len(y.Contact(x.Self()).Lines) == 0 { // it learns of the end of the handshake a moment later
		if ctx.Err() != nil {
			t.Fatal("the connection never arrives")
		}
		time.Sleep(time.Millisecond) //nolint:forbidigo // of a loop with an end
	}
	if got := y.Contact(x.Self()); !got.Tried.IsZero() || !got.Lines[0].Inbound {
		t.Errorf("at who was dialled: %+v", got)
	}

	if err := x.Probe(ctx, y.Self(), y.Addresses()[0]); err != nil {
		t.Errorf("probe: %v", err)
	}
	if err := x.Probe(ctx, absent, y.Addresses()[0]); !errors.Is(err, ErrOtherPeer) {
		t.Errorf("probe another: got %v, want %v", err, ErrOtherPeer)
	}
	if err := x.Probe(ctx, absent, nobody); CauseOf(err) != CauseRefused {
		t.Errorf("probe nobody: got %v, cause %q", err, CauseOf(err))
	}
	if lines := x.Contact(y.Self()).Lines; len(lines) != 1 {
		t.Errorf("after probes there are %d connections", len(lines))
	}
}

// TestCauses: a cause is told from what stands in the error, however it was wrapped.
func TestCauses(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", errno)}
	}
	for _, tt := range []struct {
		err  error
		want Cause
	}{
		{nil, ""},
		{dial(syscall.ECONNREFUSED), CauseRefused},
		{dial(syscall.EHOSTUNREACH), CauseNoRoute},
		{dial(syscall.ENETUNREACH), CauseNoRoute},
		{dial(syscall.ETIMEDOUT), CauseNoAnswer},
		{ErrNoAnswer, CauseNoAnswer},
		{context.DeadlineExceeded, CauseNoAnswer},
		{fmt.Errorf("%w (%w)", ErrNotOurMesh, context.DeadlineExceeded), CauseOtherSecret},
		{ErrOtherPeer, CauseOtherPeer},
		{ErrSelf, CauseSelf},
		{ErrNoAddress, CauseNoAddress},
		{ErrDenied, CauseDenied},
		{ErrOtherProtocol, CauseOtherVersion},
		{errors.New("something"), CauseOther},
	} {
		if tt.err != nil {
			tt.err = fmt.Errorf("connect to somebody: %w", tt.err)
		}
		if got := CauseOf(tt.err); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.err, got, tt.want)
		}
	}
}

// TestDialledIsBounded: who dials thousands remembers those of late.
func TestDialledIsBounded(t *testing.T) {
	var d dialled
	now := time.Unix(1_000_000, 0)
	for n := range dialledMax + 10 {
		d.note(Peer(fmt.Sprint(n)), ErrNoAnswer, now.Add(time.Duration(n)*time.Second))
	}
	if len(d.by) != dialledMax || !d.of("0").Tried.IsZero() || d.of(Peer(fmt.Sprint(dialledMax+9))).Err == nil {
		t.Errorf("%d are remembered, the first: %+v", len(d.by), d.of("0"))
	}
	d.note("a", context.Canceled, now)
	if !d.of("a").Tried.IsZero() {
		t.Error("a dial that was given up is remembered")
	}
}
