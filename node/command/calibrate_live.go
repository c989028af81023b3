package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"ganglion/inference"
	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

// liveFlags are the flags of `ganglion calibrate --live`.
type liveFlags struct {
	on     bool
	set    []string
	reset  bool
	dryRun bool
	node   nodeFlags
}

// The times of a change.
const (
	inForceWait = 30 * time.Second       // for it to have a beat
	inForceLook = 100 * time.Millisecond // between two looks
)

func (f *liveFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.on, "live", false, "change the mesh that runs: its thresholds, not a file")
	flags.StringArrayVar(&f.set, "set", nil, "with --live: thresholds by hand, `EXIT=T[,T...]` by number of views seen, as local=0.7 or local=0.5,0.6,0.7; other exits stay as they are")
	flags.BoolVar(&f.reset, "reset", false, "with --live: go back to the thresholds that the bundle was made with")
	flags.BoolVar(&f.dryRun, "dry-run", false, "with --live: show what it would have done to the last samples, and change nothing")
	f.node.add(cmd)
}

// check refuses flags that do not go together; goal is the flag of one that was given.
func (f *liveFlags) check(cmd *cobra.Command, goal string) error {
	given := func(names ...string) string {
		i := slices.IndexFunc(names, func(name string) bool { return cmd.Flags().Changed(name) })
		if i < 0 {
			return ""
		}
		return names[i]
	}
	if !f.on {
		if name := given("set", "reset", "dry-run", "node", "api-token-file"); name != "" {
			return usagef("--%s is of a mesh that runs: add --live", name)
		}
		return nil
	}
	if name := given("out", "model"); name != "" {
		return usagef("--%s is of a file, --live of the mesh's own bundle: leave one of them out", name)
	}
	byHand := given("set", "reset")
	if name := given("data", "all", "views", "classes", "grid"); byHand != "" && (name != "" || goal != "") {
		if name == "" {
			name = goal
		}
		return usagef("--%s says the thresholds, --%s has them chosen on data: give one of them", byHand, name)
	}
	if f.reset && len(f.set) > 0 {
		return usagef("--set and --reset are two changes: give one")
	}
	return nil
}

// live is a change of the thresholds of a mesh, and what came of it: what the verb tells.
type live struct {
	Mesh      string                        `json:"mesh"`
	Bundle    string                        `json:"bundle"`
	Goal      string                        `json:"goal"`
	DryRun    bool                          `json:"dry_run"`
	Old       map[string]map[string]float64 `json:"thresholds_before"`
	New       map[string]map[string]float64 `json:"thresholds_after"`
	Rehearsal triedOn                       `json:"rehearsal"` // on the last samples of the mesh
	Chosen    *chosenOn                     `json:"chosen_on"` // data; null: by hand
	Version   *uint64                       `json:"version"`   // as verdicts have it under settings; null: nothing was changed
	Counter   *uint64                       `json:"counter"`   // of the setting; null: nothing was changed
	Since     *uint64                       `json:"since"`     // beat of the run; null: no run, or nothing was changed
	Run       *string                       `json:"run"`
	Undo      string                        `json:"undo"`

	exits []topology.Exit
	views int
}

// chosenOn is the data that thresholds were chosen on.
type chosenOn struct {
	Data    string           `json:"data"`
	Split   string           `json:"split"`
	Samples int              `json:"samples"`
	Before  evaluation.Point `json:"before"`
	After   evaluation.Point `json:"after"`

	synthetic bool
}

var errNoLive = errors.New("this node tells of no thresholds: it is of an older version; restart it with this one")

// runLive changes the thresholds of a mesh, or shows what that would do.
func (f *calibrateFlags) runLive(cmd *cobra.Command, policy evaluation.Policy) error {
	n, err := f.live.node.find(cmd)
	if err != nil {
		return err
	}
	now := n.Status.GetThresholds()
	if now == nil {
		return fmt.Errorf("node %s: %w", n, errNoLive)
	}
	b, err := bundleOf(cmd.Context(), n, now.GetBundle())
	if err != nil {
		return err
	}
	before, err := thresholdsIn(b, now)
	if err != nil {
		return fmt.Errorf("thresholds in force at node %s: %w", n, err)
	}
	told := live{
		Mesh: n.Status.GetMesh(), Bundle: b.ID().String(), DryRun: f.live.dryRun,
		exits: b.Topology().Exits(), views: len(b.Topology().Views), Undo: undoLine(now, before, &f.live.node),
	}
	after, err := f.wanted(b, before, policy, &told, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	told.Old, told.New = evaluation.ThresholdsByName(b.Topology(), before), evaluation.ThresholdsByName(b.Topology(), after)
	if told.Rehearsal, err = rehearse(cmd.Context(), n, b, after); err != nil {
		return err
	}
	if !f.live.dryRun {
		if err := f.live.change(cmd.Context(), n, b, after, &told); err != nil {
			return err
		}
	}
	if f.json {
		return writeJSON(cmd.OutOrStdout(), &told)
	}
	_, err = io.WriteString(cmd.OutOrStdout(), told.text())
	return err
}

// bundleOf is the bundle that a mesh uses.
func bundleOf(ctx context.Context, n *control.Node, id string) (*inference.Bundle, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	file, err := n.Bundle(ctx, &controlpb.BundleRequest{Bundle: id})
	if err != nil {
		return nil, n.Explain(err)
	}
	b, err := inference.DecodeBundle(file.GetFile())
	if err != nil {
		return nil, fmt.Errorf("bundle of node %s: %w", n, err)
	}
	if len(b.Topology().Exits()) < 2 {
		return nil, fmt.Errorf("bundle %s answers at its last exit alone, and has no threshold: a model with a local exit has some (ganglion train --topology c)", b.ID().Short())
	}
	return b, nil
}

// thresholdsIn is what a node tells of thresholds.
func thresholdsIn(b *inference.Bundle, m *controlpb.Thresholds) (inference.Thresholds, error) {
	bySeen := map[topology.Exit][]float64{}
	for _, exit := range b.Topology().Exits() {
		for _, e := range m.GetExits() {
			if e.GetExit() == exit.String() {
				bySeen[exit] = e.GetBySeen()
			}
		}
	}
	return inference.NewThresholds(b.Topology(), bySeen)
}

// wanted is the thresholds that the flags ask for.
func (f *calibrateFlags) wanted(b *inference.Bundle, before inference.Thresholds, policy evaluation.Policy, told *live, remarks io.Writer) (inference.Thresholds, error) {
	switch {
	case f.live.reset:
		told.Goal = "those that the bundle was made with"
		return b.Thresholds(), nil
	case len(f.live.set) > 0:
		told.Goal = "set by hand"
		return byHand(b, before, f.live.set)
	}
	c, err := f.choose(b, policy, remarks)
	if err != nil {
		return before, fmt.Errorf("%w\n  (thresholds are chosen on labelled data for the model of the mesh: give it with --data, or say thresholds by hand with --set local=0.5)", err)
	}
	now, err := evaluation.At(b.Model(), c.set, c.samples, before)
	if err != nil {
		return before, err
	}
	told.Goal = policy.String()
	told.Chosen = &chosenOn{Data: c.set.Name, Split: c.split, Samples: c.outcome.Samples, Before: now, After: c.outcome.At, synthetic: c.set.Synthetic}
	return c.thresholds, nil
}

// byHand is thresholds as they were typed; exits that were not named keep theirs.
func byHand(b *inference.Bundle, before inference.Thresholds, set []string) (inference.Thresholds, error) {
	typed, err := inference.ParseThresholds(strings.Join(set, ";"))
	if err != nil {
		return before, &usageError{fmt.Errorf("--set: %w", err)}
	}
	bySeen := map[topology.Exit][]float64{}
	for _, exit := range []topology.Exit{topology.ExitLocal, topology.ExitEdge} {
		if values := typed.BySeen(exit); values != nil {
			bySeen[exit] = values
		} else if values := before.BySeen(exit); values != nil {
			bySeen[exit] = values
		}
	}
	t, err := inference.NewThresholds(b.Topology(), bySeen)
	if err != nil {
		return before, &usageError{fmt.Errorf("--set: %w: bundle %s has %s and %s", err, b.ID().Short(), exitsText(b.Topology()), count(len(b.Topology().Views), "view", "views"))}
	}
	return t, nil
}

// exitsText names the exits of a network.
func exitsText(t *topology.Topology) string {
	var names []string
	for _, exit := range t.Exits() {
		names = append(names, exit.String())
	}
	return "exits " + strings.Join(names, ", ")
}

// change makes thresholds the mesh's and waits until they have a beat.
func (f *liveFlags) change(ctx context.Context, n *control.Node, b *inference.Bundle, to inference.Thresholds, told *live) error {
	value := to.String()
	if f.reset {
		value = ""
	}
	ctx, cancel := context.WithTimeout(ctx, inForceWait)
	defer cancel()
	if _, err := n.Set(ctx, &controlpb.SetRequest{Key: "thresholds/" + b.ID().String(), Value: value}); err != nil {
		return n.Explain(err)
	}
	var status *controlpb.StatusResponse
	look := time.NewTicker(inForceLook)
	defer look.Stop()
	for {
		now, err := n.NodeServiceClient.Status(ctx, &controlpb.StatusRequest{})
		if err == nil {
			status = now
			if is := f.taken(now, b, to); is != nil {
				told.Version, told.Counter, told.Since = &is.Version, &is.Counter, is.Since
				told.Run = orNull(now.GetRun().GetRun())
				return nil
			}
		} else if connect.CodeOf(err) != connect.CodeDeadlineExceeded && ctx.Err() == nil {
			return n.Explain(err)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), context.Canceled) {
				return context.Canceled
			}
			return stuck(n, status, told.Undo)
		}
	}
}

// taken is the thresholds in force, or those that have a beat, once they are the wanted ones;
// else nil.
func (f *liveFlags) taken(s *controlpb.StatusResponse, b *inference.Bundle, to inference.Thresholds) *controlpb.Thresholds {
	is := s.GetThresholds()
	if s.GetThresholdsNext() != nil {
		is = s.GetThresholdsNext()
	}
	t, err := thresholdsIn(b, is)
	if err != nil || is.GetBundle() != b.ID().String() || t.String() != to.String() || f.reset && is.GetVersion() != 0 {
		return nil
	}
	return is
}

// stuck says that a change waits, and for what.
func stuck(n *control.Node, s *controlpb.StatusResponse, undo string) error {
	why := "every node with a view has to have it first: see 'ganglion members'"
	for _, w := range s.GetWarnings() {
		if strings.HasPrefix(w, "thresholds ") {
			why = w
		}
	}
	return fmt.Errorf("the thresholds are set at node %s, but not in force after %v: %s\n  to take them back: %s", n, inForceWait, why, undo)
}

// undoLine is the command that brings back what is in force now.
func undoLine(now *controlpb.Thresholds, before inference.Thresholds, node *nodeFlags) string {
	line := "ganglion calibrate --live"
	if node.node != "" {
		line += " --node " + quoted(node.node)
	}
	if now.GetVersion() == 0 {
		return line + " --reset"
	}
	for part := range strings.SplitSeq(before.String(), ";") {
		line += " --set " + part
	}
	return line
}
