package roles

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// sharedSetting is the mesh's setting of thresholds, as one process has it.
type sharedSetting struct {
	counter  uint64
	settings uint64 // 0: the bundle's own
}

// compare orders the settings, as package mesh/membership does.
func (s sharedSetting) compare(o sharedSetting) int {
	return cmp.Or(cmp.Compare(s.counter, o.counter), cmp.Compare(s.settings, o.settings))
}

// thresholdGrain is the distance of two thresholds that can be set: settings number s have
// s/thresholdGrain at every exit.
const thresholdGrain = 100

// under is the network of the world under some settings.
func (w *world) under(settings uint64) *Bundled {
	b := *w.bundle
	if settings != 0 {
		b.Thresholds = b.Thresholds.WithAll(float64(settings) / thresholdGrain)
	}
	return &b
}

// catalog has the bundle, under the settings that this process knows.
func (n *actor) catalog(_ inference.BundleID, settings uint64) *Bundled {
	switch {
	case settings == 0:
		return n.w.bundle
	case n.knows[settings]:
		return n.w.under(settings)
	case n.w.loose.unjudged:
		return n.w.bundle
	}
	return nil
}

// set changes the setting at a node: to a share of one, or to the bundle's own.
func set(name, value string) func(w *world) {
	return each1(name, func(w *world, n *actor) {
		if !n.up || n.paused {
			return
		}
		var settings uint64
		if share, err := strconv.ParseFloat(value, 64); err == nil {
			settings = uint64(share * thresholdGrain)
		}
		w.faulted = max(w.faulted, w.now)
		n.wants(sharedSetting{n.setting.counter + 1, settings})
	})
}

// wants has the process want what is set, once anything is.
func (n *actor) wants(s sharedSetting) {
	n.setting = s
	if s.counter == 0 {
		return
	}
	n.knows[s.settings] = true
	n.node.SetPlan(Plan{Period: n.w.period, Settings: s.settings})
	if n.timer != 0 {
		n.arm()
	}
}

// spreadSettings is one look of the membership at what is set.
func (w *world) spreadSettings() {
	for _, n := range w.actors {
		for _, other := range w.actors {
			if other == n || !n.up || n.paused || !other.up || other.paused || other.setting.compare(n.setting) <= 0 || !w.together(n, other) {
				continue
			}
			if w.tosses.Float64() >= w.net.late {
				n.wants(other.setting)
			}
		}
	}
}

// askThresholds asks the others for thresholds that samples in work are under.
func (n *actor) askThresholds(settings uint64) {
	n.lacked[settings] = true
	life := n.life
	n.w.after(4*n.w.net.way+ms, func() {
		for _, other := range n.w.actors {
			if n.life == life && other != n && other.up && !other.paused && other.knows[settings] && n.w.inTouch(n, other) {
				n.awake(func() { n.knows[settings] = true })
				return
			}
		}
	})
}

// capturedFor notes what views were captured for.
func (w *world) capturedFor(o *Observation) {
	if w.models[o.Sample] == nil {
		w.models[o.Sample] = map[int][]uint64{}
	}
	for _, v := range o.Views {
		w.models[o.Sample][v.View] = append(w.models[o.Sample][v.View], o.Settings)
	}
}

// hurry has an entry that was appended take effect at the next beat: a planted fault.
func (c *Coordinator) hurry(now Instant) {
	if c.run == nil || len(c.run.Entries) < 2 {
		return
	}
	before, last := c.run.Entries[len(c.run.Entries)-2], &c.run.Entries[len(c.run.Entries)-1]
	if soon := c.run.BeatAt(now.Sub(c.origin)) + 1; last.From > soon && soon > before.From {
		run := *c.run
		run.Entries = slices.Clone(run.Entries)
		run.Entries[len(run.Entries)-1].From = soon
		c.run = &run
	}
}

// mistake has an aggregator take scores as captured for the sample's settings: a planted fault.
func (n *actor) mistake(m Message) {
	s, ok := m.(*Scores)
	if !ok || !n.w.loose.blind {
		return
	}
	for i, o := range s.Items {
		for _, a := range n.node.sites[hall].held() {
			if open := a.open[o.Sample]; open != nil {
				as := *o
				as.Settings = open.first.Settings
				s.Items[i] = &as
			}
		}
	}
}

// checkSettings holds that no verdict mixes settings: every view that it has as seen was
// captured for the verdict's own, and the exit that answered is the one that their thresholds
// have answer.
func (w *world) checkSettings() {
	for _, id := range w.samples() {
		for _, p := range w.said[id] {
			v := w.verdicts[p.Sealed.Hash]
			for view := range each(v.Answer.Seen) {
				if of := w.models[id][view]; !slices.Contains(of, v.Settings) {
					w.breaks("one sample, one bundle and one settings", "%s by %s is under settings %d and has view %d as seen, captured for %v", id, p.by, v.Settings, view, of)
				}
			}
			if what := w.disobeys(v); what != "" {
				w.breaks("exits by its own thresholds", "%s by %s under settings %d: %s", id, p.by, v.Settings, what)
			}
		}
	}
}

// disobeys says in what a verdict's exit is not the one of its thresholds. Who never came to
// know them sent all up, which only what nobody answers excuses.
func (w *world) disobeys(v *Verdict) string {
	if v.Answer.Exit == topology.ExitNone {
		return ""
	}
	t := w.under(v.Settings).Thresholds
	answered := len(v.Answer.Proposals) - 1
	for i := range v.Answer.Proposals {
		switch within := v.Answer.Proposals[i].Exits(t); {
		case within && i < answered && !w.lackedSomewhere(v.Settings):
			return fmt.Sprintf("exit %d of %d would have answered", i, answered)
		case !within && i == answered && !v.StoppedEarly:
			return "the exit that answered is not within its threshold"
		}
	}
	return ""
}

// lackedSomewhere reports whether some process needed thresholds without knowing them.
func (w *world) lackedSomewhere(settings uint64) bool {
	return slices.ContainsFunc(w.actors, func(n *actor) bool { return n.lacked[settings] })
}

// randomSettings is changes of settings for some of the random scenarios, drawn apart from
// their faults.
func randomSettings(seed uint64) string {
	rng := rand.New(rand.NewPCG(seed, 29))
	if rng.IntN(3) > 0 {
		return ""
	}
	var lines []string
	at := 3200
	for range 1 + rng.IntN(4) {
		value := "own"
		if rng.IntN(4) > 0 {
			value = strconv.FormatFloat(float64(10*(1+rng.IntN(9)))/thresholdGrain, 'g', -1, 64)
		}
		lines = append(lines, fmt.Sprintf("at %dms set n%d %s", at+rng.IntN(1200), rng.IntN(3), value))
		if rng.IntN(2) == 0 {
			at += 700
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
