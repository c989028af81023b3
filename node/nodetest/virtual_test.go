package nodetest_test

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ganglion/node/nodetest"
)

var (
	seeds    = flag.Uint64("seeds", 20, "deployments in virtual time that random faults befall")
	fromSeed = flag.Uint64("seed", 0, "the first of them")
)

// lan is a busy local network.
func lan() nodetest.Quality {
	return nodetest.Quality{Latency: 200 * time.Microsecond, Jitter: time.Millisecond, Loss: 0.01}
}

// Whatever befalls nodes and network: when all is well again, every sample is decided, once,
// and everybody knows it.
func TestFaults(t *testing.T) {
	for seed := *fromSeed; seed < *fromSeed+*seeds; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("after %v; run it again, though goroutines take turns in other ways, with\n"+
							"go test ./node/nodetest -run '^TestFaults$' -seeds 1 -seed %d", time.Since(begun), seed)
					}
				})
				play(t, seed).agreed()
			})
		})
	}
}
