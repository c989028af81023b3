package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ganglion/roles"
)

// Section is what a tier runs of the network.
type Section uint8

// The sections.
const (
	DeviceSection Section = iota
	LocalSection          // the local aggregator's
	EdgeSection
	CloudSection
	sectionsCount = iota
)

func (s Section) String() string {
	return [sectionsCount]string{"device", "local", "edge", "cloud"}[s]
}

func (m *Metrics) declareSections() {
	durations := m.book.histograms(Sum, "section_duration_seconds",
		"Time that a section of the network took for one sample at this node; of a device, for one view.",
		prometheus.ExponentialBuckets(1e-6, 2, 16), "section")
	for s := range m.sections {
		m.sections[s] = durations.WithLabelValues(Section(s).String())
	}
}

// Began is when a section begins; zero where nothing is counted.
func (m *Metrics) Began() time.Time {
	if m == nil {
		return time.Time{}
	}
	return time.Now()
}

// Ran notes that a section ran from then until now.
func (m *Metrics) Ran(s Section, from time.Time) {
	if m != nil {
		m.sections[s].Observe(time.Since(from).Seconds())
	}
}

// Timed is a network whose sections are timed; the network itself where nothing is counted.
func (m *Metrics) Timed(n roles.Network) roles.Network {
	if m == nil {
		return n
	}
	return &timed{n, m}
}

type timed struct {
	of      roles.Network
	metrics *Metrics
}

// Local is that of the network.
func (t *timed) Local(group int, scores [][]float32, seen uint64) []float32 {
	defer t.metrics.Ran(LocalSection, time.Now())
	return t.of.Local(group, scores, seen)
}

// Edge is that of the network.
func (t *timed) Edge(group int, features [][]byte, seen uint64) ([]byte, []float32) {
	defer t.metrics.Ran(EdgeSection, time.Now())
	return t.of.Edge(group, features, seen)
}

// Cloud is that of the network.
func (t *timed) Cloud(features [][]byte, seen uint64) []float32 {
	defer t.metrics.Ran(CloudSection, time.Now())
	return t.of.Cloud(features, seen)
}
