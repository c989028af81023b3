//go:build !unix

package durable

// syncFolder does nothing: folders cannot be synced here, renames are journalled
// by the file system.
func syncFolder(string) error { return nil }
