//go:build !unix

package node

import "os"

// lockFile opens a file; on this system a second process is not kept out by it.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
