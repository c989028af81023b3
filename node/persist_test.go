package node

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ganglion/inference/durable"
	"ganglion/roles"
)

func claimOf(counter uint64) []roles.Claim {
	return []roles.Claim{{Role: roles.CloudRole(), Epoch: roles.Epoch{Counter: counter, Peer: "one"}}}
}

// A takeover waited for three fsyncs, which a memory card may take half a second for: the
// time in which verdicts are to go on.
func TestTakeoverWaitsForNoDisk(t *testing.T) {
	r, err := openReservation(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var engine, others int
	var fills sync.WaitGroup
	here := true
	r.write = func(path string, data []byte, mode os.FileMode) error {
		if here {
			engine++
		} else {
			others++
		}
		return durable.WriteFile(path, data, mode)
	}
	beside := func(fill func()) {
		here = false
		fills.Go(fill)
		fills.Wait()
		here = true
	}
	for counter := range uint64(100) {
		r.claimed(t.Context(), claimOf(counter+1), beside)
		if on := r.on.Load(); on <= counter {
			t.Fatalf("claim %d is told, and %d are reserved", counter+1, on)
		}
	}
	r.saw(t.Context(), 5_000, beside) // of others, while this node claimed nothing
	r.claimed(t.Context(), claimOf(5_001), beside)
	if engine > 0 || others < 100/claimBlock {
		t.Errorf("%d writes by the engine, %d beside it", engine, others)
	}
}

// Counters of a later life are above those of all earlier ones, whenever each was killed.
func TestClaimsOfALaterLifeAreAbove(t *testing.T) {
	dir := t.TempDir()
	var highest uint64
	for life := range 5 {
		r, err := openReservation(t.Context(), dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if r.before < highest {
			t.Fatalf("life %d begins above %d, and %d was claimed before", life, r.before, highest)
		}
		highest = r.before
		for range life * 20 { // background writes never come about: it was killed
			highest++
			r.claimed(t.Context(), claimOf(highest), func(func()) {})
		}
		highest += 1000 // the mesh was further
		r.claimed(t.Context(), claimOf(highest), func(func()) {})
	}
}

// A full disk leaves no role without a holder, and is told.
func TestClaimsOnAFullDisk(t *testing.T) {
	var said strings.Builder
	r, err := openReservation(t.Context(), t.TempDir(), slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	r.write = func(string, []byte, os.FileMode) error { return errors.New("no space left on device") }
	r.claimed(t.Context(), claimOf(500), func(fill func()) { fill() })
	if !strings.Contains(said.String(), "no space left") || r.on.Load() != claimBlock {
		t.Errorf("said %q; reserved %d", said.String(), r.on.Load())
	}
}

func TestDamagedClaims(t *testing.T) {
	dir := t.TempDir()
	for _, content := range []string{"", "{", `{"reserved": -1}`, `{"reserved": 9007199254740993}`} {
		if err := os.WriteFile(filepath.Join(dir, "claims.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openReservation(t.Context(), dir, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%q: %v", content, err)
		}
	}
}
