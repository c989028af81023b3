package command

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ganglion/node/chaos"
	"ganglion/proto/controlpb"
)

func newStatusCommand() *cobra.Command {
	var node nodeFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what a node is and does",
		Example: `  ganglion status                    the first node of this machine that answers
  ganglion status --node camera2
  ganglion status --json | jq .tally`,
		Long: `Shows one node: its roles and sources, the bundle it uses, the run of its site
and what became of that run's samples, what it sent and received, and whatever is
not as it should be.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := node.find(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), plainMessage(n.Status.ProtoReflect()))
			}
			return printStatus(cmd.OutOrStdout(), n.Status)
		},
	}
	node.add(cmd)
	addJSON(cmd, &asJSON)
	return cmd
}

func printStatus(w io.Writer, s *controlpb.StatusResponse) error {
	f := facts{colours: coloured(w), width: len("addresses")}
	f.add("node", cell{s.GetName(), strong}, cell{text: fmt.Sprintf(", process %d, version %s, up for %s", s.GetPid(), s.GetVersion(), roughly(time.Duration(s.GetUptimeMs())*time.Millisecond))})
	f.addf("peer", "%s", s.GetPeer())
	secret := ""
	if s.GetOpen() {
		secret = ", open to anybody"
	}
	f.addf("mesh", "%s%s: %s alive", s.GetMesh(), secret, count(s.GetAlive(), "member", "members"))
	if len(s.GetAddresses()) > 0 {
		f.add("addresses", joined(s.GetAddresses()...))
	}
	f.addf("API", "%s", s.GetApi())
	if s.GetPage() != "" {
		f.addf("page", "%s", s.GetPage())
	}
	held := roleText(s.GetRoles())
	if held == "" {
		held = "none"
	}
	if next := roleText(s.GetStandbyFor()); next != "" {
		held += "; next for " + next
	}
	f.add("roles", cell{text: held})
	addSources(&f, s.GetSources())
	f.addf("bundle", "%s%s, %s, classes %s", shortID(s.GetBundle()), syntheticText(s.GetSynthetic()), count(len(s.GetViews()), "view", "views"), strings.Join(s.GetClasses(), ", "))
	if p := s.GetPublished(); p != "" && p != s.GetBundle() {
		f.add("", cell{"the mesh wants " + shortID(p) + ": this node is not there yet", middle})
	}
	addThresholds(&f, s)
	addRun(&f, s)
	addAmounts(&f, s)
	addChaos(&f, s)
	for _, warning := range s.GetWarnings() {
		f.add("warning", cell{warning, bad})
	}
	if len(s.GetWarnings()) > 0 {
		f.add("next", cell{afterwards(s.GetName()), strong})
	}
	_, err := io.WriteString(w, f.out.String())
	return err
}

// afterwards is what to type where something is wrong at a node.
func afterwards(node string) string { return "ganglion doctor --node " + quoted(node) }

// addChaos says whether the node takes faults, and which are in force.
func addChaos(f *facts, s *controlpb.StatusResponse) {
	if !s.GetAllowsChaos() {
		return
	}
	if len(s.GetFaults()) == 0 {
		f.addf("chaos", "faults may be injected into this node; none is in force")
	}
	for _, one := range s.GetFaults() {
		text := "fault of a kind that this program does not know"
		if fault, err := chaos.FromMessage(one.GetFault()); err == nil {
			text = fault.String()
		}
		left := max(0, time.Duration(one.GetLeftNs())).Round(time.Second)
		f.add("chaos", cell{fmt.Sprintf("%s, on purpose: it is over in %v", text, left), middle})
	}
}

func addSources(f *facts, sources []*controlpb.Source) {
	for i, s := range sources {
		name := "sources"
		if i > 0 {
			name = ""
		}
		what := s.GetKind() + " " + s.GetRef()
		switch {
		case s.GetFault() != "":
			f.add(name, cell{text: what + ": "}, cell{s.GetFault(), bad})
		case s.GetView() == "":
			f.add(name, cell{text: what + ": feeds no view yet"})
		default:
			f.add(name, cell{text: what + " feeds view " + s.GetView()})
		}
	}
}

func addRun(f *facts, s *controlpb.StatusResponse) {
	run := s.GetRun()
	if run == nil {
		f.addf("run", "none of site %s", s.GetSite())
		return
	}
	of := ""
	if run.GetCount() > 0 {
		of = fmt.Sprintf(" of %d", run.GetCount())
	}
	at := "not begun"
	if run.GetBeat() >= 0 {
		at = fmt.Sprintf("beat %d%s", run.GetBeat(), of)
	}
	rate := ""
	if p := run.GetPeriodNs(); p > 0 {
		rate = fmt.Sprintf(", %.4g a second", float64(time.Second)/float64(p))
	}
	what := "live"
	if run.GetPeriodNs() == 0 {
		what = "known here by its verdicts alone"
	}
	if run.GetData() != "" {
		what = "replays data set " + shortID(run.GetData())
		if split := run.GetSplit(); split != "" {
			what += ", " + splitText(split)
		}
	}
	f.addf("run", "%s of site %s: %s%s, %s", run.GetRun(), run.GetSite(), at, rate, what)
	t := s.GetTally()
	lost := cell{text: fmt.Sprintf("%d lost", t.GetLost())}
	if t.GetLost() > 0 {
		lost.style = bad
	}
	f.add("samples", cell{text: fmt.Sprintf("%d due = %d decided + %d refused + ", t.GetDue(), t.GetDecided(), t.GetRefused())}, lost,
		cell{text: fmt.Sprintf(" + %d open; %d decided without a view, %d superseded", t.GetOpen(), t.GetNoView(), t.GetSuperseded())})
}

func addAmounts(f *facts, s *controlpb.StatusResponse) {
	if r := s.GetRetention(); r.GetCaptured() > 0 || r.GetRefused() > 0 {
		f.addf("retention", "%s captured, %d released, %d held in %s, %d refused for lack of room",
			count(r.GetCaptured(), "sample", "samples"), r.GetReleased(), r.GetRetained(), size(r.GetRetainedBytes()), r.GetRefused())
	}
	t := s.GetTraffic()
	if t == nil {
		return
	}
	f.addf("traffic", "%s sent, %s received; of these for samples %s and %s", size(t.GetSocketSentBytes()), size(t.GetSocketReceivedBytes()),
		size(t.GetSampleSentBytes()), size(t.GetSampleReceivedBytes()))
	if n := t.GetSeenViews(); n > 0 {
		again := ""
		if b := t.GetPayloadAgainBytes(); b > 0 {
			again = "; " + size(b) + " sent once more"
		}
		f.addf("payload", "%.1f bytes per seen view, over %s%s", float64(t.GetPayloadSentBytes())/float64(n), count(n, "seen view", "seen views"), again)
	}
}
