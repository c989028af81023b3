package mesh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ganglion/mesh/secret"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/sync/errgroup"
)

// GossipBytesMax is the largest payload of [Mesh.Gossip].
const GossipBytesMax = 256 << 10

// gossipTopic is the one topic of the mesh.
const gossipTopic = "ganglion/1"

// gossipProtocols are what this node speaks of gossipsub. It never changes.
var gossipProtocols = []protocol.ID{pubsub.GossipSubID_v12}

const (
	publishQueue = 32  // own messages that wait to be published
	inboxQueue   = 128 // messages that wait for the handler
	peerQueue    = 64  // messages that wait for a peer
	lingerMax    = 128 // messages that wait to be passed on
	// envelopeBytesMax is what gossipsub adds to a payload, and control messages that
	// travel with it.
	envelopeBytesMax = 16 << 10
)

// ErrGossipBusy says that own messages come faster than they can be published. The
// message is not sent.
var ErrGossipBusy = errors.New("too many messages wait to be published")

// ErrNotRunning says that the mesh does not run any more.
var ErrNotRunning = errors.New("mesh does not run any more")

// gossiper publishes to everyone and hears everyone. It decides with admit who is
// heard; all else is gossipsub's.
type gossiper struct {
	host  host.Host
	admit func(author MemberID) refusal
	log   *slog.Logger
	tuned tuning

	counts *gossipCounts
	queue  chan []byte
	inbox  chan gossipMessage
	ended  chan struct{} // closed when run has returned
	peers  chan chan int // questions for how many peers take part
}

type gossipMessage struct {
	from    MemberID
	payload []byte
}

// tuning is what was chosen by measurement: see TestGossipCost.
type tuning struct {
	degree int // peers that messages of others are passed on to
	// patience is how long a message waits between being handled here and being passed
	// on: time for those that have it to say so.
	patience time.Duration
}

func tunedLAN() tuning { return tuning{degree: 4, patience: 25 * time.Millisecond} }

func newGossiper(h host.Host, admit func(MemberID) refusal, log *slog.Logger) *gossiper {
	return &gossiper{
		host: h, admit: admit, log: log, tuned: tunedLAN(), counts: newGossipCounts(),
		queue: make(chan []byte, publishQueue), inbox: make(chan gossipMessage, inboxQueue),
		ended: make(chan struct{}), peers: make(chan chan int),
	}
}

// publish queues a copy of the payload. It never blocks.
func (g *gossiper) publish(payload []byte) error {
	if len(payload) == 0 || len(payload) > GossipBytesMax {
		return fmt.Errorf("gossip %d bytes: 1 to %d are allowed", len(payload), GossipBytesMax)
	}
	select {
	case <-g.ended:
		return fmt.Errorf("gossip: %w", ErrNotRunning)
	default:
	}
	select {
	case g.queue <- bytes.Clone(payload):
		return nil
	default:
		g.counts.busy.Add(1)
		return fmt.Errorf("gossip: %w", ErrGossipBusy)
	}
}

// run takes part in the topic until ctx ends.
func (g *gossiper) run(ctx context.Context, handle func(from MemberID, payload []byte)) error {
	defer close(g.ended)
	ps, topic, err := g.join(ctx)
	if err != nil {
		return err
	}
	// To relay is to take part without a queue of gossipsub's: check delivers.
	leave, err := topic.Relay()
	if err != nil {
		return fmt.Errorf("join gossip: %w", err)
	}
	defer leave()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.deliver(ctx, handle) })
	group.Go(func() error { return g.send(ctx, topic) })
	group.Go(func() error { return g.regain(ctx, ps) })
	return group.Wait()
}

func (g *gossiper) join(ctx context.Context) (*pubsub.PubSub, *pubsub.Topic, error) {
	ps, err := pubsub.NewGossipSub(ctx, g.host,
		pubsub.WithGossipSubProtocols(gossipProtocols, pubsub.GossipSubDefaultFeatures),
		pubsub.WithGossipSubParams(g.parameters()),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithMessageIdFn(pubsub.DefaultMsgIdFn),
		pubsub.WithFloodPublish(true),
		pubsub.WithPeerExchange(false),
		pubsub.WithMaxMessageSize(GossipBytesMax+envelopeBytesMax),
		pubsub.WithMaxControlMessageSize(envelopeBytesMax),
		pubsub.WithPeerOutboundQueueSize(peerQueue),
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(gossipTopic), 1)),
		pubsub.WithValidateQueueSize(inboxQueue),
		pubsub.WithValidateWorkers(1), // or two messages of one author could overtake one another
		pubsub.WithDefaultValidator(pubsub.ValidatorEx(g.check), pubsub.WithValidatorInline(true)),
		pubsub.WithRawTracer(g.counts),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("start gossip: %w", err)
	}
	if err := ps.RegisterTopicValidator(gossipTopic, pubsub.ValidatorEx(g.linger), pubsub.WithValidatorConcurrency(lingerMax)); err != nil {
		return nil, nil, fmt.Errorf("start gossip: %w", err)
	}
	topic, err := ps.Join(gossipTopic)
	if err != nil {
		return nil, nil, fmt.Errorf("start gossip: %w", err)
	}
	return ps, topic, nil
}

func (g *gossiper) parameters() pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	p.D = g.tuned.degree
	p.Dlo = max(1, p.D-1)
	p.Dhi = p.D + 2
	p.Dscore, p.Dout = p.Dlo, 0
	p.Dlazy = p.D
	// Who has a message says so to D peers; that must cost less than the copies that it
	// saves.
	p.IDontWantMessageThreshold = 256
	// A peer is passed nothing on before the first heartbeat after its coming. An idle
	// heartbeat sends nothing.
	p.HeartbeatInterval = 500 * time.Millisecond
	p.HistoryLength, p.HistoryGossip = 6, 3
	p.Connectors = 1 // they serve peer exchange, which is off
	// Peers come and go with restarts, not with attacks.
	p.PruneBackoff = 5 * time.Second
	p.UnsubscribeBackoff = time.Second
	return p
}

// check judges a message whose signature is the author's, and hands it to the handler
// if it is to be heard. Each message comes here once.
func (g *gossiper) check(_ context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if m.GetFrom() == g.host.ID() {
		return pubsub.ValidationAccept // just published
	}
	author, err := secret.MemberIDOf(m.GetFrom())
	why := refusedAuthor
	if err == nil {
		why = g.judge(author, m)
	}
	if why != "" {
		g.counts.refuse(string(why))
		return pubsub.ValidationReject
	}
	select {
	case g.inbox <- gossipMessage{author, m.GetData()}:
		g.counts.heard.Add(1)
	default:
		g.counts.overflow.Add(1)
	}
	return pubsub.ValidationAccept
}

func (g *gossiper) judge(author MemberID, m *pubsub.Message) refusal {
	switch {
	case m.GetTopic() != gossipTopic:
		return refusedTopic
	case len(m.GetData()) == 0 || len(m.GetData()) > GossipBytesMax:
		return refusedSize
	}
	return g.admit(author)
}

// linger holds a message, which the handler has already, before it is passed on.
func (g *gossiper) linger(ctx context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if g.tuned.patience == 0 || m.GetFrom() == g.host.ID() {
		return pubsub.ValidationAccept
	}
	timer := time.NewTimer(g.tuned.patience)
	defer timer.Stop()
	select {
	case <-timer.C:
		return pubsub.ValidationAccept
	case <-ctx.Done():
		return pubsub.ValidationIgnore
	}
}

// deliver calls the handler.
func (g *gossiper) deliver(ctx context.Context, handle func(from MemberID, payload []byte)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-g.inbox:
			if handle != nil {
				handle(m.from, m.payload)
			}
		}
	}
}

// send publishes what is queued.
func (g *gossiper) send(ctx context.Context, topic *pubsub.Topic) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case asked := <-g.peers:
			asked <- len(topic.ListPeers())
		case payload := <-g.queue:
			if err := topic.Publish(ctx, payload); err != nil {
				// Nothing of ours refuses own messages: the end of ctx does.
				g.log.Debug("message was not published", "bytes", len(payload), "error", err)
				continue
			}
			g.counts.published.Add(1)
		}
	}
}

// reach returns how many peers take part in the topic, as far as this node knows.
func (g *gossiper) reach() int {
	answer := make(chan int, 1)
	timer := time.NewTimer(100 * time.Millisecond) // not running yet, or busy
	defer timer.Stop()
	select {
	case g.peers <- answer:
		return <-answer
	case <-g.ended:
	case <-timer.C:
	}
	return 0
}
