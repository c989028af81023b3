package node

import (
	"log/slog"
	"time"

	"ganglion/mesh"
	"ganglion/roles"
	"ganglion/roles/wire"
)

// The pace of publications.
const (
	gossipPace   = 50 * time.Millisecond       // between two messages, at least
	gossipItems  = 256                         // publications in one message
	gossipBytes  = mesh.GossipBytesMax - 8<<10 // of publications in one message, before they are packed
	gossipBeside = 256                         // at most, of a publication beside its verdict
	gossipRepeat = 500 * time.Millisecond      // after which a floor that moved is told without any
)

// gossiper publishes verdicts to everyone, many in one message. What is lost on the way is
// found missing by who lacks it.
type gossiper struct {
	send    func(payload []byte) error
	log     *slog.Logger
	roles   func() *roles.Node
	pending map[roles.Site][]*roles.Published
	sites   []roles.Site // with something pending, in the order in which it came
	last    roles.Instant
	packer  wire.Packer
	told    map[roles.Site]toldFloor
}

// toldFloor is the floor that was published last.
type toldFloor struct {
	run   roles.RunID
	floor roles.Beat
	again bool // the last message had publications: one more tells of its number, should it be lost
	at    roles.Instant
}

func newGossiper(send func(payload []byte) error, node func() *roles.Node, log *slog.Logger) gossiper {
	return gossiper{
		send: send, log: log, roles: node,
		pending: map[roles.Site][]*roles.Published{}, told: map[roles.Site]toldFloor{},
	}
}

// add has verdicts published that this node made final.
func (g *gossiper) add(of []*roles.Published) {
	for _, p := range of {
		site := p.Sealed.Sample.Site
		if len(g.pending[site]) == 0 {
			g.sites = append(g.sites, site)
		}
		g.pending[site] = append(g.pending[site], p)
	}
}

// tick publishes what waits, not more often than the pace allows.
func (g *gossiper) tick(now roles.Instant) {
	if now.Sub(g.last) < gossipPace {
		return
	}
	g.flush(now)
	g.floors(now)
}

// next is when something that waits may be published.
func (g *gossiper) next() roles.Instant {
	if len(g.sites) == 0 {
		return roles.Never
	}
	return g.last.Add(gossipPace)
}

// flush publishes all that waits; one message has publications of one claim.
func (g *gossiper) flush(now roles.Instant) {
	for _, site := range g.sites {
		of := g.pending[site]
		for len(of) > 0 {
			n, size := 1, gossipSize(of[0])
			for n < min(len(of), gossipItems) && of[n].Seq.Epoch == of[0].Seq.Epoch {
				if size += gossipSize(of[n]); size > gossipBytes {
					break
				}
				n++
			}
			g.publish(now, site, of[:n])
			of = of[n:]
		}
		delete(g.pending, site)
	}
	g.sites = g.sites[:0]
}

// gossipSize is no less than what a publication takes in a message.
func gossipSize(p *roles.Published) int { return len(p.Sealed.Bytes) + gossipBeside }

// floors tells of what moved although nothing was published since: the end of a run, or of
// what was published, which may have been lost.
func (g *gossiper) floors(now roles.Instant) {
	node := g.roles()
	for _, site := range node.Sites() {
		c := node.Coordinator(site)
		if c == nil {
			continue
		}
		run, floor := c.Floor()
		t := g.told[site]
		if (t.again || run != 0 && (t.run != run || t.floor != floor)) && now.Sub(t.at) >= gossipRepeat {
			g.publish(now, site, nil)
		}
	}
}

func (g *gossiper) publish(now roles.Instant, site roles.Site, of []*roles.Published) {
	p := &wire.Publications{Site: site, Items: of}
	if c := g.roles().Coordinator(site); c != nil {
		p.Run, p.Floor = c.Floor()
		p.Epoch, p.Next = c.Published()
		if n := len(of); n > 0 { // what is behind these is in a message of its own, which may be lost
			p.Next = 0
			if last := of[n-1].Seq; last.Epoch == p.Epoch {
				p.Next = last.N
			}
		}
		g.told[site] = toldFloor{p.Run, p.Floor, len(of) > 0, now}
	}
	g.last = now
	if err := g.send(g.packer.Publications(p)); err != nil {
		g.log.Debug("verdicts not published; others will ask for them", "error", err)
	}
}
