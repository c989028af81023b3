package nodetest_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"ganglion/node/nodetest"
)

const street = "street:samples=24,seed=3"

func TestMain(m *testing.M) {
	code := m.Run()
	if left := nodetest.Leaked(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left behind:\n%s\n", left)
		code = 1
	}
	os.Exit(code) //nolint:forbidigo // the main function of tests
}

// What the package is for, once from end to end: a deployment starts, runs, loses nodes in
// both ways, has them back, and ends.
func TestDeployment(t *testing.T) {
	m := nodetest.Start(t, nodetest.Kept(), nodetest.Device(street, "0", "1", "2"),
		nodetest.Device(street, "camera3"), nodetest.Device(street, "camera4"), nodetest.Device(street, "camera5"), nodetest.Spares(2))
	m.Settle(t.Context())
	want := []string{"device-0", "device-1", "device-2", "device-3", "spare-0", "spare-1"}
	if got := m.Names(); !slices.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
	if got := m.Feeding("camera1"); len(got) != 1 || got[0] != "device-0" {
		t.Errorf("camera1 is fed by %v, want device-0", got)
	}
	run := m.Run(20, 20*time.Millisecond)
	m.AwaitRun(t.Context(), run)
	if got := m.Verdicts("spare-1", run); len(got) != 20 {
		t.Errorf("%d verdicts, want 20", len(got))
	}
	first, second := m.Node("device-1").Self(), m.Node("spare-0").Self()
	m.Kill("device-1")
	m.Stop("spare-0")
	m.Settle(t.Context())
	m.Restart("device-1")
	m.Restart("spare-0")
	m.Settle(t.Context())
	if m.Node("device-1").Self() != first || m.Node("spare-0").Self() != second {
		t.Error("a node with kept state came back as another")
	}
}

// stand stands in for a test that is to fail.
type stand struct {
	testing.TB
	ctx   context.Context //nolint:containedctx // a test's
	fatal string
}

func (s *stand) Context() context.Context { return s.ctx }

func (s *stand) Fatalf(format string, args ...any) {
	s.fatal = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// What waits in vain says for what, and what every node was: without it nobody finds out
// why a test of seven nodes failed on another machine.
func TestWaitingInVain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &stand{TB: t, ctx: ctx}
	done := make(chan struct{})
	go func() {
		defer close(done)
		m := nodetest.Start(s, nodetest.Devices(street, 2))
		m.Settle(t.Context())
		m.Kill("device-1")
		cancel()
		m.Await(ctx, "pigs fly", func() bool { return false })
	}()
	<-done
	for _, want := range []string{"waited in vain until pigs fly: not yet", "device-0 of site default", "view \"camera", "device-1 does not run"} {
		if !strings.Contains(s.fatal, want) {
			t.Errorf("%q is not in:\n%s", want, s.fatal)
		}
	}
}
