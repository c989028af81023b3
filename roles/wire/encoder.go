package wire

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"ganglion/inference"
	"ganglion/roles"

	"google.golang.org/protobuf/encoding/protowire"
)

// The fields that are alike in every message.
const (
	fieldNames   = 15 // of a frame
	fieldSeries  = 1  // of a sample
	fieldBeat    = 2
	fieldRequest = 3
)

// encoder appends fields to b, and collects the names that they refer to.
type encoder struct {
	b          []byte
	names      names
	known      int // peers that both ends know, and that are not written
	namesBytes int // that the names take at most
	references int // of names
	messages   int // within others
}

// The most bytes of a name in its table, beside its text.
const (
	textBytes   = 4  // tag, length
	seriesBytes = 20 // tag, length, index of the site, run
	modelBytes  = 48 // tag, length, hash, settings
)

// names are the tables of wirepb.Names. Indexes count from 1.
type names struct {
	peers  []roles.Peer
	sites  []roles.Site
	series []series
	models []model
}

// series is the samples of a run or, for run 0, those on demand.
type series struct {
	site roles.Site
	run  roles.RunID
}

// model is a bundle under one version of the settings.
type model struct {
	bundle   inference.BundleID
	settings uint64
}

func (e *encoder) tag(n int, t protowire.Type) {
	if n < 16 { // one byte, without a call
		e.b = append(e.b, byte(n)<<3|byte(t))
		return
	}
	e.b = protowire.AppendTag(e.b, protowire.Number(n), t)
}

func (e *encoder) uint(n int, v uint64) {
	if v != 0 {
		e.present(n, v)
	}
}

// present is for a field whose presence counts: it is written even if it is 0.
func (e *encoder) present(n int, v uint64) {
	e.tag(n, protowire.VarintType)
	e.b = protowire.AppendVarint(e.b, v)
}

// optional is a number that is absent where it is negative.
func (e *encoder) optional(n int, v int) {
	if v >= 0 {
		e.present(n, uint64(v))
	}
}

func (e *encoder) bool(n int, v bool) {
	if v {
		e.present(n, 1)
	}
}

// duration is sent as nanoseconds; a negative one, which no clock gives, as 0.
func (e *encoder) duration(n int, d time.Duration) { e.uint(n, uint64(max(0, d))) }

func (e *encoder) fixed(n int, v uint64) {
	if v != 0 {
		e.tag(n, protowire.Fixed64Type)
		e.b = protowire.AppendFixed64(e.b, v)
	}
}

func (e *encoder) double(n int, v float64) { e.fixed(n, math.Float64bits(v)) }

func (e *encoder) floats(n int, of []float32) {
	if len(of) == 0 {
		return
	}
	e.tag(n, protowire.BytesType)
	e.b = protowire.AppendVarint(e.b, uint64(4*len(of)))
	for _, v := range of {
		e.b = binary.LittleEndian.AppendUint32(e.b, math.Float32bits(v))
	}
}

// bytes writes an item of a list, empty or not.
func (e *encoder) bytes(n int, v []byte) {
	e.tag(n, protowire.BytesType)
	e.b = protowire.AppendBytes(e.b, v)
}

func (e *encoder) string(n int, v string) {
	e.tag(n, protowire.BytesType)
	e.b = protowire.AppendString(e.b, v)
}

// hash writes a SHA-256, unless it is zero.
func (e *encoder) hash(n int, h [32]byte) {
	if h != [32]byte{} {
		e.bytes(n, h[:])
	}
}

// open begins a message within another; close, with what open returned, ends it.
func (e *encoder) open(n int) int {
	e.messages++
	e.tag(n, protowire.BytesType)
	e.b = append(e.b, 0)
	return len(e.b)
}

func (e *encoder) close(at int) {
	size := len(e.b) - at
	if size < 1<<7 {
		e.b[at-1] = byte(size)
		return
	}
	n := protowire.SizeVarint(uint64(size))
	e.b = append(e.b, make([]byte, n-1)...)
	copy(e.b[at+n-1:], e.b[at:at+size])
	protowire.AppendVarint(e.b[:at-1], uint64(size))
}

// index is the place of v in a table, from 1; it is added where it is new. What was added
// last is looked at first.
func index[T comparable](table *[]T, v T) uint64 {
	for i, known := range slices.Backward(*table) {
		if known == v {
			return uint64(i) + 1
		}
	}
	*table = append(*table, v)
	return uint64(len(*table))
}

func (e *encoder) peer(n int, p roles.Peer) {
	if p != "" {
		e.references++
		had := len(e.names.peers)
		e.present(n, index(&e.names.peers, p))
		e.namesBytes += (len(e.names.peers) - had) * (textBytes + len(p))
	}
}

func (e *encoder) site(n int, s roles.Site) {
	if s != "" {
		e.references++
		had := len(e.names.sites)
		e.present(n, index(&e.names.sites, s))
		e.namesBytes += (len(e.names.sites) - had) * (textBytes + len(s))
	}
}

func (e *encoder) series(n int, site roles.Site, run roles.RunID) {
	e.references++
	had := len(e.names.series)
	e.present(n, index(&e.names.series, series{site, run}))
	e.namesBytes += (len(e.names.series) - had) * (seriesBytes + textBytes + len(site))
}

func (e *encoder) model(n int, bundle inference.BundleID, settings uint64) {
	if m := (model{bundle, settings}); m != (model{}) {
		e.references++
		had := len(e.names.models)
		e.present(n, index(&e.names.models, m))
		e.namesBytes += (len(e.names.models) - had) * modelBytes
	}
}

// sample writes the three fields of a sample.
func (e *encoder) sample(id roles.SampleID) {
	e.series(fieldSeries, id.Site, id.Run)
	e.uint(fieldBeat, uint64(id.Beat))
	e.fixed(fieldRequest, uint64(id.Request))
}

func (e *encoder) samples(n int, of []roles.SampleID) {
	for _, id := range of {
		at := e.open(n)
		e.sample(id)
		e.close(at)
	}
}

// finish writes the names behind what refers to them.
func (e *encoder) finish() []byte {
	if len(e.names.peers)-e.known+len(e.names.sites)+len(e.names.series)+len(e.names.models) == 0 {
		return e.b
	}
	at := e.open(fieldNames)
	for _, s := range e.names.series { // they may name sites that nothing else does
		if !slices.Contains(e.names.sites, s.site) {
			e.names.sites = append(e.names.sites, s.site)
		}
	}
	for _, p := range e.names.peers[e.known:] {
		e.string(1, string(p))
	}
	for _, s := range e.names.sites {
		e.string(2, string(s))
	}
	for _, s := range e.names.series {
		of := e.open(3)
		e.uint(1, index(&e.names.sites, s.site))
		e.fixed(2, uint64(s.run))
		e.close(of)
	}
	for _, m := range e.names.models {
		of := e.open(4)
		e.hash(1, m.bundle)
		e.uint(2, m.settings)
		e.close(of)
	}
	e.close(at)
	return e.b
}
