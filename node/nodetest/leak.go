package nodetest

import (
	"runtime"
	"strings"
	"time"
)

// Leaked is the goroutines of nodes, and of the libraries below them, that have not ended
// within [Patience] after the last mesh has; empty: there are none. It is for TestMain, after
// the tests.
func Leaked() string {
	const pause = 10 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < Patience; {
		if left := goroutines(); len(left) == 0 {
			return ""
		}
		<-tick.C
	}
	return strings.Join(goroutines(), "\n\n")
}

// goroutines are the stacks of those that are a node's.
func goroutines() (ours []string) {
	const most = 16 << 20
	buffer := make([]byte, most)
	for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if strings.Contains(stack, "nodetest.Leaked") {
			continue // the caller
		}
		for _, of := range []string{"ganglion/", "libp2p", "memberlist", "net/http"} {
			if strings.Contains(stack, of) {
				ours = append(ours, stack)
				break
			}
		}
	}
	return ours
}
