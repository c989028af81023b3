package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/inference/durable"
)

func newWidenCommand() *cobra.Command {
	var add []string
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "widen MODEL --add VIEW --out FILE",
		Short: "Give a network of the topology elastic places for further cameras",
		Long: `Writes a bundle of the same network with further views after its own. Nothing is
trained: the weights of the topology elastic are for a camera, whichever it is, and for any
number of them.

A view that no camera feeds costs nothing. So a mesh may have places for cameras to come:
one that is started with --view and the name of such a place joins in a run, without a
change of the model. Publishing a wider model to a mesh that runs another ends the run
under way, with all its samples decided, and begins one.`,
		Example: `  ganglion model widen elastic.ganglion --add roof,door --out eight.ganglion
  ganglion model publish eight.ganglion
  ganglion node --token-file - --source cam/ --view roof`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(add) == 0:
				return usagef("--add is missing: name the views that are to come, as roof,door")
			case out == "":
				return usagef("--out is missing: name the bundle to write")
			}
			if err := durable.CheckWritable(out); err != nil {
				return err
			}
			b, err := inference.ReadBundle(args[0])
			if err != nil {
				return err
			}
			wide, err := b.WithViews(add)
			if err != nil {
				return err
			}
			if err := wide.Write(out); err != nil {
				return err
			}
			views := wide.Topology().Views
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), object{{"model", out}, {"id", wide.ID().String()}, {"parent", b.ID().String()}, {"views", views}})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "wrote %s (%s): %d views, with the weights of %s\nnext: ganglion model publish %s\n",
				out, wide.ID().Short(), len(views), b.ID().Short(), quoted(out))
			return err
		},
	}
	cmd.Flags().StringSliceVar(&add, "add", nil, "names of the further views, in their order")
	cmd.Flags().StringVar(&out, "out", "", "bundle to write")
	addJSON(cmd, &asJSON)
	return cmd
}
