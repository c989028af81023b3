package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"ganglion/inference/durable"
	"ganglion/roles"
)

// claimBlock is how many claims are reserved on disk at once. Half of them are left when
// the next are reserved, while the engine goes on: more than it claims while a slow card
// writes.
const claimBlock = 16

// claimsFile is the file, JSON.
type claimsFile struct {
	Reserved uint64 `json:"reserved"` // no claim with a higher counter was made
}

// reservation sees to it that no epoch comes twice from one identity. Counters of claims are
// reserved on disk in blocks, so that a takeover waits for no disk; the next life claims
// above all that were reserved. Its methods but fill belong to the engine.
type reservation struct {
	path   string // empty: in memory alone
	before uint64 // counters up to it may be claims of an earlier life
	log    *slog.Logger
	write  func(path string, data []byte, mode os.FileMode) error

	filling sync.Mutex    // of the file
	busy    atomic.Bool   // a goroutine fills
	on      atomic.Uint64 // disk: counters up to it may be claimed
}

// openReservation reads what an earlier life reserved, and reserves the first block; dir may
// be empty.
func openReservation(ctx context.Context, dir string, log *slog.Logger) (*reservation, error) {
	r := &reservation{log: log, write: durable.WriteFile}
	if dir == "" {
		return r, nil
	}
	r.path = filepath.Join(dir, "claims.json")
	data, err := os.ReadFile(r.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("read claims: %w", err)
	default:
		var file claimsFile
		if err := json.Unmarshal(data, &file); err != nil {
			return nil, fmt.Errorf("read claims: %s is damaged (%w): remove it, the mesh knows the claims", r.path, err)
		}
		if file.Reserved > roles.MaxCounter {
			return nil, fmt.Errorf("read claims: %s: reserved %d is above %d: remove it, the mesh knows the claims", r.path, file.Reserved, uint64(roles.MaxCounter))
		}
		r.before = file.Reserved
	}
	r.on.Store(r.before)
	r.fill(ctx, r.before+claimBlock)
	return r, nil
}

// claimed is told of claims before anyone hears of them. One above the reserved ones waits
// for the disk: there was a jump, or the disk is full or slower than claims come.
func (r *reservation) claimed(ctx context.Context, claims []roles.Claim, background func(func())) {
	var highest uint64
	for _, c := range claims {
		highest = max(highest, c.Epoch.Counter)
	}
	if r.path != "" && highest > r.on.Load() {
		r.fill(ctx, highest+claimBlock)
	}
	r.saw(ctx, highest, background)
}

// saw is told of the highest claim that the node knows of, whoever made it: the node's next is
// above it.
func (r *reservation) saw(ctx context.Context, highest uint64, background func(func())) {
	if r.path == "" || highest == 0 || highest+claimBlock/2 <= r.on.Load() || !r.busy.CompareAndSwap(false, true) {
		return
	}
	background(func() {
		defer r.busy.Store(false)
		r.fill(ctx, highest+claimBlock)
	})
}

// fill reserves the counters up to one on disk. A disk that is full is no reason to leave the
// mesh without a holder: it is told, and the claim goes on. It is safe for concurrent use.
func (r *reservation) fill(ctx context.Context, upTo uint64) {
	r.filling.Lock()
	defer r.filling.Unlock()
	upTo = min(upTo, roles.MaxCounter)
	if upTo <= r.on.Load() {
		return
	}
	data, err := json.Marshal(claimsFile{Reserved: upTo})
	if err == nil {
		err = r.write(r.path, append(data, '\n'), 0o600)
	}
	if err != nil {
		r.log.WarnContext(ctx, "claims are not on disk; after a restart this node may repeat their numbers", "error", err)
		return
	}
	r.on.Store(upTo)
}
