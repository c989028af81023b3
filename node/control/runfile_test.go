package control

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sampleRunFile(pid int) RunFile {
	return RunFile{PID: pid, Name: "anna", Peer: "12D3Koo", Mesh: "mesh-1", API: "127.0.0.1:4802", State: "/var/lib/ganglion"}
}

// deadPID is the number of a process that is gone.
func deadPID(t *testing.T) int {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	return c.Process.Pid
}

// A node is found while it runs, by nobody else's leave, and not after.
func TestRunFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "run")
	t.Setenv("GANGLION_RUN_DIR", dir)
	if files, err := RunFiles(); err != nil || len(files) != 0 {
		t.Errorf("before there is a directory: %v, %v", files, err)
	}
	f := sampleRunFile(os.Getpid())
	remove, err := WriteRunFile(f)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Join(dir, strconv.Itoa(f.PID)+".json"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	files, err := RunFiles()
	f.Start = startOf(f.PID)
	if diff := cmp.Diff([]RunFile{f}, files); diff != "" || err != nil {
		t.Errorf("run files: %v (-want +got):\n%s", err, diff)
	}
	remove()
	remove()
	if files, err := RunFiles(); err != nil || len(files) != 0 {
		t.Errorf("after it is removed: %v, %v", files, err)
	}
}

// Crashed nodes leave files, processes get old numbers, disks fill up, and others put files
// of their own there: none of that may name a node that is not, and nothing that is not
// ours may be removed.
func TestRunFilesOfOthers(t *testing.T) {
	dir, dead := runDir(t), deadPID(t)
	encode := func(f RunFile) string {
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	me := os.Getpid()
	reused := sampleRunFile(os.Getppid())
	reused.Start = startOf(reused.PID) + 1
	hidden := sampleRunFile(1)
	hidden.Name = "an\x1b[2Jna"
	crashed := encode(sampleRunFile(dead))
	contents := map[string]string{ // by name of the file
		strconv.Itoa(me) + ".json":         encode(sampleRunFile(me)),
		strconv.Itoa(dead) + ".json":       crashed,
		strconv.Itoa(reused.PID) + ".json": encode(reused),
		"1.json":                           encode(hidden),
		"01.json":                          "{}",
		"-1.json":                          "{}",
		"notes.json":                       "{}",
		".run.123":                         crashed,
		strconv.Itoa(1<<22+1) + ".json":    `{"mine":true}`,
		strconv.Itoa(1<<22+2) + ".json":    `{"pid":` + strconv.Itoa(1<<22+2) + `,"na`,
	}
	for name, text := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "77.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := runFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].PID != me {
		t.Errorf("run files: %v, want this process's", files)
	}
	gone := map[string]bool{ // what must have been removed
		strconv.Itoa(dead) + ".json":    true,
		strconv.Itoa(1<<22+2) + ".json": true, // cut short
	}
	if startOf(me) != 0 {
		gone[strconv.Itoa(reused.PID)+".json"] = true
	}
	for name := range contents {
		_, err := os.Stat(filepath.Join(dir, name))
		if os.IsNotExist(err) != gone[name] {
			t.Errorf("%s: %v; removed is to be %v", name, err, gone[name])
		}
	}
}

// In a directory where others write, anybody could pass for a node.
func TestRunDirOfOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // that is what is to be refused
		t.Fatal(err)
	}
	if _, err := writeRunFile(dir, sampleRunFile(os.Getpid())); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("write: %v", err)
	}
	if _, err := runFiles(dir); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("read: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(runDir(t), link); err != nil {
		t.Fatal(err)
	}
	if _, err := writeRunFile(link, sampleRunFile(os.Getpid())); err == nil {
		t.Error("a link is taken for a directory")
	}
}

// Where the directory is.
func TestRunDir(t *testing.T) {
	t.Setenv("GANGLION_RUN_DIR", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	if got, want := RunDir(), filepath.Join(os.TempDir(), "ganglion-"+strconv.Itoa(os.Getuid())); got != want {
		t.Errorf("without variables %s, want %s", got, want)
	}
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/7")
	if got, want := RunDir(), filepath.Join("/run/user/7", "ganglion"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	t.Setenv("GANGLION_RUN_DIR", "/elsewhere")
	if got := RunDir(); got != "/elsewhere" {
		t.Errorf("%s, want /elsewhere", got)
	}
}

func FuzzRunFile(f *testing.F) {
	good, err := json.Marshal(sampleRunFile(7))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(good), string(good[:len(good)/2]), "{}", "[]", "", `{"pid":7,"api":"[::1]:1","peer":"p","mesh":"m"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := decodeRunFile(data, 7)
		if err != nil {
			return
		}
		again, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decodeRunFile(again, 7); len(again) <= maxRunFileBytes && (err != nil || back != file) {
			t.Errorf("%q is read as %+v, written as %q and read as %+v: %v", data, file, again, back, err)
		}
	})
}
