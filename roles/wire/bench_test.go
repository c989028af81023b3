package wire

import (
	"testing"

	"ganglion/inference/topology"
	"ganglion/proto/wirepb"
	"ganglion/roles"

	"google.golang.org/protobuf/proto"
)

// usual are the messages of which there are most, as six devices of one view and three
// classes send them, n samples in each.
func usual(n int) map[string]roles.Message {
	peer := roles.Peer("12D3KooWEyopopk4LeX2Z6Aq7pZ1m2Zk1f6rLxWc8F6m3sAgGrEg")
	epoch := roles.Epoch{Counter: 4, Peer: peer}
	role := roles.AggregatorOf("default", 0)
	bundle := usualVerdict(0).Bundle
	scores := &roles.Scores{Site: "default", Epoch: epoch}
	ask := &roles.Ask{Role: role, Epoch: epoch, Tier: topology.ExitCloud, To: peer, ToEpoch: epoch}
	features := &roles.Features{Tier: topology.ExitCloud, Epoch: epoch, AnswerTo: peer}
	proposals := &roles.Proposals{Tier: topology.ExitCloud, Site: "default", Role: roles.CloudRole(), Epoch: epoch}
	seals := &roles.SealBatch{Role: role, Epoch: epoch, Number: 1234}
	for i := range n {
		v := usualVerdict(uint64(i))
		id := v.Sample
		scores.Items = append(scores.Items, &roles.Observation{
			Sample: id, Bundle: bundle, Settings: 2, Ref: 41, Label: 1,
			Views: []roles.ViewResult{{View: 3, Seen: true, Scores: []float32{1, -2, 3}}},
		})
		ask.Items = append(ask.Items, roles.Wanted{Sample: id, Expect: 0b111111})
		features.Items = append(features.Items, roles.FeatureItem{
			Sample: id, Bundle: bundle, Settings: 2, Expect: 0b111111, Source: 3, Views: 0b1000, Features: make([]byte, 128),
		})
		exit := v.Answer.Proposals[1]
		proposals.Items = append(proposals.Items, &roles.Proposed{
			Sample: id, Bundle: bundle, Settings: 2, Exit: &exit, Seen: 0b101101, Ref: -1, Label: -1,
		})
		seals.Seals = append(seals.Seals, usualSealed(uint64(i)))
	}
	return map[string]roles.Message{
		"Scores": scores, "Ask": ask, "Features": features, "Proposals": proposals, "SealBatch": seals,
		"SealAck": &roles.SealAck{Role: role, Epoch: epoch, Number: 1234},
	}
}

// BenchmarkParcel is a message alone in its frame, of 1 sample and of 16.
func BenchmarkParcel(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"1", 1}, {"16", 16}} {
		messages := usual(size.n)
		for _, name := range []string{"Scores", "Ask", "Features", "Proposals", "SealBatch", "SealAck"} {
			ms := []roles.Message{messages[name]}
			frame := EncodeParcel(ms)
			b.Run(name+"/"+size.name+"/encode", func(b *testing.B) {
				b.ReportAllocs()
				b.ReportMetric(float64(len(frame)), "frame-bytes")
				for b.Loop() {
					EncodeParcel(ms)
				}
			})
			b.Run(name+"/"+size.name+"/size", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					EncodedBytes(ms[0])
				}
			})
			b.Run(name+"/"+size.name+"/decode", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := DecodeParcel(frame, Limits{}); err != nil {
						b.Fatal(err)
					}
				}
			})
			// The generated code alone: its structs are not yet values of package roles,
			// and nothing is checked, sealed verdicts not even read.
			b.Run(name+"/"+size.name+"/generated-encode", func(b *testing.B) {
				var m wirepb.Parcel
				if err := proto.Unmarshal(frame, &m); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := proto.Marshal(&m); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(name+"/"+size.name+"/generated-decode", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					var m wirepb.Parcel
					if err := proto.Unmarshal(frame, &m); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkVerdict(b *testing.B) {
	v := usualVerdict(0)
	encoded := EncodeVerdict(v)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			EncodeVerdict(v)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := DecodeVerdict(encoded); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPublications is what a holder tells everyone each 50 ms at 400 samples a second.
func BenchmarkPublications(b *testing.B) {
	p := &Publications{Site: "default", Run: 1}
	for i := range uint64(20) {
		s := usualSealed(i)
		p.Items = append(p.Items, &roles.Published{Seq: roles.Seq{Epoch: s.Epoch, N: i + 1}, Sealed: s, Latency: 1e6, SinceBeat: 2e6})
	}
	encoded := EncodePublications(p)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		b.ReportMetric(float64(len(encoded)), "frame-bytes")
		for b.Loop() {
			EncodePublications(p)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := DecodePublications(encoded); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEncodeParcels is what a turn sends to one peer, cut at the limit of a frame.
func BenchmarkEncodeParcels(b *testing.B) {
	var ms []roles.Message
	for _, m := range usual(4) {
		ms = append(ms, m)
	}
	b.ReportAllocs()
	for b.Loop() {
		EncodeParcels(ms, 64<<10)
	}
}
