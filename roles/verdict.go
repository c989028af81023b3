package roles

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// Reason is why nothing of a view counts in a sample.
type Reason uint8

// The reasons for which a view is missing.
const (
	NotMissing Reason = iota
	Unheld            // no node holds the view
	Silent            // its device did not speak in time
	Broken            // the connection to its device broke
	NoBundle          // its device lacks the bundle of that beat
	Skipped           // a live camera came late to the beat
	Refused           // its device's retention was full
	Faulty            // what it sent does not fit the bundle
)

func (r Reason) String() string {
	names := []string{"", "not held", "silent", "connection broken", "no bundle", "skipped", "refused", "faulty"}
	if int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("unknown(%d)", uint8(r))
}

// Verdict is the answer for one sample with its whole explanation: what is sealed. It is
// immutable. What is known only once it is sealed, its latency, is beside it, in
// [Published].
type Verdict struct {
	Sample   SampleID
	Epoch    Epoch                // the coordinator's claim under which it was decided
	Bundle   inference.BundleID   // of the sample
	Settings uint64               // version
	Answer   inference.Verdict    // as the network in one process says it; the last of its proposals answered
	Views    uint64               // that the answer rests on: fewer than were seen where features did not arrive, or of one group
	Others   []inference.Proposal // that were made and come behind the one that answered
	Reasons  map[int]Reason       // of the missing views

	// Refused: every device that spoke refused the sample; there is no answer.
	Refused bool
	// StoppedEarly: no tier above answered within the budget, so that the best proposal
	// so far stands although it was not within its threshold.
	StoppedEarly bool
	Aggregators  []Peer // by group; empty where none took part
	Cloud        Peer   // who ran the last section; empty: nobody

	// Ref is the element of the data set that a replay showed, Label the class that the
	// data set names, as the devices said them; negative: none. Neither decides anything.
	Ref, Label int
}

// Hash identifies a verdict: the SHA-256 of its bytes.
type Hash [sha256.Size]byte

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Outcome is what became of a sample.
type Outcome uint8

// The outcomes of final samples, the better first.
const (
	Answered   Outcome = iota // a class
	NoView                    // no view was seen: exit none, which is final too
	AllRefused                // every device that spoke refused it
)

// Sealed is a verdict as it travels: its bytes, which nobody alters once it is decided,
// and what the order of survivors needs of them.
type Sealed struct {
	Sample       SampleID
	Epoch        Epoch // under which it was decided
	Outcome      Outcome
	Exit         topology.Exit // that answered; ExitNone where there is no answer
	Used         int           // views that the answering exit rests on
	StoppedEarly bool
	Bytes        []byte
	Hash         Hash
}

// Seal makes what travels of a verdict and its encoding.
func Seal(v *Verdict, encoded []byte) *Sealed {
	s := &Sealed{
		Sample: v.Sample, Epoch: v.Epoch, Exit: v.Answer.Exit, StoppedEarly: v.StoppedEarly,
		Bytes: encoded, Hash: sha256.Sum256(encoded),
	}
	switch {
	case v.Refused:
		s.Outcome = AllRefused
	case v.Answer.Exit == topology.ExitNone:
		s.Outcome = NoView
	}
	if n := len(v.Answer.Proposals); n > 0 && v.Answer.Exit != topology.ExitNone {
		s.Used = v.Answer.Proposals[n-1].Seen
	}
	return s
}

// Compare is the total order of verdicts of one sample, negative where s is the one that
// survives: more views used, an answer before none and none before a refusal, not stopped
// early, higher epoch, lower hash. It is 0 for the same verdict alone.
func (s *Sealed) Compare(t *Sealed) int {
	return cmp.Or(
		cmp.Compare(t.Used, s.Used), cmp.Compare(s.Outcome, t.Outcome),
		yes(!s.StoppedEarly, !t.StoppedEarly), t.Epoch.Compare(s.Epoch),
		bytes.Compare(s.Hash[:], t.Hash[:]))
}

// Seq orders what is published: by the claim of who published it, then by number. It is
// not that of the decision where a later holder published what another had decided.
type Seq struct {
	Epoch Epoch
	N     uint64 // from 1 within the claim
}

// Compare orders sequence numbers.
func (s Seq) Compare(t Seq) int { return cmp.Or(s.Epoch.Compare(t.Epoch), cmp.Compare(s.N, t.N)) }

// String is counter-n.
func (s Seq) String() string { return fmt.Sprintf("%d-%d", s.Epoch.Counter, s.N) }

// Published is one line of the verdict log. It is immutable.
type Published struct {
	Seq          Seq
	Sealed       *Sealed
	Latency      time.Duration // from the request or the first frame to the release, on the publisher's clock
	SinceBeat    time.Duration // from the beat to the release; 0 on demand
	SupersededBy Hash          // the survivor's, where another verdict of the sample survives; else zero
}
