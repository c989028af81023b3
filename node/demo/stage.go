package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"ganglion/inference/topology"
	"ganglion/mesh/secret"
)

// stage is the files of a demo: the token that its nodes share, the state of each, what
// they replay, and their logs.
type stage struct {
	dir    string // removed at the end
	token  string // path
	logs   string // folder
	source string // what nodes replay
}

// newStage makes the files. remove takes away what is not to stay.
func newStage(c *Config) (s *stage, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "ganglion-demo-") // of mode 0700
	if err != nil {
		return nil, nil, fmt.Errorf("set the stage: %w: make room, or name another folder with TMPDIR", err)
	}
	remove = func() error { return os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("set the stage: %w", err), remove())
		}
	}()
	s = &stage{dir: dir, token: filepath.Join(dir, "token"), logs: c.LogDir, source: c.Source}
	if _, err := secret.KeepToken(s.token, secret.NewToken()); err != nil {
		return nil, nil, err
	}
	if s.logs == "" {
		s.logs = filepath.Join(dir, "logs")
	}
	if err := os.MkdirAll(s.logs, 0o700); err != nil {
		return nil, nil, err
	}
	if s.source == "" {
		s.source = filepath.Join(dir, "data.npz")
		if err := writeSet(s.source, c.Set); err != nil {
			return nil, nil, err
		}
	}
	return s, remove, nil
}

// arguments of the verb that runs a part. join is where to look for the mesh; empty:
// nowhere, the node finds it by itself.
func (s *stage) arguments(c *Config, p Part, join string) []string {
	args := []string{
		"node", "--name", p.Name, "--state", filepath.Join(s.dir, p.Name), "--token-file", s.token,
		"--interface", "lo", "--port", "0", "--api", "127.0.0.1:0", "--run", "manual", "--log-format", "text",
		"--cloud-delay", c.CloudDelay.String(), "--allow-chaos",
	}
	if join != "" {
		args = append(args, "--join", join)
	}
	if c.deaf {
		args = append(args, "--without", "beacon,mdns")
	}
	if p.Views == 0 {
		return args
	}
	args = append(args, "--split", c.Split)
	for i := range p.Views {
		source := "replay:" + s.source
		if p.Given != nil {
			source += "@" + viewRef(c.Bundle.Topology(), p.Given[i])
		}
		args = append(args, "--source", source)
	}
	return args
}

// viewRef is how a source names its view: by name, or by number where a name would be taken
// for a part of the source's.
func viewRef(t *topology.Topology, view int) string {
	if name := t.Views[view]; !strings.ContainsAny(name, `/\@`) {
		return name
	}
	return strconv.Itoa(view)
}
