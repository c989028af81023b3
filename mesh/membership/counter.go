package membership

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// counterMax bounds all counters, so that none can be raised until nothing is
	// above it.
	counterMax = 1 << 40
	// counterBlock is how many counters are reserved on disk at once.
	counterBlock = 1 << 20

	counterFile = "member-counter"
)

// counter hands out the counters of this node's record, each greater than all before,
// those of earlier lives included. It is not safe for concurrent use.
type counter struct {
	path     string // empty: in memory
	last     uint64 // handed out
	reserved uint64 // on disk: the next life begins above it
}

func openCounter(dir string) (*counter, error) {
	if dir == "" {
		return &counter{}, nil
	}
	c := &counter{path: filepath.Join(dir, counterFile)}
	data, err := os.ReadFile(c.path)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load counter: %w", err)
	}
	c.reserved, err = strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	if err != nil || c.reserved > counterMax {
		return nil, fmt.Errorf("load counter %s: not a number up to %d; remove the file, other members know this node's counter", c.path, uint64(counterMax))
	}
	c.last = c.reserved
	return c, nil
}

// kept tells whether no counter comes twice, whatever others say.
func (c *counter) kept() bool { return c.path != "" }

// above returns a counter greater than all before and than the one given.
func (c *counter) above(heard uint64) (uint64, error) {
	next := max(c.last, heard) + 1
	if next > counterMax {
		return 0, fmt.Errorf("raise counter above %d: %w: this identity is used up, remove it to get a new one", max(c.last, heard), ErrFull)
	}
	if c.path != "" && next > c.reserved {
		reserved := min(next+counterBlock, counterMax)
		if err := writeFile(c.path, []byte(strconv.FormatUint(reserved, 10)+"\n")); err != nil {
			return 0, fmt.Errorf("keep counter: %w", err)
		}
		c.reserved = reserved
	}
	c.last = next
	return next, nil
}

// writeFile replaces a file, whole or not at all.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
