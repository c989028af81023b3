package membership

import (
	"log/slog"
	"testing"
	"time"
)

// A process that stands still for a moment, or dies, makes one long round trip; a network
// that is too slow makes many. Only the second is worth a warning, which once came for the
// first.
func TestTripsOfANetwork(t *testing.T) {
	start := time.Unix(0, 0)
	tr := trips{limit: 100 * time.Millisecond, log: slog.New(slog.DiscardHandler)}
	for i := range 100 {
		tr.add("near", time.Millisecond, start.Add(time.Duration(i)*time.Second/2))
	}
	tr.add("dead", 150*time.Millisecond, start.Add(50*time.Second))
	if d, p := tr.worst(); d != time.Millisecond || p != "near" {
		t.Errorf("one stall: got %v of %s", d, p)
	}
	for i := range tripsKept {
		tr.add("far", 140*time.Millisecond, start.Add(time.Duration(51+i)*time.Second))
	}
	if d, p := tr.worst(); d != 140*time.Millisecond || p != "far" {
		t.Errorf("a slow network: got %v of %s", d, p)
	}
	if !tr.warnedAlready {
		t.Error("nobody was told")
	}
}
