package bundles

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/durable"
)

// The most that a store keeps besides the embedded bundle and those in use.
const (
	MaxKept      = 8
	MaxKeptBytes = 2 * inference.MaxBundleBytes
)

// Permissions of the folder and of the files: a bundle is no secret.
const (
	folderMode = 0o755
	fileMode   = 0o644
)

// UnkeptError is a warning: the bundle is there and can be used, but it is in memory
// alone, and gone with the process.
type UnkeptError struct {
	ID     inference.BundleID
	Folder string
	Err    error
}

func (e *UnkeptError) Error() string {
	return fmt.Sprintf("keep bundle %s: %v: it is used from memory and gone when the node ends: make room in %s, or make it writable",
		e.ID.Short(), e.Err, e.Folder)
}

// Unwrap is why the file could not be written.
func (e *UnkeptError) Unwrap() error { return e.Err }

// Store is the bundles of a node. Safe for concurrent use; Get, Has, List and Serve
// never wait for the disk.
type Store struct {
	folder   string // empty: in memory alone
	log      *slog.Logger
	embedded *inference.Bundle

	disk sync.Mutex // above all files of the folder; taken before mu

	mu     sync.RWMutex
	kept   []*inference.Bundle // besides the embedded one, the oldest first
	inUse  []inference.BundleID
	onDisk map[inference.BundleID]bool
}

// Open opens the store in a folder, which is made where it is not there; the bundles in
// use are kept whatever else the folder holds. With the empty name everything is in
// memory. An error says that the folder cannot be made or listed: the node can go on
// with the empty name.
func Open(folder string, log *slog.Logger, inUse ...inference.BundleID) (*Store, error) {
	embedded, err := builtin.Bundle()
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		folder: folder, log: log, embedded: embedded,
		inUse: slices.Clone(inUse), onDisk: map[inference.BundleID]bool{},
	}
	if folder == "" {
		return s, nil
	}
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return nil, fmt.Errorf("open bundles: %w: make the state directory writable, or name another", err)
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open bundles: %w: make the state directory readable, or name another", err)
	}
	return s, nil
}

// Embedded is the bundle that is always there.
func (s *Store) Embedded() *inference.Bundle { return s.embedded }

// Get is a bundle, or nil where the store does not have it.
func (s *Store) Get(id inference.BundleID) *inference.Bundle {
	if id == s.embedded.ID() {
		return s.embedded
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.find(id)
}

// find is Get under mu, without the embedded one.
func (s *Store) find(id inference.BundleID) *inference.Bundle {
	for _, b := range s.kept {
		if b.ID() == id {
			return b
		}
	}
	return nil
}

// Has tells whether the store has a bundle.
func (s *Store) Has(id inference.BundleID) bool { return s.Get(id) != nil }

// List is all bundles: the embedded one, then the others, the newest first.
func (s *Store) List() []*inference.Bundle {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := append([]*inference.Bundle{s.embedded}, s.kept...)
	slices.Reverse(list[1:])
	return list
}

// Use says which bundles are in use, in place of those before: they are not dropped.
func (s *Store) Use(ids ...inference.BundleID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inUse = slices.Clone(ids)
}

// Put adds the bundle of a file, which it takes over, once it is checked; the oldest
// make room. A bundle that is there already is no error. With an *UnkeptError the bundle
// is returned all the same, and in the store, but in memory alone; putting it again
// tries to keep it again. With any other error there is no bundle.
func (s *Store) Put(file []byte) (*inference.Bundle, error) {
	b, err := inference.DecodeBundle(file)
	if err != nil {
		return nil, fmt.Errorf("put bundle: %w", err)
	}
	if b.ID() == s.embedded.ID() {
		return s.embedded, nil
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	if there := s.find(b.ID()); there != nil {
		b = there
	} else {
		s.kept = append(s.kept, b)
	}
	dropped := s.evict(b.ID())
	written := s.onDisk[b.ID()]
	s.mu.Unlock()
	for _, id := range dropped { // first, so that there is room
		s.remove(id)
	}
	if s.folder == "" || written {
		return b, nil
	}
	if err := durable.WriteFile(s.path(b.ID()), b.File(), fileMode); err != nil {
		return b, &UnkeptError{b.ID(), s.folder, err}
	}
	s.mu.Lock()
	s.onDisk[b.ID()] = true
	s.mu.Unlock()
	return b, nil
}

// evict takes out of memory what is too much, and returns what is to be removed from
// the disk as well. mu is held.
func (s *Store) evict(latest inference.BundleID) (dropped []inference.BundleID) {
	var files []weight
	for _, b := range slices.Backward(s.kept) {
		files = append(files, weight{b.ID(), int64(len(b.File()))})
	}
	dropped = excess(files, append(slices.Clone(s.inUse), latest))
	s.kept = slices.DeleteFunc(s.kept, func(b *inference.Bundle) bool { return slices.Contains(dropped, b.ID()) })
	return dropped
}

// weight is a file and its size in bytes.
type weight struct {
	id   inference.BundleID
	size int64
}

// excess is which of the files, the newest first, are to go so that no more than
// MaxKept and MaxKeptBytes stay. Those in use stay, and come first in the account.
func excess(files []weight, inUse []inference.BundleID) (dropped []inference.BundleID) {
	count, size := 0, int64(0)
	for _, f := range files {
		if slices.Contains(inUse, f.id) {
			count, size = count+1, size+f.size
		}
	}
	for _, f := range files {
		switch {
		case slices.Contains(inUse, f.id):
		case count < MaxKept && size+f.size <= MaxKeptBytes:
			count, size = count+1, size+f.size
		default:
			dropped = append(dropped, f.id)
		}
	}
	return dropped
}

// remove removes the file of a bundle. disk is held.
func (s *Store) remove(id inference.BundleID) {
	s.mu.Lock()
	written := s.onDisk[id]
	delete(s.onDisk, id)
	s.mu.Unlock()
	if !written {
		return
	}
	if err := os.Remove(s.path(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Warn("bundle file cannot be removed", "bundle", id.Short(), "error", err)
		return
	}
	s.log.Info("bundle dropped, newer ones took its place", "bundle", id.Short())
}

// path is where the file of a bundle is.
func (s *Store) path(id inference.BundleID) string {
	return filepath.Join(s.folder, id.String()+extension)
}

// Serve answers a peer's request for a chunk. An error is for the peer to read:
// ErrUnknown where the store does not have the bundle.
func (s *Store) Serve(request []byte) (reply []byte, err error) {
	id, offset, err := decodeRequest(request)
	if err != nil {
		return nil, err
	}
	b := s.Get(id)
	if b == nil {
		return nil, fmt.Errorf("serve bundle %s: %w", id.Short(), ErrUnknown)
	}
	reply, err = encodeChunk(b.File(), offset)
	if err != nil {
		return nil, fmt.Errorf("serve bundle %s: %w", id.Short(), err)
	}
	return reply, nil
}
