package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"ganglion/node"
	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

func newNodeCommand(version string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Run a node of a mesh until Ctrl-C",
		Long: `Runs one node until Ctrl-C or SIGTERM. It finds the others on the network, and they
settle among themselves who does what: a node with sources looks, one aggregates, one
is the cloud. The first node founds a mesh and prints a token; the others need it.

A setting is a flag, or else an environment variable, or else a key of the file that
--config names. The variable of --beacon-port is GANGLION_BEACON_PORT, its key is
beacon_port. GANGLION_TOKEN holds the token itself. docs/configuration.md has them all.`,
		Example: `  ganglion node --source street                       the first node, with the built-in scene
  ganglion node --token-file token                    another device of its mesh
  ganglion node --token-file - --source cam/@north    a folder that a camera writes to
  ganglion node --config node.yaml`,
		// The flags are read here, on behind faults; cobra has them for help and completion.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			around := surroundings{environ: os.Environ(), in: cmd.InOrStdin(), errs: cmd.ErrOrStderr()}
			o, help, err := readNodeOptions(args, around)
			if err != nil {
				return err
			}
			if help {
				return cmd.Help()
			}
			o.node.Version = buildVersion(version)
			o.node.Waker = wakerOf(&o.node)
			out := cmd.OutOrStdout()
			return runNode(cmd.Context(), &o, out, cmd.ErrOrStderr(), isTerminal(out))
		},
		ValidArgsFunction: completeSetting,
	}
	table := settings()
	for i := range table {
		s := &table[i]
		if s.value == "" {
			cmd.Flags().Bool(s.flag, false, s.help)
		} else {
			cmd.Flags().String(s.flag, "", s.help)
		}
	}
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		_, err := io.WriteString(cmd.OutOrStderr(), nodeUsage(cmd, table))
		return err
	})
	return cmd
}

// nodeUsage is the help's second half: how the verb is called, and its flags by what they
// are about.
func nodeUsage(cmd *cobra.Command, table []setting) string {
	var out strings.Builder
	fmt.Fprintf(&out, "Usage:\n  %s [flags]\n\nExamples:\n%s\n", cmd.CommandPath(), cmd.Example)
	group := ""
	for i := range table {
		s := &table[i]
		if s.group != group {
			group = s.group
			fmt.Fprintf(&out, "\n%s:\n", group)
		}
		flag := "--" + s.flag
		if s.value != "" {
			flag += " " + s.value
		}
		if s.list {
			flag += " ..."
		}
		text := s.help
		if s.initial != "false" {
			text += " (default: " + s.initial + ")"
		}
		const indent, width = 27, 68
		lines := wrap(text, width)
		fmt.Fprintf(&out, "  %-*s%s\n", indent-2, flag, strings.Join(lines, "\n"+strings.Repeat(" ", indent)))
	}
	out.WriteString("\nFlags with ... may be given several times, or once with commas between the values\n(sources: semicolons).\n")
	return out.String()
}

// wrap breaks a text into lines of a width at most, where words allow it.
func wrap(text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		if last := len(lines) - 1; last >= 0 && len(lines[last])+1+len(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// completeSetting completes the value of the flag before it, where that has known words.
func completeSetting(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	table := settings()
	for i := range table {
		s := &table[i]
		if args[len(args)-1] != "--"+s.flag {
			continue
		}
		switch {
		case s.words != nil:
			return s.words, cobra.ShellCompDirectiveNoFileComp
		case s.value == "SPEC":
			return completeSource(cmd.Context(), typed)
		case s.flag == "interface":
			return interfaceWords(), cobra.ShellCompDirectiveNoFileComp
		case s.value == "DIR":
			return foldersOnly(cmd, args, typed)
		case s.value == "FILE":
			return nil, cobra.ShellCompDirectiveDefault
		}
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// teller writes lines for the person who started the node. It is safe for concurrent use.
type teller struct {
	mu  sync.Mutex // guards what follows
	out io.Writer
}

func (t *teller) tell(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, format+"\n", args...)
}

// runNode runs a node until ctx is done. That is how a node ends, so it is no error then.
// watched says that a person reads out, who is told what happens as well.
func runNode(ctx context.Context, o *nodeOptions, out, errs io.Writer, watched bool) error {
	log := o.log.logger(errs, watched)
	told := &teller{out: out}
	n, err := node.New(o.node, func(line string) { told.tell("%s", line) }, log)
	if err != nil {
		return err
	}
	telling, stop := context.WithCancel(ctx)
	defer stop()
	leaving := context.AfterFunc(ctx, func() {
		if watched {
			told.tell("Leaving the mesh. A second Ctrl-C ends it at once.")
		}
	})
	defer leaving()
	var group sync.WaitGroup
	group.Go(func() {
		select {
		case <-n.Ready():
		case <-telling.Done():
			return
		}
		if err := introduce(telling, n, o, told); err != nil && telling.Err() == nil {
			log.WarnContext(telling, "cannot say how the node is; ask `ganglion status`", "error", err)
		}
		if !watched {
			return
		}
		if err := narrate(telling, n, o, told); err != nil && telling.Err() == nil {
			log.WarnContext(telling, "events are no longer told here; ask `ganglion status`", "error", err)
		}
	})
	err = n.Run(ctx)
	stop()
	group.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// introduce tells what the node is and where, once it is.
func introduce(ctx context.Context, n *node.Node, o *nodeOptions, told *teller) error {
	s, err := n.API().Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	told.tell("%s", introduction(s, o.node.Dir))
	return nil
}

// introduction is what a newcomer wants to know of a node that has just started.
func introduction(s *controlpb.StatusResponse, state string) string {
	var out strings.Builder
	kind := "mesh"
	if s.GetOpen() {
		kind = "the open mesh"
	}
	fmt.Fprintf(&out, "Node %s is up in %s %s, site %s.\n", s.GetName(), kind, s.GetMesh(), s.GetSite())
	line := func(what, value string) { fmt.Fprintf(&out, "  %-12s %s\n", what, value) }
	line("addresses", orElse(strings.Join(s.GetAddresses(), ", "), "none: no network interface may be used; see --interface"))
	line("page", orElse(s.GetPage(), "none: --no-page"))
	line("control API", "http://"+s.GetApi())
	line("state", orElse(state, "in memory, gone when it ends"))
	if len(s.GetSources()) == 0 {
		line("feeds", "no view: it has no --source, and helps the others")
	}
	for _, one := range s.GetSources() {
		view := "a view that is not settled yet"
		if one.GetView() != "" {
			view = "view " + one.GetView()
		}
		if one.GetFault() != "" {
			view = "nothing: " + one.GetFault()
		}
		line("feeds", fmt.Sprintf("%s, from %s:%s", view, one.GetKind(), one.GetRef()))
	}
	out.WriteString("Ctrl-C ends it. In another terminal: ganglion status, ganglion verdicts --follow")
	return out.String()
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// narrate tells what happens at the node, as it tells any client of its control API.
func narrate(ctx context.Context, n *node.Node, o *nodeOptions, told *teller) error {
	s, err := n.API().Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	found, err := control.Finder{TokenFile: o.node.APITokenFile}.Find(ctx, s.GetApi())
	if err != nil {
		return err
	}
	events, err := found.Events(ctx, &controlpb.EventsRequest{Follow: true})
	if err != nil {
		return found.Explain(err)
	}
	for events.Receive() {
		if kind := events.Msg().GetKind(); kind == "noticed" || kind == "claimed" {
			continue // what comes of it is told: who is gone, who takes over
		}
		told.tell("%s", eventLine(events.Msg()))
	}
	return errors.Join(found.Explain(events.Err()), events.Close())
}

// eventLine is an event in a line.
func eventLine(e *controlpb.EventsResponse) string {
	text := e.GetText()
	if e.GetKind() == "warning" {
		text = "warning: " + text
	}
	return time.Unix(0, e.GetAtUnixNs()).Format(time.TimeOnly) + "  " + text
}
