package metrics

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is what one node counts. A nil *Metrics counts nothing. What happens on a sample's
// way is told by one goroutine, which owns it; the rest is safe for concurrent use.
type Metrics struct {
	book    book
	mesh    meshReader
	roles   rolesReader
	process processReader

	links struct{ closed, broken prometheus.Counter }
	filled,
	inherited, early, superseded,
	logLost, turns prometheus.Counter
	claims, takeovers [lastKind]prometheus.Counter
	verdicts          verdictCounters
	sections          [sectionsCount]prometheus.Observer
}

// New declares the metrics of a node of that version of the program.
func New(version string) *Metrics {
	m := &Metrics{book: book{registry: prometheus.NewRegistry()}}
	b := &m.book
	b.part = partMesh
	m.mesh = declareMesh(b)
	lost := b.counters(Each, "links_lost_total",
		"Links to members that went down, by whether one of the two ended it in order. Each link has two ends, and both count.", "cause")
	m.links.closed, m.links.broken = lost.WithLabelValues("closed"), lost.WithLabelValues("broken")
	m.filled = b.counter(Sum, "gaps_filled_total",
		"Verdicts that gossip did not bring to this node and another node's log did.")
	b.part = partRoles
	m.roles = declareRoles(b)
	m.declareClaims()
	b.part = partInference
	m.declareVerdicts()
	m.declareSections()
	b.part = partProcess
	m.process = declareProcess(b)
	m.turns = b.counter(Sum, "engine_turns_total", "Turns of the goroutine that owns the node's state.")
	b.constant("build_info", "Always 1; the labels say what program this is.", prometheus.Labels{
		"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
	})
	b.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Registerer is where the parts of a node that have metrics of their own register them; nil
// where nothing is counted.
func (m *Metrics) Registerer() prometheus.Registerer {
	if m == nil {
		return nil
	}
	return m.book.registry
}

// Gatherer has all that is counted; nil where nothing is.
func (m *Metrics) Gatherer() prometheus.Gatherer {
	if m == nil {
		return nil
	}
	return m.book.registry
}

// Read has every scrape read what the node knows. It is called once.
func (m *Metrics) Read(from func() Snapshot) {
	if m != nil {
		m.book.registry.MustRegister(&reader{m, from})
	}
}

// scrapesAtOnce bounds how many scrapes a node answers at once.
const scrapesAtOnce = 4

// Handler serves what is counted, or says that nothing is.
func (m *Metrics) Handler() http.Handler {
	if m == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Metrics are off at this node: it was started with --no-metrics.", http.StatusNotFound)
		})
	}
	return promhttp.HandlerFor(m.book.registry, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesAtOnce})
}

// reader is what is read at each scrape.
type reader struct {
	metrics *Metrics
	from    func() Snapshot
}

// Describe says what is collected.
func (r *reader) Describe(out chan<- *prometheus.Desc) {
	for _, d := range r.metrics.book.descs {
		out <- d
	}
}

// Collect reads it.
func (r *reader) Collect(out chan<- prometheus.Metric) {
	s := r.from()
	r.metrics.mesh.collect(out, &s.Mesh)
	r.metrics.process.collect(out, &s)
	if s.Roles != nil {
		r.metrics.roles.collect(out, s.Roles)
	}
}
