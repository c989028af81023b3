package source

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// candidate is a picture that might be what a camera sees. The zero value is none.
type candidate struct {
	name    string
	changed time.Time
	size    int64
}

// newer orders candidates: by time; of equal times the longer name, then the later in
// the alphabet, so that frame9 is older than frame10.
func (c candidate) newer(than candidate) bool {
	return cmp.Or(
		c.changed.Compare(than.changed),
		cmp.Compare(len(c.name), len(than.name)),
		cmp.Compare(c.name, than.name),
	) > 0
}

// same tells whether both are the same file, as far as its entry says.
func (c candidate) same(as candidate) bool {
	return c.name == as.name && c.changed.Equal(as.changed) && c.size == as.size
}

// listing is the pictures of a place: one file, or those in a folder.
type listing struct {
	folder string
	only   string // the one file; empty: all pictures
}

// has tells whether a file of this name is one of them.
func (l listing) has(name string) bool {
	if l.only != "" {
		return name == l.only
	}
	return isPicture(name)
}

// stat is the candidate of one name; ok is false where there is no such file.
func (l listing) stat(name string) (c candidate, ok bool) {
	info, err := os.Stat(filepath.Join(l.folder, name)) // follows links
	if err != nil || info.IsDir() {
		return candidate{}, false
	}
	return candidate{name, info.ModTime(), info.Size()}, true
}

// newest is the candidate that is looked at; none is the zero value. An error says
// that the folder cannot be read.
func (l listing) newest() (candidate, error) {
	if l.only != "" {
		c, ok := l.stat(l.only)
		if !ok {
			_, err := os.Stat(l.folder)
			return candidate{}, err
		}
		return c, nil
	}
	folder, err := os.Open(l.folder)
	if err != nil {
		return candidate{}, err
	}
	names, err := folder.Readdirnames(-1)
	if err := errors.Join(err, folder.Close()); err != nil {
		return candidate{}, err
	}
	var best candidate
	for _, name := range names {
		if !l.has(name) {
			continue
		}
		if c, ok := l.stat(name); ok && (best.name == "" || c.newer(best)) {
			best = c
		}
	}
	return best, nil
}
