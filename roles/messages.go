package roles

import (
	"slices"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
)

// Message is what machines of different nodes say to one another: the table "Messages" of
// docs/protocol.md. A message is not altered once it is sent.
type Message interface{ message() }

// The sizes of batches, so that a frame of control messages stays small whatever is in
// work.
const (
	// SealsInFrame is how many verdicts with their explanation one message carries.
	SealsInFrame   = 32
	samplesInFrame = 256 // identifiers, scores
)

// Heartbeat goes from a site's coordinator, and from every other holder without a run, to
// its devices and its first two standbys every HeartbeatInterval, or every RestInterval.
type Heartbeat struct {
	Claim     Claim
	Run       *RunRecord    // nil: none
	Since     time.Duration // since t0, on the holder's clock
	Trip      time.Duration // the receiver's round trip, as measured last
	Number    uint64
	Floor     Beat       // of the run
	Published []SampleID // on demand, since the last heartbeats
	Resting   bool       // the next one follows after RestInterval, or as soon as there is work
}

// HeartbeatAck answers a Heartbeat that is followed.
type HeartbeatAck struct {
	Role   Role
	Epoch  Epoch
	Number uint64
}

// Scores is what a device's views of some samples came to, without features.
type Scores struct {
	Site  Site
	Group int
	Epoch Epoch          // of the aggregator, as known to the sender
	Items []*Observation // Features are nil
	Again bool           // sent before, to another holder or in vain
}

// Ask wants the features of some samples sent to a peer.
type Ask struct {
	Role    Role  // the coordinator's
	Epoch   Epoch // the coordinator's
	Tier    topology.Exit
	To      Peer
	ToEpoch Epoch
	Items   []Wanted
}

// Wanted is one sample of an Ask.
type Wanted struct {
	Sample SampleID
	Expect uint64 // views, or groups of edges, that are asked for it
}

// Features is what an Ask wanted, from a device to an edge or the cloud, or from an edge
// to the cloud.
type Features struct {
	Tier     topology.Exit // that wants them
	Epoch    Epoch         // of the receiver's role, as known to who asked
	AnswerTo Peer          // the coordinator
	Items    []FeatureItem
}

// FeatureItem is the features of one source of one sample.
type FeatureItem struct {
	Sample   SampleID
	Bundle   inference.BundleID
	Settings uint64
	Expect   uint64 // sources that were asked
	Source   int    // view or, from an edge, group
	Views    uint64 // that the features rest on
	Features []byte
}

// Proposals goes from an aggregator, an edge or the cloud (where it is the Answer) to the
// coordinator.
type Proposals struct {
	Tier  topology.Exit
	Site  Site
	Group int   // of an aggregator or an edge
	Role  Role  // the sender's
	Epoch Epoch // the sender's
	Items []*Proposed
}

// Proposed is what one exit says of one sample.
type Proposed struct {
	Sample   SampleID
	Bundle   inference.BundleID
	Settings uint64
	Exit     *inference.Proposal // nil: no view of the group was seen, or there is no exit here
	Seen     uint64              // views that it rests on
	Nothing  uint64
	Reasons  map[int]Reason // of the views that are missing

	// Ref and Label are as the devices say them, see Observation.
	Ref, Label int
}

func (p *Proposed) model() Model { return Model{p.Bundle, p.Settings} }

// SealBatch asks to store seals.
type SealBatch struct {
	Role   Role
	Epoch  Epoch
	Number uint64 // of the batch within the claim
	Seals  []*Sealed
}

// SealAck says that a whole batch is stored.
type SealAck struct {
	Role   Role
	Epoch  Epoch
	Number uint64
}

// Request has devices capture a sample on demand.
type Request struct {
	Role  Role
	Epoch Epoch
	Capture
}

// Capture is what a device is to capture, and for which bundle and settings: a node that
// lacks the bundle says that its views are missing, NoBundle.
type Capture struct {
	Sample   SampleID
	Bundle   inference.BundleID
	Settings uint64
	Ref      int     // on demand, the element of the data set that a replay shows; negative: none was named
	Inputs   []Input // on demand, what the views are to see instead of the moment; nil: they capture
}

// Input is what one view is to see for a sample on demand.
type Input struct {
	View   int
	Pixels []byte // [channel, row, col], of the bundle's input shape
}

// Stale answers a message under a claim lower than the highest that the receiver knows.
type Stale struct {
	Role  Role
	Epoch Epoch
}

// StillHeard asks whether the holder of a role is heard.
type StillHeard struct {
	Role  Role
	Epoch Epoch
}

// StillHeardAnswer answers StillHeard.
type StillHeardAnswer struct {
	Role     Role
	Asked    Epoch
	Hears    bool
	Promised Epoch
}

// Claiming claims a role, and asks who gets it for all that they know.
type Claiming struct {
	Claim Claim
}

// ClaimAnswer promises to refuse lower claims. An answer of several frames ends with the
// one that has Last.
type ClaimAnswer struct {
	Role     Role
	Epoch    Epoch      // promised
	Run      *RunRecord // nil: none is known
	Since    time.Duration
	Floor    Beat
	Seals    []StoredSeal
	Unsealed []SampleID
	Last     bool
}

// HandOver is from a holder that leaves to its first standby.
type HandOver struct {
	Role  Role
	Epoch Epoch
}

// Leaving is the last that a node says before it ends in order, to everyone that it is
// connected to: nobody is to wait for it, or to send it anything more.
type Leaving struct{}

func (*Heartbeat) message()        {}
func (*HeartbeatAck) message()     {}
func (*Scores) message()           {}
func (*Ask) message()              {}
func (*Features) message()         {}
func (*Proposals) message()        {}
func (*SealBatch) message()        {}
func (*SealAck) message()          {}
func (*Request) message()          {}
func (*Stale) message()            {}
func (*StillHeard) message()       {}
func (*StillHeardAnswer) message() {}
func (*Claiming) message()         {}
func (*ClaimAnswer) message()      {}
func (*HandOver) message()         {}
func (*Leaving) message()          {}

// Send is a message on its way. One to the node itself is delivered to itself.
type Send struct {
	To      Peer
	Message Message

	released bool // it has been held back for the added round trip
}

// Effects is what the machines of one node want done, in this order. The node empties it
// after each step.
type Effects struct {
	Claimed   []Claim // by this node: their counters are to be reserved on disk before anything is sent
	Sends     []Send
	Captures  []Capture    // the device is to capture these
	Published []*Published // to be told to everyone
	Logged    []*Published // that are new in this node's logs, those it published among them
	Missing   []SiteSpan   // of verdict logs, to be asked of other nodes
	Compare   []SitePeer   // whose verdict log of that site is to be compared with this node's
	Lacks     []Model      // settings of samples in work here, of which this node does not know the thresholds
}

// SiteSpan is a span of the verdict log of a site.
type SiteSpan struct {
	Site Site
	Span Span
}

// SitePeer is a peer and a site.
type SitePeer struct {
	Site Site
	Peer Peer
}

func (fx *Effects) send(to Peer, m Message) {
	if to != "" {
		fx.Sends = append(fx.Sends, Send{To: to, Message: m})
	}
}

// Holding is who has a role, under which claim; the zero value: nobody.
type Holding struct {
	Peer  Peer
	Epoch Epoch
}

// Scene is who plays which part for one site, as a node's elections and claims have it.
type Scene struct {
	Views        []Peer    // [view] who holds it; empty: nobody
	Aggregators  []Holding // [group]
	Coordinator  Holding
	Standbys     []Peer // the coordinator's, best first; the first stores seals, the first two hear the heartbeat
	Cloud        Holding
	CloudStandby Holding // asked where the cloud is silent
}

// audience is everyone who stores a seal and answers a claim: the devices that live, those
// of the coordinator's own node included, and its first standbys, as many as are given;
// each once.
func (s *Scene) audience(standbys int) []Peer {
	var out []Peer
	for _, p := range slices.Concat(s.Views, s.Standbys[:min(standbys, len(s.Standbys))]) {
		if p != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// viewsOf is the views that a peer holds.
func (s *Scene) viewsOf(p Peer) uint64 {
	var set uint64
	for v, holder := range s.Views {
		if holder == p && p != "" {
			set |= 1 << v
		}
	}
	return set
}
