package command

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ganglion/mesh/secret"
	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

func newSetCommand() *cobra.Command {
	var node nodeFlags
	cmd := &cobra.Command{
		Use:   "set KEY VALUE",
		Short: "Change a setting of the mesh: its rate, and who is denied",
		Long: `Changes a setting of the mesh. Every node learns of it and keeps it; of two
changes at once the same one stands everywhere.

  rate        beats a second of the asked node's site, up to 10000; below one is
              fine too (0.5: one in two seconds). The site ends its run and begins
              another at that rate, unless its runs are begun by hand.
  rate/SITE   the same of another site.
  denied      who may not be in the mesh, although they have the token: names or
              peers of members with commas between them, in place of those that are
              denied now; "" denies nobody. Who is denied for good should not have
              the token either: make a new one.

A model is not set but published: see 'ganglion model publish'; thresholds of its
exits have a verb that shows what they do: see 'ganglion calibrate --live'.`,
		Example: `  ganglion set rate 20
  ganglion set denied camera3
  ganglion set denied ""`,
		ValidArgs: []string{"rate", "denied"},
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) < 2:
				return usagef("give a key and a value; the keys are rate, rate/SITE and denied")
			case len(args) > 2:
				return usagef("unexpected argument %q after the value", args[2])
			case args[0] != "rate" && args[0] != "denied" && !strings.HasPrefix(args[0], "rate/"):
				return usagef("there is no setting %q; the keys are rate, rate/SITE and denied", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return set(cmd, &node, args[0], args[1]) },
	}
	node.add(cmd)
	return cmd
}

func set(cmd *cobra.Command, node *nodeFlags, key, value string) error {
	if strings.HasPrefix(key, "rate") {
		if rate, err := strconv.ParseFloat(value, 64); err != nil || !(rate > 0) {
			return usagef("rate %q: give beats a second, such as 20", value)
		}
	}
	n, err := node.find(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), askWait)
	defer cancel()
	if key == "denied" {
		if value, err = deniedPeers(ctx, n, value); err != nil {
			return err
		}
	}
	if _, err := n.Set(ctx, &controlpb.SetRequest{Key: key, Value: value}); err != nil {
		return n.Explain(err)
	}
	if value == "" {
		value = "nobody"
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is %s in mesh %s\n", key, value, n.Status.GetMesh())
	return err
}

// deniedPeers is the peers of members that are named or given by their peer.
func deniedPeers(ctx context.Context, n *control.Node, names string) (string, error) {
	var peers []string
	var members []*controlpb.Member
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if id, err := secret.ParseMemberID(name); err == nil {
			peers = append(peers, string(id))
			continue
		}
		if members == nil {
			answer, err := n.Members(ctx, &controlpb.MembersRequest{})
			if err != nil {
				return "", n.Explain(err)
			}
			for _, v := range answer.GetViews()[:min(1, len(answer.GetViews()))] {
				members = v.GetMembers()
			}
		}
		var found []string
		for _, m := range members {
			if m.GetName() == name {
				found = append(found, m.GetPeer())
			}
		}
		switch len(found) {
		case 0:
			return "", fmt.Errorf("deny %q: no member has that name, and it is no peer; 'ganglion members --json' shows both", name)
		case 1:
			peers = append(peers, found[0])
		default:
			return "", fmt.Errorf("deny %q: %d members have that name: give the peer, %s", name, len(found), strings.Join(found, " or "))
		}
	}
	return strings.Join(peers, ","), nil
}
