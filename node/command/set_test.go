package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// People know nodes by name, the mesh by peer.
func TestSet(t *testing.T) {
	a := newAsked()
	ask(t, a)
	shed := a.views[0].GetMembers()[0].GetPeer()
	a.views[0].Members[2].Name = "twin"
	a.views[0].Members[3].Name = "twin"
	for _, tt := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"rate", "20"}, "rate is 20 in mesh kx7q2mva\n", exitDone},
		{[]string{"rate/yard", "0.5"}, "rate/yard is 0.5 in mesh kx7q2mva\n", exitDone},
		{[]string{"denied", " shed ,"}, "denied is " + shed + " in mesh kx7q2mva\n", exitDone},
		{[]string{"denied", ""}, "denied is nobody in mesh kx7q2mva\n", exitDone},
		{[]string{"denied", "twin"}, "2 members have that name", exitFailed},
		{[]string{"denied", "moon"}, "no member has that name", exitFailed},
		{[]string{"rate", "99999"}, "up to 10000", exitFailed},
		{[]string{"rate", "fast"}, "beats a second", exitUsage},
		{[]string{"rate", "-1"}, "", exitUsage},
		{[]string{"speed", "3"}, "the keys are rate, rate/SITE and denied", exitUsage},
		{[]string{"rate"}, "a key and a value", exitUsage},
		{[]string{"rate", "1", "2"}, "unexpected", exitUsage},
	} {
		code, out, errs := invoke(append([]string{"set"}, tt.args...)...)
		if code != tt.code || !strings.Contains(out+errs, tt.want) {
			t.Errorf("set %q: exit code %d, %s%s; want %d, %q", tt.args, code, out, errs, tt.code, tt.want)
		}
	}
	want := []string{"rate=20", "rate/yard=0.5", "denied=" + shed, "denied="}
	if diff := cmp.Diff(want, a.sets); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// A bundle is handed over as it is and comes back as it was; a damaged one goes nowhere.
func TestPublishAndFetch(t *testing.T) {
	a := newAsked()
	ask(t, a)
	dir := t.TempDir()
	file, got, broken := filepath.Join(dir, "b.ganglion"), filepath.Join(dir, "got.ganglion"), filepath.Join(dir, "broken.ganglion")
	data := builtinFile(t)
	for path, content := range map[string][]byte{file: data, broken: data[:len(data)-1]} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out := must(t, "model", "publish", file); !strings.Contains(out, "published in mesh kx7q2mva by gate") {
		t.Errorf("publish: %s", out)
	}
	must(t, "model", "fetch", "--out", got)
	back, err := os.ReadFile(got)
	if err != nil || string(back) != string(data) {
		t.Errorf("fetched %d bytes, %v; published were %d", len(back), err, len(data))
	}
	for _, tt := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"publish", broken}, "read bundle", exitFailed},
		{[]string{"publish"}, "no file", exitUsage},
		{[]string{"fetch"}, "--out", exitUsage},
		{[]string{"fetch", "5d41", "--out", got}, "is not here", exitFailed},
		{[]string{"fetch", strings.Repeat("12", 32), "--out", got}, "asked for was", exitFailed},
	} {
		if code, out, errs := invoke(append([]string{"model"}, tt.args...)...); code != tt.code || !strings.Contains(errs, tt.want) {
			t.Errorf("model %v: exit code %d, %s%s", tt.args, code, out, errs)
		}
	}
	a.bundle = data[:100]
	if code, _, errs := invoke("model", "fetch", "--out", filepath.Join(dir, "new")); code != exitFailed || !strings.Contains(errs, "that node gate") {
		t.Errorf("a damaged bundle comes: exit code %d, %s", code, errs)
	}
}

// The script of each shell names the verbs that are there, by asking the program.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := must(t, "completion", shell); !strings.Contains(out, "ganglion") || !strings.Contains(out, "__complete") {
			t.Errorf("script for %s: %.200s", shell, out)
		}
	}
	if out, want := must(t, "completion", "bash"), "__start_ganglion"; !strings.Contains(out, want) {
		t.Errorf("the script for bash has no %s", want)
	}
	for _, args := range [][]string{{}, {"tcsh"}, {"bash", "zsh"}} {
		if code, _, _ := invoke(append([]string{"completion"}, args...)...); code != exitUsage {
			t.Errorf("completion %v: exit code %d", args, code)
		}
	}
	_, out, _ := invoke("__complete", "mem")
	if !strings.HasPrefix(out, "members\t") {
		t.Errorf("completion of mem: %q", out)
	}
}
