package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ganglion/mesh/secret"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"golang.org/x/sync/errgroup"
)

// Peer is the identity of a node, as the transport proves it.
type Peer = secret.MemberID

// Host is this node's end of the transport: it listens, dials, keeps connections to
// the peers that it is told to keep, and counts what passes. All methods are safe for
// concurrent use.
type Host struct {
	config Config
	peer   Peer
	log    *slog.Logger
	host   host.Host
	gater  *gater
	meter  *meter
	dials  dialCounts
	port   atomic.Uint32 // that the host listens on; 0: none yet

	dialled dialled

	watchers watchers

	mu          sync.Mutex // guards what follows
	connections map[peer.ID]*connections
	kept        map[Peer]context.CancelFunc // of the goroutine that keeps the peer
	closed      bool
	keepers     sync.WaitGroup // those goroutines; Add only where closed is false

	closing  context.Context //nolint:containedctx // ends with the host, which outlives any call
	close    context.CancelFunc
	closeOne sync.Once
	closeErr error
}

// New returns a host that listens already. Whoever makes it ends it, by the end of
// [Host.Run] or by [Host.Close].
func New(config Config, identity secret.Identity, keys secret.Keys, log *slog.Logger) (*Host, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	reach, err := config.reach()
	if err != nil {
		return nil, err
	}
	h := &Host{
		config:      config,
		peer:        identity.ID(),
		log:         log,
		gater:       newGater(reach),
		meter:       newMeter(config.DialTimeout),
		connections: make(map[peer.ID]*connections),
		kept:        make(map[Peer]context.CancelFunc),
	}
	h.meter.other = config.Sockets
	if config.Impairable {
		h.meter.wire = newWire(config.ImpairSeed)
	}
	h.closing, h.close = context.WithCancel(context.Background())
	if h.host, err = h.build(identity, keys); err != nil {
		return nil, fmt.Errorf("make host: %w", err)
	}
	h.host.Network().Notify(&network.NotifyBundle{ConnectedF: h.connected, DisconnectedF: h.disconnected})
	if err := h.listen(reach); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// Run keeps the host until ctx is done, then closes it and waits for all that it
// started. It returns nil unless the host could not be closed.
func (h *Host) Run(ctx context.Context) error {
	var group errgroup.Group
	group.Go(func() error {
		h.refresh(ctx)
		return nil
	})
	<-ctx.Done()
	return errors.Join(group.Wait(), h.Close())
}

// Close ends all connections, and returns when nothing of the host runs any more. It
// may be called more than once.
func (h *Host) Close() error {
	h.closeOne.Do(func() {
		h.close()
		h.mu.Lock()
		h.closed = true
		h.mu.Unlock()
		h.keepers.Wait()
		if err := h.host.Close(); err != nil {
			h.closeErr = fmt.Errorf("close host: %w", err)
		}
		if h.meter.wire != nil {
			h.meter.wire.close()
		}
	})
	return h.closeErr
}

// Self returns this host's own identity.
func (h *Host) Self() Peer { return h.peer }

// Libp2p returns the host underneath, for the libraries that are built on one:
// gossipsub and mDNS. Connections and streams made with it are gated, counted and
// watched like all others.
func (h *Host) Libp2p() host.Host { return h.host }

// Deny replaces the list of denied peers, and ends the connections to them. Peers on
// the list are neither dialled nor accepted. A denied peer that dials finds out only
// when nothing is answered.
func (h *Host) Deny(peers []Peer) error {
	ids, err := h.gater.deny(peers)
	if err != nil {
		return fmt.Errorf("deny peers: %w", err)
	}
	var errs []error
	for _, id := range ids {
		if err := h.host.Network().ClosePeer(id); err != nil {
			errs = append(errs, fmt.Errorf("end connection to denied peer %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// build makes the libp2p host: TCP, Noise, yamux and the private network, and none
// of what is meant for the open internet.
func (h *Host) build(identity secret.Identity, keys secret.Keys) (host.Host, error) {
	key, err := identity.Libp2p()
	if err != nil {
		return nil, err
	}
	resources, err := resourceManager(h.config.MaxPeers, h.config.Metrics != nil)
	if err != nil {
		return nil, err
	}
	const grace = 20 * time.Second // for a new connection, before it may be the one to go
	connections, err := connmgr.NewConnManager(h.config.MaxPeers, h.config.MaxPeers+h.config.MaxPeers/4, connmgr.WithGracePeriod(grace))
	if err != nil {
		return nil, err
	}
	network := keys.Network
	return libp2p.New(
		libp2p.Identity(key),
		libp2p.PrivateNetwork(network[:]),
		libp2p.Transport(h.meter.transport),
		libp2p.Security(securityID, newSecurity),
		libp2p.Muxer(muxerID, newMuxer()),
		libp2p.ConnectionGater(h.gater),
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(connections),
		libp2p.BandwidthReporter(h.meter),
		libp2p.AddrsFactory(h.advertised),
		libp2p.SwarmOpts(swarm.WithDialRanker(rank)),
		libp2p.WithDialTimeout(h.config.DialTimeout),
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
		libp2p.UserAgent("ganglion"),
		libp2p.ProtocolVersion("ganglion/1"),
		libp2p.NoListenAddrs, // they come when the watchers are there
		libp2p.Ping(false),
		libp2p.DisableRelay(),
		h.metrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.ForceReachabilityPrivate(), // asks nobody whether we can be reached
	)
}

// metrics has libp2p count for whoever wants its metrics, and nobody else.
func (h *Host) metrics() libp2p.Option {
	if h.config.Metrics == nil {
		return libp2p.DisableMetrics()
	}
	return libp2p.PrometheusRegisterer(h.config.Metrics)
}

// refresh follows changes of the machine's addresses until ctx is done.
func (h *Host) refresh(ctx context.Context) {
	if len(h.config.Interfaces) == 0 {
		return // it listens on whatever there is
	}
	ticker := time.NewTicker(h.config.RefreshInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now, err := readReach(h.config.Interfaces)
		if err != nil {
			h.log.DebugContext(ctx, "interface is not there", "error", err)
			continue
		}
		h.gater.reach.set(now)
		if err := h.listen(now); err != nil {
			h.log.DebugContext(ctx, "listening on a new address failed", "error", err)
		}
	}
}
