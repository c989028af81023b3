package node

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// TestLatencyBuckets: the schema says what a bucket is; a page draws percentiles by it.
func TestLatencyBuckets(t *testing.T) {
	for _, tt := range []struct {
		latency time.Duration
		want    int
	}{
		{-time.Second, 0},
		{0, 0},
		{latencyUnit - 1, 0},
		{latencyUnit, 1},
		{2*latencyUnit - 1, 1},
		{2 * latencyUnit, 2},
		{time.Second, 12},
		{latencyUnit<<(latencyBuckets-2) - 1, latencyBuckets - 2},
		{latencyUnit << (latencyBuckets - 2), latencyBuckets - 1},
		{time.Hour, latencyBuckets - 1},
	} {
		if got := latencyBucket(tt.latency); got != tt.want {
			t.Errorf("%v is in bucket %d, want %d", tt.latency, got, tt.want)
		}
	}
}

// hall is an engine without a mesh, whose log the test fills.
func hall(t testing.TB) (*engine, func(n int, change func(*roles.Verdict)) *roles.Published) {
	t.Helper()
	b, err := builtin.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	const site = "hall"
	e := &engine{config: &Config{Site: site}, log: slog.New(slog.DiscardHandler), self: "self"}
	e.roles = roles.NewNode(0, roles.NodeConfig{Self: "self", Site: site, Groups: [][]int{{0, 1, 2, 3, 4, 5}}})
	e.plan.current = b
	e.catalog.load(b, b.ID())
	e.audience = newAudience(e)
	publish := func(n int, change func(*roles.Verdict)) *roles.Published {
		v := &roles.Verdict{
			Sample: roles.SampleID{Site: site, Run: 7, Beat: roles.Beat(n)}, Epoch: roles.Epoch{Counter: 1, Peer: "self"},
			Bundle: b.ID(), Aggregators: make([]roles.Peer, 1), Ref: n, Label: 1, Reasons: map[int]roles.Reason{},
		}
		v.Answer = inference.Verdict{
			Exit: topology.ExitLocal, Class: 1, Seen: 0b111111,
			Proposals: []inference.Proposal{{Exit: topology.ExitLocal, Seen: 6, Scores: []float32{0, 4, 1}, Class: 1, Entropy: inference.NormalizedEntropy([]float32{0, 4, 1})}},
		}
		v.Views = v.Answer.Seen
		if change != nil {
			change(v)
		}
		p := &roles.Published{
			Seq: roles.Seq{Epoch: v.Epoch, N: uint64(n + 1)}, Sealed: roles.Seal(v, wire.EncodeVerdict(v)), Latency: time.Millisecond,
		}
		if _, err := wire.DecodeVerdict(p.Sealed.Bytes); err != nil {
			t.Fatal(err)
		}
		return p
	}
	return e, publish
}

// TestAudienceIsBounded: a page whose reader is slow, or looks every ten seconds, must cost a node
// no more than one that looks often: it gets sums, and the newest of what came whole.
func TestAudienceIsBounded(t *testing.T) {
	e, publish := hall(t)
	e.audience.logged([]*roles.Published{publish(0, nil)})
	if len(e.audience.stages) != 0 {
		t.Fatal("something is summed up while nobody watches")
	}
	s := e.audience.enter("hall")
	const many = 1000
	for n := range many {
		e.audience.logged([]*roles.Published{publish(n, func(v *roles.Verdict) {
			if n%4 == 0 {
				v.Label = 2 // answered with another
			}
		})})
	}
	e.audience.logged([]*roles.Published{{Sealed: &roles.Sealed{Sample: roles.SampleID{Site: "elsewhere", Run: 1}}}})
	none := figures{}
	all := s.sums.since(&none)
	if local := all.exits[topology.ExitLocal]; local.count != many || local.labelled != many || local.right != many*3/4 || all.news() != many || s.came != many {
		t.Errorf("summed up %+v of %d verdicts that came: want %d, a quarter wrong", all, s.came, many)
	}
	if bytes := all.payload[roles.DeviceToLocal]; bytes != many*6*12 {
		t.Errorf("%d bytes of scores, want %d", bytes, many*6*12)
	}
	if m := all.message(time.Second); len(m.GetExits()) != 1 || m.GetOverMs() != 1000 {
		t.Errorf("told as %v", m)
	}
	whole := e.audience.show(s, 0, 8)
	if len(whole) != 8 || whole[7].GetBeat() != many-1 || whole[0].GetBeat() != many-8 {
		t.Errorf("%d come whole, the last of beat %d", len(whole), whole[len(whole)-1].GetBeat())
	}
	if again := e.audience.show(s, 0, verdictsMost); again[verdictsMost-1] != whole[7] {
		t.Error("a verdict is described anew for each who watches")
	}
	if none := e.audience.show(s, many, 8); none != nil {
		t.Errorf("nothing came, and %d are told", len(none))
	}
	e.audience.leave("hall")
	if len(e.audience.stages) != 0 {
		t.Error("what was summed up stays when the last has gone")
	}
}

// TestFramesAreBounded: a camera's pictures are kept for a page, in so many bytes and no more.
func TestFramesAreBounded(t *testing.T) {
	var f frames
	key := func(n int) frameKey { return frameKey{roles.SampleID{Site: "hall", Run: 1, Beat: roles.Beat(n)}, 0} }
	for _, size := range []int{1, 3072, framesBytes / 3, framesBytes} {
		for n := range 3 * framesMost {
			f.add(frame{of: key(n), pixels: sized(size)})
			if f.bytes > framesBytes || f.count > framesMost || len(f.at) != f.count {
				t.Fatalf("%d frames of %d bytes are kept, %d can be found", f.count, f.bytes, len(f.at))
			}
		}
	}
	f.clear()
	for n := range 3 * framesMost {
		f.add(frame{of: key(n), pixels: sized(2048)})
	}
	if want := framesBytes / 2048; f.count != want {
		t.Errorf("%d frames of 2048 bytes are kept, want %d", f.count, want)
	}
	for n := range 3 * framesMost {
		if _, ok := f.find(key(n)); ok != (n >= 3*framesMost-f.count) {
			t.Fatalf("frame %d of %d is there: %v", n, 3*framesMost, ok)
		}
	}
	f.add(frame{of: key(-1), pixels: sized(framesBytes + 1)})
	if _, ok := f.find(key(-1)); ok {
		t.Error("a frame that is larger than all that may be kept is kept")
	}
}

// sized is pixels that nobody looks at.
func sized(n int) []byte { return pixelsOfTests[:n] }

var pixelsOfTests = make([]byte, framesBytes+1)

// TestSameMember: whatever changes of a member, but for times, a page must be told of it; what is
// forgotten here would be drawn as it was before.
func TestSameMember(t *testing.T) {
	times := map[protoreflect.Name]bool{"since_ms": true, "round_trip_us": true}
	fields := (&controlpb.Member{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		a, b := &controlpb.Member{}, &controlpb.Member{}
		of := b.ProtoReflect()
		switch {
		case field.IsList():
			of.Mutable(field).List().Append(protoreflect.ValueOfString("x"))
		case field.Kind() == protoreflect.StringKind:
			of.Set(field, protoreflect.ValueOfString("x"))
		case field.Kind() == protoreflect.BoolKind:
			of.Set(field, protoreflect.ValueOfBool(true))
		case field.Kind() == protoreflect.Int32Kind:
			of.Set(field, protoreflect.ValueOfInt32(1))
		case field.Kind() == protoreflect.Int64Kind:
			of.Set(field, protoreflect.ValueOfInt64(1))
		default:
			t.Fatalf("field %s is of a kind that this test does not know: %v", field.Name(), field.Kind())
		}
		if got := sameMember(a, b); got != times[field.Name()] {
			t.Errorf("members that differ in %s are the same: %v", field.Name(), got)
		}
	}
}

// BenchmarkAudience is what a verdict costs while somebody watches, in the engine's goroutine.
func BenchmarkAudience(b *testing.B) {
	e, publish := hall(b)
	one := []*roles.Published{publish(0, nil)}
	s := e.audience.enter("hall")
	b.Run("sum", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.audience.logged(one)
		}
	})
	b.Run("describe", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.describe(one[0], false)
		}
	})
	for _, most := range []int{8, verdictsMost} {
		b.Run(fmt.Sprintf("show=%d", most), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for i := range s.newest {
					s.newest[i].shown = nil
				}
				e.audience.show(s, 0, most)
			}
		})
	}
}
