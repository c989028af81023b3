package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"ganglion/inference/builtin"
	"ganglion/node/control"
	"ganglion/proto/controlpb"
)

var update = flag.Bool("update", false, "rewrite the golden files and the tables of the documentation")

// golden compares with a file of testdata, line by line.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: make it with -update", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

const (
	askedRun    = "9f3c2a7be04d1158"
	askedBundle = "5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592"
	askedPeer   = "12D3KooWJk9sYtG3RkXcQ1zQh7oTnE8m4Qb2rWv5uPa6LdNfSgHx"
)

// asked is a node that answers with what a mesh in the midst of things would.
type asked struct {
	controlpb.UnimplementedNodeServiceHandler

	status   *controlpb.StatusResponse
	views    []*controlpb.MembersView
	lines    []*controlpb.VerdictsResponse
	answer   *controlpb.Verdict // to Classify
	bundle   []byte
	sets     []string                     // that were asked for
	pictures []*controlpb.ClassifyRequest // that came
	follow   chan struct{}                // closed when a follower has had all lines
	faults   []*controlpb.InjectRequest   // that came
	lost     uint64                       // samples, as Tally tells
	costs    uint64                       // samples that each fault loses

	uncounted bool // Tally knows nothing
	diagnosis *controlpb.DiagnoseResponse
}

func (a *asked) Status(context.Context, *controlpb.StatusRequest) (*controlpb.StatusResponse, error) {
	return a.status, nil
}

func (a *asked) Members(_ context.Context, q *controlpb.MembersRequest) (*controlpb.MembersResponse, error) {
	if q.GetAll() {
		return &controlpb.MembersResponse{Views: a.views}, nil
	}
	return &controlpb.MembersResponse{Views: a.views[:1]}, nil
}

func (a *asked) Verdicts(ctx context.Context, q *controlpb.VerdictsRequest, s *connect.ServerStream[controlpb.VerdictsResponse]) error {
	lines := a.lines
	if q.FromBeat == nil {
		lines = lines[max(0, len(lines)-int(q.GetLast())):]
	}
	for _, l := range lines {
		if err := s.Send(l); err != nil {
			return err
		}
	}
	if q.GetFollow() {
		if a.follow != nil {
			close(a.follow)
		}
		<-ctx.Done()
	}
	return nil
}

func (a *asked) Classify(_ context.Context, q *controlpb.ClassifyRequest) (*controlpb.ClassifyResponse, error) {
	a.pictures = append(a.pictures, q)
	return &controlpb.ClassifyResponse{Verdict: a.answer}, nil
}

func (a *asked) Publish(_ context.Context, q *controlpb.PublishRequest) (*controlpb.PublishResponse, error) {
	a.bundle = q.GetFile()
	return &controlpb.PublishResponse{Bundle: askedBundle}, nil
}

func (a *asked) Bundle(_ context.Context, q *controlpb.BundleRequest) (*controlpb.BundleResponse, error) {
	if q.GetBundle() == askedBundle {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("bundle 5d41402abc4b is not here"))
	}
	return &controlpb.BundleResponse{File: a.bundle}, nil
}

func (a *asked) Set(_ context.Context, q *controlpb.SetRequest) (*controlpb.SetResponse, error) {
	if q.GetValue() == "99999" {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New(`rate "99999": beats a second, up to 10000 and at least one an hour`))
	}
	a.sets = append(a.sets, q.GetKey()+"="+q.GetValue())
	return &controlpb.SetResponse{}, nil
}

// newAsked is such a node, of the network of the street scene: six cameras, of which one is
// silent and one has left.
func newAsked() *asked {
	return &asked{
		status: askedStatus(), views: askedViews(), lines: askedLines(), answer: askedAnswer(),
	}
}

func askedStatus() *controlpb.StatusResponse {
	return &controlpb.StatusResponse{
		Name: "gate", Peer: askedPeer, Pid: 4242, Version: "v0.3.0", Mesh: "kx7q2mva", Addresses: []string{"127.0.0.1:4801", "127.0.0.2:4801"},
		Api: "127.0.0.1:4802", Site: "yard",
		Sources: []*controlpb.Source{
			{Kind: "replay", Ref: "street", View: "north"},
			{Kind: "image", Ref: "/var/cam/1.jpg", Fault: "every view has a device: wait as a spare, or train with --topology elastic"},
		},
		Roles: []string{"device", "aggregator", "edge", "coordinator"}, StandbyFor: []string{"cloud"},
		Bundle: askedBundle, Published: strings.Repeat("ab", 32), Synthetic: true,
		Views: []string{"north", "east", "south", "west", "roof", "door"}, Classes: []string{"car", "bus", "person"},
		Run:       &controlpb.Run{Site: "yard", Run: askedRun, PeriodNs: 50e6, Count: 1000, Beat: 417, Floor: 415, Data: strings.Repeat("cd", 32), Split: "test"},
		Tally:     &controlpb.Tally{Due: 418, Decided: 414, NoView: 9, Refused: 1, Lost: 1, Open: 2, Superseded: 3},
		Retention: &controlpb.Retention{Captured: 418, Released: 415, Refused: 1, Retained: 2, RetainedBytes: 13312},
		Warnings:  []string{"another mesh is on this network: shed of mesh p2p9wxyz; its nodes have another token"},
		Traffic: &controlpb.Traffic{
			SocketSentBytes: 181_000, SocketReceivedBytes: 42_000_000, SampleSentBytes: 90_210, SampleReceivedBytes: 9000,
			UdpSentBytes: 5000, PayloadSentBytes: 7154, SeenViews: 402,
			Protocols: []*controlpb.ProtocolTraffic{{Protocol: "/ganglion/parcel/1", SentBytes: 90_210, ReceivedBytes: 9000}},
		},
		UptimeMs: 3_723_000, Alive: 4, AllowsChaos: true,
		Faults: []*controlpb.FaultInForce{
			{Fault: &controlpb.Fault{Do: "slow", ForNs: 60e9, DelayNs: 200e6}, LeftNs: 42_400_000_000},
		},
	}
}

func askedViews() []*controlpb.MembersView {
	member := func(name, state, view string, roles ...string) *controlpb.Member {
		m := &controlpb.Member{
			Name: name, Peer: askedPeer[:len(askedPeer)-4] + name, Addresses: []string{"127.0.0.1:48" + fmt.Sprint(len(name)) + "1"}, State: state,
			Group: -1, Roles: roles, Bundle: askedBundle, Version: "v0.3.0", Site: "yard", RoundTripUs: 431, SinceMs: 12_400,
		}
		if view != "" {
			m.Views, m.Group = []string{view}, 0
		}
		return m
	}
	gate := member("gate", "alive", "north", "device", "aggregator", "edge", "coordinator")
	gate.Peer, gate.Self, gate.StandbyFor, gate.RoundTripUs = askedPeer, true, []string{"cloud"}, 0
	gate.AllowsChaos = true
	gate.Addresses = []string{"127.0.0.1:4801", "127.0.0.2:4801"}
	shed := member("shed", "alive", "east", "device")
	shed.StandbyFor, shed.Addresses = []string{"aggregator", "edge", "coordinator"}, []string{"127.0.0.1:4811"}
	barn := member("barn-with-a-longer-name", "down", "west")
	barn.RoundTripUs = 0
	left := member("roof", "left", "roof")
	left.RoundTripUs = 0
	slow := member("door", "suspect", "door", "device")
	slow.RoundTripUs = 213_000
	other := proto.CloneOf(gate) // as shed sees it
	other.Self, other.RoundTripUs = false, 512
	itself := proto.CloneOf(shed)
	itself.Self, itself.Bundle = true, strings.Repeat("ab", 32)
	return []*controlpb.MembersView{
		{SeenBy: "gate", Members: []*controlpb.Member{shed, gate, barn, left, slow, member("big", "alive", "", "cloud")}},
		{SeenBy: "shed", Members: []*controlpb.Member{itself, other}},
		{SeenBy: "door", Fault: "no answer within 1s"},
	}
}

func askedVerdict(beat uint64) *controlpb.Verdict {
	since := int64(5_100_000)
	return &controlpb.Verdict{
		Sample: fmt.Sprintf("yard/%s/%d", askedRun, beat), Beat: &beat, Class: "car", Label: "car", Ref: new(int64(beat % 190)), Exit: "local",
		Proposals: []*controlpb.Proposal{{Exit: "local", Seen: 3, Scores: []float32{2, -1, -2}, Class: "car", Entropy: 0.0312, Threshold: 0.3}},
		Seen:      []string{"north", "east", "south"}, Nothing: []string{"west", "roof", "door"}, Used: []string{"north", "east", "south"},
		Epoch: &controlpb.Epoch{Counter: 3, Peer: askedPeer}, LatencyNs: 4_200_000, SinceBeatNs: &since, Holder: "gate", Seq: fmt.Sprintf("3-%d", beat+1),
		Bundle: askedBundle, Aggregators: []string{"gate"}, Hash: fmt.Sprintf("%064x", beat+1), Probabilities: []float64{0.968, 0.027, 0.005},
		PayloadBytes: []*controlpb.HopBytes{{Hop: "device-local", Bytes: 36}},
	}
}

// askedAnswer is a sample on demand that had to go up, with two views missing.
func askedAnswer() *controlpb.Verdict {
	v := askedVerdict(0)
	v.Sample, v.Beat, v.SinceBeatNs, v.Ref, v.Seq = "yard/0b5e77aa01c2d3e4", nil, nil, new(int64(12)), "3-420"
	v.Class, v.Label, v.Exit, v.Answered, v.Cloud, v.SyntheticModel = "bus", "bus", "cloud", 1, "big", true
	v.Proposals[0].Entropy = 0.7105
	v.Proposals = append(v.Proposals, &controlpb.Proposal{Exit: "cloud", Seen: 3, Scores: []float32{-1, 3, -2}, Class: "bus", Entropy: 0.1234})
	v.Nothing, v.Missing = []string{"roof"}, []*controlpb.MissingView{{View: "west", Reason: "not held"}, {View: "door", Reason: "silent"}}
	v.Probabilities, v.LatencyNs = []float64{0.0713, 0.9045, 0.0242}, 23_400_000
	v.PayloadBytes = append(v.PayloadBytes, &controlpb.HopBytes{Hop: "device-cloud", Bytes: 384})
	return v
}

func askedLines() []*controlpb.VerdictsResponse {
	wrong, none, refused, early, late := askedVerdict(102), askedVerdict(103), askedVerdict(104), askedVerdict(105), askedVerdict(101)
	wrong.Label = "person"
	none.Class, none.Label, none.Exit, none.Proposals, none.Answered, none.Probabilities = "", "", "none", nil, -1, nil
	none.Seen, none.Nothing = nil, []string{"north", "east", "south", "west", "roof", "door"}
	refused.Class, refused.Label, refused.Exit, refused.Proposals, refused.Answered, refused.Ref = "", "", "refused", nil, -1, nil
	refused.Seen, refused.Nothing = nil, nil
	for _, view := range none.GetNothing() {
		refused.Missing = append(refused.Missing, &controlpb.MissingView{View: view, Reason: "refused"})
	}
	early.StoppedEarly, early.LatencyNs = true, 1_034_000_000
	early.Missing, early.Nothing = []*controlpb.MissingView{{View: "door", Reason: "connection broken"}}, []string{"west", "roof"}
	late.SupersededBy = strings.Repeat("ef", 32)
	var out []*controlpb.VerdictsResponse
	for _, v := range []*controlpb.Verdict{askedVerdict(100), askedVerdict(101), wrong, none, refused, early, askedAnswer(), late} {
		out = append(out, &controlpb.VerdictsResponse{Line: &controlpb.VerdictsResponse_Verdict{Verdict: v}})
	}
	gap := &controlpb.Gap{Run: askedRun, From: 106, To: 109, Reason: "dropped"}
	return append(out, &controlpb.VerdictsResponse{Line: &controlpb.VerdictsResponse_Gap{Gap: gap}})
}

// ask serves a node on loopback and writes its run file, so that verbs find it.
func ask(t *testing.T, a *asked) {
	t.Helper()
	t.Setenv("GANGLION_RUN_DIR", filepath.Join(t.TempDir(), "run"))
	t.Setenv("GANGLION_API_TOKEN_FILE", "")
	s, err := control.New(control.Config{Address: netip.MustParseAddrPort("127.0.0.1:0")}, a, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run server: %v", err)
		}
	})
	remove, err := control.WriteRunFile(control.RunFile{
		PID: os.Getpid(), Name: a.status.GetName(), Peer: a.status.GetPeer(), Mesh: a.status.GetMesh(), API: s.Address().String(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
}

// must runs the program, which has to succeed without a word on standard error.
func must(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := invoke(args...)
	if code != exitDone || errs != "" {
		t.Fatalf("ganglion %s: exit code %d, %s", strings.Join(args, " "), code, errs)
	}
	return out
}

// builtinFile is the file of the embedded bundle.
func builtinFile(t *testing.T) []byte {
	t.Helper()
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	return b.File()
}
