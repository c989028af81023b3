package command

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ganglion/proto/controlpb"
)

// verdictsFlags are the flags of `ganglion verdicts`.
type verdictsFlags struct {
	node   nodeFlags
	follow bool
	last   uint32
	run    string
	from   uint64
	site   string
	json   bool
}

func newVerdictsCommand() *cobra.Command {
	var f verdictsFlags
	cmd := &cobra.Command{
		Use:   "verdicts",
		Short: "Show the answers, the last ones and those that come",
		Long: `Shows verdicts from a node's log, one a line; with --follow also those that come.
Every node has the log, or gets from others what it lacks: what no node of this
machine has any more is named as a gap.

If the followed node ends, another node of the mesh on this machine is followed
instead, without a gap or a repetition.

A verdict may be followed by the same with "superseded by": two halves of a mesh
that was cut in two had both answered, and the other half's answer stands.`,
		Example: `  ganglion verdicts --follow
  ganglion verdicts --last 1000 --json | jq -r 'select(.exit == "cloud") | .sample'
  ganglion verdicts --from 0 --follow --json > all.jsonl`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.show(cmd) },
	}
	f.node.add(cmd)
	cmd.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on with those that come, until Ctrl-C")
	cmd.Flags().Uint32Var(&f.last, "last", 20, "how many of the log")
	cmd.Flags().StringVar(&f.run, "run", "", "the beats of this run, instead of the last verdicts (16 hexadecimal digits)")
	cmd.Flags().Uint64Var(&f.from, "from", 0, "the beats from this one on, instead of the last verdicts; of the present run unless --run names one")
	cmd.Flags().StringVar(&f.site, "site", "", "the site (default: the node's)")
	addJSON(cmd, &f.json)
	return cmd
}

func (f *verdictsFlags) show(cmd *cobra.Command) error {
	if _, err := strconv.ParseUint(f.run, 16, 64); f.run != "" && (err != nil || len(f.run) != 16) {
		return usagef("--run %q: a run has 16 hexadecimal digits", f.run)
	}
	beats := f.run != "" || cmd.Flags().Changed("from")
	if beats && cmd.Flags().Changed("last") {
		return usagef("--last is of the end of the log, --run and --from of a run: give one or the other")
	}
	n, err := f.node.find(cmd)
	if err != nil {
		return err
	}
	q := &controlpb.VerdictsRequest{Site: f.site, Follow: f.follow, Last: f.last}
	if beats {
		q.Run, q.FromBeat = f.run, &f.from
	}
	out := &verdictLines{w: cmd.OutOrStdout(), remarks: cmd.ErrOrStderr(), json: f.json, colours: coloured(cmd.OutOrStdout())}
	out.classWidth = len("CLASS")
	for _, c := range n.Status.GetClasses() {
		out.classWidth = max(out.classWidth, cell{text: c}.width())
	}
	if err := n.Follow(cmd.Context(), q, out); err != nil {
		return err
	}
	if !out.told && !f.json {
		fmt.Fprintln(cmd.ErrOrStderr(), "no verdicts yet")
	}
	return nil
}

// verdictLines prints verdicts as they are read.
type verdictLines struct {
	w          io.Writer
	remarks    io.Writer
	json       bool
	colours    bool
	classWidth int
	run        string // of the last line
	told       bool   // there was a line
}

// epoch numbers a claim, in JSON.
type epoch struct {
	Counter uint64 `json:"counter"`
	Peer    string `json:"peer"`
}

// verdictLine is a verdict, in JSON.
type verdictLine struct {
	Sample       string             `json:"sample"` // site/run/beat or site/request
	Beat         *uint64            `json:"beat"`   // null on demand
	Ref          *int64             `json:"ref"`    // element of the data set that was replayed
	Label        *string            `json:"label"`
	Class        *string            `json:"class"`
	Exit         string             `json:"exit"`    // none, local, edge, cloud, refused
	Entropy      map[string]float64 `json:"entropy"` // at each exit that the sample met; with several groups by "exit/group"
	Seen         []string           `json:"seen"`
	Nothing      []string           `json:"nothing"` // views with nothing in view
	Missing      []string           `json:"missing"` // views from which nothing came
	Epoch        epoch              `json:"epoch"`
	ViewsMissing int                `json:"views_missing"`
	StoppedEarly bool               `json:"stopped_early"`
	SupersededBy *string            `json:"superseded_by"` // hash of the verdict that stands instead
	LatencyMS    float64            `json:"latency_ms"`
	SinceBeatMS  *float64           `json:"since_beat_ms"` // null on demand
	Holder       string             `json:"holder"`
	Seq          string             `json:"seq"`
	Settings     uint64             `json:"settings"` // of the thresholds in force; 0: the bundle's own
}

// gapLine is beats that no node has, in JSON.
type gapLine struct {
	Gap struct {
		Run    string `json:"run"`
		From   uint64 `json:"from"`
		To     uint64 `json:"to"` // the one behind the last
		Reason string `json:"reason"`
	} `json:"gap"`
}

func verdictOf(v *controlpb.Verdict) verdictLine {
	line := verdictLine{
		Sample: v.GetSample(), Beat: v.Beat, Ref: v.Ref, Label: orNull(v.GetLabel()), Class: orNull(v.GetClass()), Exit: v.GetExit(),
		Entropy: map[string]float64{}, Seen: list(v.GetSeen()), Nothing: list(v.GetNothing()), Missing: []string{},
		Epoch: epoch{v.GetEpoch().GetCounter(), v.GetEpoch().GetPeer()}, ViewsMissing: len(v.GetMissing()), StoppedEarly: v.GetStoppedEarly(),
		SupersededBy: orNull(v.GetSupersededBy()), LatencyMS: inMS(v.GetLatencyNs()), Holder: v.GetHolder(), Seq: v.GetSeq(), Settings: v.GetSettings(),
	}
	for _, p := range v.GetProposals() {
		line.Entropy[proposalKey(v, p)] = p.GetEntropy()
	}
	for _, m := range v.GetMissing() {
		line.Missing = append(line.Missing, m.GetView())
	}
	if v.SinceBeatNs != nil {
		since := inMS(v.GetSinceBeatNs())
		line.SinceBeatMS = &since
	}
	return line
}

// inMS is nanoseconds in milliseconds, to the microsecond.
func inMS(ns int64) float64 { return math.Round(float64(ns)/1e3) / 1e3 }

// proposalKey names an exit; where there are several groups, the group's.
func proposalKey(v *controlpb.Verdict, p *controlpb.Proposal) string {
	if len(v.GetAggregators()) > 1 && p.GetExit() != "cloud" {
		return fmt.Sprintf("%s/%d", p.GetExit(), p.GetGroup())
	}
	return p.GetExit()
}

// answering is the proposal that became the answer; nil: none did.
func answering(v *controlpb.Verdict) *controlpb.Proposal {
	if i := int(v.GetAnswered()); i >= 0 && i < len(v.GetProposals()) {
		return v.GetProposals()[i]
	}
	return nil
}

// Verdict prints a line.
func (l *verdictLines) Verdict(v *controlpb.Verdict) error {
	l.told = true
	if l.json {
		return writeJSON(l.w, verdictOf(v))
	}
	var out strings.Builder
	parts := strings.Split(v.GetSample(), "/")
	if run := parts[min(1, len(parts)-1)]; v.Beat != nil && run != l.run {
		l.run = run
		cell{fmt.Sprintf("run %s of site %s", run, parts[0]), strong}.write(&out, 0, false, l.colours)
		out.WriteString("\n")
		l.row(&out, cell{"BEAT", faint}, cell{"CLASS", faint}, cell{"EXIT", faint}, cell{"ENTROPY", faint}, cell{"SEEN", faint}, cell{"LATENCY", faint})
	}
	beat, class, entropy := cell{text: "on demand"}, cell{"-", faint}, ""
	if v.Beat != nil {
		beat.text = strconv.FormatUint(v.GetBeat(), 10)
	}
	if v.GetClass() != "" {
		class = cell{v.GetClass(), strong}
	}
	if p := answering(v); p != nil {
		entropy = fmt.Sprintf("%.3f", p.GetEntropy())
	}
	seen := fmt.Sprintf("%d of %d", len(v.GetSeen()), len(v.GetSeen())+len(v.GetNothing())+len(v.GetMissing()))
	l.row(&out, beat, class, exitCell(v.GetExit()), cell{text: entropy}, cell{text: seen}, cell{text: milliseconds(time.Duration(v.GetLatencyNs()))}, remarksOn(v)...)
	_, err := io.WriteString(l.w, out.String())
	return err
}

// row appends one line, whose columns do not depend on the other lines: these are not
// there yet.
func (l *verdictLines) row(out *strings.Builder, beat, class, exit, entropy, seen, latency cell, remarks ...cell) {
	var line strings.Builder
	beat.write(&line, 9, true, l.colours)
	line.WriteString("  ")
	class.write(&line, l.classWidth, false, l.colours)
	line.WriteString("  ")
	exit.write(&line, len("refused"), false, l.colours)
	line.WriteString("  ")
	entropy.write(&line, len("ENTROPY"), true, l.colours)
	line.WriteString("  ")
	seen.write(&line, 7, true, l.colours)
	line.WriteString("  ")
	latency.write(&line, 9, true, l.colours)
	for i, r := range remarks {
		if i == 0 {
			line.WriteString("  ")
		} else {
			line.WriteString("; ")
		}
		r.write(&line, 0, false, l.colours)
	}
	out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// exitCell is an exit in its colour: the nearer the better.
func exitCell(exit string) cell {
	styles := map[string]style{"local": good, "edge": middle, "cloud": middle, "refused": bad, "none": faint}
	return cell{exit, styles[exit]}
}

// remarksOn is what is out of the ordinary in a verdict.
func remarksOn(v *controlpb.Verdict) (out []cell) {
	if v.GetLabel() != "" && v.GetClass() != "" && v.GetLabel() != v.GetClass() {
		out = append(out, cell{"wrong, it is " + v.GetLabel(), bad})
	}
	if len(v.GetMissing()) > 0 {
		out = append(out, cell{"without " + missingText(v.GetMissing()), middle})
	}
	if v.GetStoppedEarly() {
		out = append(out, cell{"stopped early: the tier above was silent", middle})
	}
	if by := v.GetSupersededBy(); by != "" {
		out = append(out, cell{"superseded by " + shortID(by), middle})
	}
	return out
}

// missingText is views by the reason for which they are missing.
func missingText(missing []*controlpb.MissingView) string {
	var reasons []string
	views := map[string][]string{}
	for _, m := range missing {
		if views[m.GetReason()] == nil {
			reasons = append(reasons, m.GetReason())
		}
		views[m.GetReason()] = append(views[m.GetReason()], m.GetView())
	}
	var parts []string
	for _, r := range reasons {
		parts = append(parts, fmt.Sprintf("%s (%s)", strings.Join(views[r], ", "), r))
	}
	return strings.Join(parts, ", ")
}

// Gap prints a line.
func (l *verdictLines) Gap(g *controlpb.Gap) error {
	l.told = true
	if l.json {
		var line gapLine
		line.Gap.Run, line.Gap.From, line.Gap.To, line.Gap.Reason = g.GetRun(), g.GetFrom(), g.GetTo(), g.GetReason()
		return writeJSON(l.w, line)
	}
	which := fmt.Sprintf("Beat %d of run %s is", g.GetFrom(), g.GetRun())
	if n := g.GetTo() - g.GetFrom(); n != 1 {
		which = fmt.Sprintf("Beats %d to %d of run %s are", g.GetFrom(), g.GetTo()-1, g.GetRun())
	}
	why := map[string]string{
		"not final": "not decided yet",
		"dropped":   "no longer in the log of any node asked: a log has the last 100000 verdicts or 10 minutes, whichever is fewer",
		"unknown":   "in the log of no node asked",
	}[g.GetReason()]
	if why == "" {
		why = "missing: " + g.GetReason()
	}
	var out strings.Builder
	cell{which + " " + why + ".", middle}.write(&out, 0, false, l.colours)
	_, err := io.WriteString(l.w, out.String()+"\n")
	return err
}

// Moved prints a remark.
func (l *verdictLines) Moved(text string) { fmt.Fprintln(l.remarks, clean(text)) }
