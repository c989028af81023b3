package nodetest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"ganglion/node/nodetest"
)

func lan() nodetest.Quality {
	return nodetest.Quality{Latency: 200 * time.Microsecond, Jitter: time.Millisecond, Loss: 0.01}
}

func TestVirtualFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := nodetest.StartVirtual(t, 1, lan(), nodetest.Devices(street, 3))
		m.Settle(t.Context())
		t.Log(time.Now())
		run := m.Run(100, 100*time.Millisecond)
		m.AwaitVerdict(t.Context(), m.Names()[0], run, 10)
		t.Log(time.Now())
		m.Kill(m.Holder("aggregator"))
		m.AwaitRun(t.Context(), run)
		t.Log(time.Now())
	})
}
