package command

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"ganglion/proto/controlpb"
)

// explanation is a verdict and why it is what it is, in JSON.
type explanation struct {
	verdictLine
	Reasons       map[string]string  `json:"reasons"`       // why views are missing
	Used          []string           `json:"used"`          // views that the answer rests on
	Probabilities map[string]float64 `json:"probabilities"` // by class, at the answering exit
	Proposals     []proposal         `json:"proposals"`     // of the exits that the sample met
	Answered      *int32             `json:"answered"`      // the proposal that became the answer, from 0
	Aggregators   []string           `json:"aggregators"`   // by group; empty where none took part
	Cloud         *string            `json:"cloud"`         // node of the last section
	PayloadBytes  map[string]uint64  `json:"payload_bytes"` // by hop
	Bundle        string             `json:"bundle"`
	Settings      uint64             `json:"settings"`
	Synthetic     bool               `json:"synthetic_model"` // trained on rendered pictures
	Hash          string             `json:"hash"`
	Alone         *string            `json:"alone"` // why the asked node answered by itself
}

// proposal is what one exit said, in JSON.
type proposal struct {
	Exit      string    `json:"exit"`
	Group     int32     `json:"group"`
	Seen      int32     `json:"seen"` // views that it rests on
	Class     string    `json:"class"`
	Entropy   float64   `json:"entropy"`
	Threshold float64   `json:"threshold"` // it answers up to this entropy
	Scores    []float32 `json:"scores"`
}

func explanationOf(v *controlpb.Verdict, classes []string) explanation {
	e := explanation{
		verdictLine: verdictOf(v), Reasons: map[string]string{}, Used: list(v.GetUsed()), Probabilities: map[string]float64{}, Proposals: []proposal{},
		Aggregators: list(v.GetAggregators()), Cloud: orNull(v.GetCloud()), PayloadBytes: map[string]uint64{}, Bundle: v.GetBundle(),
		Settings: v.GetSettings(), Synthetic: v.GetSyntheticModel(), Hash: v.GetHash(), Alone: orNull(v.GetAlone()),
	}
	for _, m := range v.GetMissing() {
		e.Reasons[m.GetView()] = m.GetReason()
	}
	for c, p := range v.GetProbabilities() {
		e.Probabilities[className(classes, c)] = p
	}
	for _, p := range v.GetProposals() {
		e.Proposals = append(e.Proposals, proposal{
			p.GetExit(), p.GetGroup(), p.GetSeen(), p.GetClass(), p.GetEntropy(), p.GetThreshold(), append([]float32{}, p.GetScores()...),
		})
	}
	if answering(v) != nil {
		answered := v.GetAnswered()
		e.Answered = &answered
	}
	for _, hop := range v.GetPayloadBytes() {
		e.PayloadBytes[hop.GetHop()] = hop.GetBytes()
	}
	return e
}

// className is the name of a class, or its number where the node told no names.
func className(classes []string, c int) string {
	if c < len(classes) {
		return classes[c]
	}
	return strconv.Itoa(c)
}

func printExplanation(w io.Writer, v *controlpb.Verdict, classes []string) error {
	f := facts{colours: coloured(w), width: len("aggregators")}
	cell{headline(v), strong}.write(&f.out, 0, false, f.colours)
	f.out.WriteString("\n\n")
	addProbabilities(&f, v, classes)
	addViews(&f, v)
	exits := exitListing(v)
	if len(exits.rows) > 0 {
		f.out.WriteString("\n")
		exits.write(&f.out, "", f.colours)
	}
	f.out.WriteString("\n")
	addParts(&f, v)
	if v.GetAlone() != "" {
		f.add("alone", cell{v.GetAlone(), middle})
	}
	if v.GetSyntheticModel() {
		f.add("note", cell{"the model was trained on rendered pictures: on photographs its answers mean little", middle})
	}
	_, err := io.WriteString(w, f.out.String())
	return err
}

// headline is the answer in a sentence.
func headline(v *controlpb.Verdict) string {
	switch {
	case v.GetExit() == "refused":
		return "No answer: every device refused the sample, their memory for open samples is full. Ask again, or lower the rate (ganglion set rate)."
	case v.GetExit() == "none" && len(v.GetMissing()) == 0:
		return "Nothing: no view has anything in view."
	case v.GetExit() == "none":
		return "No answer: no view saw anything, and some are missing."
	}
	text := fmt.Sprintf("%s, by the %s exit", v.GetClass(), v.GetExit())
	if label := v.GetLabel(); label == v.GetClass() {
		text += ", and the label says so too"
	} else if label != "" {
		text += ", but the label says " + label
	}
	if v.GetStoppedEarly() {
		text += "; it was not sure, but the tier above was silent"
	}
	return text
}

func addProbabilities(f *facts, v *controlpb.Verdict, classes []string) {
	type one struct {
		name string
		p    float64
	}
	var all []one
	width := 0
	for c, p := range v.GetProbabilities() {
		all = append(all, one{className(classes, c), p})
		width = max(width, cell{text: className(classes, c)}.width())
	}
	slices.SortStableFunc(all, func(a, b one) int {
		switch {
		case a.p > b.p:
			return -1
		case a.p < b.p:
			return 1
		}
		return 0
	})
	const bar = 30
	for i, c := range all {
		name := ""
		if i == 0 {
			name = "probability"
		}
		var text strings.Builder
		cell{text: c.name}.write(&text, width, false, false)
		fmt.Fprintf(&text, "  %5.1f %%  %s", 100*c.p, strings.Repeat("█", int(c.p*bar+0.5)))
		f.add(name, cell{text: strings.TrimRight(text.String(), " ")})
	}
}

func addViews(f *facts, v *controlpb.Verdict) {
	total := len(v.GetSeen()) + len(v.GetNothing()) + len(v.GetMissing())
	f.add("seen", cell{text: fmt.Sprintf("%d of %s", len(v.GetSeen()), count(total, "view", "views"))}, after(": ", v.GetSeen()))
	if len(v.GetNothing()) > 0 {
		f.add("nothing in", joined(v.GetNothing()...))
	}
	if len(v.GetMissing()) > 0 {
		f.add("missing", cell{missingText(v.GetMissing()), middle})
	}
	if used := v.GetUsed(); answering(v) != nil && len(used) != len(v.GetSeen()) {
		f.add("rests on", joined(used...))
	}
}

// after is a list behind what it begins with, or nothing.
func after(begin string, names []string) cell {
	if len(names) == 0 {
		return cell{}
	}
	return cell{text: begin + strings.Join(names, ", ")}
}

// exitListing compares what each exit said with what it has to reach.
func exitListing(v *controlpb.Verdict) listing {
	l := listing{names: []string{"EXIT", "VIEWS", "CLASS", "ENTROPY", "", "THRESHOLD", ""}, right: map[int]bool{1: true, 3: true, 5: true}}
	for i, p := range v.GetProposals() {
		sign, became := "≤", cell{"sure enough, but another exit answered", faint}
		above := p.GetEntropy() > p.GetThreshold()
		last := p.GetExit() == "cloud"
		answered := answering(v) != nil && i == int(v.GetAnswered())
		switch {
		case answered && above && v.GetStoppedEarly():
			became = cell{"answered, for the tier above was silent", middle}
		case answered && last:
			became = cell{"answered, as the last exit does", good}
		case answered:
			became = cell{"answered", good}
		case above:
			became = cell{"not sure enough: asked the next", middle}
		}
		threshold := fmt.Sprintf("%.3f", p.GetThreshold())
		if above {
			sign = ">"
		}
		if last {
			sign, threshold = "", "-"
		}
		l.add(cell{text: proposalKey(v, p)}, cell{text: strconv.Itoa(int(p.GetSeen()))}, cell{text: p.GetClass()},
			cell{text: fmt.Sprintf("%.3f", p.GetEntropy())}, cell{text: sign}, cell{text: threshold}, became)
	}
	return l
}

// addParts tells who did what, and what it cost.
func addParts(f *facts, v *controlpb.Verdict) {
	f.addf("sample", "%s", v.GetSample())
	if v.Ref != nil {
		f.addf("", "element %d of the data set that is replayed", v.GetRef())
	}
	f.addf("decided by", "%s, in epoch %d", v.GetHolder(), v.GetEpoch().GetCounter())
	var aggregators []string
	for g, name := range v.GetAggregators() {
		switch {
		case name == "":
		case len(v.GetAggregators()) > 1:
			aggregators = append(aggregators, fmt.Sprintf("%s (group %d)", name, g))
		default:
			aggregators = append(aggregators, name)
		}
	}
	if len(aggregators) > 0 {
		name := "aggregator"
		if len(aggregators) > 1 {
			name = "aggregators"
		}
		f.add(name, joined(aggregators...))
	}
	if v.GetCloud() != "" {
		f.add("cloud", cell{text: v.GetCloud()})
	}
	f.addf("latency", "%s", milliseconds(time.Duration(v.GetLatencyNs())))
	var hops []string
	total := uint64(0)
	for _, hop := range v.GetPayloadBytes() {
		from, to, _ := strings.Cut(hop.GetHop(), "-")
		hops = append(hops, fmt.Sprintf("%d from %s to %s", hop.GetBytes(), from, to))
		total += hop.GetBytes()
	}
	if len(hops) > 0 {
		f.add("payload", cell{text: count(total, "byte", "bytes")}, after(": ", hops))
	}
	f.add("bundle", cell{text: shortID(v.GetBundle()) + syntheticText(v.GetSyntheticModel())})
}
