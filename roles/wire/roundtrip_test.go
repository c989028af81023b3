package wire

import (
	"bytes"
	"testing"

	"ganglion/proto/wirepb"
	"ganglion/roles"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
)

// trips is how many random values of each sort are sent.
const trips = 100

// form is one kind of frame: how a value of it is written and read, by hand, and what the
// generated code reads it as.
type form struct {
	name   string
	random func(v values) any
	encode func(v any) []byte
	decode func(b []byte) (any, error)
	schema func() proto.Message
}

// formOf makes a form of typed functions.
func formOf[T any](name string, random func(values) T, encode func(T) []byte, decode func([]byte) (T, error), schema func() proto.Message) form {
	return form{
		name:   name,
		random: func(v values) any { return random(v) },
		encode: func(x any) []byte { v, _ := x.(T); return encode(v) },
		decode: func(b []byte) (any, error) { x, err := decode(b); return x, err },
		schema: schema,
	}
}

// as is a value of the type that it must have.
func as[T any](t *testing.T, x any) T {
	t.Helper()
	v, ok := x.(T)
	if !ok {
		t.Fatalf("got a %T", x)
	}
	return v
}

func forms() []form {
	parcel := func() proto.Message { return &wirepb.Parcel{} }
	decodeParcel := func(b []byte) ([]roles.Message, error) { return DecodeParcel(b, Limits{}) }
	var out []form
	for sort := 1; sort <= sorts; sort++ {
		one := func(v values) []roles.Message { return []roles.Message{v.message(sort)} }
		out = append(out, formOf(nameOf(sort), one, EncodeParcel, decodeParcel, parcel))
	}
	many := func(v values) (ms []roles.Message) {
		for range 1 + v.many(20) {
			ms = append(ms, v.message(1+v.IntN(sorts)))
		}
		return ms
	}
	decodeOrder := func(b []byte) (*roles.Capture, error) { return DecodeOrder(b, Limits{}) }
	order := func(v values) *roles.Capture { c := v.capture(); return &c }
	return append(out,
		formOf("parcel", many, EncodeParcel, decodeParcel, parcel),
		formOf("verdict", values.verdict, EncodeVerdict, DecodeVerdict, func() proto.Message { return &wirepb.Verdict{} }),
		formOf("publications", values.publications, EncodePublications, DecodePublications, nil),
		formOf("record", values.record, EncodeRecord, DecodeRecord, func() proto.Message { return &wirepb.NodeRecord{} }),
		formOf("log query", values.logQuery, EncodeLogQuery, DecodeLogQuery, func() proto.Message { return &wirepb.LogQuery{} }),
		formOf("log answer", values.logAnswer, EncodeLogAnswer, DecodeLogAnswer, func() proto.Message { return &wirepb.LogAnswer{} }),
		formOf("order", order, EncodeOrder, decodeOrder, func() proto.Message { return &wirepb.Order{} }),
		formOf("order answer", func(v values) *roles.Published { return v.published(v.siteName()) },
			EncodeOrderAnswer, DecodeOrderAnswer, func() proto.Message { return &wirepb.OrderAnswer{} }),
		formOf("start", values.start, EncodeStart, DecodeStart, func() proto.Message { return &wirepb.Start{} }),
		formOf("start answer", func(v values) roles.RunID { return roles.RunID(1 + v.Uint64N(1<<60)) },
			EncodeStartAnswer, DecodeStartAnswer, func() proto.Message { return &wirepb.StartAnswer{} }),
	)
}

// TestRoundTrip: what is sent is what arrives, whatever it is, and nothing of it is part of
// the frame, whose memory the next one takes.
func TestRoundTrip(t *testing.T) {
	for _, f := range forms() {
		t.Run(f.name, func(t *testing.T) {
			for seed := range uint64(trips) {
				want := f.random(newValues(seed))
				b := f.encode(want)
				got, err := f.decode(b)
				if err != nil {
					t.Fatalf("seed %d: %v\nof %+v", seed, err, want)
				}
				clear(b)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d: another value arrives (-sent +arrived):\n%s", seed, diff)
				}
			}
		})
	}
}

// TestSchema: the schema is the specification. The generated code reads what is written by
// hand, knows every field of it, and writes what is read by hand as the same value.
func TestSchema(t *testing.T) {
	for _, f := range forms() {
		if f.schema == nil {
			continue // TestPublicationsSchema
		}
		t.Run(f.name, func(t *testing.T) {
			for seed := range uint64(trips) {
				want := f.random(newValues(seed))
				generated := f.schema()
				if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(f.encode(want), generated); err != nil {
					t.Fatalf("seed %d: generated code: %v", seed, err)
				}
				b, err := proto.MarshalOptions{Deterministic: true}.Marshal(generated)
				if err != nil {
					t.Fatal(err)
				}
				got, err := f.decode(b)
				if err != nil {
					t.Fatalf("seed %d: by hand: %v", seed, err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d: another value arrives (-sent +arrived):\n%s", seed, diff)
				}
			}
		})
	}
}

// TestPublicationsSchema is TestSchema for what has a byte before it.
func TestPublicationsSchema(t *testing.T) {
	for seed := range uint64(trips) {
		want := newValues(seed).publications()
		plain, err := unpack(EncodePublications(want))
		if err != nil {
			t.Fatal(err)
		}
		var generated wirepb.Publications
		if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(plain, &generated); err != nil {
			t.Fatal(err)
		}
		b, err := proto.Marshal(&generated)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodePublications(append([]byte{packedNot}, b...))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: another value arrives (-sent +arrived):\n%s", seed, diff)
		}
	}
}

// TestLocalStaysHome: when a sample was captured, and its features, are of no use to an
// aggregator, and an instant means nothing at another node.
func TestLocalStaysHome(t *testing.T) {
	v := newValues(1)
	o := v.observation("default")
	bare := *o
	bare.Views = append([]roles.ViewResult(nil), o.Views...)
	o.Captured, o.Views[0].Features = 7, []byte{1, 2, 3}
	b := EncodeParcel([]roles.Message{&roles.Scores{Site: "default", Items: []*roles.Observation{o}}})
	got, err := DecodeParcel(b, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []roles.Message{&roles.Scores{Site: "default", Items: []*roles.Observation{&bare}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("another value arrives (-want +got):\n%s", diff)
	}
}

// TestUnknownMessages: a later version's messages and fields cost an older one nothing but
// a count.
func TestUnknownMessages(t *testing.T) {
	known := newValues(1).message(aSealAck)
	e := encoder{}
	at := e.open(fieldMessages)
	of := e.open(200)
	e.uint(1, 7)
	e.close(of)
	e.close(at)
	e.message(known)
	e.uint(99, 5) // a field of a parcel
	b := e.finish()
	got, err := DecodeParcel(b, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]roles.Message{known}, got); diff != "" {
		t.Errorf("another value arrives (-want +got):\n%s", diff)
	}
	if n := Unknown(b); n != 1 {
		t.Errorf("%d unknown messages, want 1", n)
	}
	if n := Unknown(EncodeParcel([]roles.Message{known})); n != 0 {
		t.Errorf("%d unknown messages, want none", n)
	}
}

// TestEncodedBytes: a frame is never larger than the sum that it was cut by.
func TestEncodedBytes(t *testing.T) {
	for seed := range uint64(20) {
		v := newValues(seed)
		var ms []roles.Message
		sum := 0
		for range 1 + v.many(300) {
			m := v.message(1 + v.IntN(sorts))
			if s, ok := m.(*roles.Scores); ok { // more than 127 series: their indexes are longer
				for _, o := range s.Items {
					o.Sample = roles.SampleID{Site: s.Site, Run: roles.RunID(1 + v.Uint64N(1<<60))}
				}
			}
			ms = append(ms, m)
			sum += EncodedBytes(m)
		}
		if n := len(EncodeParcel(ms)); n > sum {
			t.Fatalf("seed %d: %d messages take %d bytes, more than %d", seed, len(ms), n, sum)
		}
	}
}

// TestEncodeParcels: what is sent in several frames arrives as it does in one, and no frame
// is larger than its kind allows.
func TestEncodeParcels(t *testing.T) {
	for seed := range uint64(20) {
		v := newValues(seed)
		var ms []roles.Message
		for range v.many(100) {
			ms = append(ms, v.message(1+v.IntN(sorts)))
		}
		const most = 8 << 10
		var got []roles.Message
		for _, b := range EncodeParcels(ms, most) {
			some, err := DecodeParcel(b, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if _, whole := some[0].(*roles.SealBatch); len(b) > most && (len(some) > 1 || !whole) {
				t.Errorf("seed %d: a frame of %d bytes, more than %d", seed, len(b), most)
			}
			got = append(got, some...)
		}
		if diff := cmp.Diff(ms, got); diff != "" {
			t.Fatalf("seed %d: other messages arrive (-sent +arrived):\n%s", seed, diff)
		}
	}
	large := &roles.Scores{Site: "default"}
	v := newValues(1)
	for range 100 {
		large.Items = append(large.Items, v.observation("default"))
	}
	frames := EncodeParcels([]roles.Message{large}, 1024)
	var items []*roles.Observation
	for _, b := range frames {
		ms, err := DecodeParcel(b, Limits{})
		if err != nil || len(b) > 1024 {
			t.Fatalf("a frame of %d bytes: %v", len(b), err)
		}
		for _, m := range ms {
			items = append(items, as[*roles.Scores](t, m).Items...)
		}
	}
	if diff := cmp.Diff(large.Items, items); diff != "" {
		t.Errorf("other samples arrive (-sent +arrived):\n%s", diff)
	}
}

// TestSplit: a batch that does not fit one frame goes in several that mean the same.
func TestSplit(t *testing.T) {
	v := newValues(1)
	whole := &roles.Scores{Site: "default", Group: 1, Again: true}
	for range 256 {
		whole.Items = append(whole.Items, v.observation("default"))
	}
	const most = 4096
	var together []*roles.Observation
	for _, m := range Split(whole, most) {
		s := as[*roles.Scores](t, m)
		if n := len(EncodeParcel([]roles.Message{s})); n > most {
			t.Errorf("a part of %d bytes, more than %d", n, most)
		}
		if s.Site != whole.Site || s.Group != whole.Group || !s.Again {
			t.Errorf("a part is of another message: %+v", s)
		}
		together = append(together, s.Items...)
	}
	if diff := cmp.Diff(whole.Items, together); diff != "" {
		t.Errorf("other samples arrive (-sent +arrived):\n%s", diff)
	}

	answer := &roles.ClaimAnswer{Role: roles.CloudRole(), Epoch: v.epoch(), Unsealed: v.samples(3), Last: true}
	for range 32 {
		answer.Seals = append(answer.Seals, roles.StoredSeal{Claim: v.epoch(), Sealed: v.sealed()})
	}
	parts := Split(answer, most)
	seals, unsealed := 0, 0
	for i, m := range parts {
		a := as[*roles.ClaimAnswer](t, m)
		seals, unsealed = seals+len(a.Seals), unsealed+len(a.Unsealed)
		if a.Last != (i == len(parts)-1) {
			t.Errorf("part %d of %d: last is %t", i, len(parts), a.Last)
		}
	}
	if seals != len(answer.Seals) || unsealed != len(answer.Unsealed) {
		t.Errorf("%d seals and %d samples arrive, of %d and %d", seals, unsealed, len(answer.Seals), len(answer.Unsealed))
	}

	batch := &roles.SealBatch{Role: roles.CloudRole(), Epoch: v.epoch(), Seals: []*roles.Sealed{v.sealed(), v.sealed()}}
	if got := Split(batch, 1); len(got) != 1 || got[0] != roles.Message(batch) {
		t.Error("a batch of seals was cut: it is acknowledged as a whole")
	}
}

// TestIsFeatures: pixels and features alone may go in larger frames.
func TestIsFeatures(t *testing.T) {
	v := newValues(1)
	for sort := 1; sort <= sorts; sort++ {
		for range trips {
			m := v.message(sort)
			r, request := m.(*roles.Request)
			want := sort == aFeatures || request && len(r.Inputs) > 0
			if got := IsFeatures(m); got != want {
				t.Fatalf("%T: %t, want %t", m, got, want)
			}
		}
	}
}

// TestPublicationsPacked: gossip is one message every 50 ms to everyone, so that its size
// counts; one that is small is not made larger.
func TestPublicationsPacked(t *testing.T) {
	empty := EncodePublications(&Publications{Site: "default"})
	if empty[0] != packedNot {
		t.Error("the heartbeat of a run was packed")
	}
	p := &Publications{Site: "default"}
	v := newValues(1)
	plain := 0
	for i := range 20 {
		item := &roles.Published{Seq: roles.Seq{Epoch: roles.Epoch{Counter: 4, Peer: v.peer()}, N: uint64(i) + 1}, Sealed: usualSealed(uint64(i))}
		p.Items = append(p.Items, item)
		plain += len(item.Sealed.Bytes)
	}
	b := EncodePublications(p)
	if b[0] != packedFlate || len(b) > plain/2 {
		t.Errorf("20 verdicts of %d bytes are packed into %d", plain, len(b))
	}
	t.Logf("20 verdicts of %d bytes are packed into %d", plain, len(b))
	again := EncodePublications(p)
	if !bytes.Equal(b, again) {
		t.Error("packed in two ways")
	}
}
