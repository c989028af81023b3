package secret

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

const (
	privateMode = 0o600

	// maxFileBytes is the longest private file that is read.
	maxFileBytes = 64 << 10
)

// loadOrCreate returns the contents of a private file. Where there is none it makes
// them with create and puts them there, whole or not at all, unless another process
// is faster: then the other's are returned.
func loadOrCreate(path string, create func() ([]byte, error)) (data []byte, created bool, err error) {
	data, err = readPrivate(path)
	if !errors.Is(err, os.ErrNotExist) {
		return data, false, err
	}
	data, err = create()
	if err != nil {
		return nil, false, err
	}
	err = writeNew(path, data)
	if errors.Is(err, os.ErrExist) {
		data, err = readPrivate(path)
		return data, false, err
	}
	return data, err == nil, err
}

// readPrivate reads a file that nobody but its owner may read.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read %s: not a regular file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("read %s: others may read it (mode %#o); mend it with: chmod 600 %s", path, info.Mode().Perm(), path)
	case info.Size() > maxFileBytes:
		return nil, fmt.Errorf("read %s: %d bytes are too many for what should be there (at most %d)", path, info.Size(), maxFileBytes)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}

// writeNew creates a private file with that contents. It fails with os.ErrExist, and
// changes nothing, where there is one already.
func writeNew(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // of mode 0600
	if err != nil {
		return fmt.Errorf("create %s: %w", path, errors.Unwrap(err))
	}
	temporary := f.Name()
	defer func() {
		if removed := os.Remove(temporary); removed != nil && !errors.Is(removed, os.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(privateMode), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	// A link, unlike a renaming, never replaces what is there.
	err = os.Link(temporary, path)
	if err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	return rename(temporary, path)
}

// rename stands in for the link on file systems that have none, such as FAT. It
// looks first, so that only two processes within the same moment replace one
// another's file.
func rename(temporary, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("create %s: %w", path, os.ErrExist)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return nil
}
