package onnxruntime_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"ganglion/inference/onnx/onnxruntime"
)

// What is named must win over what is lying about, and a name that leads nowhere must
// be an error rather than a silent second choice: the times would be another
// library's.
func TestFind(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("the layout of npm's package is that of Linux here")
	}
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	inPackage := filepath.Join("node_modules", "onnxruntime-node", "bin", "napi-v6", "linux", arch, "libonnxruntime.so.1")
	for _, test := range []struct {
		name               string
		files              []string
		named, env, envOld string
		want               string // empty: not found
	}{
		{name: "nothing"},
		{name: "installed here", files: []string{inPackage}, want: inPackage},
		{name: "named file", files: []string{"lib.so", inPackage}, named: "lib.so", want: "lib.so"},
		{name: "named directory", files: []string{filepath.Join("there", inPackage), inPackage}, named: "there", want: filepath.Join("there", inPackage)},
		{name: "named but absent", files: []string{inPackage}, named: "lib.so"},
		{name: "named directory without it", files: []string{inPackage, "there/readme"}, named: "there"},
		{name: "environment", files: []string{"lib.so", inPackage}, env: "lib.so", want: "lib.so"},
		{name: "environment but absent", files: []string{inPackage}, env: "lib.so"},
		{name: "other variable", files: []string{"old.so", inPackage}, envOld: "old.so", want: "old.so"},
		{name: "both variables", files: []string{"old.so", "lib.so"}, env: "lib.so", envOld: "old.so", want: "lib.so"},
		{name: "named over environment", files: []string{"old.so", "lib.so"}, named: "lib.so", env: "old.so", want: "lib.so"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			t.Setenv("GANGLION_ONNXRUNTIME", test.env)
			t.Setenv("ORT_LIBRARY", test.envOld)
			for _, f := range test.files {
				if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(f, nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := onnxruntime.Find(test.named)
			if test.want == "" {
				if !errors.Is(err, onnxruntime.ErrNotFound) {
					t.Fatalf("found %q, %v, want ErrNotFound", got, err)
				}
				return
			}
			if want := filepath.Join(dir, test.want); err != nil || got != want {
				t.Errorf("found %q, %v, want %q", got, err, want)
			}
		})
	}
}
