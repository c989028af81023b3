package wire

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/roles"

	"google.golang.org/protobuf/encoding/protowire"
)

// bounds are those of six views in two groups, three classes, the paper's features.
func bounds() Limits { return Limits{Views: 6, Groups: 2, Classes: 3, FeatureBytes: 128} }

func beatOf(b roles.Beat) roles.SampleID { return roles.SampleID{Site: "default", Run: 1, Beat: b} }

func requestOf(r roles.RequestID) roles.SampleID {
	return roles.SampleID{Site: "default", Request: r}
}

// good are messages that six views send, to be spoiled.
func goodScores() *roles.Scores {
	return &roles.Scores{
		Site: "default", Group: 1, Epoch: roles.Epoch{Counter: 3, Peer: "a"},
		Items: []*roles.Observation{
			{Sample: beatOf(1), Ref: 4, Label: 2, Views: []roles.ViewResult{{View: 0, Seen: true, Scores: []float32{1, 2, 3}}, {View: 5}}},
			{Sample: beatOf(2), Ref: -1, Label: -1, Views: []roles.ViewResult{{View: 2, Reason: roles.Refused}}},
		},
	}
}

func goodAsk() *roles.Ask {
	return &roles.Ask{
		Role: roles.CoordinatorOf("default", 2), Epoch: roles.Epoch{Counter: 3, Peer: "a"}, Tier: topology.ExitCloud, To: "b",
		Items: []roles.Wanted{{Sample: beatOf(1), Expect: 0b111111}},
	}
}

func goodFeatures() *roles.Features {
	return &roles.Features{
		Tier: topology.ExitCloud, AnswerTo: "a",
		Items: []roles.FeatureItem{{Sample: beatOf(1), Expect: 0b11, Source: 1, Views: 0b10, Features: make([]byte, 128)}},
	}
}

func goodProposals() *roles.Proposals {
	v := newValues(1)
	p := v.proposal(topology.ExitLocal, 1, 0b11)
	p.Scores, p.Class = []float32{1, 2, 3}, 2
	return &roles.Proposals{
		Tier: topology.ExitLocal, Site: "default", Group: 1, Role: roles.AggregatorOf("default", 1), Epoch: roles.Epoch{Counter: 3, Peer: "a"},
		Items: []*roles.Proposed{{Sample: beatOf(1), Exit: &p, Seen: 0b11, Nothing: 0b100, Reasons: map[int]roles.Reason{5: roles.Silent}, Ref: -1, Label: -1}},
	}
}

func goodHeartbeat() *roles.Heartbeat {
	claim := roles.Claim{Role: roles.CoordinatorOf("default", 2), Epoch: roles.Epoch{Counter: 3, Peer: "a"}}
	return &roles.Heartbeat{
		Claim: claim, Number: 4, Published: []roles.SampleID{requestOf(7)},
		Run: &roles.RunRecord{Site: "default", Run: 1, Starter: claim.Epoch, Period: time.Second, Entries: []roles.Entry{{}, {From: 9}}},
	}
}

func goodRequest() *roles.Request {
	return &roles.Request{
		Role: roles.CoordinatorOf("default", 2), Epoch: roles.Epoch{Counter: 3, Peer: "a"},
		Capture: roles.Capture{Sample: requestOf(7), Ref: -1, Inputs: []roles.Input{{View: 1, Pixels: []byte{1}}}},
	}
}

func goodSeals() *roles.SealBatch {
	return &roles.SealBatch{Role: roles.CoordinatorOf("default", 2), Epoch: roles.Epoch{Counter: 3, Peer: "a"}, Seals: []*roles.Sealed{usualSealed(1)}}
}

func goodAnswer() *roles.ClaimAnswer {
	return &roles.ClaimAnswer{
		Role: roles.CoordinatorOf("default", 2), Epoch: roles.Epoch{Counter: 3, Peer: "a"},
		Seals: []roles.StoredSeal{{Claim: roles.Epoch{Counter: 2, Peer: "b"}, Sealed: usualSealed(1)}}, Unsealed: []roles.SampleID{beatOf(4)}, Last: true,
	}
}

// spoiled is one way in which a message can be wrong.
type spoiled struct {
	name string
	m    roles.Message
	want string // in the error
}

// spoil changes a good message.
func spoil[M roles.Message](name string, m M, change func(M), want string) spoiled {
	change(m)
	return spoiled{name, m, want}
}

// TestParcelRefuses names each way in which a message can be wrong. The step machines trust
// what gets through.
func TestParcelRefuses(t *testing.T) {
	nan := float32(math.NaN())
	tests := []spoiled{
		spoil("a score that is no number", goodScores(), func(m *roles.Scores) { m.Items[0].Views[0].Scores[2] = nan }, "scores: items[0]: views[0]: field 4: score 2 is NaN"),
		spoil("an infinite score", goodScores(), func(m *roles.Scores) { m.Items[0].Views[0].Scores[1] = float32(math.Inf(-1)) }, "score 1 is -Inf"),
		spoil("too many scores", goodScores(), func(m *roles.Scores) { m.Items[0].Views[0].Scores = make([]float32, 4) }, "classes"),
		spoil("one score", goodScores(), func(m *roles.Scores) { m.Items[0].Views[0].Scores = make([]float32, 1) }, "classes"),
		spoil("a view beyond the last", goodScores(), func(m *roles.Scores) { m.Items[0].Views[1].View = 6 }, "views[1]: field 1: 6 is not below 6"),
		spoil("a negative view", goodScores(), func(m *roles.Scores) { m.Items[0].Views[1].View = -1 }, "is not below 6"),
		spoil("a view twice", goodScores(), func(m *roles.Scores) { m.Items[0].Views[1].View = 0 }, "view 0 behind view 0"),
		spoil("no view", goodScores(), func(m *roles.Scores) { m.Items[1].Views = nil }, "items[1]: no view"),
		spoil("seen and missing", goodScores(), func(m *roles.Scores) { m.Items[0].Views[0].Reason = roles.Skipped }, "seen, and missing"),
		spoil("scores of nothing", goodScores(), func(m *roles.Scores) { m.Items[0].Views[0].Seen = false }, "not seen"),
		spoil("a reason that there is not", goodScores(), func(m *roles.Scores) { m.Items[1].Views[0].Reason = roles.Faulty + 1 }, "field 3"),
		spoil("a group beyond the last", goodScores(), func(m *roles.Scores) { m.Group = 2 }, "field 2"),
		spoil("another site's sample", goodScores(), func(m *roles.Scores) { m.Items[0].Sample.Site = "other" }, `site "other"`),
		spoil("no site", goodScores(), func(m *roles.Scores) { m.Site, m.Items = "", nil }, "site"),
		spoil("a label beyond the last class", goodScores(), func(m *roles.Scores) { m.Items[0].Label = 3 }, "field 6"),
		spoil("a sample of no run", goodScores(), func(m *roles.Scores) { m.Items[0].Sample.Run = 0 }, "sample"),
		spoil("a beat that no reader keeps", goodScores(), func(m *roles.Scores) { m.Items[0].Sample.Beat = roles.MaxBeat + 1 }, "beat"),
		spoil("a request with a beat", goodScores(), func(m *roles.Scores) { m.Items[0].Sample = roles.SampleID{Site: "default", Request: 1, Beat: 1} }, "beat 1"),
		spoil("an epoch without a claimant", goodScores(), func(m *roles.Scores) { m.Epoch.Peer = "" }, "epoch"),
		spoil("an epoch beyond the last", goodScores(), func(m *roles.Scores) { m.Epoch.Counter = math.MaxUint64 }, "epoch"),
		spoil("a peer with a newline", goodScores(), func(m *roles.Scores) { m.Epoch.Peer = "a\nb" }, "names: peer"),
		spoil("too many samples", goodScores(), func(m *roles.Scores) {
			for len(m.Items) <= maxItems {
				m.Items = append(m.Items, m.Items[0])
			}
		}, "more than 1024 items"),

		spoil("features for nobody", goodAsk(), func(m *roles.Ask) { m.To = "" }, "nobody"),
		spoil("features for a local exit", goodAsk(), func(m *roles.Ask) { m.Tier = topology.ExitLocal }, "exit local"),
		spoil("an exit that there is not", goodAsk(), func(m *roles.Ask) { m.Tier = 4 }, "ask: field 3"),
		spoil("views that there are not", goodAsk(), func(m *roles.Ask) { m.Items[0].Expect = 1 << 6 }, "expect"),
		spoil("no claim", goodAsk(), func(m *roles.Ask) { m.Epoch = roles.Epoch{} }, "no epoch"),
		spoil("no role", goodAsk(), func(m *roles.Ask) { m.Role = roles.Role{} }, "role"),
		spoil("a role that there is not", goodAsk(), func(m *roles.Ask) { m.Role.Kind = roles.CoordinatorKind + 1 }, "role"),
		spoil("a site of the cloud", goodAsk(), func(m *roles.Ask) { m.Role.Kind = roles.CloudKind }, "role"),

		spoil("features that are too large", goodFeatures(), func(m *roles.Features) { m.Items[0].Features = make([]byte, 129) }, "features: items[0]: field 8: 129 bytes, more than 128"),
		spoil("of a source that was not asked", goodFeatures(), func(m *roles.Features) { m.Items[0].Source = 2 }, "source 2"),
		spoil("of a source beyond the last", goodFeatures(), func(m *roles.Features) { m.Items[0].Source = 6 }, "field 6"),
		spoil("that rest on no view", goodFeatures(), func(m *roles.Features) { m.Items[0].Views = 0 }, "source 1"),
		spoil("that rest on views that there are not", goodFeatures(), func(m *roles.Features) { m.Items[0].Views = 1 << 6 }, "views"),
		spoil("nobody to answer to", goodFeatures(), func(m *roles.Features) { m.AnswerTo = "" }, "nobody"),

		spoil("of another exit", goodProposals(), func(m *roles.Proposals) { m.Items[0].Exit.Exit = topology.ExitEdge }, "among those"),
		spoil("of another group", goodProposals(), func(m *roles.Proposals) { m.Items[0].Exit.Group = 0 }, "among those"),
		spoil("of no exit", goodProposals(), func(m *roles.Proposals) { m.Tier = topology.ExitNone }, "exit none"),
		spoil("on other views than seen", goodProposals(), func(m *roles.Proposals) { m.Items[0].Exit.Seen = 1 }, "rests on"),
		spoil("seen and nothing in view", goodProposals(), func(m *roles.Proposals) { m.Items[0].Nothing = 1 }, "nothing in view"),
		spoil("seen views that there are not", goodProposals(), func(m *roles.Proposals) { m.Items[0].Nothing = 1 << 63 }, "nothing"),
		spoil("an entropy that is no number", goodProposals(), func(m *roles.Proposals) { m.Items[0].Exit.Entropy = math.NaN() }, "entropy"),
		spoil("an entropy above 1", goodProposals(), func(m *roles.Proposals) { m.Items[0].Exit.Entropy = 1.0000001 }, "entropy"),
		spoil("a class beyond the last", goodProposals(), func(m *roles.Proposals) { m.Items[0].Exit.Class = 3 }, "exit: field 4"),
		spoil("a reason of a view beyond the last", goodProposals(), func(m *roles.Proposals) { m.Items[0].Reasons[6] = roles.Silent }, "reasons[1]: field 1"),

		spoil("a run without a starter", goodHeartbeat(), func(m *roles.Heartbeat) { m.Run.Starter = roles.Epoch{} }, "run record"),
		spoil("a period of nothing", goodHeartbeat(), func(m *roles.Heartbeat) { m.Run.Period = 0 }, "period"),
		spoil("entries out of order", goodHeartbeat(), func(m *roles.Heartbeat) { m.Run.Entries[1].From = 0 }, "entry 1"),
		spoil("too many entries", goodHeartbeat(), func(m *roles.Heartbeat) {
			for i := range roles.MaxEntries {
				m.Run.Entries = append(m.Run.Entries, roles.Entry{From: roles.Beat(10 + i)})
			}
		}, "entries"),
		spoil("a split that is no text", goodHeartbeat(), func(m *roles.Heartbeat) { m.Run.Split = "\xff" }, "UTF-8"),
		spoil("a split that is too long", goodHeartbeat(), func(m *roles.Heartbeat) { m.Run.Split = strings.Repeat("x", 65) }, "field 6"),
		spoil("a claim without an epoch", goodHeartbeat(), func(m *roles.Heartbeat) { m.Claim.Epoch = roles.Epoch{} }, "no epoch"),
		spoil("a published sample that is none", goodHeartbeat(), func(m *roles.Heartbeat) { m.Published[0].Request = 0 }, "published[0]"),

		spoil("a beat as a request", goodRequest(), func(m *roles.Request) { m.Sample = beatOf(1) }, "on demand"),
		spoil("pixels that are too many", goodRequest(), func(m *roles.Request) { m.Inputs[0].Pixels = make([]byte, 129) }, "inputs[0]: field 2"),
		spoil("pixels of a view twice", goodRequest(), func(m *roles.Request) { m.Inputs = append(m.Inputs, m.Inputs[0]) }, "view 1 twice"),
		spoil("pixels of a view beyond the last", goodRequest(), func(m *roles.Request) { m.Inputs[0].View = 6 }, "inputs[0]: field 1"),

		spoil("a verdict that is none", goodSeals(), func(m *roles.SealBatch) { m.Seals[0].Bytes = []byte("verdict") }, "seal_batch: verdict[0]"),
		spoil("an empty verdict", goodSeals(), func(m *roles.SealBatch) { m.Seals[0].Bytes = nil }, "verdict[0]"),
		spoil("a stored seal without a claim", goodAnswer(), func(m *roles.ClaimAnswer) { m.Seals[0].Claim = roles.Epoch{} }, "seals[0]: no claim"),
		spoil("a stored seal that is none", goodAnswer(), func(m *roles.ClaimAnswer) { m.Seals[0].Sealed.Bytes = []byte{8, 1} }, "claim_answer: seals[0]: verdict"),
		spoil("an unsealed sample that is none", goodAnswer(), func(m *roles.ClaimAnswer) { m.Unsealed[0].Run = 0 }, "unsealed[0]"),
	}
	good := []roles.Message{goodScores(), goodAsk(), goodFeatures(), goodProposals(), goodHeartbeat(), goodRequest(), goodSeals(), goodAnswer()}
	if _, err := DecodeParcel(EncodeParcel(good), bounds()); err != nil {
		t.Fatalf("what is not spoiled is refused: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeParcel(EncodeParcel([]roles.Message{goodAsk(), tt.m, goodAsk()}), bounds())
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrMalformed that says %q", err, tt.want)
			}
			if got != nil {
				t.Errorf("a part of the parcel was taken: %+v", got)
			}
			if !strings.Contains(tt.want, "names") && err != nil && !strings.Contains(err.Error(), "message[1]: ") && !strings.Contains(err.Error(), "names: ") {
				t.Errorf("%v: does not say which message", err)
			}
		})
	}
}

// TestParcelRefusesBytes is about what no encoder writes.
func TestParcelRefusesBytes(t *testing.T) {
	good := EncodeParcel([]roles.Message{goodScores()})
	raw := func(write func(e *encoder)) []byte {
		e := encoder{}
		write(&e)
		return e.b
	}
	inMessage := func(sort int, write func(e *encoder)) []byte {
		return raw(func(e *encoder) {
			at := e.open(fieldMessages)
			e.within(sort, func() { write(e) })
			e.close(at)
		})
	}
	tests := []struct {
		name string
		b    []byte
	}{
		{"cut off", good[:len(good)-1]},
		{"noise", []byte("no parcel")},
		{"a group", []byte{0x0b, 0x0c}},
		{"field 0", []byte{0, 0}},
		{"a message that is a number", []byte{8, 1}},
		{"a length beyond the end", []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}},
		{"a name that there is not", inMessage(aScores, func(e *encoder) { e.uint(1, 9) })},
		{"an empty message of a known sort", inMessage(aSealAck, func(*encoder) {})},
		{"an epoch that is a number", inMessage(aSealAck, func(e *encoder) { e.uint(2, 9) })},
		{"a duration beyond the longest", inMessage(aHeartbeat, func(e *encoder) { e.uint(3, math.MaxUint64) })},
		{"two messages in one", raw(func(e *encoder) {
			at := e.open(fieldMessages)
			for range 2 {
				e.within(aStale, func() { e.numbered(roles.CloudRole(), roles.Epoch{Counter: 1, Peer: "a"}, 0) })
			}
			e.close(at)
			e.b = e.finish()
		})},
		{"a series without a site", raw(func(e *encoder) {
			e.within(fieldNames, func() { e.within(3, func() { e.fixed(2, 1) }) })
		})},
		{"a bundle of 31 bytes", raw(func(e *encoder) {
			e.within(fieldNames, func() { e.within(4, func() { e.bytes(1, make([]byte, 31)) }) })
		})},
		{"a peer of no bytes", raw(func(e *encoder) { e.within(fieldNames, func() { e.string(1, "") }) })},
		{"a site that is a path", raw(func(e *encoder) { e.within(fieldNames, func() { e.string(2, "a/b") }) })},
		{"too many messages", bytes.Repeat([]byte{0x0a, 0}, maxMessages+1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := DecodeParcel(tt.b, bounds()); !errors.Is(err, ErrMalformed) || got != nil {
				t.Errorf("got %v and %v, want ErrMalformed", got, err)
			}
		})
	}
}

// TestLimits: what the loaded bundles do not have is refused, and what they leave open is
// the format's.
func TestLimits(t *testing.T) {
	large := goodScores()
	large.Items[0].Views[1].View, large.Group = 63, 63
	large.Items[0].Views[0].Scores = make([]float32, topology.MaxClasses)
	b := EncodeParcel([]roles.Message{large})
	for _, l := range []Limits{{}, {Views: 1 << 20, Groups: 1 << 20, Classes: 1 << 20, FeatureBytes: 1 << 30}, {Views: -1}} {
		if _, err := DecodeParcel(b, l); err != nil {
			t.Errorf("%+v: %v", l, err)
		}
	}
	for _, l := range []Limits{{Views: 63}, {Groups: 63}, {Classes: 255}} {
		if _, err := DecodeParcel(b, l); !errors.Is(err, ErrMalformed) {
			t.Errorf("%+v: got %v, want ErrMalformed", l, err)
		}
	}
	huge := goodFeatures()
	huge.Items[0].Features = make([]byte, maxFeatureBytes+1)
	if _, err := DecodeParcel(EncodeParcel([]roles.Message{huge}), Limits{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("features beyond the format: got %v, want ErrMalformed", err)
	}
}

// TestAllocationIsBounded: a frame is as large as its kind allows, and what is made of it
// is not much larger, whatever it says.
func TestAllocationIsBounded(t *testing.T) {
	const frame, most = 64 << 10, 30 * 64 << 10 // growing lists included
	item := func(n int, body []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, protowire.Number(n), protowire.BytesType), body)
	}
	fill := func(piece []byte) []byte { return bytes.Repeat(piece, frame/len(piece)) }
	hostile := map[string][]byte{
		"messages":    fill(item(fieldMessages, nil)),
		"items":       item(fieldMessages, item(aScores, fill(item(5, nil)))),
		"views":       item(fieldMessages, item(aScores, item(5, fill(item(7, nil))))),
		"seals":       item(fieldMessages, item(aSealBatch, fill(item(4, nil)))),
		"peers":       item(fieldNames, fill(item(1, []byte("x")))),
		"models":      item(fieldNames, fill(item(4, nil))),
		"series":      append(item(fieldNames, item(2, []byte("x"))), item(fieldNames, fill(item(3, []byte{8, 1})))...),
		"samples":     append(item(fieldMessages, item(aHeartbeat, fill(item(7, []byte{8, 1, 16, 1})))), item(fieldNames, append(item(2, []byte("x")), item(3, []byte{8, 1, 17, 1, 0, 0, 0, 0, 0, 0, 0})...))...),
		"aggregators": item(fieldMessages, item(aSealBatch, item(4, item(20, make([]byte, frame))))),
	}
	for name, b := range hostile {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := DecodeParcel(b, Limits{})
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > most {
				t.Errorf("%d bytes were made of %d, error %v", n, len(b), err)
			}
		})
	}
}

// TestPublicationsRefuse: a message of the topic comes from anyone.
func TestPublicationsRefuse(t *testing.T) {
	packed := func(plain []byte) []byte { return new(Packer).pack(plain) }
	good := newValues(2).publications()
	good.Items = append(good.Items, newValues(3).published(good.Site))
	spoil := func(change func(p *Publications)) []byte {
		p := *good
		p.Items = append([]*roles.Published(nil), good.Items...)
		item := *p.Items[0]
		p.Items[0] = &item
		change(&p)
		return EncodePublications(&p)
	}
	tests := []struct {
		name string
		b    []byte
		want string
	}{
		{"nothing", nil, "empty"},
		{"packed in another way", []byte{2, 0}, "the way 2"},
		{"noise", []byte{packedFlate, 0xff, 0xff}, "unpack"},
		{"cut off", EncodePublications(good)[:40], ""},
		{"a bomb", packed(make([]byte, 16*maxPublications)), "unpack to more than"},
		{"no site", spoil(func(p *Publications) { p.Site = "" }), "site"},
		{"another site's", spoil(func(p *Publications) { p.Site = "elsewhere" }), "site"},
		{"no number", spoil(func(p *Publications) { p.Items[0].Seq.N = 0 }), "items[0]"},
		{"no claim", spoil(func(p *Publications) { p.Items[0].Seq.Epoch = roles.Epoch{} }), "items[0]"},
		{"a verdict that is none", spoil(func(p *Publications) { p.Items[0].Sealed = &roles.Sealed{Bytes: []byte("x")} }), "items[0]: verdict"},
		{"a floor beyond the last beat", spoil(func(p *Publications) { p.Floor = roles.MaxBeat + 2 }), "no beat"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := DecodePublications(tt.b)
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrMalformed that says %q", err, tt.want)
			}
		})
	}
}

// TestSealIsRebuilt: what a peer says of a verdict beside its bytes would order survivors.
func TestSealIsRebuilt(t *testing.T) {
	batch := goodSeals()
	want := *batch.Seals[0]
	lie := want
	lie.Used, lie.Outcome, lie.Hash = 64, roles.NoView, sha256.Sum256(nil)
	batch.Seals[0] = &lie
	got, err := DecodeParcel(EncodeParcel([]roles.Message{batch}), bounds())
	if err != nil {
		t.Fatal(err)
	}
	if s := as[*roles.SealBatch](t, got[0]).Seals[0]; s.Used != want.Used || s.Outcome != want.Outcome || s.Hash != want.Hash {
		t.Errorf("got %+v, want %+v", s, want)
	}
}

// TestRecordRefuses: a record comes from anyone who is a member.
func TestRecordRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(r *Record)
		want   string
	}{
		{"no site", func(r *Record) { r.Site = "" }, "site"},
		{"a view twice", func(r *Record) { r.Views = append(r.Views, r.Views[0]) }, "view 1 twice"},
		{"a view beyond the last", func(r *Record) { r.Views[0].View = roles.MaxViews }, "views[0]"},
		{"a counter of nothing", func(r *Record) { r.Views[0].Counter = 0 }, "counter"},
		{"a counter that outbids all", func(r *Record) { r.Views[0].Counter = math.MaxUint64 }, "counter"},
		{"a kind that there is not", func(r *Record) { r.Eligible = 1 << 4 }, "kinds"},
		{"no kind at all", func(r *Record) { r.Pinned = 1 }, "kinds"},
		{"a claim without an epoch", func(r *Record) { r.Claims[0].Epoch = roles.Epoch{} }, "claim[0]"},
		{"a claim that outbids all", func(r *Record) { r.Claims[0].Epoch.Counter = math.MaxUint64 }, "claim[0]"},
		{"a bundle that is none", func(r *Record) { r.Bundles[0] = [32]byte{} }, "bundles"},
		{"a version that paints", func(r *Record) { r.Version = "v1\x1b[2J" }, "print"},
		{"a version that is a novel", func(r *Record) { r.Version = strings.Repeat("v", 65) }, "field 10"},
		{"too many claims", func(r *Record) {
			for len(r.Claims) <= maxClaims {
				r.Claims = append(r.Claims, r.Claims[0])
			}
		}, "more than"},
	}
	good := func() *Record {
		return &Record{
			Site: "default", Views: []roles.HeldView{{View: 1, Counter: 1}}, Bundles: make([]inference.BundleID, 1),
			Claims: []roles.Claim{{Role: roles.CloudRole(), Epoch: roles.Epoch{Counter: 1, Peer: "a"}}},
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := good()
			r.Bundles[0] = sha256.Sum256(nil)
			tt.change(r)
			_, err := DecodeRecord(EncodeRecord(r))
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrMalformed that says %q", err, tt.want)
			}
		})
	}
	many := good()
	many.Bundles[0], many.Wants = sha256.Sum256(nil), 1<<20
	got, err := DecodeRecord(EncodeRecord(many))
	if err != nil || got.Wants != maxWants {
		t.Errorf("a node of very many sources: got %+v and %v", got, err)
	}
}

// TestQuestionsRefuse covers what is asked of a verdict log and of a coordinator, and their
// answers.
func TestQuestionsRefuse(t *testing.T) {
	epoch := roles.Epoch{Counter: 1, Peer: "a"}
	query := func(q LogQuery) func() error {
		q.Site = "default"
		return func() error { _, err := DecodeLogQuery(EncodeLogQuery(&q)); return err }
	}
	answer := func(a LogAnswer) func() error {
		return func() error { _, err := DecodeLogAnswer(EncodeLogAnswer(&a)); return err }
	}
	start := func(s Start) func() error {
		return func() error { _, err := DecodeStart(EncodeStart(&s)); return err }
	}
	order := func(c roles.Capture) func() error {
		return func() error { _, err := DecodeOrder(EncodeOrder(&c), bounds()); return err }
	}
	tests := []struct {
		name   string
		decode func() error
		want   string
	}{
		{"two questions", query(LogQuery{Blocks: true, Runs: true}), "2 questions"},
		{"no span", query(LogQuery{Most: 1}), "span"},
		{"a span that ends before it begins", query(LogQuery{Most: 1, Span: roles.Span{From: 2, To: 1}}), "span"},
		{"a span without an end", query(LogQuery{Most: 1, Span: roles.Span{To: math.MaxUint64}}), "no beat"},
		{"for nothing", query(LogQuery{Span: roles.Span{To: 1}}), "most"},
		{"for everything", query(LogQuery{Span: roles.Span{To: 1}, Most: maxLines + 1}), "field 5"},
		{"after no claim", query(LogQuery{Most: 1, After: &roles.Seq{N: 1}}), "after"},
		{"after a claim, for nothing", query(LogQuery{After: &roles.Seq{Epoch: epoch}}), "most"},
		{"no site", func() error { _, err := DecodeLogQuery(nil); return err }, "site"},
		{"a gap of nothing", answer(LogAnswer{Gaps: []roles.Gap{{}}}), "gaps[0]"},
		{"a gap of no kind", answer(LogAnswer{Gaps: []roles.Gap{{Span: roles.Span{To: 1}, Kind: roles.Unknown + 1}}}), "gaps[0]: field 4"},
		{"a block of nothing", answer(LogAnswer{Blocks: []roles.Block{{Count: 1}}}), "blocks[0]"},
		{"a block of too much", answer(LogAnswer{Blocks: []roles.Block{{Count: maxLines + 1, Hash: sha256.Sum256(nil)}}}), "blocks[0]"},
		{"an end beyond the last beat", answer(LogAnswer{End: math.MaxUint64}), "no beat"},
		{"a run of no period", start(Start{Site: "default"}), "period"},
		{"a run of no site", start(Start{Period: time.Second}), "site"},
		{"a run of too many beats", start(Start{Site: "default", Period: time.Second, Count: roles.MaxBeat + 1}), "beats"},
		{"an order of a beat", order(roles.Capture{Sample: beatOf(1)}), "on demand"},
		{"an order of too many pixels", order(roles.Capture{Sample: requestOf(1), Inputs: []roles.Input{{Pixels: make([]byte, 129)}}}), "inputs[0]"},
		{"no order", func() error { _, err := DecodeOrder(nil, bounds()); return err }, "on demand"},
		{"no answer to an order", func() error { _, err := DecodeOrderAnswer(nil); return err }, "no verdict"},
		{"no answer to a start", func() error { _, err := DecodeStartAnswer(nil); return err }, "no run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.decode(); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrMalformed that says %q", err, tt.want)
			}
		})
	}
}

// TestBombIsNotUnpacked: a small message must not become a large one before it is refused.
func TestBombIsNotUnpacked(t *testing.T) {
	var b bytes.Buffer
	b.WriteByte(packedFlate)
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	for range 64 {
		if _, err := w.Write(make([]byte, maxPublications)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = DecodePublications(b.Bytes())
	runtime.ReadMemStats(&after)
	const most = 8 * maxPublications // a buffer that doubles
	if n := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrMalformed) || n > most {
		t.Errorf("%d bytes that unpack to %d took %d of memory, error %v", b.Len(), 64*maxPublications, n, err)
	}
}
