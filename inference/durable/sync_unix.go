//go:build unix

package durable

import (
	"errors"
	"os"
	"syscall"
)

// syncFolder makes a rename in a folder survive a loss of power. A file system
// that cannot sync a folder is no error: there is nothing more to be done on it.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return errors.Join(err, d.Close())
	}
	return d.Close()
}
