package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// The groups of verbs, as the help has them.
const (
	groupRun   = "run"
	groupLook  = "look"
	groupTrain = "train"
	groupBreak = "break"
	groupOther = "other"
)

// grouped puts verbs into a group of the help.
func grouped(group string, verbs ...*cobra.Command) []*cobra.Command {
	for _, v := range verbs {
		v.GroupID = group
	}
	return verbs
}

// addGroups names the groups, in the order in which a newcomer meets them.
func addGroups(root *cobra.Command) {
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: "Run a mesh:"},
		&cobra.Group{ID: groupLook, Title: "Look at one:"},
		&cobra.Group{ID: groupBreak, Title: "Break and measure one:"},
		&cobra.Group{ID: groupTrain, Title: "Train a network for your own views:"},
		&cobra.Group{ID: groupOther, Title: "Besides:"},
	)
	root.SetHelpCommandGroupID(groupOther)
}

// startText leads a newcomer.
const startText = `
A whole mesh on this machine, with nothing to set up. It shows six cameras that find one
another and answer together, and what happens when two nodes are killed:

  ganglion demo

One that stays, to look at and to break, from a second terminal:

  ganglion demo --keep
  ganglion members
  ganglion verdicts --follow
  ganglion chaos kill aggregator

A mesh of your own. On the first machine; it prints a token:

  ganglion node --source street

On each further one; paste the token. A folder that a camera writes pictures to is a source:

  ganglion node --token-file - --source cam/@camera2

When nodes do not find one another, on the one that is alone:

  ganglion doctor

A network for your own views: a folder class/sample/view.png, or an .npz file:

  ganglion train --data photos/ --out corner.ganglion
  ganglion eval --data photos/ --model corner.ganglion
  ganglion model publish corner.ganglion`

// topics are what the help has besides verbs: `ganglion help files`.
func topics() []*cobra.Command {
	topic := func(use, short, long string) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Long: strings.Trim(long, "\n")}
	}
	return []*cobra.Command{
		topic("start", "From nothing to a mesh of your own, in five minutes", startText),
		topic("exit-codes", "What the program's exit codes mean", fmt.Sprintf(`
  %-4d done
  %-4d failed: the last line says why, and what to type next; of doctor, chaos and
       verify: something is not as it should be
  %-4d the command line is wrong: a flag, an argument, a setting
  %-4d interrupted by Ctrl-C; train has saved, and goes on with --resume

Results go to standard output, all else to standard error. With --json a verb prints
JSON and nothing else to standard output.`, exitDone, exitFailed, exitUsage, exitInterrupted)),
		topic("files", "Where the program keeps things, and which variables it reads", `
Files:
  $XDG_STATE_HOME/ganglion   a node's state: identity, token, settings, bundles. Else
                             ~/.local/state/ganglion, on macOS ~/Library/Application
                             Support/ganglion, on Windows %LocalAppData%\ganglion;
                             `+"`ganglion node --state DIR`"+` for another, and each further node
                             of one machine needs another
  $XDG_RUNTIME_DIR/ganglion  a file for each node that this user runs here, by which the
                             other verbs find it; else in the folder for temporary files
  $XDG_CACHE_HOME/ganglion   what this machine can do, and models that demo has trained
  *.ganglion                 a bundle: a trained network, its thresholds, where it is from
  *.checkpoint               a training that was interrupted, for --resume

Variables:
  GANGLION_RUN_DIR           the folder of the files of running nodes
  GANGLION_API_TOKEN_FILE    file with the token of a node's API
  GANGLION_TOKEN             the token of the mesh, for `+"`ganglion node`"+`
  GANGLION_...               every setting of `+"`ganglion node`"+`: that of --beacon-port is
                             GANGLION_BEACON_PORT
  GANGLION_ONNXRUNTIME       the library that `+"`ganglion bench kernels`"+` compares with
  NO_COLOR                   no colours, where it is not empty`),
	}
}
