package metrics

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Over says what the values of several nodes come to.
type Over uint8

// The ways in which values of several nodes belong together.
const (
	// Sum is of numbers that are each node's own part: their sum is the mesh's.
	Sum Over = iota
	// Each is of numbers that tell how one node sees what others see as well, or that mean
	// something at that node alone.
	Each
)

// note ends the help text.
func (o Over) note() string {
	return [...]string{"Each node's own part: sum over nodes.", "As this node sees it: not to be summed over nodes."}[o]
}

// String is the word of the documentation's table.
func (o Over) String() string { return [...]string{"sum", "each"}[o] }

// The parts of the documentation.
const (
	partMesh      = "mesh"
	partRoles     = "roles"
	partInference = "inference"
	partProcess   = "process"
)

// Family is one metric as it is declared.
type Family struct {
	Part   string // of a node: mesh, roles, inference or process
	Name   string
	Kind   string // counter, gauge or histogram
	Labels []string
	Over   Over
	Help   string // without the note of Over
}

// book declares metrics: what is not in it is not served, and what is in it is documented.
type book struct {
	part     string
	registry *prometheus.Registry
	families []Family
	descs    []*prometheus.Desc // of what is read at each scrape
}

// prefix begins the name of every metric of ours.
const prefix = "ganglion_"

func (b *book) declare(kind string, over Over, name, help string, labels []string) (full, text string) {
	full = prefix + name
	b.families = append(b.families, Family{b.part, full, kind, labels, over, help})
	return full, help + " " + over.note()
}

// counters are counted as it happens.
func (b *book) counters(over Over, name, help string, labels ...string) *prometheus.CounterVec {
	full, text := b.declare("counter", over, name, help, labels)
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: full, Help: text}, labels)
	b.registry.MustRegister(c)
	return c
}

// counter is a single one.
func (b *book) counter(over Over, name, help string) prometheus.Counter {
	return b.counters(over, name, help).WithLabelValues()
}

// histograms are observed as it happens.
func (b *book) histograms(over Over, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	full, text := b.declare("histogram", over, name, help, labels)
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: full, Help: text, Buckets: buckets}, labels)
	b.registry.MustRegister(h)
	return h
}

// constant is 1 for good: its labels tell.
func (b *book) constant(name, help string, labels prometheus.Labels) {
	names := slices.Sorted(maps.Keys(labels))
	full, text := b.declare("gauge", Each, name, help, names)
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: full, Help: text}, names)
	g.With(labels).Set(1)
	b.registry.MustRegister(g)
}

// read is a number that is read at each scrape.
type read struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

// total is a counter that a part of the node keeps.
func (b *book) total(over Over, name, help string, labels ...string) read {
	return b.reads("counter", prometheus.CounterValue, over, name, help, labels)
}

// gauge is something that a part of the node knows.
func (b *book) gauge(over Over, name, help string, labels ...string) read {
	return b.reads("gauge", prometheus.GaugeValue, over, name, help, labels)
}

func (b *book) reads(kind string, value prometheus.ValueType, over Over, name, help string, labels []string) read {
	full, text := b.declare(kind, over, name, help, labels)
	d := prometheus.NewDesc(full, text, labels, nil)
	b.descs = append(b.descs, d)
	return read{d, value}
}

// sample is what a scrape adds values to.
type sample chan<- prometheus.Metric

func put[T int | uint64 | float64](out sample, r read, value T, labels ...string) {
	out <- prometheus.MustNewConstMetric(r.desc, r.kind, float64(value), labels...)
}

// Families is everything that is declared, in the order of the documentation.
func (m *Metrics) Families() []Family { return slices.Clone(m.book.families) }

// Markdown is the tables of the documentation.
func (m *Metrics) Markdown() string {
	var out strings.Builder
	part := ""
	for _, f := range m.book.families {
		if f.Part != part {
			part = f.Part
			out.WriteString("\n## " + strings.ToUpper(part[:1]) + part[1:] + "\n\n| metric | kind | labels | over nodes | |\n| --- | --- | --- | --- | --- |\n")
		}
		labels := strings.Join(f.Labels, ", ")
		out.WriteString("| `" + f.Name + "` | " + f.Kind + " | " + labels + " | " + f.Over.String() + " | " + f.Help + " |\n")
	}
	return out.String()
}
