package onnxruntime

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Errors of this package, for errors.Is.
var (
	// ErrNotBuilt: this program cannot load a runtime, whichever is there.
	ErrNotBuilt = errors.New("built without onnxruntime: use `go run -tags onnxruntime . bench kernels`, which needs cgo and a C compiler")
	// ErrNotFound: there is no library where one was looked for.
	ErrNotFound = errors.New("onnxruntime not found: run `npm install --ignore-scripts onnxruntime-node` here or name its library")
)

// Variables of the environment that name the library, the first one first.
const (
	EnvLibrary      = "GANGLION_ONNXRUNTIME"
	envLibraryOther = "ORT_LIBRARY" // as other programs call it
)

// Find is the path of the library: the named one, else that of the environment, else
// the one that npm installed below the working directory. What is named may also be
// the directory in which npm was run. The error is ErrNotFound, wrapped.
func Find(named string) (string, error) {
	for _, place := range []struct{ from, path string }{
		{"", named},
		{EnvLibrary + "=", os.Getenv(EnvLibrary)},
		{envLibraryOther + "=", os.Getenv(envLibraryOther)},
	} {
		if place.path == "" {
			continue
		}
		info, err := os.Stat(place.path)
		if err == nil && !info.IsDir() {
			return filepath.Abs(place.path)
		}
		if library := installed(place.path); library != "" {
			return filepath.Abs(library)
		}
		return "", fmt.Errorf("find library %s%s: %w", place.from, place.path, ErrNotFound)
	}
	if library := installed("."); library != "" {
		return filepath.Abs(library)
	}
	return "", ErrNotFound
}

// installed is the library that npm installed in a directory for this machine; empty
// if there is none.
func installed(dir string) string {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	name := map[string]string{
		"linux": "libonnxruntime.so.1", "darwin": "libonnxruntime.*.dylib", "windows": "onnxruntime.dll",
	}[runtime.GOOS]
	system := runtime.GOOS
	if system == "windows" {
		system = "win32"
	}
	if arch == "" || name == "" {
		return ""
	}
	found, err := filepath.Glob(filepath.Join(dir, "node_modules", "onnxruntime-node", "bin", "napi-v*", system, arch, name))
	if err != nil || len(found) == 0 {
		return "" // the pattern fails where dir has its characters: name the file then
	}
	return found[len(found)-1]
}
