package wire

import (
	"crypto/sha256"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
	"time"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/roles"
)

// values makes values as machines make them: each is one that a decoder must take.
type values struct {
	*rand.Rand
	near  bool  // of few sites, claims, samples and sizes, so that they meet what is known already
	sizes []int // of features, of those
	use   byte  // the bundle that most are of
}

func newValues(seed uint64) values { return values{Rand: rand.New(rand.NewPCG(seed, 0))} }

// below is a number below far or, of values that are to meet, below near.
func (v values) below(far, near int) int {
	if v.near {
		return v.IntN(near)
	}
	return v.IntN(far)
}

// most of a list; lists are short, and sometimes empty.
func (v values) many(most int) int { return v.IntN(most + 1) }

func (v values) yes() bool { return v.IntN(2) == 1 }

func (v values) peer() roles.Peer {
	// As long as the text of an Ed25519 key's ID.
	return roles.Peer(fmt.Sprintf("12D3KooW%044d", v.IntN(9)))
}

func (v values) siteName() roles.Site {
	return []roles.Site{"default", "north", "a", roles.Site(strings.Repeat("x", roles.MaxSiteBytes))}[v.below(4, 2)]
}

func (v values) epoch() roles.Epoch {
	return roles.Epoch{Counter: 1 + v.Uint64N(1<<v.below(53, 4)), Peer: v.peer()}
}

func (v values) epochOrNone() roles.Epoch {
	if v.IntN(4) == 0 {
		return roles.Epoch{}
	}
	return v.epoch()
}

func (v values) role() roles.Role {
	switch v.IntN(3) {
	case 0:
		return roles.CloudRole()
	case 1:
		return roles.AggregatorOf(v.siteName(), v.below(roles.MaxViews, 3))
	}
	return roles.CoordinatorOf(v.siteName(), 2)
}

func (v values) claim() roles.Claim {
	return roles.Claim{Role: v.role(), Epoch: v.epoch(), Lonely: v.yes()}
}

func (v values) hash() (h [sha256.Size]byte) {
	if v.IntN(4) > 0 {
		h = sha256.Sum256([]byte{byte(v.IntN(5))})
	}
	return h
}

func (v values) beat() roles.Beat { return roles.Beat(v.Uint64N(1 << v.below(54, 5))) }

func (v values) duration() time.Duration { return time.Duration(v.Int64N(1 << v.below(63, 40))) }

func (v values) demand(site roles.Site) roles.SampleID {
	return roles.SampleID{Site: site, Request: roles.RequestID(1 + v.Uint64N(1<<v.below(61, 4)))}
}

func (v values) sample(site roles.Site) roles.SampleID {
	if v.IntN(4) == 0 {
		return v.demand(site)
	}
	return roles.SampleID{Site: site, Run: roles.RunID(1 + v.IntN(3)), Beat: v.beat()}
}

func (v values) samples(most int) (out []roles.SampleID) {
	for range v.many(most) {
		out = append(out, v.sample(v.siteName()))
	}
	return out
}

func (v values) model() (inference.BundleID, uint64) {
	if v.near && v.IntN(5) > 0 {
		return sha256.Sum256([]byte{v.use}), v.Uint64N(8) / 6
	}
	return inference.BundleID(v.hash()), v.Uint64N(3)
}

func (v values) ref() int { return v.IntN(700) - 1 }

func (v values) label() int { return v.IntN(4) - 1 }

func (v values) set(below int) uint64 { return v.Uint64() & (1<<below - 1) }

func (v values) scores() []float32 {
	out := make([]float32, 2+v.IntN(4))
	for i := range out {
		out[i] = float32(v.NormFloat64())
	}
	return out
}

func (v values) features() []byte {
	size := 1 + v.IntN(128)
	if v.near {
		size = v.sizes[v.IntN(len(v.sizes))]
	}
	out := make([]byte, size)
	for i := range out {
		out[i] = byte(v.Uint32())
	}
	return out
}

func (v values) run() *roles.RunRecord {
	if v.IntN(3) == 0 {
		return nil
	}
	r := &roles.RunRecord{
		Site: v.siteName(), Run: roles.RunID(1 + v.Uint64N(1<<v.below(61, 2))), Starter: v.epoch(),
		Period: roles.MinPeriod + time.Duration(v.IntN(1e9)), Count: v.beat(), Data: v.hash(),
	}
	if v.yes() {
		r.Split = "test"
	}
	from := roles.Beat(0)
	for range 1 + v.many(3) {
		e := roles.Entry{From: from}
		e.Bundle, e.Settings = v.model()
		r.Entries = append(r.Entries, e)
		from += roles.Beat(1 + v.IntN(1000))
	}
	return r
}

func (v values) observation(site roles.Site) *roles.Observation {
	o := &roles.Observation{Sample: v.sample(site), Ref: v.ref(), Label: v.label()}
	o.Bundle, o.Settings = v.model()
	for view := v.IntN(3); len(o.Views) == 0 || v.yes() && view < roles.MaxViews; view += 1 + v.IntN(3) {
		r := roles.ViewResult{View: view}
		switch v.IntN(3) {
		case 0:
			r.Reason = v.reason()
		case 1:
			r.Seen, r.Scores = true, v.scores()
		default:
			r.Seen = v.yes()
		}
		o.Views = append(o.Views, r)
	}
	return o
}

func (v values) reason() roles.Reason { return roles.Reason(1 + v.IntN(int(roles.Faulty))) }

// proposal is one of an exit that rests on some views, or on any.
func (v values) proposal(exit topology.Exit, group int, views uint64) inference.Proposal {
	scores := v.scores()
	return inference.Proposal{
		Exit: exit, Group: group, Seen: bits.OnesCount64(views), Scores: scores,
		Class: inference.ArgMax(scores), Entropy: inference.NormalizedEntropy(scores),
	}
}

func (v values) exit() topology.Exit {
	return []topology.Exit{topology.ExitLocal, topology.ExitEdge, topology.ExitCloud}[v.IntN(3)]
}

func (v values) exitAndGroup() (topology.Exit, int) {
	if exit := v.exit(); exit != topology.ExitCloud {
		return exit, v.IntN(3)
	}
	return topology.ExitCloud, 0
}

func (v values) proposed(site roles.Site, exit topology.Exit, group int) *roles.Proposed {
	p := &roles.Proposed{Sample: v.sample(site), Reasons: map[int]roles.Reason{}, Ref: v.ref(), Label: v.label()}
	p.Bundle, p.Settings = v.model()
	p.Seen = v.set(6)
	p.Nothing = v.set(6) &^ p.Seen
	for range v.many(2) {
		p.Reasons[v.below(roles.MaxViews, 9)] = v.reason()
	}
	if len(p.Reasons) == 0 {
		p.Reasons = nil
	}
	if p.Seen != 0 && v.yes() {
		x := v.proposal(exit, group, p.Seen)
		p.Exit = &x
	}
	return p
}

// verdict is one of every kind that a coordinator makes.
func (v values) verdict() *roles.Verdict {
	w := v.anyVerdict()
	if len(w.Reasons) == 0 {
		w.Reasons = nil
	}
	return w
}

func (v values) anyVerdict() *roles.Verdict {
	w := &roles.Verdict{
		Sample: v.sample(v.siteName()), Epoch: v.epoch(), Settings: v.Uint64N(1 << v.IntN(60)),
		Reasons: map[int]roles.Reason{}, Ref: v.ref(), Label: v.label(),
	}
	w.Bundle = inference.BundleID(v.hash())
	w.Answer.Class = -1
	for range v.many(3) {
		w.Aggregators = append(w.Aggregators, []roles.Peer{"", v.peer(), w.Epoch.Peer}[v.IntN(3)])
	}
	if v.yes() {
		w.Cloud = v.peer()
	}
	views := 1 + v.below(roles.MaxViews, 9)
	w.Answer.Seen = v.set(views)
	w.Answer.Nothing = v.set(views) &^ w.Answer.Seen
	w.Answer.Missing = v.set(views) &^ (w.Answer.Seen | w.Answer.Nothing)
	for view := range roles.MaxViews {
		if w.Answer.Missing>>view&1 == 1 {
			w.Reasons[view] = v.reason()
		}
	}
	if v.IntN(4) == 0 {
		w.Answer.Seen, w.Answer.Nothing, w.Refused = 0, 0, v.yes()
		return w
	}
	w.StoppedEarly = v.yes()
	w.Views = w.Answer.Seen | 1
	for range v.many(2) {
		w.Answer.Proposals = append(w.Answer.Proposals, v.proposal(topology.ExitLocal, v.IntN(4), w.Views))
	}
	exit, group := v.exitAndGroup()
	last := v.proposal(exit, group, w.Views)
	w.Answer.Proposals = append(w.Answer.Proposals, last)
	w.Answer.Exit, w.Answer.Class = last.Exit, last.Class
	if w.Answer.Nothing&1 == 1 || w.Answer.Missing&1 == 1 {
		w.Answer.Nothing, w.Answer.Missing = w.Answer.Nothing&^1, w.Answer.Missing&^1
		delete(w.Reasons, 0)
	}
	for range v.many(2) {
		w.Others = append(w.Others, v.proposal(topology.ExitEdge, v.IntN(4), v.set(8)|1))
	}
	return w
}

func (v values) sealed() *roles.Sealed {
	w := v.verdict()
	return roles.Seal(w, EncodeVerdict(w))
}

func (v values) sealedOf(site roles.Site) *roles.Sealed {
	w := v.verdict()
	w.Sample.Site = site
	return roles.Seal(w, EncodeVerdict(w))
}

func (v values) published(site roles.Site) *roles.Published {
	p := &roles.Published{
		Seq: roles.Seq{Epoch: v.epoch(), N: 1 + v.Uint64N(1e6)}, Sealed: v.sealedOf(site),
		Latency: v.duration(), SinceBeat: v.duration(),
	}
	if v.IntN(4) == 0 {
		p.SupersededBy = roles.Hash(v.hash())
	}
	return p
}

func (v values) capture() roles.Capture {
	c := roles.Capture{Sample: v.demand(v.siteName()), Ref: v.ref()}
	c.Bundle, c.Settings = v.model()
	for view := range v.many(3) {
		c.Inputs = append(c.Inputs, roles.Input{View: view, Pixels: v.features()})
	}
	return c
}

// sorts of messages there are.
const sorts = lastOfSorts

// message is one of a sort.
func (v values) message(sort int) roles.Message {
	switch sort {
	case aHeartbeat:
		return &roles.Heartbeat{
			Claim: v.claim(), Run: v.run(), Since: v.duration(), Trip: v.duration(),
			Number: v.Uint64(), Floor: v.beat(), Published: v.samples(3), Resting: v.yes(),
		}
	case aHeartbeatAck:
		return &roles.HeartbeatAck{Role: v.role(), Epoch: v.epoch(), Number: v.Uint64()}
	case aScores:
		m := &roles.Scores{Site: v.siteName(), Group: v.IntN(4), Epoch: v.epochOrNone(), Again: v.yes()}
		for range v.many(8) {
			m.Items = append(m.Items, v.observation(m.Site))
		}
		return m
	case anAsk:
		m := &roles.Ask{Role: v.role(), Epoch: v.epoch(), Tier: topology.ExitEdge + topology.Exit(v.IntN(2)), To: v.peer(), ToEpoch: v.epochOrNone()}
		for range v.many(8) {
			m.Items = append(m.Items, roles.Wanted{Sample: v.sample(v.siteName()), Expect: v.Uint64()})
		}
		return m
	case aFeatures:
		return v.featuresMessage()
	case aProposals:
		m := &roles.Proposals{Site: v.siteName(), Role: v.role(), Epoch: v.epoch()}
		m.Tier, m.Group = v.exitAndGroup()
		for range v.many(8) {
			m.Items = append(m.Items, v.proposed(m.Site, m.Tier, m.Group))
		}
		return m
	case aSealBatch:
		m := &roles.SealBatch{Role: v.role(), Epoch: v.epoch(), Number: v.Uint64()}
		for range v.many(4) {
			m.Seals = append(m.Seals, v.sealed())
		}
		return m
	}
	return v.rarer(sort)
}

func (v values) featuresMessage() *roles.Features {
	m := &roles.Features{Tier: topology.ExitEdge + topology.Exit(v.IntN(2)), Epoch: v.epochOrNone(), AnswerTo: v.peer()}
	for range v.many(8) {
		source := v.below(roles.MaxViews, 9)
		f := roles.FeatureItem{
			Sample: v.sample(v.siteName()), Expect: v.Uint64() | 1<<source, Source: source, Views: v.Uint64() | 1, Features: v.features(),
		}
		f.Bundle, f.Settings = v.model()
		m.Items = append(m.Items, f)
	}
	return m
}

func (v values) rarer(sort int) roles.Message {
	switch sort {
	case aSealAck:
		return &roles.SealAck{Role: v.role(), Epoch: v.epoch(), Number: v.Uint64()}
	case aRequest:
		return &roles.Request{Role: v.role(), Epoch: v.epoch(), Capture: v.capture()}
	case aStale:
		return &roles.Stale{Role: v.role(), Epoch: v.epoch()}
	case aStillHeard:
		return &roles.StillHeard{Role: v.role(), Epoch: v.epoch()}
	case aStillHeardAnswer:
		return &roles.StillHeardAnswer{Role: v.role(), Asked: v.epoch(), Hears: v.yes(), Promised: v.epochOrNone()}
	case aClaiming:
		return &roles.Claiming{Claim: v.claim()}
	case aClaimAnswer:
		m := &roles.ClaimAnswer{
			Role: v.role(), Epoch: v.epoch(), Run: v.run(), Since: v.duration(), Floor: v.beat(),
			Unsealed: v.samples(5), Last: v.yes(),
		}
		for range v.many(4) {
			m.Seals = append(m.Seals, roles.StoredSeal{Claim: v.epoch(), Sealed: v.sealed()})
		}
		return m
	case aHandOver:
		return &roles.HandOver{Role: v.role(), Epoch: v.epoch()}
	}
	return &roles.Leaving{}
}

func (v values) publications() *Publications {
	p := &Publications{Site: v.siteName(), Run: roles.RunID(v.IntN(3)), Floor: v.beat(), Epoch: v.epochOrNone(), Next: v.Uint64()}
	for range v.many(6) {
		p.Items = append(p.Items, v.published(p.Site))
	}
	return p
}

func (v values) record() *Record {
	r := &Record{
		Site: v.siteName(), Wants: v.IntN(maxWants + 1), Eligible: roles.Kinds(roles.CloudKind), Class: roles.Class(v.IntN(256)),
		Stands: v.yes(), Version: "v1.2.3-4-gabc", Live: v.yes(), Feeds: v.yes(), Data: v.hash(), CloudDelay: v.duration(),
		Chaos: v.yes(), Settings: v.Uint64(),
	}
	if v.yes() {
		r.Pinned = roles.Kinds(roles.CloudKind, roles.AggregatorKind)
	}
	for view := range v.many(6) {
		r.Views = append(r.Views, roles.HeldView{View: view, Counter: 1 + v.Uint64N(100)})
	}
	for range v.many(4) {
		r.Claims = append(r.Claims, v.claim())
	}
	for i := range v.many(3) {
		r.Bundles = append(r.Bundles, sha256.Sum256([]byte{byte(i)}))
	}
	return r
}

func (v values) logQuery() *LogQuery {
	q := &LogQuery{Site: v.siteName(), Most: 1 + v.IntN(1000)}
	switch v.IntN(4) {
	case 0:
		q.After = &roles.Seq{Epoch: v.epoch(), N: v.Uint64N(9)}
	case 1:
		q.Blocks, q.Span.Run = true, roles.RunID(v.IntN(3))
	case 2:
		q.Runs = true
	default:
		from := uint64(v.beat()) / 2
		q.Span = roles.Span{Run: roles.RunID(v.IntN(3)), From: from, To: from + 1 + v.Uint64N(1000)}
	}
	return q
}

func (v values) logAnswer() *LogAnswer {
	a := &LogAnswer{End: uint64(v.beat())}
	for range v.many(4) {
		a.Published = append(a.Published, v.published(v.siteName()))
	}
	for range v.many(3) {
		from := uint64(v.beat()) / 2
		a.Gaps = append(a.Gaps, roles.Gap{Span: roles.Span{Run: roles.RunID(v.IntN(3)), From: from, To: from + 1 + v.Uint64N(9)}, Kind: roles.GapKind(v.IntN(3))})
	}
	for i := range v.many(3) {
		a.Blocks = append(a.Blocks, roles.Block{From: uint64(256 * i), Count: 1 + v.IntN(256), Hash: sha256.Sum256([]byte{byte(i)})})
	}
	for i := range v.many(3) {
		a.Runs = append(a.Runs, RunFloor{Run: roles.RunID(i), Floor: v.beat()})
	}
	return a
}

func (v values) start() *Start {
	s := &Start{Site: v.siteName(), Period: roles.MinPeriod + time.Duration(v.IntN(1e9)), Count: v.beat(), Data: v.hash()}
	if v.yes() {
		s.Split = "test"
	}
	return s
}
