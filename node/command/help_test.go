package command

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// verbs calls look for every command that people are shown.
func verbs(cmd *cobra.Command, look func(*cobra.Command)) {
	look(cmd)
	for _, verb := range cmd.Commands() {
		if !verb.Hidden && verb.Name() != "help" {
			verbs(verb, look)
		}
	}
}

// TestEveryVerbHasHelp: a person who has nothing but --help must get on. So every verb says
// what it does and shows how, and the first page has every verb in a group.
func TestEveryVerbHasHelp(t *testing.T) {
	verbs(newRoot("test"), func(cmd *cobra.Command) {
		name := cmd.CommandPath()
		topic := !cmd.Runnable() && !cmd.HasSubCommands()
		switch {
		case cmd.Short == "" || strings.HasSuffix(cmd.Short, "."):
			t.Errorf("%s: in a list it is %q: give a phrase without a full stop", name, cmd.Short)
		case cmd.Long == "" && cmd.Name() != "version" && cmd.Name() != "inspect" && cmd.Name() != "check" && cmd.Name() != "fetch":
			t.Errorf("%s: its help does not say what it does", name)
		case cmd.Example == "" && !topic:
			t.Errorf("%s: its help shows no example", name)
		case cmd.HasParent() && !cmd.Parent().HasParent() && cmd.GroupID == "" && !topic:
			t.Errorf("%s is in no group of the first page", name)
		}
	})
}

// line is a command in a help text: up to what is explained behind it, or what reads it.
var line = regexp.MustCompile(`(?m)^ +(?:sudo )?(?:[A-Z_]+=\S+ )?ganglion( [^\n]*)?$`)

// words splits a line as a shell does, as far as examples go.
func words(text string) (out []string) {
	for _, end := range []string{"   ", " | ", " > ", " #"} {
		text, _, _ = strings.Cut(text, end)
	}
	for i, part := range strings.Split(strings.ReplaceAll(text, "'", `"`), `"`) {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

// TestExamplesWork has every line of every help text that one could type read by the verb that it names:
// a flag that was renamed, or an argument too many, is found here and not by a newcomer.
func TestExamplesWork(t *testing.T) {
	seen := 0
	verbs(newRoot("test"), func(of *cobra.Command) {
		texts := line.FindAllString(of.Example+"\n"+of.Long, -1)
		for _, text := range texts {
			seen++
			typed := strings.TrimSpace(text)
			typed = typed[strings.Index(typed, "ganglion")+len("ganglion"):]
			root := newRoot("test")
			root.InitDefaultHelpCmd()
			cmd, rest, err := root.Find(words(typed))
			if err != nil || cmd == root && len(words(typed)) > 0 {
				t.Errorf("%s: %q names no verb: %v", of.CommandPath(), text, err)
				continue
			}
			cmd.DisableFlagParsing = false // node reads its flags itself, and declares the same
			if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%s: %q: %v", of.CommandPath(), text, err)
				continue
			}
			if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
				t.Errorf("%s: %q: %v", of.CommandPath(), text, err)
			}
		}
	})
	const least = 60
	if seen < least {
		t.Errorf("%d lines were found, and there are more than %d", seen, least)
	}
}

// TestErrorsNameTheWayOut walks through what goes wrong for a newcomer. Each error names its
// cause, and what to type or to give instead.
func TestErrorsNameTheWayOut(t *testing.T) {
	t.Setenv("GANGLION_RUN_DIR", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	bad := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(bad, []byte("not a token"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		typed string
		code  int
		want  []string
	}{
		{"no node runs", "members", exitFailed, []string{"no node runs on this machine", "ganglion demo --keep"}},
		{"no node of that name", "status --node bob", exitFailed, []string{`"bob"`, "ganglion node"}},
		{"nothing at that address", "status --node 127.0.0.1:1", exitFailed, []string{"connection refused", "ganglion status"}},
		{"a token file that is not there", "node --interface lo --token-file nope", exitUsage, []string{"--token-file", "ganglion token new --out nope"}},
		{"a file that is no token", "node --interface lo --token-file " + bad, exitUsage, []string{"gng1-", "copy it again"}},
		{"a data file that is not there", "train --data nope", exitFailed, []string{"nope", ".npz file", "street"}},
		{"a source that is not there", "node --interface lo --source nope.npz", exitUsage, []string{`"nope.npz"`, "write street"}},
		{"a model that is not there", "eval --model nope", exitFailed, []string{"nope", "ganglion train --out"}},
		{"a file that is no model", "model inspect " + bad, exitFailed, []string{"not a bundle", "ganglion train"}},
		{"a view that is not there", "demo --missing 9", exitUsage, []string{"camera0, camera1", "0 to 5"}},
		{"a topology that is not there", "demo --topology nosuch", exitFailed, []string{"a, b, c, d, e, f or elastic"}},
		{"an interface that is not there", "node --state none --interface nosuch", exitFailed, []string{`"nosuch"`, "there are lo"}},
		{"a port that is none", "node --port 99999", exitUsage, []string{"--port", "0 to 65535"}},
		{"an API for everybody", "node --api 0.0.0.0:4802", exitUsage, []string{"--api-token-file", "127.0.0.1:4802"}},
		{"a misspelt verb", "membres", exitUsage, []string{"did you mean members?"}},
		{"a verb that is none", "frobnicate", exitUsage, []string{"the verbs are", "demo", "doctor"}},
		{"a fault that is none", "chaos smash aggregator", exitUsage, []string{"cut", "pause"}},
		{"a misspelt flag", "node --sourc street", exitUsage, []string{"did you mean --source?"}},
		{"a fault without a target", "chaos kill", exitUsage, []string{"such as aggregator"}},
		{"a setting that is none", "set foo 1", exitUsage, []string{"rate", "denied"}},
		{"a shell that is none", "completion tcsh", exitUsage, []string{"bash, zsh, fish"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var errs strings.Builder
			code := Main(strings.Fields(tt.typed), strings.NewReader(""), io.Discard, &errs, "test")
			if code != tt.code {
				t.Errorf("exit code %d, want %d: %s", code, tt.code, errs.String())
			}
			for _, want := range tt.want {
				if !strings.Contains(errs.String(), want) {
					t.Errorf("%q does not say %q", errs.String(), want)
				}
			}
			if code == exitUsage && !strings.Contains(errs.String(), "--help") {
				t.Errorf("%q does not say where the help is", errs.String())
			}
		})
	}
}
