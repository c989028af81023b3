package command

import (
	"encoding/json"
	"strings"
	"testing"

	"ganglion/proto/controlpb"
)

// What is not as it should be has to stand out: a source without a view, a lost sample, a
// bundle that is not there yet, a warning.
func TestStatusText(t *testing.T) {
	ask(t, newAsked())
	golden(t, "status", must(t, "status"))
	idle := newAsked()
	idle.status = &controlpb.StatusResponse{
		Name: "new", Peer: askedPeer, Pid: 7, Version: "devel", Mesh: "open0000", Open: true, Api: "127.0.0.1:4802", Site: "default", Alive: 1,
		Bundle: askedBundle, Views: []string{"only"}, Classes: []string{"a"},
	}
	ask(t, idle)
	golden(t, "status-idle", must(t, "status"))
}

// Programs find every field under its name in the schema, numbers as numbers, and zero
// where there is none.
func TestStatusJSON(t *testing.T) {
	a := newAsked()
	a.status.Retention, a.status.Tally.Refused = nil, 0
	ask(t, a)
	out := must(t, "status", "--json")
	var got struct {
		PID       *int64 `json:"pid"`
		Published *string
		Open      *bool
		Tally     struct{ Due, Refused *uint64 }
		Sources   []struct{ Kind, Ref, View, Fault *string }
		Retention *struct{}
		Traffic   struct {
			Protocols []struct {
				SentBytes *uint64 `json:"sent_bytes"`
			}
		}
		StandbyFor []string `json:"standby_for"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	switch {
	case got.PID == nil || *got.PID != 4242, got.Open == nil || *got.Open, got.Published == nil:
		t.Errorf("plain fields: %s", out)
	case got.Tally.Due == nil || *got.Tally.Due != 418 || got.Tally.Refused == nil || *got.Tally.Refused != 0:
		t.Errorf("tally: %s", out)
	case len(got.Sources) != 2 || got.Sources[1].View == nil || *got.Sources[0].View != "north":
		t.Errorf("sources: %s", out)
	case got.Retention != nil || !strings.Contains(out, `"retention":null`):
		t.Errorf("a message that is absent: %s", out)
	case len(got.Traffic.Protocols) != 1 || *got.Traffic.Protocols[0].SentBytes != 90_210:
		t.Errorf("traffic: %s", out)
	case len(got.StandbyFor) != 1:
		t.Errorf("standby_for: %s", out)
	}
}

// Which node is asked, and what is said where there is none.
func TestWhichNode(t *testing.T) {
	t.Setenv("GANGLION_RUN_DIR", t.TempDir()+"/none")
	code, _, errs := invoke("status")
	if code != exitFailed || !strings.Contains(errs, "no node runs on this machine: start one with 'ganglion node'") {
		t.Errorf("without a node: exit code %d, %s", code, errs)
	}
	ask(t, newAsked())
	if out := must(t, "status", "--node", "gate"); !strings.Contains(out, "gate") {
		t.Errorf("by name: %s", out)
	}
	code, _, errs = invoke("status", "--node", "gat")
	if code != exitFailed || !strings.Contains(errs, "here run gate (PID") {
		t.Errorf("by a wrong name: exit code %d, %s", code, errs)
	}
	_, out, _ := invoke("__complete", "status", "--node", "")
	if !strings.HasPrefix(out, "gate\tPID ") {
		t.Errorf("completion of --node: %q", out)
	}
}
