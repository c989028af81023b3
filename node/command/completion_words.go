package command

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ganglion/inference/builtin"
	"ganglion/inference/topology"
	"ganglion/node/chaos"
	"ganglion/node/control"
)

// completionWait bounds what a completion asks of a node: somebody has pressed a key.
const completionWait = 300 * time.Millisecond

// A completion never says that something is wrong: it knows words, or it knows none.
const (
	wordsOnly = cobra.ShellCompDirectiveNoFileComp
	orFiles   = cobra.ShellCompDirectiveDefault
)

// completer completes the value of a flag or an argument, as cobra wants it.
type completer = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

// completed has the flags of these names completed wherever they are.
func completed() map[string]completer {
	bundles := filesOf("ganglion")
	return map[string]completer{
		"node": func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nodeWords(), wordsOnly
		},
		"topology": completeTopology,
		"missing":  completeViews,
		"together": completeViews,
		"interface": func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return interfaceWords(), wordsOnly
		},
		"model":      bundles,
		"comparison": filesOf("json"),
		"data": func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"street\tthe built-in scene"}, orFiles
		},
		"plots":   foldersOnly,
		"log-dir": foldersOnly,
		"state":   foldersOnly,
	}
}

// completeAll has every flag and argument of the program completed that has known words, and
// no completer of its own.
func completeAll(root *cobra.Command) {
	flags := completed()
	arguments := map[string]completer{
		"ganglion chaos run":     filesOf("yaml", "yml"),
		"ganglion model inspect": filesOf("ganglion"),
		"ganglion model verify":  filesOf("ganglion"),
		"ganglion model publish": filesOf("ganglion"),
		"ganglion model export":  filesOf("ganglion"),
		"ganglion model widen":   filesOf("ganglion"),
	}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for name, complete := range flags { // each is another flag: the order does not matter
			if _, has := cmd.GetFlagCompletionFunc(name); !has && cmd.Flags().Lookup(name) != nil {
				_ = cmd.RegisterFlagCompletionFunc(name, complete) // the flag is there
			}
		}
		if complete := arguments[cmd.CommandPath()]; complete != nil && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = complete
		}
		if cmd.ValidArgsFunction == nil && cmd.Runnable() && cmd.ValidArgs == nil && !cmd.HasSubCommands() {
			cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { return nil, wordsOnly }
		}
		for _, verb := range cmd.Commands() {
			walk(verb)
		}
	}
	walk(root)
}

func filesOf(extensions ...string) completer {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

func foldersOnly(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// nodeWords are the names of the nodes that run on this machine.
func nodeWords() (words []string) {
	files, err := control.RunFiles()
	if err != nil {
		return nil
	}
	for _, file := range files {
		words = append(words, file.Name+"\tPID "+strconv.Itoa(file.PID))
	}
	return words
}

func completeTopology(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var words []string
	for _, p := range topology.Presets() {
		words = append(words, p.Name+"\t"+p.Summary)
	}
	return words, orFiles // or a YAML file
}

// viewWords are the views of a model: of the mesh's, where a node of this machine answers at
// once, or of the built-in one.
func viewWords(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, completionWait)
	defer cancel()
	if n, err := (control.Finder{}).Find(ctx, ""); err == nil {
		if views := n.Status.GetViews(); len(views) > 0 {
			return views
		}
	}
	b, err := builtin.Bundle()
	if err != nil {
		return nil
	}
	return b.Topology().Views
}

// completeViews completes the last of some views with commas between them.
func completeViews(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndex(typed, ",")+1]
	given := strings.Split(before, ",")
	var words []string
	for _, view := range viewWords(cmd.Context()) {
		if !slices.Contains(given, view) {
			words = append(words, before+view)
		}
	}
	return words, wordsOnly | cobra.ShellCompDirectiveNoSpace
}

// completeTarget completes words that a target of a fault may be: roles, sets, nodes, views.
func completeTarget(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, wordsOnly
	}
	words := append([]string{"aggregator", "cloud", "coordinator", "edge"}, chaos.Sets()...)
	words = append(words, nodeWords()...)
	for _, view := range viewWords(cmd.Context()) {
		words = append(words, "view "+view)
	}
	return words, wordsOnly
}

// completeSource completes what stands before the @ of a source, or the view behind it.
func completeSource(ctx context.Context, typed string) ([]string, cobra.ShellCompDirective) {
	at := strings.LastIndex(typed, "@")
	if at < 0 {
		return []string{"street\tthe built-in scene"}, orFiles | cobra.ShellCompDirectiveNoSpace
	}
	var words []string
	for _, view := range viewWords(ctx) {
		words = append(words, typed[:at+1]+view)
	}
	return words, wordsOnly
}

// interfaceWords are the network interfaces of this machine.
func interfaceWords() (words []string) {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range all {
		words = append(words, i.Name)
	}
	return words
}
