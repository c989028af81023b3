package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

func newPublishCommand() *cobra.Command {
	var node nodeFlags
	var asJSON, force bool
	cmd := &cobra.Command{
		Use:   "publish FILE",
		Short: "Make a bundle the mesh's",
		Example: `  ganglion model publish corner.ganglion
  ganglion members --json | jq -r '.[].bundle'    who has it`,
		Long: `Checks a bundle and hands it to a node, which makes it known to the mesh. The
other nodes fetch it, and each site changes over to it at one beat for all its
devices; until then the mesh goes on with the one it has. Publishing an earlier one
again takes a change back. A bundle that has no place for a view that is fed is
refused.`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := inference.ReadBundle(args[0])
			if err != nil {
				return err
			}
			n, err := node.find(cmd)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), askWait)
			defer cancel()
			answer, err := n.Publish(ctx, &controlpb.PublishRequest{File: b.File(), Force: force})
			if err != nil {
				return n.Explain(err)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), object{{"bundle", answer.GetBundle()}, {"mesh", n.Status.GetMesh()}})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "bundle %s is published in mesh %s by %s\n", answer.GetBundle(), n.Status.GetMesh(), n)
			return err
		},
	}
	node.add(cmd)
	addJSON(cmd, &asJSON)
	cmd.Flags().BoolVar(&force, "force", false, "publish it although it has no place for views that are fed")
	return cmd
}

// oneFile wants one positional argument, a file.
func oneFile(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return usagef("no file")
	case len(args) > 1:
		return usagef("unexpected argument %q after %q", args[1], args[0])
	}
	return nil
}

func newFetchCommand() *cobra.Command {
	var node nodeFlags
	var out string
	cmd := &cobra.Command{
		Use:   "fetch [ID]",
		Short: "Get a bundle from a node",
		Long: `Writes a bundle that a node has to a file: the one it uses or, by its ID, another.
The beginning of an ID will do for the one in use and the one that is published.`,
		Example: `  ganglion model fetch --out now.ganglion`,
		Args:    atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usagef("no file to write to: give --out FILE")
			}
			n, err := node.find(cmd)
			if err != nil {
				return err
			}
			b, err := fetchBundle(cmd.Context(), n, firstOf(args))
			if err != nil {
				return err
			}
			if err := b.Write(out); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s holds bundle %s (%s)\n", out, b.ID(), size(uint64(len(b.File()))))
			return err
		},
	}
	node.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write")
	return cmd
}

// fetchBundle gets a bundle and checks it: that it is one, and the one that was asked for.
func fetchBundle(ctx context.Context, n *control.Node, id string) (*inference.Bundle, error) {
	id = strings.ToLower(id)
	if id != "" {
		for _, known := range []string{n.Status.GetPublished(), n.Status.GetBundle()} {
			if strings.HasPrefix(known, id) {
				id = known
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	answer, err := n.Bundle(ctx, &controlpb.BundleRequest{Bundle: id})
	if err != nil {
		return nil, n.Explain(err)
	}
	b, err := inference.DecodeBundle(answer.GetFile())
	if err != nil {
		return nil, fmt.Errorf("read bundle that node %s sent: %w", n, err)
	}
	if id != "" && b.ID().String() != id {
		return nil, fmt.Errorf("node %s sent bundle %s, asked for was %s", n, b.ID(), id)
	}
	return b, nil
}
