package durable

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A replaced file is whole, with its mode, and nothing stays beside it.
func TestWriteFileReplaces(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "bundle")
	for _, content := range []string{"the first", "the second, which is longer", ""} {
		if err := WriteFile(path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("read %q, %v; want %q", got, err, content)
		}
	}
	only(t, folder, "bundle")
}

// What cannot be written leaves the old file and no part of the new one, and says the
// name that its caller knows, not that of a temporary file.
func TestWriteFileFailsWhole(t *testing.T) {
	folder := t.TempDir()
	taken := filepath.Join(folder, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "inside"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a folder in its place": taken,
		"no such folder":        filepath.Join(folder, "absent", "bundle"),
	} {
		err := WriteFile(path, []byte("new"), 0o600)
		if err == nil || !strings.Contains(err.Error(), "write "+path) {
			t.Errorf("%s: got %v, want an error that names %s", name, err, path)
		}
		if err := CheckWritable(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the check before the work says %v", name, err)
		}
	}
	only(t, folder, "taken")
}

// A full disk must not leave half a file under the final name. The limit on the size of
// files stands for the full disk: the write fails half way through just the same.
func TestWriteFileOnAFullDisk(t *testing.T) {
	if os.Getenv("GANGLION_TEST_FULL") == "" {
		runWithFileLimit(t, "TestWriteFileOnAFullDisk")
		return
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "bundle")
	if err := WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("got %v, want that the file is too big", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("the old file is now %q, %v", got, err)
	}
	only(t, folder, "bundle")
}

func only(t *testing.T, folder, name string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Name() != name {
		t.Errorf("the folder holds %v, want %s alone", files, name)
	}
}
