package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/proto/wirepb"
	"ganglion/roles"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// usualVerdict is one of six views and three classes that the cloud answered.
func usualVerdict(beat uint64) *roles.Verdict {
	local := []float32{0.5 + float32(beat%7), -1.25, 0.25}
	cloud := []float32{3, -2, 1.5 - float32(beat%5)}
	aggregator := roles.Peer("12D3KooWEyopopk4LeX2Z6Aq7pZ1m2Zk1f6rLxWc8F6m3sAgGrEg")
	v := &roles.Verdict{
		Sample:   roles.SampleID{Site: "default", Run: 0x0123456789abcdef, Beat: roles.Beat(1000 + beat)},
		Epoch:    roles.Epoch{Counter: 4, Peer: aggregator},
		Bundle:   sha256.Sum256([]byte("bundle")),
		Settings: 2,
		Answer: inference.Verdict{
			Exit: topology.ExitCloud, Class: 0, Seen: 0b101101, Nothing: 0b010000, Missing: 0b000010,
			Proposals: []inference.Proposal{
				{Exit: topology.ExitLocal, Seen: 4, Scores: local, Class: inference.ArgMax(local), Entropy: inference.NormalizedEntropy(local)},
				{Exit: topology.ExitCloud, Seen: 4, Scores: cloud, Class: inference.ArgMax(cloud), Entropy: inference.NormalizedEntropy(cloud)},
			},
		},
		Views: 0b101101, Reasons: map[int]roles.Reason{1: roles.Broken},
		Aggregators: []roles.Peer{aggregator}, Cloud: "12D3KooWL7Y4qYhVbSsVbXoYvWqVvZ7RzvYy5n8nTgkqQ1cLoUdx",
		Ref: 41, Label: 0,
	}
	return v
}

func usualSealed(beat uint64) *roles.Sealed {
	v := usualVerdict(beat)
	return roles.Seal(v, EncodeVerdict(v))
}

// goldenVerdict is usualVerdict(0), as it is hashed and compared in every mesh. It must not
// change: a node of another version would take an equal verdict for another.
const goldenVerdict = "" +
	"0a0764656661756c7411efcdab896745230118e8072a34313244334b6f6f5745796f706f706b344c6558325a36417137" +
	"705a316d325a6b316636724c7857633846366d33734167477245672a34313244334b6f6f574c37593471596856625373" +
	"5662586f5976577156765a37527a765979356e386e54676b715131634c6f55647830043a201e6ed65d77d6364eeaed5a" +
	"745ba5c4985ae2b700dd85d7cf7f027bdf294a33fc4002480350005a1b08011804293455fdff82eeea3f320c0000003f" +
	"0000a0bf0000803e5a1b0803180429ef0ccc14b580dd3f320c00004040000000c00000c03f682d7010780280012d8a01" +
	"0408011003a2010101a80102b00129b80100"

// TestVerdictGolden holds the bytes of a verdict.
func TestVerdictGolden(t *testing.T) {
	got := hex.EncodeToString(EncodeVerdict(usualVerdict(0)))
	if got != goldenVerdict {
		t.Errorf("the bytes of a verdict changed:\ngot  %s\nwant %s", got, goldenVerdict)
	}
	if n := len(got) / 2; n > 320 {
		t.Errorf("a verdict of six views has %d bytes", n)
	}
}

// TestVerdictIsCanonical: the order of a map, the room of a slice and how a value that
// stands for none is written do not reach the bytes; and the form is the one that generated
// code of any version has no reason to change: fields in their order.
func TestVerdictIsCanonical(t *testing.T) {
	for seed := range uint64(trips) {
		v := newValues(seed).verdict()
		want := EncodeVerdict(v)
		same := *v
		same.Reasons = map[int]roles.Reason{}
		for view := roles.MaxViews - 1; view >= 0; view-- {
			same.Reasons[view] = v.Reasons[view] // NotMissing included
		}
		if v.Ref < 0 {
			same.Ref = -7
		}
		if len(v.Others) == 0 {
			same.Others = []inference.Proposal{}
		}
		for range 3 {
			if got := EncodeVerdict(&same); !bytes.Equal(got, want) {
				t.Fatalf("seed %d: equal verdicts have the bytes\n%x and\n%x", seed, got, want)
			}
		}
		var generated wirepb.Verdict
		if err := proto.Unmarshal(want, &generated); err != nil {
			t.Fatal(err)
		}
		got, err := proto.MarshalOptions{Deterministic: true}.Marshal(&generated)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("seed %d: generated code writes\n%x, not\n%x", seed, got, want)
		}
	}
}

// TestVerdictOtherForms: what is the same value in other bytes is refused, or one verdict
// would have two hashes.
func TestVerdictOtherForms(t *testing.T) {
	good := EncodeVerdict(usualVerdict(0))
	tests := []struct {
		name string
		b    []byte
	}{
		{"a default that is written", append(bytes.Clone(good), 0x90, 1, 0)}, // refused: false
		{"a field twice", append(bytes.Clone(good), 0xb0, 1, 41)},
		{"a field that there is not", append(bytes.Clone(good), 0xf0, 1, 1)},
		{"a long varint", append(bytes.Clone(good[:len(good)-1]), 0x80, 0)},
		{"a longer tag", append(bytes.Clone(good[:len(good)-3]), 0xb8, 0x81, 0, 0)},
		{"fields out of order", outOfOrder(t, good)},
		{"a peer that nothing names", insertPeer(good, "another")},
		{"cut off", good[:len(good)-1]},
		{"more bytes", append(bytes.Clone(good), 0)},
		{"nothing", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := DecodeVerdict(tt.b); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v, want ErrMalformed", err)
			}
		})
	}
}

// outOfOrder moves the first field behind the others.
func outOfOrder(tb testing.TB, b []byte) []byte {
	tb.Helper()
	_, _, n := protowire.ConsumeField(b)
	if n < 0 {
		tb.Fatal("no field")
	}
	return append(bytes.Clone(b[n:]), b[:n]...)
}

// insertPeer adds a peer behind the last.
func insertPeer(b []byte, peer string) []byte {
	var out []byte
	done := false
	for len(b) > 0 {
		num, _, n := protowire.ConsumeField(b)
		if num > 5 && !done {
			out = protowire.AppendString(protowire.AppendTag(out, 5, protowire.BytesType), peer)
			done = true
		}
		out, b = append(out, b[:n]...), b[n:]
	}
	return out
}

// TestVerdictRefuses names each way in which a verdict can contradict itself.
func TestVerdictRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	tests := []struct {
		name   string
		change func(v *roles.Verdict)
		want   string // in the error
	}{
		{"no site", func(v *roles.Verdict) { v.Sample.Site = "" }, "site"},
		{"a site that is a path", func(v *roles.Verdict) { v.Sample.Site = "../x" }, "site"},
		{"neither beat nor request", func(v *roles.Verdict) { v.Sample.Run = 0 }, "sample"},
		{"a beat that no reader keeps", func(v *roles.Verdict) { v.Sample.Beat = roles.MaxBeat + 1 }, "beat"},
		{"no epoch", func(v *roles.Verdict) { v.Epoch = roles.Epoch{} }, "peer"},
		{"no counter", func(v *roles.Verdict) { v.Epoch.Counter = 0 }, "epoch"},
		{"a counter beyond the last", func(v *roles.Verdict) { v.Epoch.Counter = roles.MaxCounter + 1 }, "epoch"},
		{"a claimant with an escape", func(v *roles.Verdict) { v.Epoch.Peer = "a\x1b[2J" }, "member ID"},
		{"a claimant that is too long", func(v *roles.Verdict) { v.Epoch.Peer = roles.Peer(strings.Repeat("x", maxPeerBytes+1)) }, "bytes"},
		{"an exit that there is not", func(v *roles.Verdict) { v.Answer.Exit = 4 }, "field 9"},
		{"an exit that did not propose", func(v *roles.Verdict) { v.Answer.Exit = topology.ExitEdge }, "last proposal"},
		{"another class", func(v *roles.Verdict) { v.Answer.Class = 1 }, "last proposal"},
		{"a class beyond the last", func(v *roles.Verdict) { v.Answer.Class = topology.MaxClasses }, "field 10"},
		{"no class", func(v *roles.Verdict) { v.Answer.Class = -1 }, "last proposal"},
		{"no proposal", func(v *roles.Verdict) { v.Answer.Proposals = nil }, "without a proposal"},
		{"none, with proposals", func(v *roles.Verdict) { v.Answer.Exit, v.Answer.Class, v.Views = 0, -1, 0 }, "without an exit"},
		{"none, with a class", func(v *roles.Verdict) { *v = *noneOf(v); v.Answer.Class = 0 }, "without an exit"},
		{"none, stopped early", func(v *roles.Verdict) { *v = *noneOf(v); v.StoppedEarly = true }, "without an exit"},
		{"none, that rests on views", func(v *roles.Verdict) { *v = *noneOf(v); v.Views = 1 }, "without an exit"},
		{"refused and answered", func(v *roles.Verdict) { v.Refused = true }, "refused"},
		{"rests on other views", func(v *roles.Verdict) { v.Views = 1 }, "rests on"},
		{"seen and nothing in view", func(v *roles.Verdict) { v.Answer.Nothing |= 1 }, "overlap"},
		{"seen and missing", func(v *roles.Verdict) { v.Answer.Missing |= 1 }, "overlap"},
		{"nothing in view and missing", func(v *roles.Verdict) { v.Answer.Missing |= v.Answer.Nothing }, "overlap"},
		{"a reason of a seen view", func(v *roles.Verdict) { v.Reasons[0] = roles.Silent }, "not missing"},
		{"a reason that there is not", func(v *roles.Verdict) { v.Reasons[1] = roles.Faulty + 1 }, "field 2"},
		{"a score that is no number", func(v *roles.Verdict) { v.Answer.Proposals[0].Scores[1] = nan }, "NaN"},
		{"an infinite score", func(v *roles.Verdict) { v.Answer.Proposals[1].Scores[0] = inf }, "proposals[1]: field 6: score 0 is +Inf"},
		{"an entropy above 1", func(v *roles.Verdict) { v.Answer.Proposals[0].Entropy = 1.5 }, "entropy"},
		{"a negative entropy", func(v *roles.Verdict) { v.Answer.Proposals[0].Entropy = -1 }, "entropy"},
		{"an entropy that is no number", func(v *roles.Verdict) { v.Answer.Proposals[0].Entropy = float64(nan) }, "entropy"},
		{"a proposal of no exit", func(v *roles.Verdict) { v.Answer.Proposals[0].Exit = 0 }, "exit none"},
		{"a proposal of no view", func(v *roles.Verdict) { v.Answer.Proposals[0].Seen = 0 }, "no view"},
		{"a proposal of a class beyond its scores", func(v *roles.Verdict) { v.Answer.Proposals[0].Class = 3 }, "class"},
		{"a group beyond the last", func(v *roles.Verdict) { v.Answer.Proposals[0].Group = roles.MaxViews }, "field 2"},
		{"a group of the cloud", func(v *roles.Verdict) { v.Answer.Proposals[1].Group = 1 }, "group"},
		{"too many proposals", func(v *roles.Verdict) {
			for range maxProposals {
				v.Answer.Proposals = append(v.Answer.Proposals, v.Answer.Proposals[0])
			}
		}, "more than"},
		{"too many aggregators", func(v *roles.Verdict) { v.Aggregators = make([]roles.Peer, roles.MaxViews+2) }, "aggregators"},
		{"a negative label is none, one too large is not", func(v *roles.Verdict) { v.Label = topology.MaxClasses }, "field 23"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := usualVerdict(0)
			tt.change(v)
			_, err := DecodeVerdict(EncodeVerdict(v))
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrMalformed that says %q", err, tt.want)
			}
		})
	}
}

// noneOf is a verdict of the same sample of which no view was seen.
func noneOf(v *roles.Verdict) *roles.Verdict {
	none := &roles.Verdict{Sample: v.Sample, Epoch: v.Epoch, Ref: -1, Label: -1}
	none.Answer.Class = -1
	return none
}
