package wire

import (
	"testing"

	"ganglion/roles"

	"github.com/google/go-cmp/cmp"
)

// Most frames are heartbeats, seals and what acknowledges them: they are about one of their
// two ends, whose long text neither needs to be told.
func TestEndsAreNotWritten(t *testing.T) {
	const holder, device = "12D3KooWEwhQxKW9EfUJdGU5dLCrchxixpMdEXqUS44ZX856LjrR", "12D3KooWJeroEXFJHk9K4qghexvWkmnUoVsd7NQBbikoLAQoo3CN"
	role := roles.AggregatorOf("default", 0)
	ack := []roles.Message{&roles.SealAck{Role: role, Epoch: roles.Epoch{Counter: 7, Peer: holder}, Number: 300}}
	ends := Ends{From: device, To: holder}
	short, long := ends.EncodeParcel(ack), EncodeParcel(ack)
	if len(short)+len(holder) > len(long) {
		t.Errorf("%d bytes between the two, %d alone", len(short), len(long))
	}
	got, err := ends.DecodeParcel(short, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(ack, got); d != "" {
		t.Error(d)
	}
	// Without its ends, or between others, it does not mean the same.
	if _, err := DecodeParcel(short, Limits{}); err == nil {
		t.Error("read without its ends")
	}
}

// Whoever else is named is named as ever.
func TestEndsWithOthers(t *testing.T) {
	for seed := range uint64(200) {
		v := newValues(seed)
		var want []roles.Message
		for sort := range 8 {
			want = append(want, v.message(sort+1))
		}
		ends := Ends{From: v.peer(), To: v.peer()}
		for _, some := range ends.EncodeParcels(want, 1<<20) {
			got, err := ends.DecodeParcel(some, Limits{})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			again := ends.EncodeParcel(got)
			if d := cmp.Diff(some, again); d != "" {
				t.Fatalf("seed %d: %s", seed, d)
			}
		}
	}
}
