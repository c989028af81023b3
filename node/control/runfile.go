package control

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxRunFileBytes is the longest run file that is read.
const maxRunFileBytes = 16 << 10

// RunFile says of one node that runs on this machine how to reach it.
type RunFile struct {
	// PID of the node's process.
	PID int `json:"pid"`
	// Start of the process, in a unit of the system's; 0: the system does not tell.
	// [WriteRunFile] fills it in.
	Start uint64 `json:"start"`
	// Name of the node, for people.
	Name string `json:"name"`
	// Peer is the node's identity.
	Peer string `json:"peer"`
	// Mesh is the fingerprint of the node's mesh.
	Mesh string `json:"mesh"`
	// API is where the control API is served, as ip:port.
	API string `json:"api"`
	// TokenFile is the path of the file with the API's token; empty: it asks for none.
	TokenFile string `json:"token_file,omitempty"`
	// State directory of the node; empty: it has none.
	State string `json:"state,omitempty"`
}

// RunDir is the directory of run files. It need not exist.
func RunDir() string {
	if dir := os.Getenv("GANGLION_RUN_DIR"); dir != "" {
		return dir
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "ganglion")
	}
	return filepath.Join(os.TempDir(), "ganglion-"+strconv.Itoa(os.Getuid()))
}

// WriteRunFile puts this process's run file into [RunDir], which it makes if need be.
// remove takes it away again; it is never nil.
func WriteRunFile(f RunFile) (remove func(), err error) {
	return writeRunFile(RunDir(), f)
}

func writeRunFile(dir string, f RunFile) (remove func(), err error) {
	remove = func() {}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return remove, fmt.Errorf("write run file: %w", err)
	}
	if err := checkRunDir(dir); err != nil {
		return remove, fmt.Errorf("write run file: %w", err)
	}
	f.Start = startOf(f.PID)
	data, err := json.Marshal(f)
	if err != nil {
		return remove, fmt.Errorf("write run file: %w", err)
	}
	if _, err := decodeRunFile(data, f.PID); err != nil {
		return remove, fmt.Errorf("write run file: %w", err)
	}
	path := filepath.Join(dir, strconv.Itoa(f.PID)+".json")
	temporary, err := os.CreateTemp(dir, ".run.*") // of mode 0600
	if err != nil {
		return remove, fmt.Errorf("write run file: %w", err)
	}
	_, err = temporary.Write(data)
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return remove, errors.Join(fmt.Errorf("write run file: %w", err), os.Remove(temporary.Name()))
	}
	return func() { removeIf(path, data) }, nil
}

// removeIf removes a file that still has these contents. Where it fails, the next reader
// of the directory removes it.
func removeIf(path string, data []byte) {
	if now, err := readBounded(path); err == nil && bytes.Equal(now, data) {
		_ = os.Remove(path)
	}
}

// RunFiles is the run files of the nodes that run on this machine, by name and process.
// Files of processes that are gone are removed; what is no run file is left alone.
func RunFiles() ([]RunFile, error) { return runFiles(RunDir()) }

func runFiles(dir string) ([]RunFile, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read run files: %w", err)
	}
	if err := checkRunDir(dir); err != nil {
		return nil, fmt.Errorf("read run files: %w", err)
	}
	var out []RunFile
	for _, e := range entries {
		pid, ok := pidOf(e.Name())
		if !ok || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		data, err := readBounded(path)
		if err != nil {
			continue // it was removed meanwhile
		}
		f, err := decodeRunFile(data, pid)
		ours := err == nil || bytes.HasPrefix(data, fmt.Appendf(nil, `{"pid":%d,`, pid)) // cut short
		switch gone := !runs(pid) || err == nil && !sameStart(f.Start, startOf(pid)); {
		case gone && ours:
			removeIf(path, data)
		case !gone && err == nil:
			out = append(out, f)
		default:
		}
	}
	slices.SortFunc(out, func(a, b RunFile) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.PID, b.PID))
	})
	return out, nil
}

// sameStart reports whether a process that started then can be the one that started now;
// 0 is not known.
func sameStart(then, now uint64) bool { return then == now || then == 0 || now == 0 }

// pidOf is the process in the name of a run file.
func pidOf(name string) (pid int, ok bool) {
	digits, ok := strings.CutSuffix(name, ".json")
	pid, err := strconv.Atoi(digits)
	return pid, ok && err == nil && pid > 0 && strconv.Itoa(pid) == digits
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxRunFileBytes+1))
}

// decodeRunFile reads the contents of the run file of a process.
func decodeRunFile(data []byte, pid int) (RunFile, error) {
	var f RunFile
	if len(data) > maxRunFileBytes {
		return f, fmt.Errorf("run file: more than %d bytes", maxRunFileBytes)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return RunFile{}, fmt.Errorf("run file: %w", err)
	}
	if f.PID != pid {
		return RunFile{}, fmt.Errorf("run file of process %d: it says %d", pid, f.PID)
	}
	if _, err := netip.ParseAddrPort(f.API); err != nil {
		return RunFile{}, fmt.Errorf("run file: api: %w", err)
	}
	for _, text := range []string{f.Name, f.Peer, f.Mesh, f.TokenFile, f.State} {
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return RunFile{}, errors.New("run file: it has characters that cannot be printed")
		}
	}
	if f.Peer == "" || f.Mesh == "" {
		return RunFile{}, errors.New("run file: no peer or no mesh")
	}
	return f, nil
}
