package command

import (
	"bytes"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// bashAlone has the script work where the package bash-completion, whose functions it calls,
// is not installed, as on many a device. The words are split at blanks alone: a source has
// colons and an equals sign in it.
const bashAlone = `
if ! declare -F _get_comp_words_by_ref >/dev/null 2>&1; then
    __ganglion_init_completion()
    {
        COMPREPLY=()
        local line=${COMP_LINE:0:COMP_POINT}
        read -ra words <<<"$line"
        [[ $line == *[[:space:]] ]] && words+=("")
        cword=$((${#words[@]} - 1))
        cur=${words[cword]}
        prev=${words[cword - 1]}
    }
fi
`

// bashCompletion is cobra's script, which knows that : and = are no ends of words, for @ as
// well: a source has it before its view.
func bashCompletion(root *cobra.Command, out io.Writer) error {
	var script bytes.Buffer
	if err := root.GenBashCompletionV2(&script, true); err != nil {
		return err
	}
	const trims = "    __ganglion_handle_special_char \"$cur\" =\n"
	text := strings.ReplaceAll(script.String(), "-n =:", "-n =:@")
	text = strings.ReplaceAll(text, trims, trims+strings.ReplaceAll(trims, "=", "@"))
	_, err := io.WriteString(out, text+bashAlone)
	return err
}

func newCompletionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "completion bash|zsh|fish|powershell",
		Short:   "Print a script that completes commands in a shell",
		Example: `  source <(ganglion completion bash)`,
		Long: `Prints a script that has a shell complete ganglion's verbs and flags, the names of
the nodes that run on this machine, views, topologies, and what faults strike.

Bash, for this session; and for every new one:
  source <(ganglion completion bash)
  ganglion completion bash > ~/.local/share/bash-completion/completions/ganglion

Zsh, in a folder of $fpath:
  ganglion completion zsh > "${fpath[1]}/_ganglion"

Fish:
  ganglion completion fish > ~/.config/fish/completions/ganglion.fish

PowerShell, for this session; add the line to $PROFILE for every new one:
  ganglion completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("no shell: give bash, zsh, fish or powershell")
			case len(args) > 1:
				return usagef("unexpected argument %q after %q", args[1], args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return bashCompletion(root, out)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			return usagef("shell %q is not known: use bash, zsh, fish or powershell", args[0])
		},
	}
}
