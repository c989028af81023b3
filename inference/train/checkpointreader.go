package train

import (
	"encoding/binary"
	"errors"
	"math"
)

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
