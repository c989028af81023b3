//go:build !linux && !darwin

package metrics

// DiskOf is not known on this system.
func DiskOf(string) Disk { return Disk{} }
