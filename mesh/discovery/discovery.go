package discovery

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"
)

// Discovery finds the nodes of one mesh. Make it with New, then Run it once.
type Discovery struct {
	config   Config
	host     Host
	consumer Consumer
	log      *slog.Logger
	targets  []target

	judge    *judge
	ledger   *ledger
	memory   *memory
	around   *surroundings
	ether    ether
	resolver resolver
	browse   browse

	sequence atomic.Uint64  // of the last announcement
	found    chan Candidate // from join and memory, to the one loop that reports
}

// New returns a Discovery for a node with a token. The consumer is called while
// Run runs and at no other time. It returns every fault of the configuration.
func New(config Config, host Host, consumer Consumer, log *slog.Logger) (*Discovery, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	var targets []target
	for _, place := range config.Join {
		t, err := parseTarget(place)
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	j := &judge{instance: newInstance(), fingerprint: config.Keys.Fingerprint, key: config.Keys.Beacon}
	l := newLedger()
	return &Discovery{
		config: config, host: host, consumer: consumer, log: log, targets: targets,
		judge: j, ledger: l, around: newSurroundings(), ether: machine{}, resolver: net.DefaultResolver,
		browse: zeroconfBrowse,
		memory: newMemory(config.PeersFile, config.Keys.Fingerprint, l, log),
		found:  make(chan Candidate),
	}, nil
}

// newInstance draws an instance.
func newInstance() Instance {
	for {
		var b [8]byte
		_, _ = crand.Read(b[:]) // never fails
		if i := Instance(binary.BigEndian.Uint64(b[:])); i != 0 {
			return i
		}
	}
}

// newRandom returns a source for jitter, which needs to differ between nodes and
// nothing more.
func newRandom(seed Instance) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), 0))
}

// Status returns what a doctor wants to know.
func (d *Discovery) Status() Status { return d.ledger.snapshot() }

// Remember says who the members are now, with their addresses, so that they are
// found again after a restart. It returns at once; Run writes the file, and
// writes it a last time before it returns.
func (d *Discovery) Remember(members []peer.AddrInfo) { d.memory.remember(members) }

// Run discovers until the context ends, by all ways at once. It returns the
// context's error: no way that fails ends it, Status says what is wrong.
func (d *Discovery) Run(ctx context.Context) error {
	r := newRadio(d.ether, &d.config, d.judge, d.ledger, d.log)
	r.refresh(ctx)
	d.around.set(r.used)
	d.log.Info("looking for members", "mesh", d.config.Keys.Fingerprint, "interfaces", names(r.used))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.loop(ctx, r) })
	if d.config.uses(MDNS) {
		m := &multicast{
			around: d.around, browse: d.browse, poll: d.config.Poll, judge: d.judge, ledger: d.ledger, log: d.log,
			put: r.put, cut: d.config.cut, compose: d.record, addresses: d.recorded,
		}
		group.Go(func() error { return m.run(ctx) })
	}
	if d.config.uses(Join) {
		d.ledger.change(func(s *Status) { s.Joins = make([]JoinStatus, len(d.targets)) })
		for at, t := range d.targets {
			j := &joiner{Discovery: d, target: t, at: at, random: newRandom(d.judge.instance + Instance(at))}
			group.Go(func() error { return j.run(ctx) })
		}
	}
	if d.config.uses(Remembered) && d.config.PeersFile != "" {
		group.Go(func() error { return d.recall(ctx) })
		group.Go(func() error { return d.memory.keep(ctx) })
	}
	return group.Wait()
}

// announcement returns a datagram that announces this node at these addresses,
// at most MaxAddresses of them, or nil if there is none.
func (d *Discovery) announcement(k kind, echo Instance, at []netip.AddrPort) []byte {
	if len(at) == 0 {
		return nil
	}
	a := announcement{
		kind: k, fingerprint: d.config.Keys.Fingerprint, instance: d.judge.instance, sequence: d.sequence.Add(1),
		echo: echo, name: d.config.Name, peer: d.host.ID(), addresses: at[:min(len(at), MaxAddresses)],
	}
	return a.encode(&d.judge.key)
}

// recorded returns the addresses that stand in this node's mDNS record.
func (d *Discovery) recorded(used []Interface) []netip.AddrPort {
	return listensOn(d.host.ListenAddrs(), addressesOf(used))
}

// record returns what stands there.
func (d *Discovery) record(at []netip.AddrPort) []byte { return d.announcement(kindAnnounce, 0, at) }
