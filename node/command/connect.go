package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"ganglion/node/control"
)

// askWait is how long a node may take to answer a call that is not a stream.
const askWait = 30 * time.Second

// nodeFlags say which node a verb asks.
type nodeFlags struct {
	node      string
	tokenFile string
}

func (f *nodeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.node, "node", "", "the node to ask: `NAME|PID|ADDR`, ADDR as host:port (default: the first that answers on this machine)")
	cmd.Flags().StringVar(&f.tokenFile, "api-token-file", "", "`FILE` with the token of the node's API, if it asks for one that its run file does not name (environment: GANGLION_API_TOKEN_FILE)")
	// The flag is there: it was just made.
	_ = cmd.RegisterFlagCompletionFunc("node", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		files, err := control.RunFiles()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, file := range files {
			names = append(names, file.Name+"\tPID "+strconv.Itoa(file.PID))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// find is the node that the flags name.
func (f *nodeFlags) find(cmd *cobra.Command) (*control.Node, error) {
	return control.Finder{TokenFile: f.tokenFile}.Find(cmd.Context(), f.node)
}

// addJSON adds the flag that has a verb print JSON.
func addJSON(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "json", false, "print JSON")
}

// writeJSON writes a value as one line of JSON.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// list is some names, never null in JSON.
func list(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// orNull is a text, or nil where it is empty: null in JSON.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// count writes a number of things.
func count[N ~int | ~int32 | ~int64 | ~uint64](n N, one, more string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, one)
	}
	return fmt.Sprintf("%d %s", n, more)
}
