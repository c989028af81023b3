package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A checkpoint file is, with all numbers little-endian:
//
//	magic     8 bytes, "ganglchk"
//	version   uint32, 1
//	settings  uint32 count, then for each its name and its value
//	position  uint64 complete epochs, uint64 batches done of the next
//	best      uint64 complete epochs by then (0: none), the validation's figures
//	          (all views, then hidden ones; per head uint64 count, uint64 correct,
//	          float64 loss) and its float64 score
//	tensors   uint32 count, then for each its name, uint32 length and float32s
//	checksum  SHA-256 of everything before it
//
// A string is a uint32 length and as many bytes. Random generators have no state
// to save: see purpose.
const (
	checkpointMagic   = "ganglchk"
	checkpointVersion = 1
)

// checkpoint is the content of such a file.
type checkpoint struct {
	settings []setting
	epoch    int
	batch    int
	best     int
	result   Validation
	tensors  []tensor
}

// tensor is a named vector of a checkpoint.
type tensor struct {
	name   string
	values []float32
}

func (c *checkpoint) encode() []byte {
	le := binary.LittleEndian
	var b []byte
	text := func(s string) {
		b = le.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	b = append(b, checkpointMagic...)
	b = le.AppendUint32(b, checkpointVersion)
	b = le.AppendUint32(b, uint32(len(c.settings)))
	for _, s := range c.settings {
		text(s.name)
		text(s.value)
	}
	b = le.AppendUint64(b, uint64(c.epoch))
	b = le.AppendUint64(b, uint64(c.batch))
	b = le.AppendUint64(b, uint64(c.best))
	for _, figures := range []Figures{c.result.Full, c.result.Missing} {
		for _, t := range figures {
			b = le.AppendUint64(b, uint64(t.Count))
			b = le.AppendUint64(b, uint64(t.Correct))
			b = le.AppendUint64(b, math.Float64bits(t.Loss))
		}
	}
	b = le.AppendUint64(b, math.Float64bits(c.result.Score))
	b = le.AppendUint32(b, uint32(len(c.tensors)))
	for _, t := range c.tensors {
		text(t.name)
		b = le.AppendUint32(b, uint32(len(t.values)))
		for _, v := range t.values {
			b = le.AppendUint32(b, math.Float32bits(v))
		}
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// decodeCheckpoint reads a checkpoint file. It trusts nothing: what it allocates
// is bounded by the length of data.
func decodeCheckpoint(data []byte) (*checkpoint, error) {
	if !bytes.HasPrefix(data, []byte(checkpointMagic)) {
		return nil, errors.New("this is not a checkpoint of ganglion; name the file that training saved")
	}
	if len(data) < len(checkpointMagic)+4+sha256.Size {
		return nil, errDamaged
	}
	r := &fieldReader{rest: data[len(checkpointMagic):]}
	if version := r.uint32(); version != checkpointVersion {
		return nil, fmt.Errorf("the checkpoint has version %d, this program reads version %d; train without resuming", version, checkpointVersion)
	}
	body, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, errDamaged
	}
	r.rest = body[len(checkpointMagic)+4:]
	return r.checkpoint()
}

var errDamaged = errors.New("the checkpoint is cut short or damaged; use an older copy, or train without resuming")

// fieldReader takes the fields of a checkpoint from the front of rest. Reading
// beyond the end, or a value out of range, sets failed and gives zeros from then
// on.
type fieldReader struct {
	rest   []byte
	failed bool
}

// checkpoint reads everything after the version.
func (r *fieldReader) checkpoint() (*checkpoint, error) {
	c := &checkpoint{}
	for range r.count(2 * 4) {
		c.settings = append(c.settings, setting{name: r.text(), value: r.text()})
	}
	c.epoch, c.batch, c.best = r.natural(), r.natural(), r.natural()
	for _, figures := range []*Figures{&c.result.Full, &c.result.Missing} {
		for head := range figures {
			figures[head] = Tally{Count: r.natural(), Correct: r.natural(), Loss: r.float64()}
		}
	}
	c.result.Score = r.float64()
	for range r.count(2 * 4) {
		t := tensor{name: r.text()}
		t.values = make([]float32, r.count(4))
		for i := range t.values {
			t.values[i] = r.float32()
		}
		c.tensors = append(c.tensors, t)
	}
	if r.failed || len(r.rest) > 0 {
		return nil, errDamaged
	}
	return c, nil
}

// take removes n bytes, nil if there are not as many.
func (r *fieldReader) take(n int) []byte {
	if r.failed || n > len(r.rest) {
		r.failed, r.rest = true, nil
		return nil
	}
	field := r.rest[:n]
	r.rest = r.rest[n:]
	return field
}

func (r *fieldReader) uint32() uint32 {
	if field := r.take(4); field != nil {
		return binary.LittleEndian.Uint32(field)
	}
	return 0
}

func (r *fieldReader) uint64() uint64 {
	if field := r.take(8); field != nil {
		return binary.LittleEndian.Uint64(field)
	}
	return 0
}

// count reads the number of elements that follow, each of at least size bytes.
func (r *fieldReader) count(size int) int {
	n := int64(r.uint32())
	if n > int64(len(r.rest)/size) {
		r.failed, r.rest = true, nil
		return 0
	}
	return int(n)
}

// natural reads a number that fits an int on every architecture.
func (r *fieldReader) natural() int {
	n := r.uint64()
	if n > math.MaxInt32 {
		r.failed = true
		return 0
	}
	return int(n)
}

func (r *fieldReader) text() string { return string(r.take(r.count(1))) }

func (r *fieldReader) float32() float32 {
	v := math.Float32frombits(r.uint32())
	r.failed = r.failed || !finite(float64(v))
	return v
}

func (r *fieldReader) float64() float64 {
	v := math.Float64frombits(r.uint64())
	r.failed = r.failed || !finite(v)
	return v
}
