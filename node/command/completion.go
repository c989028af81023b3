package command

import "github.com/spf13/cobra"

func newCompletionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes commands in a shell",
		Long: `Prints a script that has a shell complete ganglion's verbs and flags, and the
names of the nodes that run on this machine.

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
				return root.GenBashCompletionV2(out, true)
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
