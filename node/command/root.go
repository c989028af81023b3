package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"ganglion/inference/train"
)

// The exit codes of the program.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // as a shell reports a process that Ctrl-C ended
)

// usageError is a fault of the command line: exit code 2, with a pointer to help.
type usageError struct {
	err error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// Main runs the program with its arguments and returns its exit code. The first
// Ctrl-C or SIGTERM asks the verb to end cleanly, a second ends the process.
func Main(args []string, in io.Reader, out, errs io.Writer, version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	root := newRoot(version)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	verb, err := root.ExecuteContextC(ctx)
	return exitCode(errs, verb, err)
}

// exitCode prints an error as one line and returns the exit code that it means.
func exitCode(errs io.Writer, verb *cobra.Command, err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintf(errs, "ganglion: %v\nSee '%s --help'.\n", err, verb.CommandPath())
		return exitUsage
	case errors.Is(err, context.Canceled), errors.Is(err, train.ErrInterrupted):
		if text := err.Error(); text != context.Canceled.Error() {
			fmt.Fprintf(errs, "ganglion: %v\n", err)
		}
		return exitInterrupted
	default:
		fmt.Fprintf(errs, "ganglion: %v\n", err)
		return exitFailed
	}
}

func newRoot(version string) *cobra.Command {
	root := &cobra.Command{
		Use:   "ganglion",
		Short: "Distributed deep neural networks over devices, edges and a cloud",
		Long: `Ganglion runs one jointly trained deep network spread over cameras, edges and a
cloud: what the cameras are sure of together is answered on the spot, what they
are not is sent up (DDNN, Teerapittayanon, McDanel, Kung, ICDCS 2017).`,
		Example: `  ganglion demo                        a whole mesh on this machine, in half a minute
  ganglion node --source street        the first node of your own; it prints a token
  ganglion doctor                      why nodes do not find one another
  ganglion help start                  all of it, step by step`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true // there is one of ours
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	addGroups(root)
	root.AddCommand(grouped(
		groupRun, newDemoCommand(), newNodeCommand(version), newTokenCommand(), newSetCommand(),
	)...)
	root.AddCommand(grouped(
		groupLook, newMembersCommand(), newStatusCommand(), newVerdictsCommand(), newClassifyCommand(), newDoctorCommand(),
	)...)
	root.AddCommand(grouped(groupBreak, newChaosCommand(), newBenchCommand())...)
	root.AddCommand(grouped(
		groupTrain, newTrainCommand(), newEvalCommand(), newCalibrateCommand(), newModelCommand(),
	)...)
	root.AddCommand(grouped(groupOther, newVersionCommand(version), newCompletionCommand())...)
	root.AddCommand(topics()...)
	completeAll(root)
	return root
}

// family is a verb that only has verbs of its own.
func family(use, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: knownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(verbs...)
	return cmd
}

// knownVerb refuses arguments that name no verb, with the nearest ones.
func knownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2 // letters that may differ
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("unknown verb %q; did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return usagef("unknown verb %q; the verbs are %s", args[0], strings.Join(verbsOf(cmd), ", "))
}

// verbsOf are the verbs that a command has for people.
func verbsOf(cmd *cobra.Command) (names []string) {
	for _, verb := range cmd.Commands() {
		if verb.IsAvailableCommand() && verb.Name() != "help" {
			names = append(names, verb.Name())
		}
	}
	return names
}

// noArgs refuses positional arguments.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q", args[0])
	}
	return nil
}

// atMostOneArg refuses a second positional argument.
func atMostOneArg(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("unexpected argument %q after %q", args[1], args[0])
	}
	return nil
}

// firstOf is the first argument, or the empty string.
func firstOf(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
