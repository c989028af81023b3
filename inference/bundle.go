package inference

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"ganglion/inference/durable"
	"ganglion/inference/topology"
	"ganglion/proto/modelpb"
)

// The frame of a bundle file; see proto/modelpb/model.proto.
const (
	BundleFormat   = 1        // the format that this package reads and writes
	MaxBundleBytes = 64 << 20 // a larger file is refused before it is read

	bundleMagic  = "ganglion"
	bundleHeader = len(bundleMagic) + sha256.Size
)

// Errors of reading a bundle, for errors.Is.
var (
	ErrNotBundle    = errors.New("not a bundle")                     // another kind of file
	ErrDamaged      = errors.New("damaged")                          // truncated or altered since it was written
	ErrNewerFormat  = errors.New("made by a newer version")          // update this program
	ErrInconsistent = errors.New("its parts do not fit one another") // written by a broken or hostile program
)

// BundleID is a bundle's identity: the SHA-256 of its file.
type BundleID [sha256.Size]byte

// String is the ID in hexadecimal.
func (id BundleID) String() string { return hex.EncodeToString(id[:]) }

// Short is enough of the ID for people to tell bundles apart.
func (id BundleID) Short() string { return hex.EncodeToString(id[:6]) }

// Bundle is one trained network as it travels: immutable, checked, identified by
// its bytes. Safe for use by any number of goroutines.
type Bundle struct {
	id         BundleID
	file       []byte
	content    *modelpb.Bundle
	topology   *topology.Topology
	model      *Model
	thresholds Thresholds
}

// NewBundle checks the parts of a network and seals them into a bundle. It keeps
// no reference to content.
func NewBundle(content *modelpb.Bundle) (*Bundle, error) {
	content = proto.CloneOf(content)
	content.Format = BundleFormat
	payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("encode bundle: %w", err)
	}
	sum := sha256.Sum256(payload)
	return DecodeBundle(bytes.Join([][]byte{[]byte(bundleMagic), sum[:], payload}, nil))
}

// DecodeBundle checks the bytes of a bundle file, which it keeps: frame,
// checksum, format, and that every part has the shape that the topology implies.
// No allocation is larger than a small multiple of len(file). The error is one of
// the Err values of this package, wrapped.
func DecodeBundle(file []byte) (*Bundle, error) {
	payload, err := unframe(file)
	if err != nil {
		return nil, err
	}
	content := new(modelpb.Bundle)
	if err := proto.Unmarshal(payload, content); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInconsistent, err)
	}
	if name := unknownField(content.ProtoReflect()); name != "" {
		return nil, fmt.Errorf("%w: %s has a field that this format does not", ErrInconsistent, name)
	}
	t, err := topology.FromProto(content.GetTopology())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInconsistent, err)
	}
	model, err := newModel(t, content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInconsistent, err)
	}
	thresholds, err := readThresholds(t, content.GetCalibration())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInconsistent, err)
	}
	return &Bundle{
		id: sha256.Sum256(file), file: file, content: content,
		topology: t, model: model, thresholds: thresholds,
	}, nil
}

// unframe returns the serialized Bundle of a file whose frame, checksum and
// format are right.
func unframe(file []byte) ([]byte, error) {
	if len(file) > MaxBundleBytes {
		return nil, fmt.Errorf("%w: %d bytes are more than a bundle ever has", ErrNotBundle, len(file))
	}
	if prefix := file[:min(len(file), len(bundleMagic))]; string(prefix) != bundleMagic[:len(prefix)] || len(file) == 0 {
		return nil, fmt.Errorf("%w: it does not begin as one; give a *.ganglion file, as `ganglion train` writes it", ErrNotBundle)
	}
	if len(file) <= bundleHeader {
		return nil, fmt.Errorf("%w: it is truncated; copy it again", ErrDamaged)
	}
	payload := file[bundleHeader:]
	if sum := sha256.Sum256(payload); !bytes.Equal(sum[:], file[len(bundleMagic):bundleHeader]) {
		return nil, fmt.Errorf("%w: its checksum does not match its content; copy it again", ErrDamaged)
	}
	if format := formatOf(payload); format > BundleFormat {
		return nil, fmt.Errorf("%w: format %d, this program reads up to %d; update ganglion", ErrNewerFormat, format, BundleFormat)
	} else if format != BundleFormat {
		return nil, fmt.Errorf("%w: format %d", ErrInconsistent, format)
	}
	return payload, nil
}

// formatOf reads the format number, the first field of a serialized Bundle; 0
// where it is not there.
func formatOf(payload []byte) uint64 {
	number, kind, n := protowire.ConsumeTag(payload)
	if n < 0 || number != 1 || kind != protowire.VarintType {
		return 0
	}
	format, n := protowire.ConsumeVarint(payload[n:])
	if n < 0 {
		return 0
	}
	return format
}

// unknownField is the name of the first message in the tree that carries a field
// which the schema does not have; empty if there is none.
func unknownField(m protoreflect.Message) (name string) {
	if len(m.GetUnknown()) > 0 {
		return string(m.Descriptor().Name())
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap() || fd.Message() == nil:
		case fd.IsList():
			for i := 0; i < v.List().Len() && name == ""; i++ {
				name = unknownField(v.List().Get(i).Message())
			}
		default:
			name = unknownField(v.Message())
		}
		return name == ""
	})
	return name
}

// ReadBundle reads and checks a bundle file. Errors name the file.
func ReadBundle(path string) (*Bundle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w; make one with: ganglion train --out FILE", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	file, err := io.ReadAll(io.LimitReader(f, MaxBundleBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	b, err := DecodeBundle(file)
	if err != nil {
		return nil, fmt.Errorf("read bundle %s: %w", path, err)
	}
	return b, nil
}

// Write puts the bundle under the name path, whole or not at all.
func (b *Bundle) Write(path string) error {
	return durable.WriteFile(path, b.file, 0o644)
}

// ID is the bundle's identity.
func (b *Bundle) ID() BundleID { return b.id }

// File is the bytes of the bundle's file, which must not be written to.
func (b *Bundle) File() []byte { return b.file }

// Topology is the bundle's topology, which must not be written to.
func (b *Bundle) Topology() *topology.Topology { return b.topology }

// Model is the network, ready to run.
func (b *Bundle) Model() *Model { return b.model }

// Thresholds is the calibrated thresholds.
func (b *Bundle) Thresholds() Thresholds { return b.thresholds }

// CalibratedFor says what the thresholds were chosen for.
func (b *Bundle) CalibratedFor() string { return b.content.GetCalibration().GetHow() }

// Provenance says how the bundle came to be. It must not be written to.
func (b *Bundle) Provenance() *modelpb.Provenance { return b.content.GetProvenance() }

// Content is a copy of everything in the bundle, to make another from.
func (b *Bundle) Content() *modelpb.Bundle { return proto.CloneOf(b.content) }

// WithThresholds is a new bundle with other thresholds, which remembers this one
// as its parent; how says what they were chosen for.
func (b *Bundle) WithThresholds(t Thresholds, how string) (*Bundle, error) {
	content := b.Content()
	content.Calibration = writeThresholds(t, how)
	if content.Provenance == nil {
		content.Provenance = new(modelpb.Provenance)
	}
	content.Provenance.Parent = b.id[:]
	return NewBundle(content)
}
