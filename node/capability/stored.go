package capability

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"ganglion/inference/builtin"
)

// version is that of the way of measuring: another is another figure.
const version = 1

// slowest and fastest are the figures that are believed.
const (
	slowest = time.Minute
	fastest = time.Nanosecond
)

// Stored is the machine's figure: what a process of it has measured before, or
// [Measure] anew. It is kept in the folder, which is made where it is not there; the
// empty name is the folder ganglion of the user's caches. Where it cannot be read or
// kept it is measured all the same: that is no error.
func Stored(folder string) (time.Duration, error) {
	file := place(folder)
	if d, ok := read(file); ok {
		return d, nil
	}
	d, err := Measure()
	if err != nil {
		return 0, err
	}
	return agree(file, d), nil
}

// agree keeps a figure, unless another process was first: then it is that one's.
func agree(file string, d time.Duration) time.Duration {
	if file == "" || os.MkdirAll(filepath.Dir(file), folderMode) != nil {
		return d
	}
	mine, err := write(filepath.Dir(file), d)
	if err != nil {
		return d
	}
	defer os.Remove(mine) //nolint:errcheck // it is tiny, and in a folder of caches
	if err := os.Link(mine, file); err == nil {
		return d // whole, and the first
	}
	if first, ok := read(file); ok {
		return first
	}
	// What is there is damaged, or there are no links here: of several that are now at
	// it the last decides. Where even that fails the next process measures again.
	_ = os.Rename(mine, file)
	return d
}

// write puts a figure into a file of its own.
func write(folder string, d time.Duration) (name string, err error) {
	f, err := os.CreateTemp(folder, ".speed-*")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(encode(d))
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// folderMode is that of other programs' folders of caches.
const folderMode = 0o755

// place is the name of the file, empty where there is no folder for it. Another
// processor, architecture or model has another: home folders are shared.
func place(folder string) string {
	if folder == "" {
		caches, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		folder = filepath.Join(caches, "ganglion")
	}
	b, err := builtin.Bundle()
	if err != nil {
		return ""
	}
	key := sha256.Sum256([]byte(strings.Join([]string{
		strconv.Itoa(version), b.ID().String(), runtime.GOOS, runtime.GOARCH, processor(),
	}, "\n")))
	const enough = 8
	return filepath.Join(folder, "speed-"+hex.EncodeToString(key[:enough]))
}

// The file is one line. Its last word shows that the line is whole.
const prefix, suffix = "nanoseconds ", " end\n"

func encode(d time.Duration) string {
	return fmt.Sprintf("%s%d%s", prefix, d.Nanoseconds(), suffix)
}

func decode(text string) (time.Duration, bool) {
	text, begins := strings.CutPrefix(text, prefix)
	text, ends := strings.CutSuffix(text, suffix)
	n, err := strconv.ParseInt(text, 10, 64)
	d := time.Duration(n)
	return d, begins && ends && err == nil && d >= fastest && d <= slowest
}

func read(file string) (time.Duration, bool) {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > int64(len(prefix)+len(suffix))+20 {
		return 0, false
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	return decode(string(text))
}
