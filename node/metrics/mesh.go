package metrics

import (
	"maps"
	"slices"
	"strings"

	"ganglion/mesh"
	"ganglion/mesh/discovery"
	"ganglion/mesh/link"
	"ganglion/mesh/membership"
)

// meshReader is what is read of the mesh.
type meshReader struct {
	members, links, dials                       read
	sent, unsent, heard, refused, foreign       read
	memberRefused, memberDropped, memberHealth  read
	gossipPeers, gossipPublished, gossipHeard   read
	gossipDuplicates, gossipRefused, gossipLost read
	streamBytes, socketBytes, beaconBytes       read
	queued, unacknowledged, roundTrip           read
}

func declareMesh(b *book) meshReader {
	return meshReader{
		members: b.gauge(Each, "members", "Members of the mesh, this node among them, by state.", "state"),
		links:   b.gauge(Each, "links", "Members to which this node's link is up."),
		dials:   b.total(Sum, "dials_total", "Attempts of this node to connect to a peer, by what came of them.", "result"),

		sent:    b.total(Sum, "discovery_sent_total", "Beacons that this node sent, and addresses of --join that it tried. What multicast DNS sends is not counted.", "way"),
		unsent:  b.total(Sum, "discovery_send_failures_total", "Beacons that could not be sent.", "way"),
		heard:   b.total(Sum, "discovery_heard_total", "Announcements that this node heard and took, of members and others.", "way"),
		refused: b.total(Sum, "discovery_refused_total", "Announcements that this node heard and refused.", "way", "reason"),
		foreign: b.gauge(Each, "discovery_foreign_nodes", "Nodes of other meshes that were heard lately."),

		memberRefused: b.total(Sum, "membership_refused_total", "What members said of the membership and this node refused, by kind.", "kind"),
		memberDropped: b.total(Sum, "membership_dropped_packets_total", "Packets of the membership that this node did not send: the peer was not reached, or too slow."),
		memberHealth:  b.gauge(Each, "membership_health_score", "Memberlist's own opinion of this node: 0 is well, more means that it is slow."),

		gossipPeers:      b.gauge(Each, "gossip_peers", "Peers that take part in gossip."),
		gossipPublished:  b.total(Sum, "gossip_published_total", "Messages that this node published; one has many verdicts."),
		gossipHeard:      b.total(Each, "gossip_heard_total", "Messages of others that this node took. Every node hears them all."),
		gossipDuplicates: b.total(Sum, "gossip_duplicates_total", "Copies of messages that were here already."),
		gossipRefused:    b.total(Sum, "gossip_refused_total", "Messages of others that this node refused, by reason.", "reason"),
		gossipLost: b.total(Sum, "gossip_lost_total",
			"Messages that this node did not publish (busy), did not take (overflow) or did not pass on (slow), because it or a peer was too slow.", "cause"),

		streamBytes: b.total(Sum, "stream_bytes_total", "Bytes on the streams of a protocol, before encryption. A byte is sent by one node and received by another: sum one direction.", "protocol", "direction"),
		socketBytes: b.total(Sum, "socket_bytes_total", "Bytes on the mesh's TCP connections: encryption, multiplexing and handshakes are in it. Sum one direction.", "direction"),
		beaconBytes: b.total(Sum, "beacon_bytes_total", "Bytes of beacons, without the headers of UDP and IP. Many hear what one sends.", "direction"),

		queued:         b.gauge(Sum, "link_queued_bytes", "Bytes of frames that wait to be written, on all links of this node."),
		unacknowledged: b.gauge(Sum, "link_unacknowledged_frames", "Frames that their peers have not acknowledged, on all links of this node."),
		roundTrip: b.gauge(Each, "round_trip_seconds",
			"Round trip to the nearest, the median and the furthest member: the best and the 99th percentile of the last ones.", "member", "statistic"),
	}
}

func (r *meshReader) collect(out sample, m *Mesh) {
	var states [membership.StateLeft + 1]int
	for i := range m.Members {
		states[m.Members[i].State]++
	}
	for state, n := range states {
		put(out, r.members, n, membership.State(state).String())
	}
	put(out, r.links, len(m.Links))
	for result, n := range m.Status.Dials {
		put(out, r.dials, n, link.DialResult(result).String())
	}
	r.discovery(out, &m.Status.Discovery)
	r.membership(out, &m.Status.Membership)
	r.gossip(out, &m.Status.Gossip)
	r.traffic(out, &m.Traffic)
	r.health(out, m.Links)
}

func (r *meshReader) discovery(out sample, s *discovery.Status) {
	beacon, mdns, join := string(discovery.Beacon), string(discovery.MDNS), string(discovery.Join)
	var sent, unsent, heard, tried uint64
	refused := map[discovery.Refusal]uint64{}
	for i := range s.Lanes {
		lane := &s.Lanes[i]
		sent, unsent, heard = sent+lane.Sent, unsent+lane.SendFailed, heard+lane.Heard
		for why, n := range lane.Refused {
			refused[why] += n
		}
	}
	for i := range s.Joins {
		tried += s.Joins[i].Attempts
	}
	put(out, r.sent, sent, beacon)
	put(out, r.sent, tried, join)
	put(out, r.unsent, unsent, beacon)
	put(out, r.heard, heard, beacon)
	put(out, r.heard, s.MDNS.Heard, mdns)
	for why, n := range refused {
		put(out, r.refused, n, beacon, string(why))
	}
	for why, n := range s.MDNS.Refused {
		put(out, r.refused, n, mdns, string(why))
	}
	put(out, r.foreign, len(s.Foreign))
}

func (r *meshReader) membership(out sample, s *membership.Status) {
	refused := &s.Refused
	for _, of := range []struct {
		kind string
		n    uint64
	}{
		{"packet", refused.Packets},
		{"stream", refused.Streams},
		{"meta", refused.Metas},
		{"version", refused.Versions},
		{"record", refused.Records},
		{"setting", refused.Settings},
		{"state", refused.States},
		{"clone", refused.Clones},
	} {
		put(out, r.memberRefused, of.n, of.kind)
	}
	put(out, r.memberDropped, s.DroppedPackets)
	put(out, r.memberHealth, s.HealthScore)
}

func (r *meshReader) gossip(out sample, s *mesh.GossipStatus) {
	put(out, r.gossipPeers, s.Peers)
	put(out, r.gossipPublished, s.Published)
	put(out, r.gossipHeard, s.Heard)
	put(out, r.gossipDuplicates, s.Duplicates)
	for why, n := range s.Refused {
		put(out, r.gossipRefused, n, why)
	}
	put(out, r.gossipLost, s.Busy, "busy")
	put(out, r.gossipLost, s.Overflow, "overflow")
	put(out, r.gossipLost, s.Dropped, "slow")
}

func (r *meshReader) traffic(out sample, t *mesh.Traffic) {
	const in, sent = "received", "sent"
	streams := map[string]link.Count{}
	for id, p := range t.Protocols {
		name := protocolLabel(string(id))
		of := streams[name]
		streams[name] = link.Count{SentBytes: of.SentBytes + p.SentBytes, ReceivedBytes: of.ReceivedBytes + p.ReceivedBytes}
	}
	for _, name := range slices.Sorted(maps.Keys(streams)) {
		put(out, r.streamBytes, streams[name].SentBytes, name, sent)
		put(out, r.streamBytes, streams[name].ReceivedBytes, name, in)
	}
	put(out, r.socketBytes, t.Socket.SentBytes, sent)
	put(out, r.socketBytes, t.Socket.ReceivedBytes, in)
	put(out, r.beaconBytes, t.Beacon.SentBytes, sent)
	put(out, r.beaconBytes, t.Beacon.ReceivedBytes, in)
}

// protocolLabel is a word for a protocol: its version is no label, and what is not known
// here shares one.
func protocolLabel(id string) string {
	for _, known := range []struct{ prefix, word string }{
		{"/ganglion/link/", "link"},
		{"/ganglion/membership/packets/", "membership packets"},
		{"/ganglion/membership/streams/", "membership streams"},
		{"/ganglion/membership/records/", "membership records"},
		{"/meshsub/", "gossip"},
		{"/floodsub/", "gossip"},
		{"/ipfs/id/", "identify"},
	} {
		if strings.HasPrefix(id, known.prefix) {
			return known.word
		}
	}
	if id == "" {
		return "opening" // a stream's beginning, before its protocol is agreed
	}
	return "other"
}

// health tells of links as a whole: no label names one.
func (r *meshReader) health(out sample, links []mesh.Health) {
	queued, waiting := 0, 0
	var trips []link.RoundTrip
	for i := range links {
		h := &links[i]
		queued, waiting = queued+h.QueuedBytes, waiting+h.Unacknowledged
		if h.RoundTrip.Samples > 0 {
			trips = append(trips, h.RoundTrip)
		}
	}
	put(out, r.queued, queued)
	put(out, r.unacknowledged, waiting)
	if len(trips) == 0 {
		return
	}
	slices.SortFunc(trips, func(a, b link.RoundTrip) int { return int(a.Best - b.Best) })
	for _, of := range []struct {
		member string
		at     int
	}{{"nearest", 0}, {"median", len(trips) / 2}, {"furthest", len(trips) - 1}} {
		put(out, r.roundTrip, trips[of.at].Best.Seconds(), of.member, "best")
		put(out, r.roundTrip, trips[of.at].P99.Seconds(), of.member, "p99")
	}
}
