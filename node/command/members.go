package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

// member is one node of the mesh, in JSON.
type member struct {
	Name       string   `json:"name"`
	Peer       string   `json:"peer"`
	Addresses  []string `json:"addresses"`
	PID        int      `json:"pid,omitempty"` // where it runs on this machine
	Group      int32    `json:"group"`         // of its first view; -1: it has none
	Views      []string `json:"views"`
	Roles      []string `json:"roles"`       // of device, aggregator, edge, cloud, coordinator
	StandbyFor []string `json:"standby_for"` // of these
	State      string   `json:"state"`       // alive, suspect, down, left
	Bundle     string   `json:"bundle"`
	Version    string   `json:"version"`
	Chaos      bool     `json:"allows_chaos"` // faults may be injected into it
}

// membersView is how one node sees the mesh, in JSON.
type membersView struct {
	SeenBy  string   `json:"seen_by"`
	Members []member `json:"members"`
	Fault   string   `json:"fault,omitempty"` // why it did not answer
}

func newMembersCommand() *cobra.Command {
	var node nodeFlags
	var all, asJSON, targets bool
	cmd := &cobra.Command{
		Use:   "members",
		Short: "Show who is in the mesh, and which roles they hold",
		Example: `  ganglion members
  ganglion members --all                       as every node sees it: a partition shows
  ganglion members --json | jq -r '.[].name'
  ganglion members --targets > targets.json    where Prometheus finds them`,
		Long: `Shows the nodes of the mesh as one of them sees it: state, roles, the views that
they feed, and the roles that they take over if the holder goes.

With --all every node that answers tells how it sees the mesh, which shows a
partition or a node that others cannot reach.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := node.find(cmd)
			if err != nil {
				return err
			}
			if targets {
				files, err := control.RunFiles()
				if err != nil {
					return err
				}
				return printTargets(cmd.OutOrStdout(), n.Status.GetMesh(), files)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), askWait)
			defer cancel()
			answer, err := n.Members(ctx, &controlpb.MembersRequest{All: all})
			if err != nil {
				return n.Explain(err)
			}
			pids := localPIDs(n)
			if !asJSON {
				return printMembers(cmd.OutOrStdout(), n.Status.GetMesh(), answer.GetViews(), pids)
			}
			var views []membersView
			for _, v := range answer.GetViews() {
				views = append(views, membersView{SeenBy: v.GetSeenBy(), Members: membersOf(v, pids), Fault: v.GetFault()})
			}
			switch {
			case all:
				return writeJSON(cmd.OutOrStdout(), views)
			case len(views) == 0:
				return fmt.Errorf("node %s told of no members; its version is %s", n, n.Status.GetVersion())
			}
			return writeJSON(cmd.OutOrStdout(), views[0].Members)
		},
	}
	node.add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "as each node sees the mesh, not the asked one alone")
	cmd.Flags().BoolVar(&targets, "targets", false, "print where Prometheus finds the nodes of this machine, for its file_sd_configs")
	addJSON(cmd, &asJSON)
	return cmd
}

// localPIDs is the processes of the nodes of this machine, by identity.
func localPIDs(asked *control.Node) map[string]int {
	pids := map[string]int{}
	files, err := control.RunFiles()
	if err != nil {
		return pids // then no PIDs are shown
	}
	for _, f := range files {
		if f.Mesh == asked.Status.GetMesh() {
			pids[f.Peer] = f.PID
		}
	}
	return pids
}

func membersOf(v *controlpb.MembersView, pids map[string]int) []member {
	out := []member{}
	for _, m := range v.GetMembers() {
		out = append(out, member{
			Name: m.GetName(), Peer: m.GetPeer(), Addresses: list(m.GetAddresses()), PID: pids[m.GetPeer()], Group: m.GetGroup(),
			Views: list(m.GetViews()), Roles: list(m.GetRoles()), StandbyFor: list(m.GetStandbyFor()), State: m.GetState(),
			Bundle: m.GetBundle(), Version: m.GetVersion(), Chaos: m.GetAllowsChaos(),
		})
	}
	return out
}

func printMembers(w io.Writer, mesh string, views []*controlpb.MembersView, pids map[string]int) error {
	var out strings.Builder
	colours := coloured(w)
	for i, v := range views {
		if i > 0 {
			out.WriteString("\n")
		}
		if v.GetFault() != "" {
			cell{v.GetSeenBy() + " did not answer: " + v.GetFault(), bad}.write(&out, 0, false, colours)
			out.WriteString("\n")
			continue
		}
		cell{fmt.Sprintf("mesh %s as %s sees it: %s%s", mesh, v.GetSeenBy(), stateCounts(v.GetMembers()), sharedBundle(v.GetMembers())+sharedChaos(v.GetMembers())), strong}.write(&out, 0, false, colours)
		out.WriteString("\n")
		members := memberListing(v.GetMembers(), pids)
		members.write(&out, "  ", colours)
	}
	if slices.ContainsFunc(views, troubled) {
		cell{"what is wrong: ganglion doctor", strong}.write(&out, 0, false, colours)
		out.WriteString("\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// troubled reports whether somebody is not there, without having left.
func troubled(v *controlpb.MembersView) bool {
	gone := func(m *controlpb.Member) bool { return m.GetState() == "suspect" || m.GetState() == "down" }
	return v.GetFault() != "" || slices.ContainsFunc(v.GetMembers(), gone)
}

// memberStates is the states of members, the best first.
func memberStates() []string { return []string{"alive", "suspect", "down", "left"} }

func stateCounts(members []*controlpb.Member) string {
	var parts []string
	for _, state := range memberStates() {
		n := 0
		for _, m := range members {
			if m.GetState() == state {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, ", ")
}

// differ reports whether members differ in something.
func differ(members []*controlpb.Member, f func(*controlpb.Member) string) bool {
	return slices.ContainsFunc(members, func(m *controlpb.Member) bool { return f(m) != f(members[0]) })
}

// sharedBundle names the bundle that all members use; where they differ, the listing does.
func sharedBundle(members []*controlpb.Member) string {
	if len(members) == 0 || members[0].GetBundle() == "" || differ(members, (*controlpb.Member).GetBundle) {
		return ""
	}
	return "; bundle " + shortID(members[0].GetBundle())
}

// chaosText says of a member whether it takes faults.
func chaosText(m *controlpb.Member) string {
	if m.GetAllowsChaos() {
		return "allowed"
	}
	return ""
}

// sharedChaos says that all members take faults; where some do, the listing says which.
func sharedChaos(members []*controlpb.Member) string {
	if len(members) == 0 || !members[0].GetAllowsChaos() || differ(members, chaosText) {
		return ""
	}
	return "; all allow chaos"
}

func memberListing(members []*controlpb.Member, pids map[string]int) listing {
	l := listing{
		names: []string{"NAME", "STATE", "ROLES", "VIEWS", "GROUP", "NEXT FOR", "SITE", "RTT", "ADDRESS", "PID", "BUNDLE", "VERSION", "CHAOS"},
		right: map[int]bool{4: true, 7: true, 9: true},
	}
	groups := slices.ContainsFunc(members, func(m *controlpb.Member) bool { return m.GetGroup() > 0 })
	sites, versions := differ(members, (*controlpb.Member).GetSite), differ(members, (*controlpb.Member).GetVersion)
	bundles, faults := differ(members, (*controlpb.Member).GetBundle), differ(members, chaosText)
	only := func(wanted bool, text string) cell {
		if !wanted {
			return cell{}
		}
		return cell{text: text}
	}
	sorted := slices.Clone(members)
	slices.SortStableFunc(sorted, func(a, b *controlpb.Member) int {
		return cmp.Or(cmp.Compare(slices.Index(memberStates(), a.GetState()), slices.Index(memberStates(), b.GetState())), cmp.Compare(a.GetName(), b.GetName()))
	})
	for _, m := range sorted {
		pid, rtt, address := "", "", ""
		if p := pids[m.GetPeer()]; p != 0 {
			pid = strconv.Itoa(p)
		}
		if m.GetRoundTripUs() > 0 {
			rtt = milliseconds(time.Duration(m.GetRoundTripUs()) * time.Microsecond)
		}
		if m.GetSelf() {
			rtt = "itself"
		}
		if a := m.GetAddresses(); len(a) > 0 {
			address = a[0]
			if len(a) > 1 {
				address += fmt.Sprintf(" +%d", len(a)-1)
			}
		}
		l.add(cell{m.GetName(), strong}, stateCell(m), cell{text: roleText(m.GetRoles())}, joined(m.GetViews()...), only(groups && m.GetGroup() >= 0, strconv.Itoa(int(m.GetGroup()))),
			cell{text: roleText(m.GetStandbyFor())}, only(sites, m.GetSite()), cell{text: rtt}, cell{text: address}, cell{text: pid},
			only(bundles, shortID(m.GetBundle())), only(versions, m.GetVersion()), only(faults, chaosText(m)))
	}
	return l
}

// stateCell is the state and, where it is not well, for how long.
func stateCell(m *controlpb.Member) cell {
	switch m.GetState() {
	case "alive":
		return cell{m.GetState(), good}
	case "left":
		return cell{m.GetState(), faint}
	case "suspect":
		return cell{m.GetState() + " " + roughly(time.Duration(m.GetSinceMs())*time.Millisecond), middle}
	}
	return cell{m.GetState() + " " + roughly(time.Duration(m.GetSinceMs())*time.Millisecond), bad}
}

// roleText is roles for people. An aggregator that is an edge is one thing.
func roleText(roles []string) string {
	var parts []string
	edge := slices.Contains(roles, "edge") && slices.Contains(roles, "aggregator")
	for _, r := range roles {
		switch {
		case edge && r == "edge":
		case edge && r == "aggregator":
			parts = append(parts, "aggregator+edge")
		default:
			parts = append(parts, r)
		}
	}
	return strings.Join(parts, ", ")
}
