package doctor

import (
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"ganglion/proto/controlpb"
)

// healthy are the facts of a node of three on one network, to which nothing is wrong.
func healthy() *controlpb.DiagnoseResponse {
	member := func(name, address string, self bool, roles ...string) *controlpb.Member {
		return &controlpb.Member{
			Name: name, Peer: "peer-" + name, Addresses: []string{address}, Roles: roles, State: "alive", Bundle: "b1", Version: "v1",
			Self: self, SinceMs: 60_000, Views: []string{"north"},
		}
	}
	peer := func(name, address string) *controlpb.PeerReport {
		reach := []*controlpb.ReachReport{{Address: address}}
		back := []*controlpb.ReachReport{{Address: "192.168.1.2:4801"}}
		return &controlpb.PeerReport{
			Name: name, Peer: "peer-" + name, State: "alive", Up: true, RoundTripUs: 400, Addresses: []string{address}, Reach: reach, Reached: back,
			SinceMs: 60_000, Version: "v1",
		}
	}
	hears := func(name, address, way, iface string) *controlpb.HeardReport {
		return &controlpb.HeardReport{
			Name: name, Peer: "peer-" + name, Addresses: []string{address}, Mesh: "ours", Way: way, Interface: iface, AgoMs: 2000, SinceMs: 60_000, BeaconVersion: 1,
		}
	}
	const shed, barn = "192.168.1.3:4801", "192.168.1.4:4801"
	return &controlpb.DiagnoseResponse{
		Interfaces: []*controlpb.InterfaceReport{
			{Name: "lo", Addresses: []string{"127.0.0.1/8"}, Used: true, Loopback: true, Up: true},
			{Name: "eth0", Addresses: []string{"192.168.1.2/24"}, Used: true, Multicast: true, Broadcast: true, Up: true},
			{Name: "docker0", Addresses: []string{"172.17.0.1/16"}, Why: "a bridge", Virtual: true, Up: true},
			{Name: "wlan0", Why: "down"},
		},
		Ways: []*controlpb.WayReport{
			{Way: "beacon", Interface: "lo", Sent: 20, Own: 20, ForMs: 60_000},
			{Way: "beacon", Interface: "eth0", Sent: 20, Own: 20, Heard: 40, ForMs: 60_000},
			{Way: "mdns", Interface: "eth0", Sent: 1, Own: 1, Heard: 2, ForMs: 60_000},
			{Way: "remembered", Heard: 2},
		},
		Heard: []*controlpb.HeardReport{hears("shed", shed, "beacon", "eth0"), hears("shed", shed, "mdns", ""), hears("barn", barn, "beacon", "eth0")},
		Peers: []*controlpb.PeerReport{peer("barn", barn), peer("shed", shed)},
		Status: &controlpb.StatusResponse{
			Name: "gate", Peer: "peer-gate", Mesh: "ours", Addresses: []string{"192.168.1.2:4801"}, Bundle: "b1", UptimeMs: 60_000,
		},
		Members: []*controlpb.Member{
			member("gate", "192.168.1.2:4801", true, "aggregator", "coordinator"), member("shed", shed, false, "cloud"), member("barn", barn, false),
		},
		Place:          &controlpb.PlaceReport{State: "/var/lib/gate", Mesh: "ours", BeaconPort: 4801, Port: 4801, PortWanted: 4801, BeaconVersion: 1},
		RoundTripMaxUs: 100_000, SlowestUs: 900, Slowest: "barn",
	}
}

// lonely are the facts of the same node where nobody is.
func lonely() *controlpb.DiagnoseResponse {
	r := healthy()
	r.Heard, r.Peers, r.Members, r.AloneMs = nil, nil, r.GetMembers()[:1], 60_000
	r.Members[0].Roles = []string{"aggregator", "coordinator", "cloud"}
	r.Ways[1].Heard, r.Ways[2].Heard = 0, 0
	return r
}

type facts = controlpb.DiagnoseResponse

// fails is what came of an address where nothing comes of dialling it.
func fails(address, cause string) []*controlpb.ReachReport {
	return []*controlpb.ReachReport{{Address: address, Cause: cause, Fault: "it failed"}}
}

// foreigner is a node of another mesh.
func foreigner(mesh string, version uint32, open bool) *controlpb.HeardReport {
	return &controlpb.HeardReport{
		Name: "neighbour", Addresses: []string{"192.168.1.9:4801"}, Mesh: mesh, Way: "beacon", Interface: "eth0", SinceMs: 60_000, BeaconVersion: version, Open: open,
	}
}

// verdict is a finding in short: its code, with an exclamation mark where it is grave.
func verdict(f *controlpb.Finding) string {
	if f.GetGrave() {
		return f.GetCode() + "!"
	}
	return f.GetCode()
}

// row is facts and what is to be found in them.
type row struct {
	name   string
	from   func() *facts // nil: healthy
	change func(*facts)
	want   []string // findings, in order
	says   []string // what the first has in it, text or mend
}

func rows() []row {
	return slices.Concat(nodeRows(), networkRows(), meshRows(), workRows())
}

func nodeRows() []row {
	without := func(change func(*facts)) func(*facts) {
		return func(r *facts) {
			r.Status, r.Members, r.Peers, r.Heard = nil, nil, nil, nil
			change(r)
		}
	}
	return []row{
		{name: "healthy", change: func(*facts) {}},
		{name: "no node, a token", change: without(func(*facts) {}), want: []string{"no-node!"}, says: []string{"'ganglion node'", "token of mesh ours"}},
		{name: "no node, a mesh is heard", change: without(func(r *facts) {
			r.Place.Mesh, r.Heard = "", []*controlpb.HeardReport{foreigner("theirs", 1, false)}
		}), want: []string{"no-node!"}, says: []string{"'ganglion node --token-file -'", "mesh theirs"}},
		{name: "no node, nothing", change: without(func(r *facts) { r.Place.Mesh = "" }), want: []string{"no-node!"}, says: []string{"founds one"}},
		{name: "no node, the wrong token", change: without(func(r *facts) {
			r.Heard = []*controlpb.HeardReport{foreigner("theirs", 1, false)}
		}), want: []string{"no-node!", "wrong-token!"}},
		{name: "no node, the right token", change: without(func(r *facts) {
			r.Heard = []*controlpb.HeardReport{foreigner("ours", 1, false), foreigner("theirs", 1, false)}
		}), want: []string{"no-node!", "other-mesh"}},
		{name: "no node, a token that others may read", change: without(func(r *facts) {
			r.Place.Mesh, r.Place.TokenFault = "", "others may read it"
		}), want: []string{"no-node!", "token-unreadable!"}},
		{name: "no node, the port is taken", change: without(func(r *facts) { r.Place.PortFault = "address already in use" }), want: []string{"no-node!", "port-taken"}},
		{name: "another port", change: func(r *facts) { r.Place.Port = 34567 }, want: []string{"port-taken"}, says: []string{"4801", "34567"}},
		{name: "disk full", change: func(r *facts) { r.Place.StateFault = "no space left on device" }, want: []string{"state-unwritable!"}, says: []string{"/var/lib/gate", "no space left", "df -h"}},
		{name: "denied", change: func(r *facts) { r.Denied = []string{"peer-gate"} }, want: []string{"denied!"}, says: []string{"set denied"}},
		{name: "a denied one is near", change: func(r *facts) {
			r.Denied, r.Peers, r.Members = []string{"peer-barn"}, r.GetPeers()[1:], r.GetMembers()[:2]
		}, want: []string{"denied-near"}, says: []string{"barn"}},
		{name: "clone", change: func(r *facts) { r.Clones = []string{"192.168.1.7:4801"} }, want: []string{"identity-twice!"}, says: []string{"192.168.1.7:4801", "identity.pem"}},
		{name: "impaired", from: lonely, change: func(r *facts) { r.Impaired = "cut" }, want: []string{"impaired!"}, says: []string{"'ganglion chaos heal gate'"}},
		{name: "interfaces cannot be listed", change: func(r *facts) { r.Place.DiscoveryFault = "permission denied" }, want: []string{"interface-missing!"}},
	}
}

func networkRows() []row {
	only := func(r *facts, name string) { // of the interfaces that are used
		for _, i := range r.GetInterfaces() {
			i.Used = i.GetLoopback() || i.GetName() == name
		}
	}
	return []row{
		{name: "only docker0", from: lonely, change: func(r *facts) { r.Interfaces = slices.Delete(r.GetInterfaces(), 1, 2) }, want: []string{"virtual-interfaces-only!"}, says: []string{"docker0", "'ganglion node --interface docker0'"}},
		{name: "only docker0, in company", change: func(r *facts) { r.Interfaces = slices.Delete(r.GetInterfaces(), 1, 2) }, want: []string{"virtual-interfaces-only"}},
		{name: "all interfaces are down", from: lonely, change: func(r *facts) {
			r.Interfaces = []*controlpb.InterfaceReport{r.GetInterfaces()[0], r.GetInterfaces()[3]}
		}, want: []string{"no-network!"}, says: []string{"wlan0", "'sudo ip link set wlan0 up'"}},
		{name: "no interface", from: lonely, change: func(r *facts) { r.Interfaces = r.GetInterfaces()[:1] }, want: []string{"no-network!"}},
		{name: "no interface, in company", change: func(r *facts) { r.Interfaces = r.GetInterfaces()[:1] }},
		{name: "an interface that is not there", from: lonely, change: func(r *facts) {
			r.Place.Only = []string{"eth7"}
			only(r, "")
			r.Interfaces = append(r.Interfaces, &controlpb.InterfaceReport{Name: "eth7", Why: "there is no interface of this name now"})
		}, want: []string{"interface-missing!"}, says: []string{"eth7", "no interface of this name"}},
		{name: "multicast blocked", change: func(r *facts) {
			r.Ways[2].Heard, r.Heard = 0, []*controlpb.HeardReport{r.GetHeard()[0], r.GetHeard()[2]}
		}, want: []string{"multicast-blocked"}, says: []string{"barn and shed", "client isolation"}},
		{name: "multicast blocked, a moment after the start", change: func(r *facts) {
			r.Ways[2].Heard, r.Ways[2].ForMs, r.Heard = 0, 5000, []*controlpb.HeardReport{r.GetHeard()[0], r.GetHeard()[2]}
		}},
		{name: "multicast is not wanted", change: func(r *facts) {
			r.Ways[2].Heard, r.Ways[2].Own, r.Place.Without, r.Heard = 0, 0, []string{"mdns"}, []*controlpb.HeardReport{r.GetHeard()[0], r.GetHeard()[2]}
		}},
		{name: "multicast does not even come back", from: lonely, change: func(r *facts) { r.Ways[2].Own = 0 }, want: []string{"multicast-blocked!", "alone!"}, says: []string{"5353"}},
		{name: "multicast switched off", change: func(r *facts) {
			r.Interfaces[1].Multicast, r.Ways[2].Interface, r.Ways[2].Fault = false, "", "no interface in use has multicast"
		}, want: []string{"multicast-off"}, says: []string{"'sudo ip link set eth0 multicast on'"}},
		{name: "multicast does not run", change: func(r *facts) { r.Ways[2].Interface, r.Ways[2].Fault = "", "port 5353 is taken" }, want: []string{"way-fails"}, says: []string{"5353"}},
		{name: "broadcast blocked", change: func(r *facts) { r.Ways[1].Heard, r.Heard = 0, r.GetHeard()[1:2] }, want: []string{"broadcast-blocked"}, says: []string{"eth0", "barn and shed are there", "4801/udp"}},
		{name: "broadcasts are heard since a moment", change: func(r *facts) { r.Heard[0].SinceMs, r.Heard[2].SinceMs = 1000, 1000 }},
		{name: "both blocked, members were joined", change: func(r *facts) { r.Ways[1].Heard, r.Ways[2].Heard, r.Heard = 0, 0, nil }, want: []string{"multicast-blocked", "broadcast-blocked"}},
		{name: "broadcasts do not even come back", from: lonely, change: func(r *facts) { r.Ways[1].Own = 0 }, want: []string{"broadcast-blocked!"}, says: []string{"own broadcasts", "firewall"}},
		{name: "the beacon's port is taken", change: func(r *facts) { r.Ways[1].Deaf, r.Ways[1].Fault = true, "address already in use" }, want: []string{"beacon-deaf!"}, says: []string{"eth0", "4801", "ss -lunp"}},
		{name: "beacons cannot be sent", from: lonely, change: func(r *facts) { r.Ways[1].Mute, r.Ways[1].Fault = true, "operation not permitted" }, want: []string{"beacon-mute!"}, says: []string{"not permitted"}},
		{name: "the peers' file", change: func(r *facts) { r.Ways[3].Fault = "no space left on device" }, want: []string{"way-fails"}},
	}
}

func meshRows() []row {
	joins := func(cause string) func(*facts) {
		return func(r *facts) {
			r.Ways = append(r.Ways, &controlpb.WayReport{Way: "join", Target: "10.0.0.9", Sent: 3, Fault: "join 10.0.0.9: no", Cause: cause})
		}
	}
	// beside is another mesh's node, heard by both ways.
	beside := func(h *controlpb.HeardReport) func(*facts) {
		return func(r *facts) { r.Heard, r.Ways[2].Heard = append(r.Heard, h), r.Ways[2].Heard+1 }
	}
	// gone is a member of which only what it sends arrives.
	gone := func(cause, state string) func(*facts) {
		return func(r *facts) {
			p := r.Peers[1]
			p.Up, p.Cause, p.Fault, p.Failures, p.State, p.Reached, p.Reach = false, cause, "no", 5, state, nil, fails(p.GetAddresses()[0], cause)
			r.Members[1].State = state
			r.Members[0].Roles = append(r.Members[0].Roles, "cloud")
		}
	}
	return []row{
		{name: "wrong token", from: lonely, change: beside(foreigner("theirs", 1, false)), want: []string{"wrong-token!"}, says: []string{"neighbour of mesh theirs", "192.168.1.9:4801", "mesh ours", "'ganglion node --token-file -'"}},
		{name: "open beside closed", from: lonely, change: beside(foreigner("theirs", 1, true)), want: []string{"open-and-closed!"}, says: []string{"--open"}},
		{name: "closed beside open", from: lonely, change: func(r *facts) {
			beside(foreigner("theirs", 1, false))(r)
			r.Place.Open = true
		}, want: []string{"open-and-closed!"}, says: []string{"token of mesh theirs"}},
		{name: "another mesh, in company", change: func(r *facts) { r.Heard = append(r.Heard, foreigner("theirs", 1, false)) }, want: []string{"other-mesh"}},
		{name: "another version of the beacon", from: lonely, change: beside(foreigner("", 2, false)), want: []string{"version-skew!"}, says: []string{"version 2", "version 1", "192.168.1.9"}},
		{name: "another version of membership", change: func(r *facts) {
			r.Refusals = []*controlpb.RefusalReport{{Name: "shed", Kind: "version", Text: "speaks 9, this node 1", Count: 3}}
		}, want: []string{"version-skew!"}, says: []string{"shed", "speaks 9", "'ganglion version'"}},
		{name: "programs differ", change: func(r *facts) { r.Members[1].Version = "v2" }, want: []string{"versions-differ"}, says: []string{"v1 (barn and gate)", "v2 (shed)"}},
		{name: "its port is blocked, it dials", change: func(r *facts) { r.Peers[1].Reach = fails("192.168.1.3:4801", "no-answer") }, want: []string{"port-blocked!"}, says: []string{"shed", "on the machine of shed", "'sudo ufw allow 4801/tcp'"}},
		{name: "this port is blocked, this node dials", change: func(r *facts) {
			for _, p := range r.Peers {
				p.Reached = fails("192.168.1.2:4801", "no-answer")
			}
		}, want: []string{"port-blocked!"}, says: []string{"barn and shed cannot dial this node", "on this machine allow TCP port 4801"}},
		{name: "one of its addresses answers", change: func(r *facts) {
			r.Peers[1].Reach = append(r.Peers[1].Reach, fails("10.9.9.9:4801", "no-answer")...)
		}},
		{name: "heard, not dialled", change: gone("no-answer", "unknown"), want: []string{"port-blocked!"}, says: []string{"shed", "192.168.1.3:4801", "4801/tcp"}},
		{name: "suspect again and again", change: func(r *facts) {
			gone("no-answer", "suspect")(r)
			r.Peers[1].SinceMs, r.Heard = 2000, r.GetHeard()[2:]
			r.Ways[2].Heard = 1
		}, want: []string{"port-blocked!"}},
		{name: "its link is about to come up", change: func(r *facts) {
			gone("no-answer", "alive")(r)
			r.Peers[1].Reach = []*controlpb.ReachReport{{Address: "192.168.1.3:4801"}}
			r.Members[0].Roles = r.Members[0].Roles[:2]
		}},
		{name: "it has just died", change: func(r *facts) {
			gone("refused", "suspect")(r)
			r.Peers[1].SinceMs, r.Heard = 2000, r.GetHeard()[2:]
			r.Ways[2].Heard = 1
		}},
		{name: "heard, refused", change: gone("refused", "unknown"), want: []string{"unreachable!"}, says: []string{"nothing listens"}},
		{name: "alive, no way", change: gone("no-route", "alive"), want: []string{"unreachable!"}, says: []string{"'ip route'"}},
		{name: "heard, speaks another version", change: gone("other-version", "unknown"), want: []string{"version-skew!"}},
		{name: "heard, another's secret", change: gone("other-secret", "unknown"), want: []string{"unreachable!"}, says: []string{"token"}},
		{name: "a member is down", change: func(r *facts) {
			gone("refused", "down")(r)
			r.Heard = r.GetHeard()[2:]
			r.Ways[2].Heard = 1
		}, want: []string{"member-lost"}, says: []string{"shed is not reached"}},
		{name: "alone", from: lonely, change: func(*facts) {}, want: []string{"alone!"}, says: []string{"alone for 1m0s", "own came back", "no other node of mesh ours", "--join 192.168.1.2:4801"}},
		{name: "alone for a moment", from: lonely, change: func(r *facts) { r.AloneMs = 9000 }},
		{name: "alone again", from: lonely, change: func(r *facts) { r.HadCompany = true }, want: []string{"alone!"}, says: []string{"have left, or are not reached"}},
		{name: "alone on loopback", from: lonely, change: func(r *facts) { r.Place.Only, r.Interfaces = []string{"lo"}, r.GetInterfaces()[:1] }, want: []string{"alone!"}, says: []string{"uses lo alone", "--interface lo"}},
		{name: "join fails, alone", from: lonely, change: joins("no-answer"), want: []string{"join-fails!"}, says: []string{"10.0.0.9", "nothing answers"}},
		{name: "join is refused, in company", change: joins("refused"), want: []string{"join-fails"}, says: []string{"the node is not started"}},
		{name: "join has no way", change: joins("no-route"), want: []string{"join-fails"}},
		{name: "join meets another token", from: lonely, change: joins("other-secret"), want: []string{"wrong-token!"}, says: []string{"--join 10.0.0.9"}},
	}
}

func workRows() []row {
	return []row{
		{name: "nobody has the bundle", change: func(r *facts) {
			r.Status.Published, r.BundleFault, r.WantedMs = "b2", "bundle b2 is wanted, and no node here has it", 20_000
		}, want: []string{"missing-bundle!", "missing-bundle!"}, says: []string{"no node here has it", "'ganglion model publish FILE'"}},
		{name: "a member lacks the bundle", change: func(r *facts) {
			r.Status.Published, r.WantedMs, r.Members[2].Bundle = "b1", 60_000, "b0"
		}, want: []string{"missing-bundle!"}, says: []string{"barn does not use"}},
		{name: "a bundle is on its way", change: func(r *facts) { r.Status.Published, r.WantedMs = "b2", 2000 }},
		{name: "models differ", change: func(r *facts) { r.Members[2].Bundle = "b0" }, want: []string{"missing-bundle!"}, says: []string{"None was published"}},
		{name: "a view twice", change: func(r *facts) {
			r.Idle = []*controlpb.IdleSource{{Ref: "cam", Reason: "claimed", View: "north", Holder: "shed", Text: "stop that node"}}
		}, want: []string{"view-claimed-twice!"}, says: []string{"View north", "shed feeds it", "stop that node"}},
		{name: "a spare", change: func(r *facts) { r.Idle = []*controlpb.IdleSource{{Ref: "cam", Reason: "spare"}} }, want: []string{"idle-source"}},
		{name: "a camera without a view", change: func(r *facts) {
			r.Idle = []*controlpb.IdleSource{{Ref: "cam", Reason: "unnamed", Text: "give its view"}}
		}, want: []string{"idle-source!"}, says: []string{"cam", "give its view"}},
		{name: "a role nobody has", change: func(r *facts) { r.Members[1].Roles = nil }, want: []string{"role-vacant!"}, says: []string{"Nobody is cloud"}},
		{name: "a role nobody has yet", change: func(r *facts) { r.Members[1].Roles, r.Status.UptimeMs = nil, 3000 }},
		{name: "a slow hop", change: func(r *facts) { r.Peers[0].RoundTripUs = 240_000 }, want: []string{"slow-hop!"}, says: []string{"barn", "240ms", "100ms", "--round-trip-max 400ms"}},
		{name: "a slow hop to who has just come", change: func(r *facts) { r.Peers[0].RoundTripUs, r.Peers[0].SinceMs = 240_000, 2000 }},
		{name: "a slow hop as probes tell", change: func(r *facts) { r.SlowestUs = 150_000 }, want: []string{"slow-hop!"}},
		{name: "dropped frames", change: func(r *facts) { r.FullFrames, r.LostGossip = 12, 3 }, want: []string{"dropped-frames"}, says: []string{"12 frames", "3 messages"}},
		{name: "frames for who has gone", change: func(r *facts) { r.UnsentFrames = 12 }},
		{name: "no room", change: func(r *facts) { r.Status.Retention = &controlpb.Retention{Refused: 7} }, want: []string{"no-room"}, says: []string{"7 samples"}},
		{name: "late itself", change: func(r *facts) { r.Strained = 4 }, want: []string{"slow-node"}},
		{name: "refused", change: func(r *facts) {
			r.Refusals = []*controlpb.RefusalReport{{Name: "shed", Kind: "record", Text: "malformed", Count: 3}}
		}, want: []string{"refused"}, says: []string{"shed", "3 messages", "record", "malformed"}},
		{name: "forged", change: func(r *facts) { r.Ways[1].Refused = map[string]uint64{"forged": 2} }, want: []string{"forged"}},
		{name: "the worst first", change: func(r *facts) {
			r.Members[1].Version, r.Place.StateFault, r.Clones, r.Strained = "v2", "read-only file system", []string{"x"}, 9
		}, want: []string{"identity-twice!", "state-unwritable!", "slow-node", "versions-differ"}},
	}
}

// TestJudge: each cause has its finding, with what a person needs to act on it, and nothing
// else is found; a healthy node has none.
func TestJudge(t *testing.T) {
	for _, tt := range rows() {
		t.Run(tt.name, func(t *testing.T) {
			from := healthy
			if tt.from != nil {
				from = tt.from
			}
			r := from()
			tt.change(r)
			before := proto.CloneOf(r)
			found := Judge(r)
			var got []string
			for _, f := range found {
				got = append(got, verdict(f))
				if !strings.HasSuffix(f.GetText(), ".") || f.GetMend() == "" || strings.Contains(f.GetText()+f.GetMend(), "%!") {
					t.Errorf("no sentence, or no way out: %v", f)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Fatalf("got %q, want %q: %v", got, tt.want, found)
			}
			for _, part := range tt.says {
				if first := found[0].GetText() + "\n" + found[0].GetMend(); !strings.Contains(first, part) {
					t.Errorf("%q does not say %q", first, part)
				}
			}
			if grave := slices.ContainsFunc(tt.want, func(v string) bool { return strings.HasSuffix(v, "!") }); Healthy(found) == grave {
				t.Errorf("healthy is %v", Healthy(found))
			}
			if !proto.Equal(before, r) {
				t.Error("the facts were changed")
			}
		})
	}
}

// TestEveryCodeIsProduced: a code that no facts give, or that nobody explains, is none.
func TestEveryCodeIsProduced(t *testing.T) {
	produced := map[string]bool{}
	for _, tt := range rows() {
		for _, v := range tt.want {
			produced[strings.TrimSuffix(v, "!")] = true
		}
	}
	page, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range Codes() {
		if !produced[string(code)] {
			t.Errorf("no facts give %s", code)
		}
		if !strings.Contains(string(page), "\n### "+string(code)+"\n") {
			t.Errorf("docs/doctor.md does not explain %s", code)
		}
	}
	for line := range strings.Lines(string(page)) {
		if code, ok := strings.CutPrefix(strings.TrimSpace(line), "### "); ok && !slices.Contains(Codes(), Code(code)) {
			t.Errorf("docs/doctor.md explains %s, which is no code", code)
		}
	}
}
