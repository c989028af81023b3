package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"ganglion/inference"
	"ganglion/mesh"
	"ganglion/roles"
)

// checkThresholds says which settings of thresholds there may be. Whether they are for the
// bundle is for whoever has it.
func checkThresholds(id, value string) error {
	if _, err := parseBundleID(id); err != nil {
		return err
	}
	if value == "" {
		return nil // the bundle's own again
	}
	_, err := inference.ParseThresholds(value)
	return err
}

// choose takes the mesh's thresholds anew.
func (p *planner) choose(ctx context.Context) {
	before := p.chosen
	p.chosen = map[inference.BundleID]uint64{}
	defer func() {
		if !maps.Equal(before, p.chosen) {
			p.chosenAt = p.engine.now()
		}
	}()
	for _, s := range p.engine.mesh.Settings().All() {
		key, ok := strings.CutPrefix(s.Key, settingThresholds)
		if !ok || len(s.Value) == 0 {
			continue
		}
		id, err := parseBundleID(key)
		if err != nil {
			continue // they are checked before they are kept
		}
		t, err := inference.ParseThresholds(string(s.Value))
		if err != nil {
			continue
		}
		p.chosen[id] = p.engine.catalog.learn(id, t, s.Counter, p.engine.inUse)
		if before[id] != p.chosen[id] && p.engine.catalog.loaded[id] != nil && p.settings(id) == 0 {
			p.log.WarnContext(ctx, "thresholds of the mesh are not for this bundle; it keeps its own", "bundle", id.Short(), "signer", s.Signer.Short())
		}
	}
}

// settings is the version of the mesh's thresholds for a bundle that is loaded; 0: its own,
// also where the mesh's are not for it.
func (p *planner) settings(id inference.BundleID) uint64 {
	s := p.chosen[id]
	if s == 0 || p.engine.catalog.find(id, s) == nil {
		return 0
	}
	return s
}

// inUse reports whether samples are, or are soon to be, of a bundle and settings.
func (e *engine) inUse(m roles.Model) bool {
	if e.plan.chosen[m.Bundle] == m.Settings {
		return true
	}
	if e.roles == nil {
		return false
	}
	for _, site := range e.roles.Sites() {
		run := e.runRecord(site)
		if run == nil {
			continue
		}
		for _, one := range run.Entries {
			if one.Bundle == m.Bundle && one.Settings == m.Settings {
				return true
			}
		}
	}
	return false
}

// The times and sizes of asking others for thresholds.
const (
	versionWait  = 300 * time.Millisecond // for the answers
	versionAgain = 5 * time.Second        // until all are asked again who did not know
	versionAsked = 16                     // members at once
	versionBytes = 64                     // of a request
	lackingMost  = 64                     // versions that are asked for at once
)

// lacking is the versions that were asked for, and when all of them may be asked for again.
type lacking map[roles.Model]roles.Instant

// lack asks other nodes for thresholds that samples in work here are under.
func (e *engine) lack(ctx context.Context, m roles.Model) {
	now := e.now()
	for one, until := range e.plan.lacking { // each by itself: the order does not matter
		if now >= until {
			delete(e.plan.lacking, one)
		}
	}
	if _, asked := e.plan.lacking[m]; asked || len(e.plan.lacking) >= lackingMost {
		return
	}
	if e.plan.lacking == nil {
		e.plan.lacking = lacking{}
	}
	e.plan.lacking[m] = now.Add(versionAgain)
	var peers []mesh.MemberID
	for i := range e.members {
		if one := &e.members[i]; !one.self && one.alive() && e.mesh.Up(one.ID) && len(peers) < versionAsked {
			peers = append(peers, one.ID)
		}
	}
	e.group.Go(func() {
		t, err := e.askVersion(ctx, m, peers)
		if err != nil {
			e.log.WarnContext(ctx, "thresholds of samples are not known here; those in work are answered by the last exit",
				"bundle", m.Bundle.Short(), "settings", m.Settings, "error", err)
			return
		}
		e.later(func() { e.catalog.learn(m.Bundle, t, 0, e.inUse) })
	})
}

var errNobodyKnows = errors.New("no node that answers knows them")

// askVersion asks peers for thresholds, and takes the first that are those: their version
// follows from their values.
func (e *engine) askVersion(ctx context.Context, m roles.Model, peers []mesh.MemberID) (inference.Thresholds, error) {
	ctx, cancel := context.WithTimeout(ctx, versionWait)
	defer cancel()
	answers := make([]inference.Thresholds, len(peers))
	faults := make([]error, len(peers))
	var asking sync.WaitGroup
	for i, peer := range peers {
		asking.Go(func() {
			if answers[i], faults[i] = e.askVersionOf(ctx, m, peer); faults[i] == nil {
				cancel() // one is enough
			}
		})
	}
	asking.Wait()
	for i, err := range faults {
		if err == nil {
			return answers[i], nil
		}
	}
	return inference.Thresholds{}, errors.Join(append(faults, errNobodyKnows)...)
}

func (e *engine) askVersionOf(ctx context.Context, m roles.Model, peer mesh.MemberID) (t inference.Thresholds, err error) {
	request := binary.BigEndian.AppendUint64(append([]byte{}, m.Bundle[:]...), m.Settings)
	reply, err := e.mesh.Request(ctx, peer, kindVersion, request, inference.MaxThresholdsText)
	if err != nil {
		return t, fmt.Errorf("ask %s: %w", peer.Short(), err)
	}
	if t, err = inference.ParseThresholds(string(reply)); err != nil {
		return t, fmt.Errorf("%s told %w", peer.Short(), err)
	}
	if settingsOf(m.Bundle, t) != m.Settings {
		return t, fmt.Errorf("%s told other thresholds than were asked for", peer.Short())
	}
	return t, nil
}

// serveVersion answers with thresholds that this node knows.
func (e *engine) serveVersion(m mesh.Message) {
	var asked roles.Model
	if len(m.Payload) != len(asked.Bundle)+8 {
		e.refuse(m, "malformed question for thresholds")
		return
	}
	copy(asked.Bundle[:], m.Payload)
	asked.Settings = binary.BigEndian.Uint64(m.Payload[len(asked.Bundle):])
	e.later(func() {
		one := e.catalog.versions.find(asked)
		if one == nil {
			e.refuse(m, "these thresholds are not known here")
			return
		}
		e.reply(m, []byte(one.thresholds.String()))
	})
}
