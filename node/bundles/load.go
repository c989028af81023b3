package bundles

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ganglion/inference"
)

// extension is how the name of a bundle's file ends; the rest is its ID.
const extension = ".ganglion"

// entry is a file of the folder whose name is that of a bundle.
type entry struct {
	id      inference.BundleID
	size    int64
	changed time.Time
}

// load reads the bundles of the folder: those in use, then the newest, as many as are
// kept. Other files of such names are removed; whatever has another name is not ours.
func (s *Store) load() error {
	entries, err := s.entries()
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(b.changed.Compare(a.changed), slices.Compare(a.id[:], b.id[:]))
	})
	files := make([]weight, 0, len(entries))
	for _, e := range entries {
		files = append(files, weight{e.id, e.size})
	}
	dropped := excess(files, s.inUse)
	for _, e := range entries {
		if slices.Contains(dropped, e.id) {
			s.onDisk[e.id] = true
			s.remove(e.id)
			continue
		}
		b, err := s.read(e.id)
		switch {
		case err == nil:
			s.kept = append(s.kept, b)
			s.onDisk[e.id] = true
		case isDamage(err):
			s.log.Warn("bundle file is damaged, it is removed and not used", "file", s.path(e.id), "error", err)
			if err := os.Remove(s.path(e.id)); err != nil {
				s.log.Warn("bundle file cannot be removed", "bundle", e.id.Short(), "error", err)
			}
		default:
			s.log.Warn("bundle file cannot be used, it is left alone", "file", s.path(e.id), "error", err)
		}
	}
	slices.Reverse(s.kept)
	return nil
}

// entries lists the folder, and removes what a killed process left half-written: the
// state directory belongs to one process at a time.
func (s *Store) entries() ([]entry, error) {
	listed, err := os.ReadDir(s.folder)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for _, l := range listed {
		name, left := strings.CutPrefix(l.Name(), ".")
		stem, rest, ok := strings.Cut(name, extension)
		id, isID := parseID(stem)
		switch {
		case !ok || !isID || !l.Type().IsRegular():
		case left && strings.HasPrefix(rest, "."):
			if err := os.Remove(filepath.Join(s.folder, l.Name())); err != nil {
				s.log.Warn("half-written bundle file cannot be removed", "file", l.Name(), "error", err)
			}
		case !left && rest == "":
			info, err := l.Info()
			if err != nil {
				continue // it is gone
			}
			entries = append(entries, entry{id, info.Size(), info.ModTime()})
		}
	}
	return entries, nil
}

func parseID(text string) (id inference.BundleID, ok bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(id) || strings.ToLower(text) != text {
		return id, false
	}
	return inference.BundleID(raw), true
}

// errOtherID says that a file is a bundle, but not the one that its name promises.
var errOtherID = errors.New("its content is not what its name says")

func (s *Store) read(id inference.BundleID) (*inference.Bundle, error) {
	b, err := inference.ReadBundle(s.path(id))
	if err != nil {
		return nil, err
	}
	if b.ID() != id {
		return nil, fmt.Errorf("read bundle %s: %w", s.path(id), errOtherID)
	}
	return b, nil
}

// isDamage tells a file that will never be of use from one that cannot be read as yet,
// or not by this version: what is inconsistent is whole, and was checked when it came.
func isDamage(err error) bool {
	for _, damage := range []error{inference.ErrNotBundle, inference.ErrDamaged, errOtherID} {
		if errors.Is(err, damage) {
			return true
		}
	}
	return false
}
