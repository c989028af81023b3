package chaos

import (
	"math"
	"testing"
	"time"
)

// A frame comes from a member, which may be anybody with the token: what is read from it is
// a fault that may be carried out, or an error, and it reads the same again.
func FuzzDecodeFault(f *testing.F) {
	for _, fault := range []Fault{
		{Do: Kill},
		{Do: Heal},
		{Do: Pause, For: time.Second},
		{Do: Cut, For: MostFor},
		{Do: Slow, For: time.Second, Delay: MostDelay},
		{Do: Lose, For: time.Second, Loss: MostLoss},
		{Do: Lose, For: time.Second, Loss: math.NaN()},
		{Do: Cut, For: -time.Second},
		{Do: "a word that is none"},
	} {
		b, err := EncodeFault(fault)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{})
	f.Add(make([]byte, FrameBytesMax+1))
	f.Fuzz(func(t *testing.T, b []byte) {
		fault, err := DecodeFault(b)
		if err != nil {
			return
		}
		if err := fault.Validate(); err != nil {
			t.Fatalf("a fault came through that is none: %v", err)
		}
		again, err := EncodeFault(fault)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := DecodeFault(again); err != nil || twice != fault {
			t.Errorf("read %v, and then %v, %v", fault, twice, err)
		}
	})
}

// FuzzDecodeTaken looks for an answer that would have a timeline begin in the far future, or
// before it was asked for.
func FuzzDecodeTaken(f *testing.F) {
	for _, d := range []time.Duration{0, Lead, -1, time.Hour} {
		b, err := EncodeTaken(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := DecodeTaken(b); err == nil && (d < 0 || d > time.Second) {
			t.Errorf("begins in %v", d)
		}
	})
}
