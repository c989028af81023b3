package wire

import (
	"bytes"
	"errors"
	"testing"

	"ganglion/roles"

	"github.com/google/go-cmp/cmp"
)

// What peers send is read here first: no bytes may crash it, and what it takes must be a
// value that it writes and takes again as the same.

// fuzz runs one decoder against bytes.
func fuzz[T any](f *testing.F, encode func(T) []byte, decode func([]byte) (T, error)) {
	f.Helper()
	f.Fuzz(func(t *testing.T, b []byte) { check(t, b, encode, decode) })
}

func check[T any](t *testing.T, b []byte, encode func(T) []byte, decode func([]byte) (T, error)) {
	t.Helper()
	frame := bytes.Clone(b)
	v, err := decode(frame)
	if !bytes.Equal(b, frame) {
		t.Fatal("the frame was written to")
	}
	if err != nil {
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("got %v, want ErrMalformed", err)
		}
		return
	}
	clear(frame)
	again, err := decode(encode(v))
	if err != nil {
		t.Fatalf("what was taken is refused when it is sent on: %v", err)
	}
	if diff := cmp.Diff(v, again); diff != "" {
		t.Errorf("what was taken is sent on as another value (-taken +sent on):\n%s", diff)
	}
}

// seeds of a corpus that is made.
const seeds = 8

func FuzzDecodeParcel(f *testing.F) {
	for sort := 1; sort <= sorts; sort++ {
		f.Add(EncodeParcel([]roles.Message{newValues(uint64(sort)).message(sort)}))
	}
	f.Add(EncodeParcel([]roles.Message{goodScores(), goodAsk(), goodFeatures(), goodProposals(), goodSeals(), goodAnswer()}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		decode := func(b []byte) ([]roles.Message, error) { return DecodeParcel(b, bounds()) }
		Unknown(b)
		ms, err := decode(b)
		if err != nil && ms != nil {
			t.Error("a part of the parcel was taken")
		}
		sum := 0
		for _, m := range ms {
			sum += EncodedBytes(m)
		}
		if n := len(EncodeParcel(ms)); n > sum {
			t.Errorf("a parcel of %d bytes, more than %d", n, sum)
		}
		check(t, b, EncodeParcel, decode)
	})
}

func FuzzDecodeVerdict(f *testing.F) {
	for seed := range uint64(seeds) {
		f.Add(EncodeVerdict(newValues(seed).verdict()))
	}
	f.Add(EncodeVerdict(usualVerdict(0)))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := DecodeVerdict(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v, want ErrMalformed", err)
			}
			return
		}
		if again := EncodeVerdict(v); !bytes.Equal(again, b) {
			t.Errorf("one verdict in two forms:\n%x\n%x", b, again)
		}
	})
}

func FuzzDecodePublications(f *testing.F) {
	for seed := range uint64(seeds) {
		b := EncodePublications(newValues(seed).publications())
		f.Add(b)
		if plain, err := unpack(b); err == nil {
			f.Add(append([]byte{packedNot}, plain...))
		}
	}
	fuzz(f, EncodePublications, DecodePublications)
}

func FuzzDecodeRecord(f *testing.F) {
	for seed := range uint64(seeds) {
		f.Add(EncodeRecord(newValues(seed).record()))
	}
	fuzz(f, EncodeRecord, DecodeRecord)
}

func FuzzDecodeLogQuery(f *testing.F) {
	for seed := range uint64(seeds) {
		f.Add(EncodeLogQuery(newValues(seed).logQuery()))
	}
	fuzz(f, EncodeLogQuery, DecodeLogQuery)
}

func FuzzDecodeLogAnswer(f *testing.F) {
	for seed := range uint64(seeds) {
		f.Add(EncodeLogAnswer(newValues(seed).logAnswer()))
	}
	fuzz(f, EncodeLogAnswer, DecodeLogAnswer)
}

func FuzzDecodeOrder(f *testing.F) {
	for seed := range uint64(seeds) {
		c := newValues(seed).capture()
		f.Add(EncodeOrder(&c))
	}
	fuzz(f, EncodeOrder, func(b []byte) (*roles.Capture, error) { return DecodeOrder(b, bounds()) })
}

func FuzzDecodeOrderAnswer(f *testing.F) {
	for seed := range uint64(seeds) {
		f.Add(EncodeOrderAnswer(newValues(seed).published("default")))
	}
	fuzz(f, EncodeOrderAnswer, DecodeOrderAnswer)
}

func FuzzDecodeStart(f *testing.F) {
	for seed := range uint64(seeds) {
		f.Add(EncodeStart(newValues(seed).start()))
	}
	fuzz(f, EncodeStart, DecodeStart)
}

func FuzzDecodeStartAnswer(f *testing.F) {
	f.Add(EncodeStartAnswer(7))
	f.Add([]byte{})
	fuzz(f, EncodeStartAnswer, DecodeStartAnswer)
}
