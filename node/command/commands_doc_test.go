package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// TestCommandsDocumented keeps docs/commands.md what the program's help says: whoever has no
// program at hand reads every command and flag there.
func TestCommandsDocumented(t *testing.T) {
	var page strings.Builder
	page.WriteString(`# Every command

What ` + "`ganglion help`" + ` and ` + "`--help`" + ` of each command print, written by
` + "`go test ./node/command -run TestCommandsDocumented -update`" + `.
`)
	root := newRoot("")
	root.InitDefaultHelpCmd()
	describe(t, &page, root)
	path := filepath.Join("..", "..", "docs", "commands.md")
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), page.String()); diff != "" {
		t.Errorf("docs/commands.md is not what the help says; -update writes it (-is +should be)\n%s", diff)
	}
}

// describe writes the help of a command and of all below it.
func describe(t *testing.T, page *strings.Builder, cmd *cobra.Command) {
	t.Helper()
	args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
	if !cmd.Runnable() && !cmd.HasSubCommands() { // a topic, which has no flags
		args = append([]string{"help"}, args[:len(args)-1]...)
	}
	code, out, errs := invoke(args...)
	if code != exitDone || out == "" {
		t.Errorf("%q: exit code %d, %q", args, code, errs)
	}
	level := "##"
	if cmd.HasParent() && cmd.Parent().HasParent() {
		level = "###"
	}
	fmt.Fprintf(page, "\n%s %s\n\n```\n%s\n```\n", level, cmd.CommandPath(), strings.TrimSpace(out))
	for _, below := range cmd.Commands() {
		if !below.Hidden && below.Name() != "help" && below.Name() != "completion" {
			describe(t, page, below)
		}
	}
}
