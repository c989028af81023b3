package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ganglion/mesh/secret"
)

// A token is printed once, by the verb that makes it and only if no file was named; no
// other verb, and no error, repeats it.
func TestToken(t *testing.T) {
	printed := must(t, "token", "new")
	token, err := secret.ParseToken(printed)
	if err != nil {
		t.Fatalf("the printed token: %v", err)
	}
	if again := must(t, "token", "new"); again == printed {
		t.Error("two tokens are the same")
	}

	path := filepath.Join(t.TempDir(), "token")
	told := must(t, "token", "new", "--out", path)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := secret.ParseToken(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	fingerprint := string(kept.Keys().Fingerprint)
	if strings.Contains(told, "gng1") || !strings.Contains(told, fingerprint) {
		t.Errorf("token new --out prints %q", told)
	}
	if got, want := must(t, "token", "check", path), "a token of mesh "+fingerprint+"\n"; got != want {
		t.Errorf("token check prints %q, want %q", got, want)
	}
	if got, want := must(t, "token", "check", "--json", path), `{"mesh":"`+fingerprint+`"}`+"\n"; got != want {
		t.Errorf("token check --json prints %q, want %q", got, want)
	}

	code, _, errs := invoke("token", "new", "--out", path)
	if after, err := os.ReadFile(path); code != exitFailed || err != nil || string(after) != string(text) {
		t.Errorf("a token in the place of another: exit code %d, %s", code, errs)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke("token", "check", path); code != exitFailed || !strings.Contains(errs, "chmod 600") {
		t.Errorf("a token that others may read: exit code %d, %s", code, errs)
	}
	for _, args := range [][]string{{"check", token.Reveal()}, {"check"}, {"check", "a", token.Reveal()}, {"new", token.Reveal()}} {
		code, out, errs := invoke(append([]string{"token"}, args...)...)
		if code != exitUsage {
			t.Errorf("token with %d arguments: exit code %d", len(args), code)
		}
		if args[0] == "check" && strings.Contains(out+errs, "gng1") {
			t.Errorf("a token in the place of a file is repeated: %s%s", out, errs)
		}
	}
	if code, _, errs := invoke("token", "check", "/nonexistent"); code != exitFailed || !strings.Contains(errs, "no such file") {
		t.Errorf("no file: exit code %d, %s", code, errs)
	}
}

// From standard input, with the mistake located and not repeated.
func TestTokenCheckInput(t *testing.T) {
	text := secret.NewToken().Reveal()
	for _, tt := range []struct {
		name, text, want string
		code             int
	}{
		{"good", text, "a token of mesh", exitDone},
		{"in capitals, with a line end", strings.ToUpper(text) + "\n", "a token of mesh", exitDone},
		{"cut short", text[:len(text)-3], "3 of 56 characters are missing", exitFailed},
		{"empty", "", "ganglion token new", exitFailed},
	} {
		var out, errs strings.Builder
		code := Main([]string{"token", "check", "-"}, strings.NewReader(tt.text), &out, &errs, "test")
		if code != tt.code || !strings.Contains(out.String()+errs.String(), tt.want) || strings.Contains(out.String()+errs.String(), text[5:20]) {
			t.Errorf("%s: exit code %d, %s%s", tt.name, code, out.String(), errs.String())
		}
	}
}
