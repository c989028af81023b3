package node

import (
	"ganglion/mesh"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// The kinds of frames; see the package documentation. Numbers are never given twice.
const (
	kindParcel   mesh.Kind = 1
	kindFeatures mesh.Kind = 2
	kindLog      mesh.Kind = 3
	kindOrder    mesh.Kind = 4
	kindStart    mesh.Kind = 5
	kindChunk    mesh.Kind = 6
	kindMembers  mesh.Kind = 7
	kindFault    mesh.Kind = 8
	kindVersion  mesh.Kind = 10
)

// The sizes of frames, in bytes of payload.
const (
	parcelBytes    = 64 << 10 // of control
	featuresBeside = 1 << 10  // what a frame of features may hold besides what the bundle says
	featuresBytes  = 64 << 10 // of features in one frame, where one item is not larger
)

// outbox gathers what a turn sends, so that each peer gets one frame of a sort.
type outbox struct {
	order []roles.Peer
	to    map[roles.Peer]*parcels
}

// parcels are the messages of one turn to one peer, in their order.
type parcels struct {
	control, features []roles.Message
}

func (o *outbox) add(s roles.Send) {
	if o.to == nil {
		o.to = map[roles.Peer]*parcels{}
	}
	p := o.to[s.To]
	if p == nil {
		p = &parcels{}
		o.to[s.To] = p
	}
	if len(p.control)+len(p.features) == 0 {
		o.order = append(o.order, s.To)
	}
	if wire.IsFeatures(s.Message) {
		p.features = append(p.features, s.Message)
	} else {
		p.control = append(p.control, s.Message)
	}
}

// flush sends everything, peers in the order in which they were first spoken to. Where a frame to
// a peer is not taken those behind it are not sent either: a smaller one may find room, and the
// last of several frames says that all before it are there.
func (o *outbox) flush(self roles.Peer, send func(to roles.Peer, kind mesh.Kind, payload []byte) (taken bool)) {
	for _, to := range o.order {
		p := o.to[to]
		ends := wire.Ends{From: self, To: to}
		taken := true
		for _, payload := range ends.EncodeParcels(p.control, parcelBytes) {
			taken = taken && send(to, kindParcel, payload)
		}
		for _, payload := range ends.EncodeParcels(p.features, featuresBytes) {
			taken = taken && send(to, kindFeatures, payload)
		}
		clear(p.control)
		clear(p.features)
		p.control, p.features = p.control[:0], p.features[:0]
	}
	o.order = o.order[:0]
	const mostPeers = 1024 // peers that are gone leave room behind
	if len(o.to) > mostPeers {
		o.to = nil
	}
}
