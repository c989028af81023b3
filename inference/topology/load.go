package topology

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MaxFileBytes is the size of the largest topology file.
const MaxFileBytes = 64 << 10

// Open makes the topology that a user named: a preset, by its name or alias, or
// else the path of a file, see [Load]. A file of a preset's name is reached by a
// path such as "./c".
func Open(presetOrPath string, base Base) (*Topology, error) {
	var known []string
	for _, p := range Presets() {
		if presetOrPath == p.Name || presetOrPath == p.Alias {
			return Preset(presetOrPath, base)
		}
		known = append(known, p.Name)
	}
	t, err := Load(presetOrPath, base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open topology: %s is no preset and no file: %s, or the path of a YAML file: %w",
			quote(presetOrPath), suggest(presetOrPath, known), fs.ErrNotExist)
	}
	return t, err
}

// Load reads a topology file, see [Parse].
func Load(path string, base Base) (*Topology, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open topology: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read topology: %w", err)
	}
	return Parse(path, data, base)
}
