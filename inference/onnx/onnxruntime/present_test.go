//go:build onnxruntime && cgo

package onnxruntime_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ganglion/inference/onnx"
	"ganglion/inference/onnx/onnxruntime"
)

// What is no library must be refused by name.
func TestOpenNoLibrary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lib.so")
	if err := os.WriteFile(path, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := onnxruntime.Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("opened %v, %v, want an error that names %s", r, err, path)
	}
}

// A model that the library refuses must leave the runtime usable, and a closed one
// must open again: each judge and each benchmark of a process opens its own.
func TestOpenAgain(t *testing.T) {
	library, err := onnxruntime.Find("")
	if errors.Is(err, onnxruntime.ErrNotFound) {
		t.Skip(err)
	}
	for range 2 {
		r, err := onnxruntime.Open(library)
		if err != nil {
			t.Fatal(err)
		}
		bad := &onnx.Section{
			Model: []byte("text"), Input: onnx.Tensor{Name: "input", Shape: []int64{1, 2}},
			Outputs: []onnx.Tensor{{Name: "scores", Shape: []int64{1, 2}}},
		}
		if _, err := r.Prepare(bad); err == nil {
			t.Error("a model of no sense was accepted")
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
