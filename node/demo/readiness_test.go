package demo

import (
	"strings"
	"testing"

	"ganglion/proto/controlpb"
)

// place is a demo of two devices and a further node in which everything is in its place.
func place() ([]outlook, wants) {
	members := func() []*controlpb.Member {
		return []*controlpb.Member{
			{Name: "device-1", State: "alive", Views: []string{"camera0"}, Roles: []string{"device"}},
			{Name: "device-2", State: "alive", Views: []string{"camera1"}, Roles: []string{"device"}},
			{Name: "node-3", State: "alive", Roles: []string{"aggregator", "coordinator", "cloud"}},
		}
	}
	source := func(view string) []*controlpb.Source {
		return []*controlpb.Source{{View: view, Ready: true, Data: "da", Split: "test-1", Samples: 7}}
	}
	return []outlook{
		{name: "device-1", device: true, members: members(), status: &controlpb.StatusResponse{Bundle: "ab", Sources: source("camera0")}},
		{name: "device-2", device: true, members: members(), status: &controlpb.StatusResponse{Bundle: "ab", Sources: source("camera1")}},
		{name: "node-3", members: members(), status: &controlpb.StatusResponse{Bundle: "ab"}},
	}, wants{bundle: "ab", views: 2, data: "da"}
}

// A run that begins too early has samples without views, and a demo would say that the mesh
// is wrong: each thing that may be missing must hold it up.
func TestReadiness(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(nodes []outlook)
		want  string
	}{
		{"in place", func([]outlook) {}, ""},
		{"one does not answer", func(n []outlook) { n[1].status = nil }, "device-2 does not answer"},
		{"one is not seen", func(n []outlook) { n[2].members[0].State = "suspect" }, "node-3 sees 2 of 3 nodes"},
		{"another model", func(n []outlook) { n[1].status.Bundle = "cd" }, "device-2 has not got the model"},
		{"a source at fault", func(n []outlook) { n[0].status.Sources[0].Fault = "no such file" }, "device-1: no such file"},
		{"data not read", func(n []outlook) { n[0].status.Sources[0].Ready = false }, "device-1 has not read its data"},
		{"no view", func(n []outlook) { n[0].status.Sources[0].View = "" }, "device-1 has a source without a view"},
		{"other data", func(n []outlook) { n[0].status.Sources[0].Data = "db" }, "device-1 replays other data"},
		{"a view is not held", func(n []outlook) {
			for i := range n {
				n[i].members[1].Views = nil
			}
		}, "1 of 2 views are held"},
		{"no cloud", func(n []outlook) {
			for i := range n {
				n[i].members[2].Roles = []string{"aggregator", "coordinator"}
			}
		}, "there is no cloud"},
		{"no agreement", func(n []outlook) { n[1].members[2].Roles = []string{"aggregator", "coordinator"} }, "device-1 says that node-3 is aggregator cloud coordinator, device-2 says aggregator coordinator"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nodes, w := place()
			tt.spoil(nodes)
			got := w.lacks(nodes)
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want one with %q", got, tt.want)
			}
		})
	}
	if got := (&wants{}).lacks(nil); got == "" {
		t.Error("without a node everything is in its place")
	}
}

// Devices that replay different samples at a beat answer nonsense: a run must not begin.
func TestSplitOf(t *testing.T) {
	nodes, _ := place()
	if split, samples, err := splitOf(nodes); split != "test-1" || samples != 7 || err != nil {
		t.Errorf("got %q of %d, %v", split, samples, err)
	}
	nodes[1].status.Sources[0].Split = "all"
	if _, _, err := splitOf(nodes); err == nil {
		t.Error("two splits pass for one")
	}
	if _, _, err := splitOf(nodes[2:]); err == nil {
		t.Error("a demo without a replay passes")
	}
}
