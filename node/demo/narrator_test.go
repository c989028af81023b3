package demo

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganglion/proto/controlpb"
)

// told is a script of events, "node kind key=value.. | text", and what is said of each.
func told(n *narrator, script string) string {
	var out strings.Builder
	for l := range strings.Lines(strings.TrimSpace(script)) {
		head, text, _ := strings.Cut(strings.TrimSpace(l), " | ")
		fields := strings.Fields(head)
		at := map[string]string{}
		for _, f := range fields[2:] {
			k, v, _ := strings.Cut(f, "=")
			at[k] = v
		}
		for _, l := range n.take(news{time.Time{}, fields[0], &controlpb.EventsResponse{Kind: fields[1], Text: text, Attributes: at}}) {
			out.WriteString(string(l.kind) + ": " + l.text + "\n")
		}
	}
	return out.String()
}

// Eight nodes tell of eight nodes; a newcomer is to hear each thing once, and with whom it
// is about by name.
func TestNarratorSaysThingsOnce(t *testing.T) {
	n := newNarrator(1)
	n.names = map[string]string{"p1": "device-1", "p2": "device-2", "p3": "node-3"}
	got := told(n, `
		device-1 found peer=p2 name=device-2 way=beacon | device-2 found by beacon
		device-2 found peer=p1 name=device-1 way=beacon | device-1 found by beacon
		node-3 found peer=p1 way=mdns | a node found by mdns
		device-1 joined peer=p2 name=device-2 | device-2 is in the mesh
		node-3 joined peer=p2 name=device-2 | device-2 is in the mesh
		device-2 joined peer=p3 name=node-3 | node-3 is in the mesh
		device-2 joined peer=p1 name=device-1 | device-1 is in the mesh
		device-1 view peer=p1 view=camera0 | device-1 feeds view camera0
		device-2 view peer=p1 view=camera0 | device-1 feeds view camera0
		device-1 elected role=cloud | nobody is cloud
		device-1 elected role=cloud peer=p3 | node-3 is cloud
		device-2 elected role=cloud peer=p3 before=p1 | node-3 takes over as cloud from device-1
		device-2 elected role=aggregator/default/0 peer=p2 | device-2 is aggregator
		device-1 bundle bundle=ab | model ab fetched from a peer: 4711 bytes, checked
		device-1 bundle bundle=ab | bundle ab is in use
		device-2 bundle bundle=ab | model ab fetched from a peer: 4711 bytes, checked
		device-1 run run=1 | run 1 has begun
		device-1 verdict sample=a | first verdict: car, by the local exit, from camera0
		device-2 verdict sample=a | first verdict: car, by the local exit, from camera0
		device-2 warning mesh=zz | another mesh is on this network
		device-2 warning | the disk is full
		device-1 warning | the disk is full
	`)
	want := `found: device-1 hears device-2 (beacon): nobody told them of each other
joined: device-2 is in the mesh, found by beacon
joined: node-3 is in the mesh
joined: device-1 is in the mesh, found by beacon
view: device-1 feeds view camera0
elected: node-3 is cloud: it answers the rest
elected: device-2 is aggregator: it answers what the devices are sure of together
model: device-1: model ab fetched from a peer: 4711 bytes, checked
model: device-2: model ab fetched from a peer: 4711 bytes, checked
verdict: first verdict: car, by the local exit, from camera0
warning: device-2: the disk is full
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A node that somebody kills and starts again is gone once and back once, whatever order
// eight nodes say so in; and a role that comes back to who had it is told.
func TestNarratorTellsOfReturns(t *testing.T) {
	n := newNarrator(1)
	n.names = map[string]string{"p1": "device-1", "p2": "device-2", "p3": "node-3"}
	told(n, `
		device-1 joined peer=p3 name=node-3 | node-3 is in the mesh
		device-2 joined peer=p3 name=node-3 | node-3 is in the mesh
		device-1 joined peer=p2 name=device-2 | device-2 is in the mesh
		device-1 view peer=p2 view=camera0 | device-2 feeds view camera0
		device-2 view peer=p2 view=camera0 | device-2 feeds view camera0
		device-1 elected role=cloud peer=p3 | node-3 is cloud
		device-2 elected role=cloud peer=p3 | node-3 is cloud
	`)
	n.died("device-2", "signal: killed")
	got := told(n, `
		device-1 down peer=p2 name=device-2 | device-2 is gone
		device-1 joined peer=p2 name=device-2 | device-2 is in the mesh
		node-3 down peer=p2 name=device-2 | device-2 is gone
		node-3 joined peer=p2 name=device-2 | device-2 is in the mesh
		node-3 view peer=p2 view=camera0 | device-2 feeds view camera0
		device-1 view peer=p2 view=camera0 | device-2 feeds view camera0
		device-1 view peer=p2 view=camera0 | device-2 feeds view camera0
		device-1 down peer=p3 name=node-3 | node-3 is gone
		device-1 elected role=cloud peer=p1 before=p3 | device-1 takes over
		device-1 joined peer=p3 name=node-3 | node-3 is in the mesh
		device-2 down peer=p3 name=node-3 | node-3 is gone
		device-2 elected role=cloud peer=p1 before=p3 | device-1 takes over
		device-1 elected role=cloud peer=p3 before=p1 | node-3 takes over
		device-2 joined peer=p3 name=node-3 | node-3 is in the mesh
		device-2 elected role=cloud peer=p3 before=p1 | node-3 takes over
		device-1 left peer=p2 name=device-2 | device-2 has left
		node-3 left peer=p2 name=device-2 | device-2 has left
	`)
	want := `joined: device-2 is in the mesh again
view: device-2 feeds view camera0
gone: node-3 is gone
elected: device-1 takes over as cloud from node-3
joined: node-3 is in the mesh again
elected: node-3 takes over as cloud from device-1
gone: device-2 has left
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The end of a process is told where it happened; what the others then notice of it is no
// news, but who takes its place is.
func TestNarratorTellsOfTheDead(t *testing.T) {
	n := newNarrator(2)
	n.names = map[string]string{"p1": "device-1", "p3": "node-3", "p4": "node-4"}
	told(n, `
		device-1 elected role=aggregator/default/1 peer=p3 | node-3 is aggregator
		device-1 elected role=cloud peer=p3 | node-3 is cloud
	`)
	var got strings.Builder
	for _, l := range n.died("node-3", "signal: killed") {
		got.WriteString(l.text + "\n")
	}
	got.WriteString(told(n, `
		device-1 down peer=p3 name=node-3 | node-3 is gone
		device-1 elected role=cloud peer=p4 before=p3 | node-4 takes over as cloud from node-3
		node-4 elected role=aggregator/default/1 peer=p4 before=p3 | node-4 takes over
		device-1 elected role=aggregator/default/1 peer=p4 before=p3 | node-4 takes over
	`))
	want := `node-3 ended (signal: killed); it was aggregator of group 1 and cloud. The others go on
elected: node-4 takes over as cloud from node-3
elected: node-4 takes over as aggregator of group 1 from node-3
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
