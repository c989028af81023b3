package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"ganglion/inference"
	"ganglion/inference/builtin"
	"ganglion/mesh"
	"ganglion/mesh/link"
	"ganglion/mesh/secret"
	"ganglion/node/bundles"
	"ganglion/node/capability"
	"ganglion/node/chaos"
	"ganglion/node/control"
	"ganglion/node/metrics"
	"ganglion/node/page"
	"ganglion/node/source"
	"ganglion/proto/controlpb"
	"ganglion/roles"
)

// Node is one node. Make it with [New], then [Node.Run] it once.
type Node struct {
	config   Config
	log      *slog.Logger
	announce func(string)
	state    *state
	ready    chan struct{}    // closed when the node takes part
	abort    signal           // the node is to end without a word
	silent   signal           // nothing comes from the node any more
	metrics  *metrics.Metrics // nil: nothing is counted
	server   *control.Server
	api      *api
}

// New is a node with a checked configuration, whose state directory it locks. announce is
// called with lines that the person who started it is to read: a token that was made, and
// where the control API is. Whoever makes a node runs it.
func New(config Config, announce func(string), log *slog.Logger) (*Node, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s, err := openState(config.Dir)
	if err != nil {
		return nil, err
	}
	if config.Name == "" {
		config.Name = defaultName(s.identity.ID())
	}
	config.Mesh.Name, config.Mesh.Dir, config.Mesh.CheckSetting = config.Name, config.Dir, checkSetting
	config.Mesh.Impairable = config.AllowChaos
	n := &Node{
		config: config, log: log, announce: announce, state: s, ready: make(chan struct{}),
		abort: newSignal(), silent: newSignal(),
	}
	if !config.NoMetrics {
		n.metrics = metrics.New(config.Version)
	}
	return n, nil
}

// defaultName is the machine's name and the end of the identity.
func defaultName(id secret.MemberID) string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "node"
	}
	const most = 40
	return host[:min(len(host), most)] + "-" + id.Short()
}

// Self is the node's identity.
func (n *Node) Self() secret.MemberID { return n.state.identity.ID() }

// Ready is closed when the node takes part in the mesh and its control API answers.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// API is the node's control API, without the way over HTTP. It is there once the node is
// ready.
func (n *Node) API() controlpb.NodeServiceHandler { return n.api }

// Metrics has what the node counts, without the way over HTTP; nil where it counts nothing.
// What is read of the node, and not counted as it happens, is there once it is ready.
func (n *Node) Metrics() prometheus.Gatherer { return n.metrics.Gatherer() }

// Abort ends a node that runs as the death of its process would: its connections and
// ports are closed at once, no role is handed over, nothing is announced. It returns when
// that has happened; [Node.Run] returns a little later. It is for tests of what the others
// make of it.
func (n *Node) Abort() {
	n.abort.raise()
	<-n.silent.raised
}

// signal says once that something is so. Raising it again does nothing.
type signal struct {
	raised chan struct{}
	raise  func()
}

func newSignal() signal {
	raised := make(chan struct{})
	return signal{raised, sync.OnceFunc(func() { close(raised) })}
}

// apiAddress is where the control API is served; empty until the node is ready.
func (n *Node) apiAddress() string {
	if n.server == nil {
		return ""
	}
	return n.server.Address().String()
}

// pageAddress is where a browser sees the mesh; empty: nowhere.
func (n *Node) pageAddress() string {
	if n.config.NoPage || n.server == nil {
		return ""
	}
	return n.server.PageURL()
}

// Run takes part in the mesh until ctx is done, then leaves it. The error says why the node
// could not start, or which of its parts failed.
func (n *Node) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, n.state.close()) }()
	defer n.silent.raise()
	keys, err := n.keys(ctx)
	if err == nil {
		err = n.enter(keys)
	}
	if err != nil {
		return err
	}
	if n.config.Class < 0 {
		took, err := capability.Stored("")
		if err != nil {
			return fmt.Errorf("measure this machine: %w", err)
		}
		n.config.Class = int(roles.ClassOf(took))
	}
	mesh.RouteLogs(n.log)
	n.config.Mesh.Metrics = n.metrics.Registerer()
	m, err := mesh.New(n.config.Mesh, n.state.identity, keys, n.log)
	if err != nil {
		return fmt.Errorf("start node: %w", err)
	}
	e, err := n.assemble(ctx, m)
	if err != nil {
		return errors.Join(err, m.Close())
	}
	n.api = &api{engine: e, node: n}
	n.metrics.Read(e.snapshot)
	served := control.Config{Address: n.config.API, TokenFile: n.config.APITokenFile}
	if !n.config.NoPage {
		served.Page = page.Handler()
	}
	if s := n.config.Mesh.Sockets; s != nil {
		served.Listen = s.Listen
	}
	n.server, err = control.New(served, n.api, n.metrics.Handler(), n.log)
	if err != nil {
		return errors.Join(fmt.Errorf("start node: %w", err), m.Close())
	}
	return n.run(ctx, m, e)
}

// assemble makes the engine and joins it to the mesh.
func (n *Node) assemble(ctx context.Context, m *mesh.Mesh) (*engine, error) {
	current, err := builtin.Bundle()
	if err != nil {
		return nil, err
	}
	store, err := bundles.Open(n.state.bundles(), n.log)
	if err != nil {
		return nil, err
	}
	offer := false
	if n.config.Model != "" {
		if current, err = inference.ReadBundle(n.config.Model); err != nil {
			return nil, err
		}
		if _, err := store.Put(current.File()); err != nil {
			n.log.Warn("bundle of --model is in memory alone", "error", err)
		}
		offer = true
	}
	reserved, err := openReservation(ctx, n.config.Dir, n.log)
	if err != nil {
		return nil, err
	}
	e := &engine{
		config: &n.config, log: n.log, mesh: m, self: roles.Peer(m.Self()), start: time.Now(),
		parcels: make(chan inbound, inboundParcels), calls: make(chan func(), pendingCalls),
		wake: make(chan struct{}, 1), ended: make(chan struct{}), links: map[roles.Peer]linkChange{},
		metrics: n.metrics, arrivals: newArrivals(), events: newEvents(), reserved: reserved,
	}
	e.counters.log = n.log
	e.plan = planner{
		engine: e, log: n.log, store: store, group: &e.group, current: current, wanted: current.ID(), offer: offer,
		period: time.Second / DefaultRate,
	}
	e.plan.shared.Store(current)
	e.catalog.metrics = n.metrics
	e.catalog.load(current, current.ID())
	e.gossip = newGossiper(m.Gossip, func() *roles.Node { return e.roles }, n.log)
	e.gaps = newGapFiller(e, func(p roles.Peer) bool { return m.Up(mesh.MemberID(p)) }, n.log)
	e.watching = newWatching(e)
	e.audience = newAudience(e)
	e.body = newBody(e)
	e.views = newViewBook(e, n.config.Sources, current.Topology(), n.config.Dir)
	e.rebuild(0)
	return e, e.connect()
}

// connect has the mesh call the engine.
func (e *engine) connect() error {
	var faults []error
	handle := func(kind mesh.Kind, most int, h func(mesh.Message)) {
		faults = append(faults, e.mesh.Handle(kind, most, h))
	}
	const question, chunk = 4 << 10, 1 << 10
	handle(kindParcel, parcelBytes+featuresBeside, func(m mesh.Message) { e.received(m, false) })
	handle(kindFeatures, featuresBytes, func(m mesh.Message) { e.received(m, true) })
	handle(kindLog, question, e.serveLog)
	handle(kindOrder, question, e.serveOrder)
	handle(kindStart, question, e.serveStart)
	handle(kindChunk, chunk, e.serveChunk)
	handle(kindMembers, 0, e.serveMembers)
	handle(kindFault, chaos.FrameBytesMax, e.serveFault)
	handle(kindReach, 0, e.serveReach)
	handle(kindVersion, versionBytes, e.serveVersion)
	e.mesh.OnLink(func(ev link.Event) { e.linkChanged(ev.Peer, ev.Up, ev.Broken) })
	e.mesh.OnGossip(e.gossiped)
	e.mesh.OnHeard(e.watching.heard)
	e.limitFrames()
	return errors.Join(faults...)
}

// run runs the parts and ends them in the reverse order: first the engine, which hands its
// roles over, then the mesh, then the control API.
func (n *Node) run(ctx context.Context, m *mesh.Mesh, e *engine) error {
	meshCtx, stopMesh := context.WithCancel(context.WithoutCancel(ctx))
	defer stopMesh()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var outer, inner errgroup.Group
	outer.Go(func() error {
		defer stop() // without a mesh there is nothing to do
		return m.Run(meshCtx)
	})
	outer.Go(func() error { return n.server.Run(meshCtx) })
	outer.Go(func() error {
		select {
		case <-n.abort.raised:
			err := m.Abort()
			n.silent.raise()
			stop()
			return err
		case <-meshCtx.Done():
			return nil
		}
	})
	remove, err := n.register(m)
	if err != nil {
		n.log.Warn("this node is not listed for the command line; name it by --node ADDRESS", "error", err)
	}
	defer remove()
	for _, f := range e.views.feeds {
		inner.Go(func() error { return e.runSource(ctx, f, n.config.Split) })
	}
	inner.Go(func() error { return e.warnings(ctx) })
	if e.body != nil {
		inner.Go(func() error { return e.body.Run(ctx) })
	}
	inner.Go(func() error {
		defer stop()
		return e.run(ctx)
	})
	close(n.ready)
	n.log.Info("node is up", "name", n.config.Name, "peer", string(m.Self()), "mesh", string(m.Fingerprint()), "api", n.apiAddress())
	err = inner.Wait()
	e.group.Wait()
	stopMesh()
	return errors.Join(err, outer.Wait())
}

// register writes the run file by which the command line finds this node.
func (n *Node) register(m *mesh.Mesh) (remove func(), err error) {
	if n.config.Mesh.Sockets != nil {
		return func() {}, nil // no command line leads to a network in memory
	}
	return control.WriteRunFile(control.RunFile{
		PID: os.Getpid(), Name: n.config.Name, Peer: string(m.Self()), Mesh: string(m.Fingerprint()),
		API: n.apiAddress(), TokenFile: n.config.APITokenFile, State: n.config.Dir,
	})
}

// runSource opens a source and keeps it until ctx is done; again where it is asked to.
func (e *engine) runSource(ctx context.Context, f *feed, split string) error {
	for {
		bundle := e.plan.shared.Load()
		src, err := source.Open(f.spec, source.Config{Split: split, Bundle: bundle, Log: e.log})
		e.later(func() { e.views.opened(f, bundle.ID(), src, err) })
		if err != nil { // told in the status; the node goes on without it
			e.log.WarnContext(ctx, "source not opened", "source", f.spec.String(), "error", err)
			src = closed{}
		}
		again, stop := context.WithCancel(ctx)
		var watching errgroup.Group
		watching.Go(func() error { return src.Run(again) })
		select {
		case <-f.again:
		case <-ctx.Done():
		}
		stop()
		if err := watching.Wait(); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// closed stands for a source that could not be opened.
type closed struct{ source.Source }

// Run waits until the source is to be opened again.
func (closed) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
