package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ganglion/node/chaos"
)

// entryText is an entry of the act's timeline for somebody who sees this for the first time.
func entryText(e *chaos.Entry, targets []chaos.Node) (Kind, string) {
	switch e.What {
	case chaos.Injected:
		var all []string
		for _, n := range targets {
			all = append(all, killedText(n))
		}
		return Struck, strings.Join(all, "; ")
	case chaos.Noticed:
		return Noticed, after(e)
	case chaos.Claimed:
		return Claimed, after(e)
	case chaos.Moved:
		return Elected, after(e)
	case chaos.Answered:
		return Decided, after(e)
	default: // nobody comes back in an act
		return Warned, after(e)
	}
}

// killedText says who is killed and what is lost with it.
func killedText(n chaos.Node) string {
	var does []string
	roles := slices.DeleteFunc(slices.Clone(n.Roles), func(r string) bool { return r == "device" })
	if len(roles) > 0 {
		does = append(does, "it is "+strings.Join(roles, ", "))
	}
	switch len(n.Views) {
	case 0:
	case 1:
		does = append(does, fmt.Sprintf("it feeds %s, which is missing from now on", n.Views[0]))
	default:
		does = append(does, fmt.Sprintf("it feeds %s, which are missing from now on", strings.Join(n.Views, ", ")))
	}
	if len(does) == 0 {
		does = append(does, "it has nothing to do")
	}
	return fmt.Sprintf("%s is killed (kill -9): %s", n.Name, strings.Join(does, ", and "))
}

// after is an entry with the time since the fault before it.
func after(e *chaos.Entry) string {
	const precise = 10 * time.Second // milliseconds say something below
	since := fmt.Sprintf("%d ms", e.Since.Milliseconds())
	if e.Since >= precise {
		since = fmt.Sprintf("%.1f s", e.Since.Seconds())
	}
	return fmt.Sprintf("after %s: %s", since, e.Text)
}

// flightText says what became of the samples in flight at a death. What the dead decided
// counts where the seal of it was stored elsewhere.
func flightText(r *chaos.Report) string {
	parts := []string{r.InFlight.String()}
	for _, n := range r.Targets {
		if r.InFlight.By[n.Name] > 0 {
			parts = append(parts, "the seals of what "+n.Name+" had decided outlived it")
		}
	}
	return strings.Join(parts, "; ")
}
