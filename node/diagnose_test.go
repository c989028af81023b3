package node_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ganglion/node"
	"ganglion/node/nodetest"
	"ganglion/proto/controlpb"
)

// diagnose is the diagnosis of a node of a mesh.
func diagnose(t *testing.T, m *nodetest.Mesh, name string) *controlpb.DiagnoseResponse {
	t.Helper()
	d, err := m.API(name).Diagnose(t.Context(), &controlpb.DiagnoseRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// grave are the codes of what is to be mended.
func grave(d *controlpb.DiagnoseResponse) (codes []string) {
	for _, f := range d.GetFindings() {
		if f.GetGrave() {
			codes = append(codes, f.GetCode())
		}
	}
	return codes
}

// awaitFinding waits until a node finds something, and returns what it says.
func awaitFinding(t *testing.T, m *nodetest.Mesh, name, code string) *controlpb.Finding {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	for {
		d := diagnose(t, m, name)
		for _, f := range d.GetFindings() {
			if f.GetCode() == code {
				return f
			}
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			t.Fatalf("%s never finds %s; it finds %v", name, code, d.GetFindings())
		}
	}
}

// A healthy mesh is told so, with facts of every part: each member was dialled and dialled
// back, and own beacons came back.
func TestDiagnoseHealthy(t *testing.T) {
	m := nodetest.Start(t, nodetest.Devices(street, 2), nodetest.Spares(1))
	m.Settle(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	var d *controlpb.DiagnoseResponse
	for heard := 0; heard < 2; heard = len(d.GetHeard()) { // discovery tells what it heard now and then
		if d = diagnose(t, m, "device-0"); ctx.Err() != nil {
			t.Fatalf("nobody is heard: %v", d)
		}
	}
	if len(d.GetFindings()) > 0 {
		t.Errorf("nothing is wrong, and it finds %v", d.GetFindings())
	}
	if len(d.GetPeers()) != 2 || len(d.GetMembers()) != 3 || d.GetStatus().GetName() != "device-0" {
		t.Errorf("peers %v, members %v", d.GetPeers(), d.GetMembers())
	}
	for _, p := range d.GetPeers() {
		yes := func(r *controlpb.ReachReport) bool { return r.GetCause() == "" && r.GetAddress() != "" }
		if !p.GetUp() || !slices.ContainsFunc(p.GetReach(), yes) || !slices.ContainsFunc(p.GetReached(), yes) {
			t.Errorf("peer %v", p)
		}
	}
	beacon := slices.IndexFunc(d.GetWays(), func(w *controlpb.WayReport) bool { return w.GetWay() == "beacon" })
	if w := d.GetWays()[beacon]; w.GetSent() == 0 || w.GetHeard() == 0 || w.GetOwn() == 0 || w.GetInterface() == "" {
		t.Errorf("beacon: %v", w)
	}
	quick, err := m.API("device-0").Diagnose(t.Context(), &controlpb.DiagnoseRequest{WithoutProbes: true})
	if err != nil || len(quick.GetPeers()[0].GetReach()) != 0 {
		t.Errorf("without probes: %v, %v", quick.GetPeers(), err)
	}
}

// A model was published that no node has: all say so, and what to type.
func TestDiagnoseMissingBundle(t *testing.T) {
	m := nodetest.Start(t, nodetest.Devices(street, 2))
	m.Settle(t.Context())
	absent := strings.Repeat("ab", 32)
	if _, err := m.API("device-0").Set(t.Context(), &controlpb.SetRequest{Key: "bundle", Value: absent}); err != nil {
		t.Fatal(err)
	}
	for _, name := range m.Names() {
		if f := awaitFinding(t, m, name, "missing-bundle"); !f.GetGrave() || !strings.Contains(f.GetText(), absent[:12]) || !strings.Contains(f.GetMend(), "ganglion model publish") {
			t.Errorf("%s finds %v", name, f)
		}
	}
}

// Two sources claim one view: the node whose claim is the younger says who feeds it.
func TestDiagnoseViewTwice(t *testing.T) {
	m := nodetest.Start(t, nodetest.Device(street, "2"))
	m.Settle(t.Context())
	m.Add(nodetest.Device(street, "2"))
	f := awaitFinding(t, m, "device-1", "view-claimed-twice")
	if !f.GetGrave() || !strings.Contains(f.GetText(), "device-0 feeds it") || !strings.Contains(f.GetMend(), "--view") {
		t.Errorf("found %v", f)
	}
	if codes := grave(diagnose(t, m, "device-0")); len(codes) > 0 {
		t.Errorf("the older finds %v", codes)
	}
}

// Members of different versions of the program, that understand one another.
func TestDiagnoseVersions(t *testing.T) {
	m := nodetest.Start(t, nodetest.Device(street, "0"), nodetest.Configure(func(c *node.Config) { c.Version = "v9.9.9" }))
	m.Add(nodetest.Spares(1), nodetest.Configure(func(c *node.Config) { c.Version = "v0.0.1" }))
	m.Settle(t.Context())
	if f := awaitFinding(t, m, "spare-0", "versions-differ"); f.GetGrave() || !strings.Contains(f.GetText(), "v9.9.9 (device-0)") {
		t.Errorf("found %v", f)
	}
}

// Nobody is there: the finding that a node is alone, once it has been for long enough.
func TestDiagnoseAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := nodetest.StartVirtual(t, 1, nodetest.Quality{Latency: time.Millisecond}, nodetest.Device(street, "0"))
		time.Sleep(5 * time.Second) //nolint:forbidigo // virtual
		if d := diagnose(t, v.Mesh, "device-0"); len(d.GetFindings()) > 0 {
			t.Errorf("a moment after the start it finds %v", d.GetFindings())
		}
		time.Sleep(10 * time.Second) //nolint:forbidigo // virtual
		if codes := grave(diagnose(t, v.Mesh, "device-0")); !slices.Equal(codes, []string{"alone"}) {
			t.Errorf("it finds %v", codes)
		}
	})
}

// What one node sends is lost, what the other sends arrives: the connection ends, and both say
// that the other cannot be dialled.
func TestDiagnoseOneWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := nodetest.StartVirtual(t, 1, nodetest.Quality{Latency: time.Millisecond}, nodetest.Devices(street, 3))
		v.Settle(t.Context())
		if d := diagnose(t, v.Mesh, "device-0"); len(d.GetFindings()) > 0 {
			t.Errorf("while all is well it finds %v", d.GetFindings())
		}
		v.Sever("device-0", "device-1")
		until := func(what string, so func(codes []string) bool) {
			t.Helper()
			var d *controlpb.DiagnoseResponse
			for began := time.Now(); time.Since(began) < nodetest.VirtualPatience; time.Sleep(time.Second) { //nolint:forbidigo // virtual
				if d = diagnose(t, v.Mesh, "device-0"); so(grave(d)) {
					return
				}
			}
			t.Fatalf("%s: it finds %v: %v", what, d.GetFindings(), d.GetPeers())
		}
		until("cut one way", func(codes []string) bool { return slices.Contains(codes, "port-blocked") })
		v.Heal()
		until("healed", func(codes []string) bool { return len(codes) == 0 })
	})
}
