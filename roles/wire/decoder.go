package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"ganglion/roles"

	"google.golang.org/protobuf/encoding/protowire"
)

// decoder reads one frame. The first fault ends it: what is read after that is of no use
// and does no harm.
type decoder struct {
	limits  Limits
	names   names
	scratch []byte    // for verdicts that are encoded again
	texts   [4]string // of the verdicts before: they are mostly the same
	latest  int       // of texts
	err     error

	path  [8]step // to where it reads
	depth int
}

// step is one step of a path: a field, and which of a list.
type step struct {
	name string
	i    int // negative: it is no list
}

// failf notes the first fault, with where it is.
func (d *decoder) failf(format string, args ...any) {
	if d.err != nil {
		return
	}
	var at strings.Builder
	for _, s := range d.path[:d.depth] {
		at.WriteString(s.name)
		if s.i >= 0 {
			fmt.Fprintf(&at, "[%d]", s.i)
		}
		at.WriteString(": ")
	}
	d.err = fmt.Errorf("%w: %s%w", ErrMalformed, at.String(), fmt.Errorf(format, args...))
}

func (d *decoder) check(err error) {
	if err != nil {
		d.failf("%w", err)
	}
}

// room refuses one more of a list that has as many as it may.
func (d *decoder) room(have, most int, what string) bool {
	if have >= most {
		d.failf("more than %d %s", most, what)
	}
	return d.err == nil
}

// set refuses members of a set that are beyond the first n.
func (d *decoder) set(what string, set uint64, n int) {
	if set>>n != 0 {
		d.failf("%s %#x: there are %d", what, set, n)
	}
}

// enter begins to read a message; leave ends it.
func (d *decoder) enter(name string, i int, b []byte) cursor {
	d.path[d.depth] = step{name, i}
	d.depth++
	return cursor{d: d, rest: b}
}

func (d *decoder) leave() { d.depth-- }

// cursor goes through the fields of a message.
type cursor struct {
	d     *decoder
	rest  []byte
	num   int
	wire  protowire.Type
	value uint64 // of a number
	body  []byte // of what has a length; it is the frame's
}

var (
	errField = errors.New("cut off, or no field")
	errWire  = errors.New("not of the kind that it should be")
)

// next reads a field; false at the end and after a fault.
func (c *cursor) next() bool {
	if len(c.rest) == 0 || c.d.err != nil {
		return false
	}
	num, wire, n := protowire.Number(c.rest[0]>>3), protowire.Type(c.rest[0]&7), 1
	if c.rest[0] >= 1<<7 || num == 0 { // not in one byte
		if num, wire, n = protowire.ConsumeTag(c.rest); n < 0 {
			c.d.check(errField)
			return false
		}
	}
	c.num, c.wire, c.rest = int(num), wire, c.rest[n:]
	switch wire {
	case protowire.VarintType:
		if len(c.rest) > 0 && c.rest[0] < 1<<7 {
			c.value, n = uint64(c.rest[0]), 1
			break
		}
		c.value, n = protowire.ConsumeVarint(c.rest)
	case protowire.BytesType:
		c.body, n = protowire.ConsumeBytes(c.rest)
	case protowire.Fixed64Type:
		c.value, n = protowire.ConsumeFixed64(c.rest)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(c.rest)
		c.value = uint64(v)
	default:
		n = -1
	}
	if n < 0 {
		c.d.failf("field %d: %w", num, errField)
		return false
	}
	c.rest = c.rest[n:]
	return true
}

// alike is how many fields in a row have the number of the present one, it included: the
// room that a list takes, as far as its bytes can bear out.
func (c *cursor) alike(most int) int {
	const leastBytes = 16 // of an item that is taken
	most = min(most, 1+len(c.rest)/leastBytes)
	n := 1
	for b := c.rest; n < most; n++ {
		num, _, size := protowire.ConsumeField(b)
		if size < 0 || int(num) != c.num {
			break
		}
		b = b[size:]
	}
	return n
}

// is refuses a field that is encoded as something else.
func (c *cursor) is(t protowire.Type) bool {
	if c.wire != t {
		c.d.failf("field %d: %w", c.num, errWire)
	}
	return c.d.err == nil
}

func (c *cursor) uint() uint64 {
	if !c.is(protowire.VarintType) {
		return 0
	}
	return c.value
}

// number is a number below some bound.
func (c *cursor) number(below int) int {
	v := c.uint()
	if v >= uint64(below) {
		c.d.failf("field %d: %d is not below %d", c.num, v, below)
		return 0
	}
	return int(v)
}

// beat is a beat, or one behind the last.
func (c *cursor) beat() roles.Beat {
	v := c.uint()
	if v > uint64(roles.MaxBeat)+1 {
		c.d.failf("field %d: no beat has the number %d", c.num, v)
	}
	return roles.Beat(v)
}

func (c *cursor) bool() bool { return c.uint() != 0 }

func (c *cursor) duration() time.Duration {
	v := c.uint()
	if v > math.MaxInt64 {
		c.d.failf("field %d: %d ns are too long", c.num, v)
		return 0
	}
	return time.Duration(v)
}

func (c *cursor) fixed() uint64 {
	if !c.is(protowire.Fixed64Type) {
		return 0
	}
	return c.value
}

// message is what has a length. It is part of the frame, and must not be kept.
func (c *cursor) message() []byte {
	if !c.is(protowire.BytesType) {
		return nil
	}
	return c.body
}

// text is a copy of a string of at most that many bytes.
func (c *cursor) text(most int) string {
	b := c.message()
	switch {
	case len(b) > most:
		c.d.failf("field %d: %d bytes, more than %d", c.num, len(b), most)
	case !utf8.Valid(b):
		c.d.failf("field %d: no UTF-8", c.num)
	default:
		return string(b)
	}
	return ""
}

// again is text that is likely to be that of a verdict before.
func (c *cursor) again(most int) string {
	b := c.message()
	for _, known := range c.d.texts {
		if string(b) == known { // without an allocation
			return known
		}
	}
	v := c.text(most)
	c.d.latest = (c.d.latest + 1) % len(c.d.texts)
	c.d.texts[c.d.latest] = v
	return v
}

// hash is a SHA-256, or zero where it is empty.
func (c *cursor) hash() (h [32]byte) {
	if b := c.message(); len(b) != 0 && len(b) != len(h) {
		c.d.failf("field %d: a hash of %d bytes", c.num, len(b))
	} else {
		copy(h[:], b)
	}
	return h
}

// bytes is a copy of at most that many bytes.
func (c *cursor) bytes(most int) []byte {
	b := c.message()
	if len(b) > most {
		c.d.failf("field %d: %d bytes, more than %d", c.num, len(b), most)
		return nil
	}
	return append([]byte(nil), b...)
}

// floats are scores: finite, and at least two.
func (c *cursor) floats(most int) []float32 {
	b := c.message()
	if c.d.err != nil {
		return nil
	}
	if n := len(b) / 4; len(b)%4 != 0 || n < 2 || n > most {
		c.d.failf("field %d: scores of %d bytes, there are 2 to %d classes of 4", c.num, len(b), most)
		return nil
	}
	out := make([]float32, len(b)/4)
	for i := range out {
		u := binary.LittleEndian.Uint32(b[4*i:])
		const exponent = 0xff << 23
		if u&exponent == exponent {
			c.d.failf("field %d: score %d is %v", c.num, i, math.Float32frombits(u))
			return nil
		}
		out[i] = math.Float32frombits(u)
	}
	return out
}

// lookup is what a table has at an index from 1; the zero value at 0.
func lookup[T any](c *cursor, table []T) (v T) {
	i := c.uint()
	if i > uint64(len(table)) {
		c.d.failf("field %d: name %d of %d", c.num, i, len(table))
		return v
	}
	if i > 0 {
		v = table[i-1]
	}
	return v
}

func (c *cursor) peer() roles.Peer { return lookup(c, c.d.names.peers) }
func (c *cursor) site() roles.Site { return lookup(c, c.d.names.sites) }
func (c *cursor) series() series   { return lookup(c, c.d.names.series) }
func (c *cursor) model() model     { return lookup(c, c.d.names.models) }

// sample reads one of the three fields of a sample.
func (c *cursor) sample(id *roles.SampleID) {
	switch c.num {
	case fieldSeries:
		s := c.series()
		id.Site, id.Run = s.site, s.run
	case fieldBeat:
		id.Beat = c.beat()
	default: // fieldRequest
		id.Request = roles.RequestID(c.fixed())
	}
}

// addSample reads a message that is a sample, and adds it.
func (c *cursor) addSample(to []roles.SampleID, name string) []roles.SampleID {
	if !c.d.room(len(to), maxSamples, "samples") {
		return to
	}
	var id roles.SampleID
	of := c.d.enter(name, len(to), c.message())
	for of.next() {
		if of.num <= fieldRequest {
			of.sample(&id)
		}
	}
	c.d.valid(id)
	c.d.leave()
	return append(to, id)
}

// valid checks a sample whose names have been checked.
func (d *decoder) valid(id roles.SampleID) {
	if d.err == nil {
		d.check(id.Validate())
	}
}
