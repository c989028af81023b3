package command

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ganglion/inference/evaluation"
	"ganglion/inference/topology"
	"ganglion/node/demo"
)

// demoResultText is what a demo came to. paint colours what it is given.
func demoResultText(r *demo.Result, t *topology.Topology, paint func(s style, text string) string) string {
	var out strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&out, "%-9s  %s\n", name, fmt.Sprintf(format, args...))
	}
	out.WriteString("\n")
	row("samples", "%d due = %d decided + %d refused + %d lost + %d open; %d nobody saw", r.Due, r.Decided, r.Refused, r.Lost, r.Open, r.NoView)
	row("accuracy", "%s, 95 %% interval %s", percent(r.Accuracy), interval(r.Interval))
	if len(r.Missing) > 0 {
		row("without", "%s: nobody fed these views", strings.Join(r.Missing, ", "))
	}
	row("agreement", "%s", agreementText(r, paint))
	if len(r.Died) > 0 {
		row("ended", "%s, without being asked to", strings.Join(r.Died, ", "))
	}
	exits := section{title: "By exit", names: []string{"exit", "share", "accuracy there", "labelled", "p50 ms", "p90 ms", "p99 ms", "max"}}
	for _, name := range demoExits(t) {
		of, there := r.Exits[name]
		if !there || (name == "none" || name == "refused") && of == 0 {
			continue
		}
		at, latency := r.ExitAccuracy[name], r.LatencyMS[name]
		if _, answers := r.ExitAccuracy[name]; answers {
			exits.add(name, percent(of), percent(at.Accuracy), strconv.Itoa(at.Samples), ms(latency.P50), ms(latency.P90), ms(latency.P99), ms(latency.Max))
		} else {
			exits.add(name, percent(of), "", "", ms(latency.P50), ms(latency.P90), ms(latency.P99), ms(latency.Max))
		}
	}
	out.WriteString(exits.String())
	out.WriteString("  Latency is from the first frame of a sample to its sealed, published verdict.\n")

	sent := section{title: "Bytes that a device sends for each view that it sees", names: []string{"", "bytes"}}
	sent.add("payload, measured: scores, and features of what goes up", byteCount(r.PayloadPerSeenView))
	sent.add("payload by the paper's formula (section III-E)", byteCount(r.FormulaPerSeenView))
	if !math.IsNaN(float64(r.FramesPerSeenView)) {
		sent.add("on the wire, frames with scores or features", byteCount(r.FramesPerSeenView))
	}
	sent.add("on the wire, all about samples: heartbeats, seals, acknowledgements", byteCount(r.SocketPerSeenView))
	sent.add("the picture itself", strconv.Itoa(r.RawPerView)+".0")
	out.WriteString(sent.String())
	if r.Act != nil {
		out.WriteString(actText(r.Act, paint))
	}
	return out.String()
}

// demoExits is every exit that a sample may have had.
func demoExits(t *topology.Topology) []string {
	var names []string
	for _, e := range t.Exits() {
		names = append(names, e.String())
	}
	return append(names, topology.ExitNone.String(), "refused")
}

// agreementText says whether the answers are those of one process; where they are not, of
// which samples, in what, and why that may be.
func agreementText(r *demo.Result, paint func(s style, text string) string) string {
	views := "the network in one process"
	if len(r.Missing) > 0 {
		views += " on the same views"
	}
	switch {
	case r.AgreesWithEval:
		return paint(good, fmt.Sprintf("all %d answers are those of %s, bit for bit", r.Samples, views))
	case r.Samples == 0:
		return paint(bad, "there is no answer to compare")
	}
	var out strings.Builder
	if r.Wrong > 0 {
		out.WriteString(paint(bad, fmt.Sprintf("%d of %d answers are not what the network in one process makes of the views that they rest on", r.Wrong, r.Samples)))
	} else {
		out.WriteString(paint(middle, fmt.Sprintf("%d of %d answers are those of %s, bit for bit", uint64(r.Samples)-r.Differing, r.Samples, views)))
	}
	further := func(format string, args ...any) { fmt.Fprintf(&out, "\n%11s"+format, append([]any{""}, args...)...) }
	if short := r.Differing - r.Wrong; short > 0 {
		further("%d rest on less than their samples have, and are right for what they rest on", short)
	}
	for _, line := range differenceLines(r) {
		further("%s", line)
	}
	for _, line := range causes(r) {
		further("%s", line)
	}
	return out.String()
}

// differenceLines lists the differences that are known by name: each once, with the samples
// that have it.
func differenceLines(r *demo.Result) []string {
	const most = 6 // samples of one line
	var whats []string
	samples := map[string][]int{}
	for i := range r.Differences {
		what := clean(r.Differences[i].What)
		if samples[what] == nil {
			whats = append(whats, what)
		}
		samples[what] = append(samples[what], r.Differences[i].Ref)
	}
	var lines []string
	for _, what := range whats {
		var of []string
		for _, ref := range slices.Sorted(slices.Values(samples[what])) {
			of = append(of, strconv.Itoa(ref))
		}
		name := "sample "
		if len(of) > 1 {
			name = "samples "
		}
		more := ""
		if len(of) > most {
			more = fmt.Sprintf(" and %d more", len(of)-most)
			of = of[:most]
		}
		lines = append(lines, "  "+name+strings.Join(of, ", ")+more+": "+what)
	}
	if unnamed := r.Differing - uint64(len(r.Differences)); unnamed > 0 {
		lines = append(lines, fmt.Sprintf("  and %d samples after these", unnamed))
	}
	return lines
}

// causes says why answers are likely not those of one process, and what to do.
func causes(r *demo.Result) []string {
	var lines []string
	if r.Wrong > 0 {
		lines = append(lines, "That must never be, whatever dies: please report it, with the logs that --log-dir DIR keeps")
	}
	switch short := r.Differing > r.Wrong; {
	case short && len(r.Died) > 0:
		lines = append(lines, fmt.Sprintf("Likely cause: %s ended in the run; what %s had is missing until somebody else has it", strings.Join(r.Died, ", "), it(len(r.Died))))
	case short:
		lines = append(lines,
			"Likely cause: this machine was busy or stood still; a view over 100 ms late is not waited for.",
			"Try it again when the machine has less to do, or with a lower --rate")
	}
	return lines
}

// it stands for so many nodes.
func it(n int) string {
	if n == 1 {
		return "it"
	}
	return "they"
}

// demoHints is what to try next.
func demoHints(r *demo.Result) string {
	return fmt.Sprintf(`
That took %.1f s; the %d processes have ended. Next:
  ganglion demo --keep          goes on: ask with members, verdicts, classify; kill with chaos
  ganglion demo --topology e    the same with an edge between the devices and the cloud
  ganglion train --data DIR     a network for your own cameras
`, r.Seconds, r.Nodes)
}

// ms writes milliseconds, a dash where there are none.
func ms(n evaluation.Number) string {
	if math.IsNaN(float64(n)) {
		return "-"
	}
	return fmt.Sprintf("%.1f", float64(n))
}
