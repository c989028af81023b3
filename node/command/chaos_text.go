package command

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ganglion/node/chaos"
	"ganglion/node/control"
)

// chaosLines prints what a conductor tells, as text or as JSON.
type chaosLines struct {
	w       io.Writer
	remarks io.Writer
	json    bool
	colours bool
	failed  error // of writing
}

// begin says what is about to be done.
func (l *chaosLines) begin(n *control.Node, seed uint64, p *chaos.Plan) {
	if l.json {
		return
	}
	var out strings.Builder
	drawn := ""
	for i := range p.Steps {
		if p.Steps[i].Target.Drawn() {
			drawn = fmt.Sprintf(", drawn with --seed %d", seed)
		}
	}
	cell{fmt.Sprintf("mesh %s, through %s%s", n.Status.GetMesh(), n.Status.GetName(), drawn), strong}.write(&out, 0, false, l.colours)
	if n.Status.GetRun() == nil {
		out.WriteString("\n")
		cell{"no run goes on at site " + n.Status.GetSite() + ": nothing will be answered meanwhile", middle}.write(&out, 0, false, l.colours)
	}
	l.print(out.String())
}

func (l *chaosLines) print(line string) {
	if _, err := io.WriteString(l.w, line+"\n"); err != nil && l.failed == nil {
		l.failed = err
	}
}

// Entry prints a line.
func (l *chaosLines) Entry(e chaos.Entry) {
	if l.json {
		if err := writeJSON(l.w, e); err != nil && l.failed == nil {
			l.failed = err
		}
		return
	}
	styles := map[chaos.What]style{chaos.Injected: bad, chaos.Answered: good, chaos.Moved: strong, chaos.Over: middle, chaos.Back: good}
	when := "+" + milliseconds(e.Since)
	if e.What == chaos.Injected || e.What == chaos.Healed {
		when = time.Now().Format(time.TimeOnly)
	}
	l.line(when, string(e.What), cell{e.Text, styles[e.What]})
}

// line prints a time, what it is about and what is said.
func (l *chaosLines) line(when, what string, says cell) {
	var out strings.Builder
	const whenWidth, whatWidth = 10, 8
	cell{when, faint}.write(&out, whenWidth, true, l.colours)
	out.WriteString("  ")
	cell{what, faint}.write(&out, whatWidth, false, l.colours)
	out.WriteString("  ")
	says.write(&out, 0, false, l.colours)
	l.print(out.String())
}

// Report prints what is known of an injection at its end.
func (l *chaosLines) Report(r chaos.Report) {
	if l.json {
		return // the summary has it
	}
	for _, text := range r.Lines() {
		l.line("", "in sum", cell{text: text})
	}
}

// Remark prints a sentence.
func (l *chaosLines) Remark(text string) { fmt.Fprintln(l.remarks, clean(text)) }

// chaosSummary is what came of a plan, in JSON.
type chaosSummary struct {
	*chaos.Summary
	Samples any `json:"samples"` // null: nobody could say
}

// end prints the sum of it all.
func (l *chaosLines) end(s *chaos.Summary) error {
	if l.json {
		out := chaosSummary{Summary: s}
		s.Failed, s.Healed = list(s.Failed), list(s.Healed)
		if s.Faults == nil {
			s.Faults = []chaos.Report{}
		}
		if s.Tally != nil {
			out.Samples = plainMessage(s.Tally.ProtoReflect())
		}
		if err := writeJSON(l.w, object{{"summary", out}}); err != nil {
			return err
		}
		return l.failed
	}
	if t := s.Tally; t != nil && slices.ContainsFunc(s.Faults, func(r chaos.Report) bool { return r.Fault.Do != chaos.Heal }) {
		says := cell{text: fmt.Sprintf("%d samples due = %d decided + %d refused + %d lost + %d open", t.GetDue(), t.GetDecided(), t.GetRefused(), t.GetLost(), t.GetOpen())}
		if before := t.GetLost() - lostIn(s); before > 0 && before <= t.GetLost() {
			says.text += fmt.Sprintf("; %d of the lost were so before the first fault", before)
		}
		if lostIn(s) > 0 {
			says.style = bad
		}
		l.line("", "run", says)
	}
	return l.failed
}

// lostIn is how many samples were lost; zero where nobody could say.
func lostIn(s *chaos.Summary) uint64 {
	if s.Lost == nil {
		return 0
	}
	return *s.Lost
}

// rehearsed is a step of a plan that is not carried out, in JSON.
type rehearsed struct {
	At    string   `json:"at"`
	Do    string   `json:"do"`
	Now   []string `json:"now"`             // whom it would strike as things are
	Fault string   `json:"fault,omitempty"` // why nobody
}

func printRehearsal(w io.Writer, steps []rehearsed, seed uint64, asJSON bool) error {
	if asJSON {
		for _, s := range steps {
			if err := writeJSON(w, s); err != nil {
				return err
			}
		}
		return writeJSON(w, object{{"seed", seed}})
	}
	l := listing{names: []string{"AT", "STEP", "NOW"}, right: map[int]bool{0: true}}
	for _, s := range steps {
		now := cell{text: strings.Join(s.Now, ", ")}
		if s.Fault != "" {
			now = cell{s.Fault, bad}
		}
		l.add(cell{text: s.At}, cell{text: s.Do}, now)
	}
	var out strings.Builder
	l.write(&out, "", coloured(w))
	fmt.Fprintf(&out, "Nothing was done. What is drawn here is drawn with --seed %d.\n", seed)
	_, err := io.WriteString(w, out.String())
	return err
}
