package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"ganglion/mesh/secret"
)

func newTokenCommand() *cobra.Command {
	cmd := family("token", "Make and check the secret of a mesh", newTokenNewCommand(), newTokenCheckCommand())
	cmd.Long = `A token is the secret that the nodes of a mesh share: whoever has it can join. It
is handed over in a file, by standard input or in the environment, never as an
argument, which every user of the machine could read.

The fingerprint names the mesh and may be shown to anybody.`
	cmd.Example = `  ganglion token new --out token
  ganglion token check token
  ganglion node --token-file token`
	return cmd
}

func newTokenNewCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Make a token",
		Long: `Makes a token from the system's randomness and prints it; with --out it goes to a
new file, which its owner alone can read, and its fingerprint is printed instead.`,
		Example: `  ganglion token new --out token
  ganglion token new | ssh camera2 'umask 077; cat > token'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			token := secret.NewToken()
			if out == "" {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), token.Reveal())
				return err
			}
			if _, err := os.Lstat(out); err == nil {
				return fmt.Errorf("write token: %s is there already: give another name, or remove it first", out)
			}
			kept, err := secret.KeepToken(out, token)
			if err != nil {
				return err
			}
			if kept != token {
				return fmt.Errorf("write token: %s was made by another process meanwhile: give another name", out)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s holds the %v\n", out, kept)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write the token to this new `FILE` (mode 0600) instead of printing it")
	return cmd
}

// tokenCheck is what `token check` tells, in JSON.
type tokenCheck struct {
	Mesh string `json:"mesh"` // fingerprint
}

func newTokenCheckCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check that a token reads, and tell its mesh",
		Long: `Reads a token from a file, or from standard input where FILE is -, and prints the
fingerprint of its mesh; never the token. Of a token that does not read it tells
where the mistake is. A file that others may read is refused, as a node refuses
that of its state folder.`,
		Example: `  ganglion token check token
  ssh camera2 cat token | ganglion token check -`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("no file: give one, or - for standard input")
			case len(args) > 1:
				return usagef("unexpected argument after the file")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			token, err := tokenFrom(cmd, args[0])
			if err != nil {
				return err
			}
			mesh := string(token.Keys().Fingerprint)
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), tokenCheck{mesh})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "a token of mesh %s\n", mesh)
			return err
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

// tokenFrom reads a token from a file or standard input. What looks like a token in the
// place of the file is not repeated.
func tokenFrom(cmd *cobra.Command, path string) (secret.Token, error) {
	if path == "-" {
		return secret.ReadToken(cmd.InOrStdin())
	}
	if _, err := secret.ParseToken(path); err == nil {
		return secret.Token{}, usagef("that is a token itself, which other users could have read just now: make a new one, and give it in a file")
	}
	if _, err := os.Stat(path); err != nil {
		reason := err
		if missing := (*fs.PathError)(nil); errors.As(err, &missing) {
			reason = missing.Err
		}
		return secret.Token{}, fmt.Errorf("read token: %w: give a file that holds one", reason)
	}
	return secret.LoadToken(path)
}
