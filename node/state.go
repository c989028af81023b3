package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ganglion/inference/durable"
	"ganglion/mesh"
	"ganglion/mesh/discovery"
	"ganglion/mesh/secret"
)

// state is the state directory of a node, locked against a second process.
type state struct {
	dir      string // empty: in memory
	identity secret.Identity
	mesh     secret.Fingerprint // that it was in when it ended; empty: not known
	lock     *os.File
}

// openState opens the directory, makes it where it is not there, and locks it.
func openState(dir string) (*state, error) {
	if dir == "" {
		id, err := secret.NewIdentity()
		return &state{identity: id}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	s := &state{dir: dir}
	var err error
	if s.lock, err = lockFile(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("open state: %s is in use by another node (%w): give this one a directory of its own with --state", dir, err)
	}
	if s.identity, _, err = secret.LoadIdentity(filepath.Join(dir, "identity.pem")); err != nil {
		return nil, errors.Join(fmt.Errorf("open state: %w", err), s.close())
	}
	if s.mesh, err = s.lastMesh(); err != nil {
		return nil, errors.Join(fmt.Errorf("open state: %w", err), s.close())
	}
	return s, nil
}

// lastMesh is the mesh that is noted, or else that of the token.
func (s *state) lastMesh() (secret.Fingerprint, error) {
	text, err := os.ReadFile(s.meshPath())
	if err == nil {
		return secret.Fingerprint(strings.TrimSpace(string(text))), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	t, err := secret.LoadToken(s.tokenPath())
	if err != nil || t.IsZero() {
		return "", nil //nolint:nilerr // who needs the token says what is wrong with it
	}
	return t.Keys().Fingerprint, nil
}

// keepToken has the token used at the next start too. Another mesh's that is there, and may be
// the only copy of it, is set aside.
func (s *state) keepToken(t secret.Token) error {
	kept, err := secret.LoadToken(s.tokenPath())
	if err != nil {
		return err
	}
	if !kept.IsZero() && kept != t {
		if err := s.setAside(kept.Keys().Fingerprint, tokenName); err != nil {
			return err
		}
		// Where the very same was there already it was not moved.
		if err := os.Remove(s.tokenPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	_, err = secret.KeepToken(s.tokenPath(), t)
	return err
}

// enter notes which mesh the node is in. What is kept of the one that it was in before is set
// aside: its settings would win over those of this one. Where it was here once, what was left
// then is back. left is the mesh that it was in before; empty: there is none.
func (s *state) enter(mesh secret.Fingerprint, files []string) (left secret.Fingerprint, err error) {
	if s.dir == "" || s.mesh == mesh {
		return "", nil
	}
	if left = s.mesh; left != "" {
		if err := s.setAside(left, files...); err != nil {
			return "", fmt.Errorf("leave mesh %s: %w", left, err)
		}
		if err := move(s.leftOf(mesh), s.dir, files...); err != nil {
			return "", fmt.Errorf("come back to mesh %s: %w", mesh, err)
		}
	}
	if err := durable.WriteFile(s.meshPath(), []byte(mesh+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("note the mesh: %w", err)
	}
	s.mesh = mesh
	return left, nil
}

// setAside moves files into the folder of what is left of a mesh.
func (s *state) setAside(of secret.Fingerprint, names ...string) error {
	folder := s.leftOf(of)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return move(s.dir, folder, names...)
}

// move moves those files that are there and are not at the other end yet: where it was done
// before, and only the note of it failed, what is there now is the other mesh's.
func move(from, to string, names ...string) error {
	for _, name := range names {
		target := filepath.Join(to, name)
		if _, err := os.Lstat(target); err == nil {
			continue
		}
		err := os.Rename(filepath.Join(from, name), target)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// leftOf is the folder of what is left of a mesh that the node was in before.
func (s *state) leftOf(mesh secret.Fingerprint) string {
	return filepath.Join(s.dir, "before-"+filepath.Base(string(mesh)))
}

func (s *state) meshPath() string { return filepath.Join(s.dir, "mesh") }

func (s *state) close() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// bundles is the folder of bundles; empty: in memory.
func (s *state) bundles() string {
	if s.dir == "" {
		return ""
	}
	return filepath.Join(s.dir, "bundles")
}

const tokenName = "token"

func (s *state) tokenPath() string { return filepath.Join(s.dir, tokenName) }

// MeshHeardError says that a node without a token has heard a mesh: it joins none by
// guessing, and founds none beside it.
type MeshHeardError struct {
	Meshes []discovery.Foreign
}

// Error names the meshes, where they are, and what to type.
func (e *MeshHeardError) Error() string {
	var lines []string
	for _, m := range e.Meshes {
		name := m.Name
		if name == "" {
			name = "a node"
		}
		lines = append(lines, fmt.Sprintf("mesh %s is here: %s at %s, heard by %s", m.Fingerprint, name, m.Address, m.Way))
	}
	return strings.Join(lines, "\n") + `
this node has no token. To join, type this and paste the token, which the node that
founded the mesh has printed and keeps in its state directory:
  ganglion node --token-file -
To found another mesh all the same: --found`
}

// keys finds the mesh's keys: the open mesh's, those of the token that was given or kept, or
// of a token that is made because no mesh is heard.
func (n *Node) keys(ctx context.Context) (secret.Keys, error) {
	switch {
	case n.config.Open:
		n.log.Warn("this mesh is open: anybody on the network may join it, read it and change it")
		return secret.OpenKeys(), nil
	case n.config.Token != "":
		t, err := secret.ParseToken(n.config.Token)
		if err != nil {
			return secret.Keys{}, fmt.Errorf("read token: %w", err)
		}
		if n.state.dir != "" { // so that it need not be given again
			if err := n.state.keepToken(t); err != nil {
				n.log.Warn("token not kept; give it again at the next start", "error", err)
			}
		}
		return t.Keys(), nil
	}
	if n.state.dir != "" {
		t, err := secret.LoadToken(n.state.tokenPath())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return secret.Keys{}, err
		}
		if !t.IsZero() {
			return t.Keys(), nil
		}
	}
	return n.found(ctx)
}

// enter has the state directory be of the mesh of the keys.
func (n *Node) enter(keys secret.Keys) error {
	left, err := n.state.enter(keys.Fingerprint, mesh.Files())
	if err == nil && left != "" {
		n.announce(fmt.Sprintf("This node was in mesh %s and is in mesh %s from now on. What it kept of that one, its settings\nand its token where another was given, is in %s.", left, keys.Fingerprint, n.state.leftOf(left)))
	}
	return err
}

// found listens for a mesh and makes one where there is none.
func (n *Node) found(ctx context.Context) (secret.Keys, error) {
	if !n.config.Found {
		c := discovery.DefaultLAN()
		c.Name, c.Interfaces, c.Port = n.config.Name, n.config.Mesh.Interfaces, n.config.Mesh.BeaconPort
		c.Without = n.config.Mesh.Without
		n.announce(fmt.Sprintf("No token: listening for %v whether there is a mesh.", c.Listen))
		out, err := discovery.Seek(ctx, c, n.log)
		if err != nil {
			return secret.Keys{}, err
		}
		if !out.Found {
			return secret.Keys{}, &MeshHeardError{out.Meshes}
		}
	}
	t := secret.NewToken()
	if n.state.dir != "" {
		var err error
		if t, err = secret.KeepToken(n.state.tokenPath(), t); err != nil {
			return secret.Keys{}, err
		}
	}
	n.announce(fmt.Sprintf("Founded mesh %s. On the next device type\n  ganglion node --token-file -\nand paste the token:\n  %s", t.Keys().Fingerprint, t.Reveal()))
	return t.Keys(), nil
}
