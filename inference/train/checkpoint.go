package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"

	"ganglion/inference/durable"
	"ganglion/inference/topology"
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

// save writes the run as it is to the configured file, if there is one: under
// that name there is always a whole checkpoint.
func (t *trainer) save() error {
	if t.cfg.Checkpoint == "" {
		return nil
	}
	c := checkpoint{
		settings: t.identity(),
		epoch:    t.state.epoch, batch: t.state.batch,
		best: t.state.best.epoch, result: t.state.best.result,
		tensors: t.tensors(),
	}
	if err := durable.WriteFile(t.cfg.Checkpoint, c.encode(), 0o644); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

// resume puts the run where the configured checkpoint left it.
func (t *trainer) resume() error {
	data, err := os.ReadFile(t.cfg.Checkpoint)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("resume from %s: there is no such checkpoint; train without resuming", t.cfg.Checkpoint)
	}
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	c, err := decodeCheckpoint(data)
	if err == nil {
		err = t.apply(c)
	}
	if err != nil {
		return fmt.Errorf("resume from %s: %w", t.cfg.Checkpoint, err)
	}
	return nil
}

// identity lists everything that a run's result depends on: two runs that agree
// on it make the same bytes.
func (t *trainer) identity() []setting {
	frames := func(samples []int) string { return t.set.FramesOf(samples).String() }
	return append([]setting{
		{"trainer version", Version},
		{"architecture", runtime.GOARCH},
		{"data", fmt.Sprintf("%x", t.set.Hash)},
		{"training frames", frames(t.split.Train)},
		{"validation frames", frames(t.split.Validation)},
		{"topology", string(topology.Format(t.topo))},
	}, t.cfg.settings()...)
}

// tensors lists the vectors of a run, in place: what the optimiser holds, then
// the best network so far.
func (t *trainer) tensors() []tensor {
	var list []tensor
	for _, p := range t.net.params {
		list = append(list,
			tensor{p.name + ": latent", p.latent},
			tensor{p.name + ": first moment", p.first},
			tensor{p.name + ": second moment", p.second})
	}
	best := t.state.best
	for i, p := range t.net.params {
		list = append(list, tensor{p.name + ": best", best.latent[i]})
	}
	for i := range t.net.norms {
		list = append(list,
			tensor{fmt.Sprintf("norm %d: best mean", i), best.mean[i]},
			tensor{fmt.Sprintf("norm %d: best variance", i), best.variance[i]})
	}
	return list
}

// apply takes over a checkpoint of the same run, and changes nothing if it is of
// another.
func (t *trainer) apply(c *checkpoint) error {
	if err := sameSettings(c.settings, t.identity()); err != nil {
		return err
	}
	tensors := t.tensors()
	if len(c.tensors) != len(tensors) {
		return errors.New("the checkpoint is of another network; train without resuming")
	}
	for i, to := range tensors {
		from := c.tensors[i]
		if from.name != to.name || len(from.values) != len(to.values) {
			return fmt.Errorf("the checkpoint has %q of %d elements where the network has %q of %d; train without resuming",
				from.name, len(from.values), to.name, len(to.values))
		}
	}
	if c.epoch > t.cfg.Epochs || c.batch > t.batches() || c.best > c.epoch {
		return errors.New("the checkpoint's position is beyond the end of the run; train without resuming")
	}
	for i, to := range tensors {
		copy(to.values, c.tensors[i].values)
	}
	t.net.refresh()
	t.state.epoch, t.state.batch = c.epoch, c.batch
	t.state.best.epoch, t.state.best.result = c.best, c.result
	if c.best > 0 {
		t.latest = &c.result
	}
	return nil
}

// sameSettings names the first setting that differs.
func sameSettings(saved, own []setting) error {
	values := make(map[string]string, len(saved))
	for _, s := range saved {
		values[s.name] = s.value
	}
	for _, s := range own {
		value, ok := values[s.name]
		switch {
		case !ok:
			return fmt.Errorf("the checkpoint does not say its %s; train without resuming", s.name)
		case value != s.value && len(value)+len(s.value) > 80:
			return fmt.Errorf("the checkpoint was made with another %s; use the same, or train without resuming", s.name)
		case value != s.value:
			return fmt.Errorf("the checkpoint was made with %s %s, this run has %s; use the same, or train without resuming", s.name, value, s.value)
		}
	}
	if len(saved) != len(own) {
		return errors.New("the checkpoint has settings that this version does not know; train without resuming")
	}
	return nil
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
