package safetensors

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// The limits of a file. The format's own limit of a header is a hundred times as
// large, which no network of a topology comes near.
const (
	MaxFileBytes   = 256 << 20
	MaxHeaderBytes = 1 << 20
	MaxName        = 256 // bytes of a tensor's name
	MaxAxes        = 8   // axes of a tensor
)

// lengthBytes is the size of the header's length, before the header.
const lengthBytes = 8

// metadataName is the entry of the header that is no tensor.
const metadataName = "__metadata__"

// ErrFormat is the error of bytes that are no safetensors file, wrapped.
var ErrFormat = errors.New("not a safetensors file")

// File is what a safetensors file holds.
type File struct {
	Tensors  []Tensor          // in the order of their data
	Metadata map[string]string // nil: none
}

// Tensor is one tensor of a file.
type Tensor struct {
	Name  string
	Type  string // as the format calls it: F32, I8 and so on
	Shape []int  // nil: a scalar
	Data  []byte // elements in row-major order, little-endian
}

// bits is the size of an element by the format's name of its type.
var bits = map[string]uint64{
	"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
	"I16": 16, "U16": 16, "F16": 16, "BF16": 16,
	"I32": 32, "U32": 32, "F32": 32,
	"I64": 64, "U64": 64, "F64": 64, "C64": 64,
}

// Read reads and checks a file. Errors name it.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read weights: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	content, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read weights: %w", err)
	}
	file, err := Decode(content)
	if err != nil {
		return nil, fmt.Errorf("read weights %s: %w", path, err)
	}
	return file, nil
}

// Decode checks the bytes of a file, of which its tensors keep parts. The error is
// ErrFormat, wrapped.
func Decode(content []byte) (*File, error) {
	if len(content) > MaxFileBytes {
		return nil, fmt.Errorf("%w that is read here: it has more than %d bytes", ErrFormat, MaxFileBytes)
	}
	if len(content) < lengthBytes {
		return nil, fmt.Errorf("%w: %d bytes have no room for the header's length", ErrFormat, len(content))
	}
	length := binary.LittleEndian.Uint64(content)
	rest := content[lengthBytes:]
	if length > MaxHeaderBytes {
		return nil, fmt.Errorf("%w that is read here: its header would have %d bytes, more than %d", ErrFormat, length, MaxHeaderBytes)
	}
	if length > uint64(len(rest)) {
		return nil, fmt.Errorf("%w, or truncated: its header would have %d bytes and only %d follow", ErrFormat, length, len(rest))
	}
	h, err := parseHeader(rest[:length])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	f, err := h.cut(rest[length:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return f, nil
}

// cut gives each tensor its data, which must have none twice and none left over.
func (h *header) cut(data []byte) (*File, error) {
	slices.SortStableFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	f := &File{Metadata: h.metadata}
	var at uint64
	for _, e := range h.entries {
		switch {
		case e.begin > e.end || e.end > uint64(len(data)):
			return nil, fmt.Errorf("tensor %s has the bytes %d to %d of %d: the file is truncated or damaged", quote(e.name), e.begin, e.end, len(data))
		case e.begin < at:
			return nil, fmt.Errorf("tensor %s begins at byte %d, within another that ends at %d", quote(e.name), e.begin, at)
		case e.begin > at:
			return nil, fmt.Errorf("bytes %d to %d, before tensor %s, belong to none", at, e.begin, quote(e.name))
		}
		size, err := e.bytes()
		if err != nil {
			return nil, err
		}
		if size != e.end-e.begin {
			return nil, fmt.Errorf("tensor %s has %d bytes for the shape %v of %s, which takes %d", quote(e.name), e.end-e.begin, e.shape, e.kind, size)
		}
		f.Tensors = append(f.Tensors, Tensor{Name: e.name, Type: e.kind, Shape: e.shape, Data: data[e.begin:e.end:e.end]})
		at = e.end
	}
	if at != uint64(len(data)) {
		return nil, fmt.Errorf("the last %d bytes belong to no tensor", uint64(len(data))-at)
	}
	return f, nil
}

// bytes is the size of a tensor of the entry's type and shape, which is below the
// largest size of a file.
func (e entry) bytes() (uint64, error) {
	width, known := bits[e.kind]
	if !known {
		return 0, fmt.Errorf("tensor %s has the type %s, which the format does not know", quote(e.name), quote(e.kind))
	}
	size := width / 8
	if slices.Contains(e.shape, 0) {
		return 0, nil
	}
	for _, d := range e.shape {
		if size > MaxFileBytes/uint64(d) {
			return 0, fmt.Errorf("tensor %s has the shape %v, of more bytes than a file has", quote(e.name), e.shape)
		}
		size *= uint64(d)
	}
	return size, nil
}

// Encode is the bytes of the file. Names must differ, and data have the size of the
// shape: the error says which does not.
func (f *File) Encode() ([]byte, error) {
	var text strings.Builder
	separator := "{"
	if len(f.Metadata) > 0 {
		var lines []string
		for _, key := range slices.Sorted(maps.Keys(f.Metadata)) {
			lines = append(lines, jsonText(key)+":"+jsonText(f.Metadata[key]))
		}
		text.WriteString(separator + jsonText(metadataName) + ":{" + strings.Join(lines, ",") + "}")
		separator = ","
	}
	at := 0
	for _, t := range f.Tensors {
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		fmt.Fprintf(&text, "%s%s:{\"dtype\":%s,\"shape\":%s,\"data_offsets\":[%d,%d]}",
			separator, jsonText(t.Name), jsonText(t.Type), jsonText(shape), at, at+len(t.Data))
		separator = ","
		at += len(t.Data)
	}
	if separator == "{" {
		text.WriteString("{")
	}
	text.WriteString("}")
	for text.Len()%lengthBytes != 0 {
		text.WriteByte(' ') // the format aligns the data
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(text.Len()))
	out = append(out, text.String()...)
	for _, t := range f.Tensors {
		out = append(out, t.Data...)
	}
	if _, err := Decode(out); err != nil {
		return nil, fmt.Errorf("encode weights: %w", err)
	}
	return out, nil
}

// jsonText is the JSON of a string or a shape.
func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic("safetensors: a string has no JSON: " + err.Error())
	}
	return string(text)
}
