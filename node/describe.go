package node

import (
	"fmt"
	"math/bits"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/proto/controlpb"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// encode is the bytes of a verdict that are sealed.
func (e *engine) encode(v *roles.Verdict) []byte { return wire.EncodeVerdict(v) }

// decided is encode for what this node decides as a coordinator, which is counted.
func (e *engine) decided(v *roles.Verdict) []byte {
	if e.metrics != nil {
		e.metrics.Decided(v, e.topologyOf(v.Bundle))
	}
	return e.encode(v)
}

// topologyOf is that of a bundle; nil where it is not loaded here.
func (e *engine) topologyOf(id inference.BundleID) *topology.Topology {
	if b := e.catalog.loaded[id]; b != nil {
		return b.Topology
	}
	return nil
}

// exitRefused stands where an exit would, of a sample that every device refused.
const exitRefused = "refused"

// words names what verdicts number: the views and classes of one bundle.
type words struct {
	views, classes []string
	judged         *roles.Bundled // under the verdict's settings; nil: they are not known here
	synthetic      bool
	bundle         *bundled // nil: it is not loaded here
}

// wordsOf is the names of what a verdict is of; numbers where it is not loaded. Thresholds that
// are not known here are asked for, so that the next who looks sees them.
func (e *engine) wordsOf(id inference.BundleID, settings uint64) words {
	if id == (inference.BundleID{}) {
		id = e.plan.current.ID() // nobody spoke of the sample
	}
	b := e.catalog.loaded[id]
	if b == nil {
		return words{}
	}
	judged := e.catalog.find(id, settings)
	if judged == nil {
		e.fx.Lacks = append(e.fx.Lacks, roles.Model{Bundle: id, Settings: settings})
	}
	return words{
		views: b.Topology.Views, classes: b.Topology.Classes, judged: judged, bundle: b,
		synthetic: b.bundle.Provenance().GetSynthetic(),
	}
}

func (w *words) view(v int) string {
	if v < len(w.views) {
		return w.views[v]
	}
	return fmt.Sprint(v)
}

func (w *words) class(c int) string {
	switch {
	case c < 0:
		return ""
	case c < len(w.classes):
		return w.classes[c]
	}
	return fmt.Sprint(c)
}

func (w *words) viewsOf(set uint64) []string {
	var out []string
	for ; set != 0; set &= set - 1 {
		out = append(out, w.view(bits.TrailingZeros64(set)))
	}
	return out
}

// describe is a publication for people and programs. Brief leaves out what a line does not
// show. It is called in the engine, which has the names.
func (e *engine) describe(p *roles.Published, brief bool) *controlpb.Verdict {
	s := p.Sealed
	out := &controlpb.Verdict{
		Sample: s.Sample.String(), Seq: p.Seq.String(), LatencyNs: int64(p.Latency), Hash: s.Hash.String(), Answered: -1,
		Epoch: &controlpb.Epoch{Counter: s.Epoch.Counter, Peer: string(s.Epoch.Peer)}, Holder: e.nameOf(s.Epoch.Peer),
		StoppedEarly: s.StoppedEarly,
	}
	if p.SupersededBy != (roles.Hash{}) {
		out.SupersededBy = p.SupersededBy.String()
	}
	if !s.Sample.OnDemand() {
		beat, since := uint64(s.Sample.Beat), int64(p.SinceBeat)
		out.Beat, out.SinceBeatNs = &beat, &since
	}
	v, err := wire.DecodeVerdict(s.Bytes)
	if err != nil { // it was checked when it came
		e.log.Error("verdict in the log cannot be read", "sample", out.GetSample(), "error", err)
		return out
	}
	w := e.wordsOf(v.Bundle, v.Settings)
	out.Class, out.Label = w.class(v.Answer.Class), w.class(v.Label)
	out.Exit = v.Answer.Exit.String()
	if v.Refused {
		out.Exit = exitRefused
	}
	if v.Ref >= 0 {
		ref := int64(v.Ref)
		out.Ref = &ref
	}
	out.Seen, out.Nothing, out.Used = w.viewsOf(v.Answer.Seen), w.viewsOf(v.Answer.Nothing), w.viewsOf(v.Views)
	for set := v.Answer.Missing; set != 0; set &= set - 1 {
		view := bits.TrailingZeros64(set)
		out.Missing = append(out.Missing, &controlpb.MissingView{View: w.view(view), Reason: v.Reasons[view].String()})
	}
	e.explain(out, v, &w)
	if brief {
		return out
	}
	out.Bundle, out.Settings, out.SyntheticModel = v.Bundle.String(), v.Settings, w.synthetic
	out.Probabilities = v.Answer.Probabilities()
	for _, p := range v.Aggregators {
		name := ""
		if p != "" {
			name = e.nameOf(p)
		}
		out.Aggregators = append(out.Aggregators, name)
	}
	if v.Cloud != "" {
		out.Cloud = e.nameOf(v.Cloud)
	}
	if w.bundle != nil {
		out.PayloadBytes = hopBytes(w.bundle.Topology, v)
	}
	return out
}

// explain adds what the exits said.
func (e *engine) explain(out *controlpb.Verdict, v *roles.Verdict, w *words) {
	add := func(p *inference.Proposal) {
		q := &controlpb.Proposal{
			Exit: p.Exit.String(), Group: int32(p.Group), Seen: int32(p.Seen), Scores: p.Scores,
			Class: w.class(p.Class), Entropy: p.Entropy,
		}
		if w.judged != nil {
			q.Threshold = w.judged.Thresholds.At(p.Exit, p.Seen)
		}
		out.Proposals = append(out.Proposals, q)
	}
	for i := range v.Answer.Proposals {
		add(&v.Answer.Proposals[i])
	}
	if v.Answer.Exit != topology.ExitNone {
		out.Answered = int32(len(v.Answer.Proposals)) - 1
	}
	for i := range v.Others {
		add(&v.Others[i])
	}
}

// hopBytes is the payload that a sample cost, by hop.
func hopBytes(t *topology.Topology, v *roles.Verdict) []*controlpb.HopBytes {
	var out []*controlpb.HopBytes
	for hop, bytes := range v.HopBytes(t) {
		if bytes > 0 {
			out = append(out, &controlpb.HopBytes{Hop: roles.Hop(hop).String(), Bytes: uint64(bytes)})
		}
	}
	return out
}
