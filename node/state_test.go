package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ganglion/mesh"
	"ganglion/mesh/secret"
)

// A token that is given holds from then on, and takes nothing of the old mesh along: its settings
// have higher counters, perhaps, and would be the new mesh's. What is moved away is there still:
// the token may be the only copy.
func TestStateOfAnotherMesh(t *testing.T) {
	dir := t.TempDir()
	settings := mesh.Files()[0]
	old, other := secret.NewToken(), secret.NewToken()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	has := func(name, want string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if got := strings.TrimSpace(string(text)); got != want || (err == nil) != (want != "") {
			t.Errorf("%s has %q (%v), want %q", name, got, err, want)
		}
	}
	// run is a start of the node with a token, and what it is told.
	run := func(keys secret.Keys, token secret.Token) string {
		t.Helper()
		s, err := openState(dir)
		if err != nil {
			t.Fatal(err)
		}
		if !token.IsZero() {
			if err := s.keepToken(token); err != nil {
				t.Fatal(err)
			}
		}
		told := ""
		n := &Node{state: s, announce: func(text string) { told += text }}
		if err := n.enter(keys); err != nil {
			t.Fatal(err)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		return told
	}

	run(old.Keys(), old)
	put(settings, "of the old mesh")
	if told := run(old.Keys(), old); told != "" {
		t.Errorf("a start in the same mesh tells %q", told)
	}
	has(settings, "of the old mesh")

	before := "before-" + string(old.Keys().Fingerprint)
	told := run(other.Keys(), other)
	for _, want := range []string{string(old.Keys().Fingerprint), string(other.Keys().Fingerprint), filepath.Join(dir, before)} {
		if !strings.Contains(told, want) {
			t.Errorf("told %q, want %q in it", told, want)
		}
	}
	has("token", other.Reveal())
	has(settings, "")
	has(filepath.Join(before, "token"), old.Reveal())
	has(filepath.Join(before, settings), "of the old mesh")

	put(settings, "of the other mesh")
	run(secret.OpenKeys(), secret.Token{}) // --open: the token stays for the start after it
	has("token", other.Reveal())
	has(settings, "")
	run(other.Keys(), secret.Token{})
	has(settings, "of the other mesh")
	run(old.Keys(), old)
	has("token", old.Reveal())
	has(settings, "of the old mesh")
}

// Of a folder that an earlier version left, without a note of its mesh, it is known by its token.
func TestStateKnowsItsMeshByTheToken(t *testing.T) {
	dir := t.TempDir()
	token := secret.NewToken()
	if _, err := secret.KeepToken(filepath.Join(dir, "token"), token); err != nil {
		t.Fatal(err)
	}
	s, err := openState(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	if want := token.Keys().Fingerprint; s.mesh != want {
		t.Errorf("mesh %q, want %q", s.mesh, want)
	}
}
