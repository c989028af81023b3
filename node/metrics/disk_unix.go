//go:build linux || darwin

package metrics

import "golang.org/x/sys/unix"

// DiskOf is the space of the file system that a folder is on, for a process that is not
// root.
func DiskOf(dir string) Disk {
	var s unix.Statfs_t
	if dir == "" || unix.Statfs(dir, &s) != nil {
		return Disk{}
	}
	block := uint64(s.Bsize) // of another type on each system
	return Disk{FreeBytes: s.Bavail * block, SizeBytes: s.Blocks * block}
}
