package metrics

import (
	"math/bits"

	"github.com/prometheus/client_golang/prometheus"

	"ganglion/inference/topology"
	"ganglion/roles"
)

// What a verdict is told apart by: the exit that answered, or that every device refused the
// sample; and whether it was asked for.
const (
	exitRefused = int(topology.ExitCloud) + 1
	exitsCount  = exitRefused + 1

	onBeat     = 0
	onDemand   = 1
	kindsCount = 2
)

func exitLabel(exit int) string {
	if exit == exitRefused {
		return "refused"
	}
	return topology.Exit(exit).String()
}

func kindLabel(kind int) string { return [kindsCount]string{"beat", "request"}[kind] }

// exitOf is how a sealed verdict was answered.
func exitOf(s *roles.Sealed) int {
	if s.Outcome == roles.AllRefused {
		return exitRefused
	}
	return int(s.Exit)
}

// reasonsCount is how many reasons there are for which a view is missing, with that of none.
const reasonsCount = int(roles.Faulty) + 1

// verdictCounters are the children of what verdicts are counted by.
type verdictCounters struct {
	published [exitsCount][kindsCount]prometheus.Counter
	logged    [exitsCount]prometheus.Counter
	seen      prometheus.Counter
	nothing   prometheus.Counter
	missing   [reasonsCount]prometheus.Counter
	judged    [exitsCount][2]prometheus.Counter // wrong, right
	hops      [roles.Hops]prometheus.Counter

	latency *prometheus.HistogramVec
	entropy *prometheus.HistogramVec
	took    [exitsCount][kindsCount]prometheus.Observer // nil: none was observed
	unsure  [exitsCount]prometheus.Observer             // likewise
}

func (m *Metrics) declareVerdicts() {
	b, v := &m.book, &m.verdicts
	published := b.counters(Sum, "verdicts_published_total",
		"Verdicts that this node published as the coordinator, by the exit that answered and by whether they were asked for.", "exit", "kind")
	m.inherited = b.counter(Sum, "verdicts_inherited_total",
		"Published verdicts that a holder before had decided. It may have published and counted them too, before it died.")
	m.early = b.counter(Sum, "verdicts_stopped_early_total",
		"Published verdicts that no tier above answered in time, so that the best proposal so far stands.")
	m.superseded = b.counter(Sum, "verdicts_superseded_total",
		"Verdicts that this coordinator published again as superseded: two halves of a mesh had answered the same sample.")
	logged := b.counters(Each, "log_verdicts_total", "Verdicts new in this node's log, whoever published them.", "exit")
	m.logLost = b.counter(Each, "log_superseded_total", "Verdicts in this node's log that another verdict of the same sample has displaced.")
	v.latency = b.histograms(Sum, "verdict_latency_seconds",
		"Time from the first frame of a sample, or from its request, to the publication of its verdict by this node.",
		prometheus.ExponentialBuckets(0.0005, 2, 13), "exit", "kind")
	v.entropy = b.histograms(Sum, "exit_entropy_ratio",
		"Normalized entropy of what an exit proposed for a sample that this node decided as the coordinator; the exits that did not answer too.",
		prometheus.LinearBuckets(0.1, 0.1, 10), "exit")
	judged := b.counters(Sum, "verdicts_judged_total",
		"Verdicts that this node decided as the coordinator and whose sample has a label.", "exit", "correct")
	views := b.counters(Sum, "verdict_views_total",
		"Views of the samples that this node decided as the coordinator, by what they saw; of missing ones verdict_views_missing_total has the reasons.", "state")
	missing := b.counters(Sum, "verdict_views_missing_total",
		"Views that were missing from samples that this node decided as the coordinator, by reason.", "reason")
	hops := b.counters(Sum, "payload_bytes_total",
		"Payload of the samples that this node decided as the coordinator, by hop, as the paper counts it: scores of seen views, and features where they were asked for.", "hop")
	for exit := range exitsCount {
		for kind := range kindsCount {
			v.published[exit][kind] = published.WithLabelValues(exitLabel(exit), kindLabel(kind))
		}
		v.logged[exit] = logged.WithLabelValues(exitLabel(exit))
		v.judged[exit] = [2]prometheus.Counter{judged.WithLabelValues(exitLabel(exit), "false"), judged.WithLabelValues(exitLabel(exit), "true")}
	}
	v.seen, v.nothing = views.WithLabelValues("seen"), views.WithLabelValues("nothing")
	for reason := range reasonsCount {
		if reason != int(roles.NotMissing) {
			v.missing[reason] = missing.WithLabelValues(roles.Reason(reason).String())
		}
	}
	for hop := range v.hops {
		v.hops[hop] = hops.WithLabelValues(roles.Hop(hop).String())
	}
}

// Decided counts what a verdict rests on that this node has just decided. The topology is
// that of its bundle; nil where the bundle is not known here.
func (m *Metrics) Decided(v *roles.Verdict, t *topology.Topology) {
	if m == nil {
		return
	}
	c := &m.verdicts
	c.seen.Add(float64(bits.OnesCount64(v.Answer.Seen)))
	c.nothing.Add(float64(bits.OnesCount64(v.Answer.Nothing)))
	for _, reason := range v.Reasons { // sums do not depend on the order
		if reason != roles.NotMissing && int(reason) < reasonsCount {
			c.missing[reason].Inc()
		}
	}
	for i := range v.Answer.Proposals {
		c.observe(v.Answer.Proposals[i].Exit, v.Answer.Proposals[i].Entropy)
	}
	for i := range v.Others {
		c.observe(v.Others[i].Exit, v.Others[i].Entropy)
	}
	if v.Label >= 0 && v.Answer.Class >= 0 {
		right := 0
		if v.Label == v.Answer.Class {
			right = 1
		}
		c.judged[v.Answer.Exit][right].Inc()
	}
	if t == nil {
		return
	}
	for hop, bytes := range v.HopBytes(t) {
		c.hops[hop].Add(float64(bytes))
	}
}

func (c *verdictCounters) observe(exit topology.Exit, entropy float64) {
	if c.unsure[exit] == nil {
		c.unsure[exit] = c.entropy.WithLabelValues(exit.String())
	}
	c.unsure[exit].Observe(entropy)
}

// Published counts verdicts that this node has just published.
func (m *Metrics) Published(of []*roles.Published) {
	if m == nil {
		return
	}
	c := &m.verdicts
	for _, p := range of {
		if p.SupersededBy != (roles.Hash{}) {
			m.superseded.Inc()
			continue
		}
		exit, kind := exitOf(p.Sealed), onBeat
		if p.Sealed.Sample.OnDemand() {
			kind = onDemand
		}
		c.published[exit][kind].Inc()
		if p.Sealed.Epoch.Peer != p.Seq.Epoch.Peer {
			m.inherited.Inc()
		}
		if p.Sealed.StoppedEarly {
			m.early.Inc()
		}
		if c.took[exit][kind] == nil {
			c.took[exit][kind] = c.latency.WithLabelValues(exitLabel(exit), kindLabel(kind))
		}
		c.took[exit][kind].Observe(p.Latency.Seconds())
	}
}

// Logged counts verdicts that are new in this node's logs.
func (m *Metrics) Logged(of []*roles.Published) {
	if m == nil {
		return
	}
	for _, p := range of {
		if p.SupersededBy != (roles.Hash{}) {
			m.logLost.Inc()
			continue
		}
		m.verdicts.logged[exitOf(p.Sealed)].Inc()
	}
}
