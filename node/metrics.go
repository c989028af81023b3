package node

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ganglion/roles"
)

// metrics is what a node counts, for Prometheus. A nil *metrics counts nothing.
type metrics struct {
	verdicts *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	turns    prometheus.Counter
}

// newMetrics makes the metrics of a node in a registry of their own, and what serves it.
func newMetrics(e *engine) (*metrics, http.Handler) {
	r := prometheus.NewRegistry()
	m := &metrics{
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ganglion_verdicts_total", Help: "Verdicts new in this node's log, by outcome.",
		}, []string{"outcome"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ganglion_verdict_latency_seconds", Help: "Latency of verdicts that this node published.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 14),
		}, []string{"kind"}),
		turns: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ganglion_engine_turns_total", Help: "Turns of the engine.",
		}),
	}
	r.MustRegister(m.verdicts, m.latency, m.turns)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	gauge("ganglion_frames_unsent_total", "Frames that could not be queued for their peer.", func() float64 { return float64(e.counters.unsent.Load()) })
	gauge("ganglion_payloads_refused_total", "Payloads of peers that were refused.", func() float64 { return float64(e.counters.refused.Load()) })
	gauge("ganglion_socket_sent_bytes_total", "Bytes sent on all connections of the mesh.", func() float64 { return float64(e.mesh.Traffic().Socket.SentBytes) })
	gauge("ganglion_socket_received_bytes_total", "Bytes received on all connections of the mesh.", func() float64 { return float64(e.mesh.Traffic().Socket.ReceivedBytes) })
	return m, promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

// logged counts verdicts that are new here; own is whether this node published them.
func (m *metrics) logged(of []*roles.Published, self roles.Peer) {
	if m == nil {
		return
	}
	for _, p := range of {
		outcome := [...]string{"answered", "none", "refused"}[p.Sealed.Outcome]
		m.verdicts.WithLabelValues(outcome).Inc()
		if p.Seq.Epoch.Peer != self {
			continue
		}
		kind := "beat"
		if p.Sealed.Sample.OnDemand() {
			kind = "request"
		}
		m.latency.WithLabelValues(kind).Observe(p.Latency.Seconds())
	}
}

// turned counts a turn of the engine.
func (m *metrics) turned() {
	if m != nil {
		m.turns.Inc()
	}
}
