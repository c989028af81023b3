package node

import (
	"fmt"
	"strings"
	"time"

	"ganglion/inference"
	"ganglion/proto/controlpb"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// thresholdsInForce is the thresholds by which samples of this node's site are answered now.
func (e *engine) thresholdsInForce() *controlpb.Thresholds {
	now, _ := e.thresholdsOfRun()
	return now
}

// thresholdsOfRun is the thresholds in force for the site and, where others have a beat ahead
// from which they are, those; else nil.
func (e *engine) thresholdsOfRun() (now, next *controlpb.Thresholds) {
	site := e.config.Site
	run := e.runRecord(site)
	if run == nil {
		return e.thresholdsSeen(), nil
	}
	at := e.present(site, run)
	if run.Ended(at) { // what is asked for from now on is under what is set
		return e.thresholdsSet(), nil
	}
	for i := range run.Entries {
		one := e.describeThresholds(roles.Model{Bundle: run.Entries[i].Bundle, Settings: run.Entries[i].Settings})
		if since := uint64(run.Entries[i].From); since > 0 {
			one.Since = &since
		}
		if run.Entries[i].From > at {
			return now, one
		}
		now = one
	}
	return now, nil
}

// present is the last beat of a run that has fallen.
func (e *engine) present(site roles.Site, run *roles.RunRecord) roles.Beat {
	now := e.now()
	if c := e.roles.Coordinator(site); c != nil {
		if own, since := c.Running(now); own == run {
			return run.BeatAt(since)
		}
	}
	if clock := e.roles.Device().Clock(); clock != nil && clock.Run().Run == run.Run {
		since, _ := clock.Since(now)
		return run.BeatAt(since)
	}
	return 0
}

// thresholdsSeen is those of the last beat that was answered, for a node without a part in the
// run, or where none is to be seen, those that the next sample will be under.
func (e *engine) thresholdsSeen() *controlpb.Thresholds {
	if run, beat := e.watchedRun(e.config.Site); run != 0 {
		id := roles.SampleID{Site: e.config.Site, Run: run, Beat: beat}
		if p := e.roles.Log(e.config.Site).Survivor(id); p != nil {
			if v, err := wire.DecodeVerdict(p.Sealed.Bytes); err == nil && v.Bundle != (inference.BundleID{}) {
				return e.describeThresholds(roles.Model{Bundle: v.Bundle, Settings: v.Settings})
			}
		}
	}
	return e.thresholdsSet()
}

// thresholdsSet is those that are set for the bundle in use.
func (e *engine) thresholdsSet() *controlpb.Thresholds {
	id := e.plan.current.ID()
	return e.describeThresholds(roles.Model{Bundle: id, Settings: e.plan.settings(id)})
}

// describeThresholds is thresholds for people and programs: of every exit that has some and
// every number of views. Without exits: they are not known here.
func (e *engine) describeThresholds(m roles.Model) *controlpb.Thresholds {
	out := &controlpb.Thresholds{Bundle: m.Bundle.String(), Version: m.Settings}
	if s, ok := e.mesh.Settings().Get(settingThresholds + m.Bundle.String()); ok && e.plan.chosen[m.Bundle] == m.Settings {
		out.Counter = s.Counter
	} else if one := e.catalog.versions.find(m); one != nil {
		out.Counter = one.counter
	}
	b := e.catalog.find(m.Bundle, m.Settings)
	if b == nil {
		return out
	}
	exits := b.Topology.Exits()
	for _, exit := range exits[:len(exits)-1] { // the last one always answers
		one := &controlpb.ExitThresholds{Exit: exit.String()}
		for seen := range b.Topology.Views {
			one.BySeen = append(one.BySeen, b.Thresholds.At(exit, seen+1))
		}
		out.Exits = append(out.Exits, one)
	}
	return out
}

// unsettled says why the thresholds that the mesh wants are not in force yet.
func (e *engine) unsettled() []string {
	id := e.plan.current.ID()
	chosen := e.plan.chosen[id]
	if chosen == 0 || id != e.plan.wanted {
		return nil
	}
	if e.catalog.find(id, chosen) == nil {
		return []string{fmt.Sprintf("the thresholds that are set for bundle %s are not for its exits and views, it keeps its own: set others, or none with 'ganglion calibrate --live --reset'", id.Short())}
	}
	var without []string
	for i := range e.members {
		m := &e.members[i]
		if !m.self && m.alive() && m.record != nil && m.record.Site == e.config.Site && len(m.record.Views) > 0 && m.record.Settings != chosen {
			without = append(without, m.name())
		}
	}
	if without == nil || e.now().Sub(e.plan.chosenAt) < unsettledQuiet {
		return nil
	}
	return []string{fmt.Sprintf("thresholds that are set are not in force: %s has not taken them; is it connected, and of this version? (ganglion members)", strings.Join(without, ", "))}
}

// unsettledQuiet is how long a change may take before it is worth a warning.
const unsettledQuiet = 5 * time.Second
