package nodetest

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"ganglion/inference"
	"ganglion/mesh/secret"
	"ganglion/node"
	"ganglion/proto/controlpb"
)

// T is the test that a mesh belongs to: a *testing.T or a *testing.B, or what stands in for
// one in a program. Fatalf does not return.
type T interface {
	Helper()
	Cleanup(end func())
	Context() context.Context
	Fatalf(format string, args ...any)
}

// Mesh is a deployment that runs. Its methods are called from the goroutine of the test.
type Mesh struct {
	t     T
	place place
	token secret.Token
	names map[string]int // how many nodes of each sort there have been
	nodes []*member
	runs  map[string]begun // by identifier
}

// place is where a mesh is: on the machine's loopback interface, or on a network in memory.
type place interface {
	// settle says in the configuration of a node how it finds the others, and where it
	// serves its control API. It is called before each start.
	settle(c *node.Config)
	// web is the way to the control API of a node, by its name.
	web(name string) *http.Transport
	// patience is how long to wait for what must come, and look how often to look.
	patience() (longest, look time.Duration)
	// ended is called when nothing runs any more.
	ended()
}

// member is a node of the mesh, running or not.
type member struct {
	config  node.Config
	node    *node.Node
	client  controlpb.NodeServiceClient
	web     *http.Transport
	cancel  context.CancelFunc
	ended   chan struct{}
	err     error // of Run, once ended
	running bool
}

// Start starts a deployment and waits until each of its nodes takes part; what they make of
// one another is for [Mesh.Settle]. All of it ends with the test.
func Start(t T, parts ...Part) *Mesh {
	t.Helper()
	return start(t, &onLoopback{lo: loopback(t), port: freePort(t)}, parts)
}

func start(t T, at place, parts []Part) *Mesh {
	t.Helper()
	m := &Mesh{t: t, place: at, token: secret.NewToken(), names: map[string]int{}, runs: map[string]begun{}}
	t.Cleanup(m.end)
	m.Add(parts...)
	return m
}

// Add starts more nodes in the mesh and returns their names.
func (m *Mesh) Add(parts ...Part) (names []string) {
	m.t.Helper()
	p := plan{site: node.DefaultLAN().Site, names: m.names}
	p.apply(parts)
	for _, one := range p.planned {
		c := &one.config
		const class = 5 // the same for all, so that the order of roles does not hang on the machine
		c.Class, c.Run = class, node.RunManual
		for _, change := range p.changes {
			change(m.t, one)
		}
		c.Token = m.token.Reveal()
		if one.kept {
			c.Dir = folder(m.t)
		}
		if slices.ContainsFunc(m.nodes, func(n *member) bool { return n.config.Name == c.Name }) {
			m.t.Fatalf("there is a node %s already: give each its own name", c.Name)
		}
		n := &member{config: *c}
		m.nodes = append(m.nodes, n)
		names = append(names, c.Name)
		m.start(n)
	}
	for _, name := range names {
		m.ready(m.member(name))
	}
	return names
}

// start starts a node.
func (m *Mesh) start(n *member) {
	m.t.Helper()
	m.place.settle(&n.config)
	var err error
	if n.node, err = node.New(n.config, func(string) {}, logger(n.config.Name)); err != nil {
		m.t.Fatalf("start %s: %v", n.config.Name, err)
	}
	ctx, cancel := context.WithCancel(context.Background()) // it ends in the cleanup, with a farewell
	n.cancel, n.ended, n.running = cancel, make(chan struct{}), true
	go func() {
		defer close(n.ended)
		n.err = n.node.Run(ctx)
	}()
}

// ready waits until a node takes part.
func (m *Mesh) ready(n *member) {
	m.t.Helper()
	select {
	case <-n.node.Ready():
	case <-n.ended:
		n.running = false
		m.t.Fatalf("%s ended as it started: %v", n.config.Name, n.err)
	}
	status, err := n.node.API().Status(m.t.Context(), &controlpb.StatusRequest{})
	if err != nil {
		m.t.Fatalf("%s: %v", n.config.Name, err)
	}
	n.web = m.place.web(n.config.Name)
	n.client = controlpb.NewNodeServiceClient(&http.Client{Transport: n.web}, "http://"+status.GetApi())
}

// Stop ends a node cleanly: it hands its roles over and leaves.
func (m *Mesh) Stop(name string) {
	m.t.Helper()
	n := m.live(name)
	n.running = false
	if err := n.end(); err != nil {
		m.t.Fatalf("stop %s: %v", name, err)
	}
}

// Kill ends a node as the death of its process does: when it returns, its sockets are
// closed, and nobody was told.
func (m *Mesh) Kill(name string) {
	m.t.Helper()
	n := m.live(name)
	n.running = false
	n.node.Abort()
	n.cancel()
}

// Restart starts a node again that was stopped, killed or powered off.
func (m *Mesh) Restart(name string) {
	m.t.Helper()
	n := m.member(name)
	if n.running {
		m.t.Fatalf("restart %s: it runs: stop or kill it first", name)
	}
	if err := n.end(); err != nil {
		m.t.Fatalf("%s, before its restart: %v", name, err)
	}
	m.start(n)
	m.ready(n)
}

// end ends a node, if it runs, and returns when nothing of it is left.
func (n *member) end() error {
	n.cancel()
	<-n.ended
	if n.web != nil {
		n.web.CloseIdleConnections()
	}
	return n.err
}

// end ends all nodes, at once: each takes a moment to leave.
func (m *Mesh) end() {
	var ending sync.WaitGroup
	for _, n := range m.nodes {
		if n.cancel != nil {
			ending.Go(func() { _ = n.end() })
		}
	}
	ending.Wait()
	m.place.ended()
	for _, n := range m.nodes {
		if n.err != nil {
			m.t.Fatalf("%s ended with a fault: %v", n.config.Name, n.err)
		}
	}
}

// Names are the names of the nodes that run, in the order in which they were added.
func (m *Mesh) Names() (names []string) {
	for _, n := range m.running() {
		names = append(names, n.config.Name)
	}
	return names
}

// Node is a node of the mesh; after a restart it is another one.
func (m *Mesh) Node(name string) *node.Node {
	m.t.Helper()
	return m.member(name).node
}

// API is the control API of a node that runs, over HTTP.
func (m *Mesh) API(name string) controlpb.NodeServiceClient {
	m.t.Helper()
	return m.live(name).client
}

// Token is the token of the mesh, for a node that is started by other means.
func (m *Mesh) Token() string { return m.token.Reveal() }

// Publish makes a bundle the mesh's, through the first node that runs.
func (m *Mesh) Publish(b *inference.Bundle) {
	m.t.Helper()
	m.publish(b, false)
}

// PublishAnyway is Publish for a bundle that has no place for what some nodes feed, which
// is refused otherwise.
func (m *Mesh) PublishAnyway(b *inference.Bundle) {
	m.t.Helper()
	m.publish(b, true)
}

func (m *Mesh) publish(b *inference.Bundle, force bool) {
	m.t.Helper()
	n := m.running()[0]
	if _, err := n.client.Publish(m.t.Context(), &controlpb.PublishRequest{File: b.File(), Force: force}); err != nil {
		m.t.Fatalf("publish at %s: %v", n.config.Name, err)
	}
}

// member is the node of a name.
func (m *Mesh) member(name string) *member {
	m.t.Helper()
	i := slices.IndexFunc(m.nodes, func(n *member) bool { return n.config.Name == name })
	if i < 0 {
		m.t.Fatalf("there is no node %q", name)
	}
	return m.nodes[i]
}

// live is the node of a name, which runs.
func (m *Mesh) live(name string) *member {
	m.t.Helper()
	n := m.member(name)
	if !n.running {
		m.t.Fatalf("node %s does not run any more", name)
	}
	return n
}

// running are the nodes that run; there is one at least.
func (m *Mesh) running() []*member {
	m.t.Helper()
	live := slices.DeleteFunc(slices.Clone(m.nodes), func(n *member) bool { return !n.running })
	if len(live) == 0 {
		m.t.Fatalf("no node of the mesh runs")
	}
	return live
}

// logger is where a node logs to.
func logger(name string) *slog.Logger {
	if os.Getenv("GANGLION_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", name)
}

// folder is an empty folder that is gone after the test.
func folder(t T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ganglion-test-*")
	if err != nil {
		t.Fatalf("make a folder: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
