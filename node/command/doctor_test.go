package command

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ganglion/mesh/discovery"
	"ganglion/mesh/secret"
	"ganglion/node/doctor"
	"ganglion/proto/controlpb"
)

func (a *asked) Diagnose(context.Context, *controlpb.DiagnoseRequest) (*controlpb.DiagnoseResponse, error) {
	a.diagnosis.Findings = doctor.Judge(a.diagnosis)
	return a.diagnosis, nil
}

// newDiagnosis is what a healthy node tells of itself, of two others and of its network.
func newDiagnosis() *controlpb.DiagnoseResponse {
	const gate, shed, barn = "192.168.1.2:4801", "192.168.1.3:4801", "192.168.1.4:4801"
	peer := func(name, address string, us int64, inbound bool) *controlpb.PeerReport {
		return &controlpb.PeerReport{
			Name: name, Peer: "peer-" + name, State: "alive", Up: true, Inbound: inbound, RoundTripUs: us, RoundTripP99Us: 3 * us, SinceMs: 90_000,
			Addresses: []string{address}, Version: "v0.3.0",
			Reach: []*controlpb.ReachReport{{Address: address, ElapsedUs: 900}}, Reached: []*controlpb.ReachReport{{Address: gate, ElapsedUs: 900}},
		}
	}
	member := func(name, view string, self bool, roles ...string) *controlpb.Member {
		return &controlpb.Member{
			Name: name, Peer: "peer-" + name, State: "alive", Self: self, Roles: roles, Views: []string{view}, Bundle: askedBundle, Version: "v0.3.0", SinceMs: 90_000,
		}
	}
	heard := func(name, address, way, iface string) *controlpb.HeardReport {
		return &controlpb.HeardReport{
			Name: name, Peer: "peer-" + name, Addresses: []string{address}, Mesh: "kx7q2mva", Way: way, Interface: iface, AgoMs: 2100, SinceMs: 90_000, BeaconVersion: 1,
		}
	}
	return &controlpb.DiagnoseResponse{
		Status: &controlpb.StatusResponse{
			Name: "gate", Peer: "peer-gate", Version: "v0.3.0", Mesh: "kx7q2mva", Addresses: []string{gate}, Alive: 3, UptimeMs: 3_723_000,
			Bundle: askedBundle, Published: askedBundle, Views: []string{"north", "east", "south"},
		},
		Interfaces: []*controlpb.InterfaceReport{
			{Name: "lo", Addresses: []string{"127.0.0.1/8"}, Used: true, Loopback: true, Up: true},
			{Name: "eth0", Addresses: []string{"192.168.1.2/24"}, Used: true, Up: true, Multicast: true, Broadcast: true},
			{Name: "docker0", Addresses: []string{"172.17.0.1/16"}, Up: true, Virtual: true, Why: "a bridge of containers or virtual machines, or a tunnel: name it to use it"},
		},
		Ways: []*controlpb.WayReport{
			{Way: "beacon", Interface: "eth0", Sent: 751, Heard: 1502, Own: 751, ForMs: 3_723_000, Refused: map[string]uint64{"replayed": 2, "alien": 1}},
			{Way: "beacon", Interface: "lo", Sent: 751, Own: 751, ForMs: 3_723_000},
			{Way: "mdns", Interface: "eth0", Sent: 1, Heard: 61, Own: 30, ForMs: 3_723_000},
		},
		Heard: []*controlpb.HeardReport{heard("barn", barn, "beacon", "eth0"), heard("shed", shed, "beacon", "eth0"), heard("shed", shed, "mdns", "")},
		Peers: []*controlpb.PeerReport{peer("barn", barn, 431, true), peer("shed", shed, 2130, false)},
		Members: []*controlpb.Member{
			member("barn", "south", false), member("gate", "north", true, "device", "aggregator", "coordinator"), member("shed", "east", false, "device", "cloud"),
		},
		Place:          &controlpb.PlaceReport{State: "/var/lib/gate", Mesh: "kx7q2mva", BeaconPort: 4801, Port: 4801, PortWanted: 4801, BeaconVersion: 1},
		RoundTripMaxUs: 100_000, WantedMs: 90_000,
	}
}

// ailing is the same node where more than one thing is wrong.
func ailing() *controlpb.DiagnoseResponse {
	d := newDiagnosis()
	d.Heard = append(d.Heard, &controlpb.HeardReport{
		Name: "neighbour", Addresses: []string{"192.168.1.9:4801"}, Mesh: "p2p9wxyz", Way: "beacon", Interface: "eth0", AgoMs: 700, SinceMs: 8000, BeaconVersion: 1,
	})
	for _, p := range d.Peers {
		p.Reached[0].Cause = "no-answer"
	}
	d.Members[0].Bundle = strings.Repeat("ab", 32)
	d.FullFrames, d.Place.StateFault = 12, "no space left on device"
	return d
}

// A person is told calmly that all is well, and at length what is not: the layout of both,
// of all that is known, and of a machine without a node.
func TestDoctorText(t *testing.T) {
	lone := &controlpb.DiagnoseResponse{
		Interfaces: newDiagnosis().GetInterfaces(), Ways: newDiagnosis().GetWays(), Place: &controlpb.PlaceReport{BeaconPort: 4801, PortWanted: 4801, BeaconVersion: 1, State: "/home/ada/.local/state/ganglion"},
		Heard: ailing().GetHeard()[3:],
	}
	remarked := newDiagnosis()
	remarked.Members[1].Version = "v0.4.0"
	for _, tt := range []struct {
		name    string
		facts   *controlpb.DiagnoseResponse
		verbose bool
	}{
		{"doctor-healthy", newDiagnosis(), false},
		{"doctor-remark", remarked, false},
		{"doctor-verbose", newDiagnosis(), true},
		{"doctor-ailing", ailing(), false},
		{"doctor-no-node", lone, false},
	} {
		tt.facts.Findings = doctor.Judge(tt.facts)
		var out strings.Builder
		if err := printDiagnosis(&out, tt.facts, tt.verbose); err != nil {
			t.Fatal(err)
		}
		golden(t, tt.name, out.String())
	}
}

// Scripts rely on the exit code and on the fields.
func TestDoctorExit(t *testing.T) {
	a := newAsked()
	a.diagnosis = newDiagnosis()
	ask(t, a)
	if out := must(t, "doctor"); !strings.HasPrefix(out, "node gate is healthy") || strings.Contains(out, "findings") {
		t.Errorf("healthy: %s", out)
	}
	var got struct {
		Healthy  bool
		Unasked  *string
		Findings []struct {
			Code, Text, Mend string
			Grave            bool
		}
		Status *struct{ Name string }
		Peers  []struct{ Reached []struct{ Cause string } }
	}
	if err := json.Unmarshal([]byte(must(t, "doctor", "--json", "--node", "gate")), &got); err != nil || !got.Healthy || got.Unasked != nil || got.Findings == nil || len(got.Findings) != 0 {
		t.Errorf("healthy, as JSON: %+v, %v", got, err)
	}
	a.diagnosis = ailing()
	code, out, errs := invoke("doctor")
	if code != exitFailed || !strings.Contains(out, "port-blocked") || !strings.Contains(errs, "not healthy: 3 things are to be mended") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	code, out, _ = invoke("doctor", "--json")
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitFailed || got.Healthy || got.Status.Name != "gate" {
		t.Fatalf("exit code %d, %v: %s", code, err, out)
	}
	if f := got.Findings[0]; f.Code != "state-unwritable" || !f.Grave || f.Text == "" || f.Mend == "" || got.Peers[0].Reached[0].Cause != "no-answer" {
		t.Errorf("as JSON: %+v", got)
	}
	if code, _, errs := invoke("doctor", "--node", "nobody"); code != exitFailed || !strings.Contains(errs, "nobody") {
		t.Errorf("a node that is not there: exit code %d, %s", code, errs)
	}
	if code, _, _ := invoke("doctor", "gate"); code != exitUsage {
		t.Errorf("an argument: exit code %d", code)
	}
}

// Where no node runs the doctor looks by itself, and a mistake in a token file is told
// without the token.
func TestDoctorWithoutNode(t *testing.T) {
	t.Setenv("GANGLION_RUN_DIR", filepath.Join(t.TempDir(), "run"))
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GANGLION_PORT", port)
	t.Setenv("GANGLION_BEACON_PORT", port)
	state, token := t.TempDir(), secret.NewToken()
	if _, err := secret.KeepToken(filepath.Join(state, "token"), token); err != nil {
		t.Fatal(err)
	}
	code, out, errs := invoke("doctor", "--interface", loopbackName(t), "--state", state)
	mesh := string(token.Keys().Fingerprint)
	if code != exitFailed || !strings.Contains(errs, "No node runs on this machine") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	for _, want := range []string{"no node runs here", "of mesh " + mesh, "no-node", "port-taken", port, state} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if err := os.WriteFile(filepath.Join(state, "token"), []byte(token.Reveal()[:20]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs = invoke("doctor", "--json", "--interface", loopbackName(t), "--state", state)
	if code != exitFailed || !strings.Contains(out, `"code":"token-unreadable"`) || !strings.Contains(out, `"healthy":false`) {
		t.Errorf("exit code %d, %s: %s", code, errs, out)
	}
	if strings.Contains(out+errs, token.Reveal()[6:20]) {
		t.Error("it repeats the token")
	}
}

// loopbackName is what the system calls the loopback interface.
func loopbackName(t *testing.T) string {
	t.Helper()
	interfaces, err := discovery.SystemInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		if i.Loopback() && len(i.Prefixes) > 0 {
			return i.Name
		}
	}
	t.Skip("no loopback interface is up")
	return ""
}
