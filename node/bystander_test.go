package node

import (
	"testing"

	"ganglion/roles"
)

// TestWatchedRun: a node without a view and without a role hears verdicts and no heartbeat.
// It knows the run by them, so that `status` and `verdicts --from` answer there too; answers
// on demand, and verdicts that another has superseded, are of no run that goes on.
func TestWatchedRun(t *testing.T) {
	const site = "here"
	e := &engine{config: &Config{Site: site}, roles: roles.NewNode(0, roles.NodeConfig{Self: "self", Site: site, Groups: [][]int{{0}}})}
	if run := e.presentRun(site); run != 0 {
		t.Errorf("run %v before anything was heard", run)
	}
	if run := e.presentRun("elsewhere"); run != 0 {
		t.Errorf("run %v of a site that is not known", run)
	}
	heard := func(n uint64, sample roles.SampleID, supersededBy byte) {
		sample.Site = site
		p := &roles.Published{
			Seq:          roles.Seq{Epoch: roles.Epoch{Counter: 1, Peer: "other"}, N: n},
			Sealed:       &roles.Sealed{Sample: sample, Epoch: roles.Epoch{Counter: 1, Peer: "other"}, Hash: roles.Hash{byte(n)}},
			SupersededBy: roles.Hash{supersededBy},
		}
		e.roles.Heard(0, site, []*roles.Published{p}, 0, 0, &roles.Effects{})
	}
	heard(1, roles.SampleID{Run: 7, Beat: 41}, 0)
	heard(2, roles.SampleID{Run: 9, Beat: 3}, 1)
	heard(3, roles.SampleID{Request: 5}, 0)
	if run, beat := e.watchedRun(site); run != 7 || beat != 41 || e.presentRun(site) != 7 {
		t.Errorf("got run %v at beat %v, want run 7 at 41", run, beat)
	}
}
