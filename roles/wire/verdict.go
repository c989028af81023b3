package wire

import (
	"bytes"
	"math/bits"

	"ganglion/inference"
	"ganglion/inference/topology"
	"ganglion/roles"

	"google.golang.org/protobuf/encoding/protowire"
)

// EncodeVerdict is a roles.Codec: equal verdicts have equal bytes, on every machine. A view
// whose reason is NotMissing is as one that is not in Reasons, a negative Ref as any other.
func EncodeVerdict(v *roles.Verdict) []byte {
	const usual = 320
	return appendVerdict(make([]byte, 0, usual), v)
}

// appendVerdict writes wirepb.Verdict in the order of its fields.
func appendVerdict(b []byte, v *roles.Verdict) []byte {
	e := encoder{b: b}
	var room [4]roles.Peer
	peers := room[:0]
	index(&peers, v.Epoch.Peer)
	for _, p := range v.Aggregators {
		if p != "" {
			index(&peers, p)
		}
	}
	if v.Cloud != "" {
		index(&peers, v.Cloud)
	}

	e.string(1, string(v.Sample.Site))
	e.fixed(2, uint64(v.Sample.Run))
	e.uint(3, uint64(v.Sample.Beat))
	e.fixed(4, uint64(v.Sample.Request))
	for _, p := range peers {
		e.string(5, string(p))
	}
	e.uint(6, v.Epoch.Counter)
	e.hash(7, v.Bundle)
	e.uint(8, v.Settings)
	e.uint(9, uint64(v.Answer.Exit))
	e.optional(10, v.Answer.Class)
	for i := range v.Answer.Proposals {
		e.proposal(11, &v.Answer.Proposals[i])
	}
	for i := range v.Others {
		e.proposal(12, &v.Others[i])
	}
	e.uint(13, v.Answer.Seen)
	e.uint(14, v.Answer.Nothing)
	e.uint(15, v.Answer.Missing)
	e.uint(16, v.Views)
	e.reasons(17, v.Reasons)
	e.bool(18, v.Refused)
	e.bool(19, v.StoppedEarly)
	if len(v.Aggregators) > 0 {
		e.tag(20, protowire.BytesType)
		e.b = protowire.AppendVarint(e.b, uint64(len(v.Aggregators))) // each index is one byte
		for _, p := range v.Aggregators {
			var i uint64
			if p != "" {
				i = index(&peers, p)
			}
			e.b = append(e.b, byte(i))
		}
	}
	if v.Cloud != "" {
		e.uint(21, index(&peers, v.Cloud))
	}
	e.optional(22, v.Ref)
	e.optional(23, v.Label)
	return e.b
}

// DecodeVerdict reads a verdict. It refuses one that no coordinator makes, and bytes that
// are not those of [EncodeVerdict]. Nothing of it is part of b.
func DecodeVerdict(b []byte) (*roles.Verdict, error) {
	d := decoder{}
	c := d.enter("verdict", -1, b)
	v := c.verdict()
	if d.err != nil {
		return nil, d.err
	}
	return v, nil
}

// verdict reads one that is not the loaded bundles' but of any that there ever was: the
// limits are the format's.
func (c *cursor) verdict() *roles.Verdict {
	d, whole := c.d, c.rest
	v := &roles.Verdict{Ref: -1, Label: -1}
	v.Answer.Class = -1
	var room [4]roles.Peer
	peers := room[:0]
	for c.next() {
		c.verdictField(v, &peers)
	}
	if d.err == nil {
		if len(peers) > 0 {
			v.Epoch.Peer = peers[0]
		}
		d.check(v.Sample.Validate())
		d.check(v.Epoch.Validate())
		d.checkVerdict(v)
	}
	if d.err == nil {
		d.scratch = appendVerdict(d.scratch[:0], v)
		if !bytes.Equal(d.scratch, whole) {
			d.failf("another form than the one that a verdict is written in")
		}
	}
	return v
}

func (c *cursor) verdictField(v *roles.Verdict, peers *[]roles.Peer) {
	d, l := c.d, formatLimits()
	switch c.num {
	case 1:
		v.Sample.Site = roles.Site(c.again(roles.MaxSiteBytes))
	case 2:
		v.Sample.Run = roles.RunID(c.fixed())
	case 3:
		v.Sample.Beat = c.beat()
	case 4:
		v.Sample.Request = roles.RequestID(c.fixed())
	case 5:
		const most = 1 + roles.MaxViews + 1 // claimant, aggregators, cloud
		if d.room(len(*peers), most, "peers") {
			p := roles.Peer(c.again(maxPeerBytes))
			d.check(checkPeer(p))
			*peers = append(*peers, p)
		}
	case 6:
		v.Epoch.Counter = c.uint()
	case 7:
		v.Bundle = inference.BundleID(c.hash())
	case 8:
		v.Settings = c.uint()
	case 9, 10, 11, 13, 14, 15:
		c.answerField(&v.Answer, l)
	case 12:
		if d.room(len(v.Others), maxProposals, "others") {
			v.Others = append(v.Others, c.proposal(len(v.Others), "others", l))
		}
	case 16:
		v.Views = c.uint()
	case 17:
		c.addReason(&v.Reasons, l.Views)
	case 18:
		v.Refused = c.bool()
	case 19:
		v.StoppedEarly = c.bool()
	case 20:
		v.Aggregators = c.aggregators(*peers)
	case 21:
		v.Cloud = lookup(c, *peers)
	case 22:
		v.Ref = c.number(maxRef)
	case 23:
		v.Label = c.number(l.Classes)
	default:
		d.failf("field %d: there is none", c.num)
	}
}

// answerField reads what a network in one process would say as well.
func (c *cursor) answerField(a *inference.Verdict, l Limits) {
	switch c.num {
	case 9:
		a.Exit = c.exit()
	case 10:
		a.Class = c.number(l.Classes)
	case 11:
		if c.d.room(len(a.Proposals), maxProposals, "proposals") {
			if a.Proposals == nil {
				a.Proposals = make([]inference.Proposal, 0, c.alike(maxProposals))
			}
			a.Proposals = append(a.Proposals, c.proposal(len(a.Proposals), "proposals", l))
		}
	case 13:
		a.Seen = c.uint()
	case 14:
		a.Nothing = c.uint()
	case 15:
		a.Missing = c.uint()
	}
}

// aggregators are indexes of one byte each.
func (c *cursor) aggregators(peers []roles.Peer) []roles.Peer {
	b := c.message()
	if !c.d.room(len(b)-1, roles.MaxViews, "aggregators") {
		return nil
	}
	out := make([]roles.Peer, len(b))
	for g, i := range b {
		if int(i) > len(peers) {
			c.d.failf("field %d: peer %d of %d", c.num, i, len(peers))
			return nil
		}
		if i > 0 {
			out[g] = peers[i-1]
		}
	}
	return out
}

// checkVerdict refuses what contradicts itself.
func (d *decoder) checkVerdict(v *roles.Verdict) {
	a := &v.Answer
	told := a.Seen | a.Nothing
	if a.Seen&a.Nothing != 0 || told&a.Missing != 0 {
		d.failf("sets overlap: seen %#x, nothing in view %#x, missing %#x", a.Seen, a.Nothing, a.Missing)
	}
	for view := range roles.MaxViews {
		if told>>view&1 == 1 && v.Reasons[view] != roles.NotMissing {
			d.failf("reasons: view %d, which is not missing", view)
		}
	}
	if v.Epoch.IsZero() {
		d.failf("no epoch")
	}
	if a.Exit == topology.ExitNone {
		if a.Class >= 0 || len(a.Proposals)+len(v.Others) > 0 || v.Views != 0 || v.StoppedEarly {
			d.failf("an answer without an exit")
		}
		return
	}
	n := len(a.Proposals)
	switch {
	case n == 0:
		d.failf("exit %s without a proposal", a.Exit)
	case a.Proposals[n-1].Exit != a.Exit || a.Proposals[n-1].Class != a.Class:
		d.failf("exit %s, class %d: the last proposal is of exit %s, class %d", a.Exit, a.Class, a.Proposals[n-1].Exit, a.Proposals[n-1].Class)
	case a.Proposals[n-1].Seen != bits.OnesCount64(v.Views):
		d.failf("the answer rests on %d views, of %#x", a.Proposals[n-1].Seen, v.Views)
	case v.Refused:
		d.failf("refused, and answered")
	}
}
