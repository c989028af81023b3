package secret

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// TestIdentityIsKept shows that a node keeps its name across restarts, in a file that
// is its owner's alone.
func TestIdentityIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.pem")
	first, created, err := LoadIdentity(path)
	if err != nil || !created {
		t.Fatalf("got created %v, %v", created, err)
	}
	again, created, err := LoadIdentity(path)
	if err != nil || created || again.ID() != first.ID() {
		t.Errorf("got %v, created %v, %v; want %v", again, created, err, first)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, want 0600", info.Mode())
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("got %v, %v; want one file", left, err)
	}
}

// TestFilesMadeAtOnce starts several nodes in one folder: all must end with one
// identity and one token, or they would not know one another.
func TestFilesMadeAtOnce(t *testing.T) {
	dir := t.TempDir()
	const nodes = 8
	var ids [nodes]MemberID
	var tokens [nodes]Token
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() {
			id, _, err := LoadIdentity(filepath.Join(dir, "identity.pem"))
			if err != nil {
				t.Error(err)
			}
			ids[i] = id.ID()
			if tokens[i], err = KeepToken(filepath.Join(dir, "token"), NewToken()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range nodes {
		if ids[i] != ids[0] || tokens[i] != tokens[0] {
			t.Errorf("node %d: got %v and %v, want %v and %v", i, ids[i], tokens[i], ids[0], tokens[0])
		}
	}
	if kept, err := LoadToken(filepath.Join(dir, "token")); err != nil || kept != tokens[0] {
		t.Errorf("got %v, %v", kept, err)
	}
}

// TestBadFiles shows what is said about files that cannot be used, and that what is
// said helps.
func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	good, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	contents, err := good.encode()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		contents []byte
		mode     os.FileMode
		says     string
	}{
		{"readable by others", contents, 0o644, "chmod 600 "},
		{"writable by the group", contents, 0o620, "chmod 600 "},
		{"empty", nil, 0o600, "remove the file"},
		{"cut off", contents[:len(contents)/2], 0o600, "remove the file"},
		{"other bytes", []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), 0o600, "PKCS #8"},
		{"much too long", make([]byte, maxFileBytes+1), 0o600, "too many"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && tt.mode != 0o600 {
				t.Skip("modes mean nothing on Windows")
			}
			path := filepath.Join(dir, strings.ReplaceAll(tt.name, " ", "-"))
			if err := os.WriteFile(path, tt.contents, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			_, _, err := LoadIdentity(path)
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want ... %q and the file's name", err, tt.says)
			}
		})
	}
	if _, _, err := LoadIdentity(filepath.Join(dir, "none", "identity.pem")); err == nil {
		t.Error("a folder that is not there: got no error")
	}
	if token, err := LoadToken(filepath.Join(dir, "none")); err != nil || !token.IsZero() {
		t.Errorf("no file: got %v, %v, want no token", token, err)
	}
}

// TestSignatures shows that a signature holds for its signer, purpose and message
// alone.
func TestSignatures(t *testing.T) {
	a, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	signature := a.Sign("record", []byte("one"))
	tests := []struct {
		name             string
		by               MemberID
		purpose, message string
		want             bool
	}{
		{"as signed", a.ID(), "record", "one", true},
		{"another signer", b.ID(), "record", "one", false},
		{"another purpose", a.ID(), "setting", "one", false},
		{"another message", a.ID(), "record", "two", false},
		{"the border moved", a.ID(), "recor", "done", false},
		{"nobody", "", "record", "one", false},
		{"no ID", "12D3KooW", "record", "one", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.by.Verify(tt.purpose, []byte(tt.message), signature); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestParseMemberID refuses what would make two names of one member, or a member
// whose signatures cannot be checked.
func TestParseMemberID(t *testing.T) {
	id, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseMemberID(string(id.ID())); err != nil || got != id.ID() {
		t.Errorf("got %v, %v", got, err)
	}
	key, err := id.Libp2p()
	if err != nil || !strings.HasSuffix(string(id.ID()), id.ID().Short()) {
		t.Errorf("got %v, %v, %s", key, err, id.ID().Short())
	}
	p, err := id.ID().Peer()
	if err != nil || !p.MatchesPrivateKey(key) {
		t.Errorf("the ID is not that of the key: %v", err)
	}
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"cut off", string(id.ID()[:20])},
		{"an RSA peer", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"},
		{"as a CID", "bafzaajaiaejca4syrpdu6gdx4wsdnokxkprgzxf4wrstuc34gxw5k5jrag2so5gk"},
		{"with a space", string(id.ID()) + " "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := ParseMemberID(tt.text); err == nil {
				t.Errorf("got %v", got)
			}
		})
	}
	if MemberID("").Short() != "" {
		t.Error("nobody has a short name")
	}
}
