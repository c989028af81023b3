// Quickstart starts three nodes of one mesh in this process, on the loopback interface:
// two that each replay three cameras, and one without a camera. They find one another,
// share out the roles, and classify a sample together. See the README beside this file.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"

	"golang.org/x/sync/errgroup"

	"ganglion/mesh/secret"
	"ganglion/node"
	"ganglion/node/source"
	"ganglion/proto/controlpb"
)

// scene is what the cameras show: rendered street corners, each seen by six cameras.
const scene = "street:samples=24,seed=3"

// sample is the one that is classified.
const sample = 5

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run starts the mesh, asks it once, and returns when all of its nodes have left.
func run(ctx context.Context, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	nodes, ctx := errgroup.WithContext(ctx)
	err := ask(ctx, out, nodes)
	stop() // each node hands its roles over, says good-bye and returns from Run
	if ended := nodes.Wait(); ended != nil {
		return ended
	}
	return err
}

// ask starts the nodes in a group, and has them classify a sample.
func ask(ctx context.Context, out io.Writer, nodes *errgroup.Group) error {
	token := secret.NewToken() // who has it is a member
	porch, err := start(ctx, nodes, token, "porch", nil, "camera0", "camera1", "camera2")
	if err != nil {
		return err
	}
	// On a real network nodes find one another by themselves; Join is the way without
	// broadcasts.
	status, err := porch.API().Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	if _, err = start(ctx, nodes, token, "garage", status.GetAddresses(), "camera3", "camera4", "camera5"); err != nil {
		return err
	}
	attic, err := start(ctx, nodes, token, "attic", status.GetAddresses())
	if err != nil {
		return err
	}
	members, err := settled(ctx, attic)
	if err != nil {
		return err
	}
	for _, m := range members {
		if _, err := fmt.Fprintf(out, "%-7s %v %v\n", m.GetName(), m.GetRoles(), m.GetViews()); err != nil {
			return err
		}
	}
	ref := int64(sample)
	answer, err := attic.API().Classify(ctx, &controlpb.ClassifyRequest{Ref: &ref})
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, explain(answer.GetVerdict()))
	return err
}

// start runs a node in a group until ctx is done. It returns when the node takes part.
func start(ctx context.Context, nodes *errgroup.Group, token secret.Token, name string, join []string, views ...string) (*node.Node, error) {
	loopback, err := loopback()
	if err != nil {
		return nil, err
	}
	c := node.DefaultLAN() // in memory: it has no state directory
	c.Name, c.Token, c.Run = name, token.Reveal(), node.RunManual
	c.Mesh.Interfaces, c.Mesh.Port, c.Mesh.Join = []string{loopback}, 0, join
	for _, view := range views {
		c.Sources = append(c.Sources, source.Spec{Kind: source.KindReplay, Ref: scene, View: view})
	}
	n, err := node.New(c, func(string) {}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	nodes.Go(func() error { return n.Run(ctx) })
	select {
	case <-n.Ready():
		return n, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
