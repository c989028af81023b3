package command

import (
	"fmt"
	"strings"
	"time"

	"ganglion/node/chaos"
	"ganglion/node/demo"
)

// actText is what the act came to: what became of its samples, and what each death cost.
func actText(a *demo.Act, paint func(s style, text string) string) string {
	var out strings.Builder
	s := section{
		title: "The act: a second run, in which nodes were killed",
		names: []string{"killed", "was", "noticed", "role moved", "next answer", "largest gap", "in flight", "of them lost"},
	}
	for i := range a.Faults {
		f := &a.Faults[i]
		for _, n := range f.Targets {
			noticed, moved, next := "-", "-", "-"
			if len(f.Noticed) > 0 {
				noticed = actTime(f.Noticed[0].Since)
			}
			if len(f.Moved) > 0 {
				moved = actTime(f.Moved[len(f.Moved)-1].Since)
			}
			if f.First != nil {
				next = actTime(f.First.Since)
			}
			s.add(n.Name, actPlace(n), noticed, moved, next, actTime(f.LargestGap),
				fmt.Sprint(f.InFlight.Samples), fmt.Sprint(f.InFlight.Waiting))
		}
	}
	if a.Interrupted {
		s.title = "The act, as far as it came"
	}
	out.WriteString(s.String())
	looks, fate := good, "nothing was lost"
	switch {
	case a.Interrupted:
		looks, fate = faint, "interrupted"
	case a.Lost > 0 || a.Open > 0 || a.Wrong > 0 || !a.Complete():
		looks, fate = bad, fmt.Sprintf("%d verdicts came, %d of them wrong", a.Samples, a.Wrong)
	}
	fmt.Fprintf(&out, "  Times are since the kill -9; before it the largest gap between two answers was %.0f ms.\n", a.CalmGapMS)
	fmt.Fprintf(&out, "  %d samples due = %d decided + %d refused + %d lost + %d open; %d nobody saw: %s\n",
		a.Due, a.Decided, a.Refused, a.Lost, a.Open, a.NoView, paint(looks, fate))
	return out.String()
}

// actPlace is what a node was.
func actPlace(n chaos.Node) string {
	does := append([]string{}, n.Views...)
	for _, r := range n.Roles {
		if r != "device" {
			does = append(does, r)
		}
	}
	if len(does) == 0 {
		return "without work"
	}
	return strings.Join(does, ", ")
}

// actTime is a time since a fault.
func actTime(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
