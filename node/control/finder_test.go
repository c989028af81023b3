package control

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The command line names a node by what a person sees of it, and a name that leads nowhere
// says where one could go.
func TestFind(t *testing.T) {
	ctx, cancel := testContext(t)
	defer cancel()
	dir := runDir(t)
	finder := Finder{dir: dir}
	if _, err := finder.Find(ctx, ""); !errors.Is(err, ErrNoNode) || !strings.Contains(err.Error(), "ganglion demo --keep") {
		t.Errorf("without any node: %v", err)
	}
	anna, bert, carl := newFake("anna"), newFake("bert"), newFake("carl")
	sa, sb, sc := serve(t, Config{}, anna, nil), serve(t, Config{}, bert, nil), serve(t, Config{TokenFile: tokenFile(t, "correct-horse-battery")}, carl, nil)
	removeAnna := registerAs(t, dir, os.Getppid(), anna, sa)
	register(t, dir, bert, sb)
	tests := []struct{ selector, want, fault string }{
		{"", "anna", ""},
		{"bert", "bert", ""},
		{fmt.Sprint(os.Getppid()), "anna", ""},
		{sb.Address().String(), "bert", ""},
		{fmt.Sprintf("localhost:%d", sa.Address().Port()), "anna", ""},
		{"carla", "", "here run anna (PID " + fmt.Sprint(os.Getppid()) + "), bert (PID"},
		{"0", "", "here run anna"},
		{sc.Address().String(), "", "--api-token-file"},
		{"127.0.0.1:1", "", "127.0.0.1:1"},
	}
	for _, tt := range tests {
		n, err := finder.Find(ctx, tt.selector)
		switch {
		case tt.fault != "":
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("find %q: %v, %v; want an error with %q", tt.selector, n, err, tt.fault)
			}
		case err != nil || n.Status.GetName() != tt.want:
			t.Errorf("find %q: %v, %v; want %s", tt.selector, n, err, tt.want)
		}
	}

	// A node that crashed, whose address another has by now, is not taken for it.
	removeAnna()
	registerAs(t, dir, os.Getppid(), anna, sb)
	if n, err := finder.Find(ctx, ""); err != nil || n.Status.GetName() != "bert" {
		t.Errorf("with a stale file: %v, %v; want bert", n, err)
	}
	if _, err := finder.Find(ctx, "anna"); err == nil || !strings.Contains(err.Error(), "another node answers, bert") {
		t.Errorf("find the stale one: %v", err)
	}

	// Two of one name.
	double := newFake("bert")
	registerAs(t, dir, os.Getppid(), double, sa)
	if _, err := finder.Find(ctx, "bert"); !errors.Is(err, ErrAmbiguous) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("find one of two: %v", err)
	}
}

// A node's run file leads to its token, so that on its machine nobody has to name it.
func TestFindWithToken(t *testing.T) {
	ctx, cancel := testContext(t)
	defer cancel()
	dir, token := runDir(t), tokenFile(t, "correct-horse-battery")
	s := serve(t, Config{TokenFile: token}, newFake("anna"), nil)
	remove, err := writeRunFile(dir, RunFile{PID: os.Getpid(), Name: "anna", Peer: "peer-anna", Mesh: meshName, API: s.Address().String(), TokenFile: token})
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	if n, err := (Finder{dir: dir}).Find(ctx, ""); err != nil || n.Run.TokenFile != token {
		t.Errorf("find: %v, %v", n, err)
	}
	t.Setenv("GANGLION_API_TOKEN_FILE", token)
	if _, err := (Finder{dir: t.TempDir()}).Find(ctx, s.Address().String()); err != nil {
		t.Errorf("by the environment: %v", err)
	}
}
