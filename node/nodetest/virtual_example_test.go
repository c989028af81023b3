package nodetest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ganglion/node/nodetest"
)

// In virtual time a test has the network do what no cable on a desk does, and a minute takes
// no longer than its computations. The function here is a test as you would write it: name
// it TestAggregatorDies in a file of yours, and go test runs it.
func ExampleStartVirtual() {
	aggregatorDies := func(t *testing.T) { //nolint:thelper // it is the test itself
		synctest.Test(t, func(t *testing.T) {
			network := nodetest.Quality{Latency: 5 * time.Millisecond, Jitter: 2 * time.Millisecond, Loss: 0.01}
			m := nodetest.StartVirtual(t, 1, network, nodetest.Devices("street:samples=24,seed=3", 3))
			m.Settle(t.Context())
			run := m.Run(100, 100*time.Millisecond)
			m.AwaitVerdict(t.Context(), "device-0", run, 10)
			m.Kill(m.Holder("aggregator"))
			m.AwaitRun(t.Context(), run) // all are decided, and none is lost
			for _, name := range m.Names() {
				fmt.Println("a survivor has", len(m.Verdicts(name, run)), "verdicts")
			}
		})
	}
	asTest(aggregatorDies)
	// Output:
	// a survivor has 100 verdicts
	// a survivor has 100 verdicts
}
