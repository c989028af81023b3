package roles

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ganglion/inference/topology"
)

// summary tells what became of the samples.
func (w *world) summary() {
	w.lines = append(w.lines, "")
	exits := map[string]int{}
	var slowest time.Duration
	superseded := 0
	for _, id := range w.order { // as they were published
		first := w.said[id][0]
		v := w.verdict(id)
		exits[exitOf(v)]++
		slowest = max(slowest, first.Latency)
		hashes := map[Hash]bool{}
		for _, p := range w.said[id] {
			hashes[p.Sealed.Hash] = true
		}
		superseded += len(hashes) - 1
	}
	longest, from := w.gap()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(exits)) {
		parts = append(parts, fmt.Sprintf("%d %s", exits[name], name))
	}
	w.say("%d samples: %s; %d superseded", len(w.order), strings.Join(parts, ", "), superseded)
	w.say("longest pause between verdicts %d ms, from %.3fs; slowest verdict %d ms", longest.Milliseconds(), from.Seconds(), slowest.Milliseconds())
	for _, line := range w.notable() {
		w.say("%s", line)
	}
	live := w.running()
	if len(live) == 0 {
		w.say("nobody lives")
		return
	}
	for _, role := range live[0].node.order {
		h := live[0].node.holding(role)
		w.say("%s: %s as %d", shortRole(role), h.Peer, h.Epoch.Counter)
	}
	for _, text := range w.broken {
		w.say("BROKEN %s", text)
	}
}

func (w *world) say(format string, args ...any) {
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

// verdict is the one that survives.
func (w *world) verdict(id SampleID) *Verdict {
	best := w.said[id][0].Sealed
	for _, p := range w.said[id] {
		if p.Sealed.Compare(best) < 0 {
			best = p.Sealed
		}
	}
	return w.verdicts[best.Hash]
}

func exitOf(v *Verdict) string {
	name := map[topology.Exit]string{
		topology.ExitNone: "none", topology.ExitLocal: "local", topology.ExitEdge: "edge", topology.ExitCloud: "cloud",
	}[v.Answer.Exit]
	switch {
	case v.Refused:
		return "refused"
	case v.StoppedEarly:
		return name + ", stopped early"
	}
	return name
}

// notable is the samples that were not answered by every view and in full, neighbours
// together.
func (w *world) notable() (out []string) {
	const most = 40
	var first, last SampleID
	before := ""
	flush := func() {
		switch {
		case before == "":
		case first == last:
			out = append(out, fmt.Sprintf("%s: %s", spoken(first), before))
		default:
			out = append(out, fmt.Sprintf("%s to %d: %s", spoken(first), last.Beat, before))
		}
	}
	for _, id := range w.samples() {
		text := w.remark(w.verdict(id))
		if text != before || last.Run != id.Run || last.Beat+1 != id.Beat {
			flush()
			first, before = id, text
		}
		last = id
	}
	flush()
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("and %d more like these", len(out)-most))
	}
	return out
}

func spoken(id SampleID) string {
	switch {
	case id.OnDemand():
		return fmt.Sprintf("request %d", id.Request)
	case id.Run != run7:
		return fmt.Sprintf("run %d beat %d", id.Run-run7, id.Beat)
	}
	return fmt.Sprintf("beat %d", id.Beat)
}

// remark is what is notable of a verdict; empty: nothing.
func (w *world) remark(v *Verdict) string {
	var parts []string
	if v.Settings != 0 {
		parts = append(parts, fmt.Sprintf("under settings %d", v.Settings))
	}
	if v.StoppedEarly || v.Refused {
		parts = append(parts, exitOf(v))
	}
	for view := range w.top.Views {
		if v.Answer.Missing>>view&1 == 1 {
			parts = append(parts, fmt.Sprintf("view %d %s", view, v.Reasons[view]))
		}
	}
	return strings.Join(parts, ", ")
}
