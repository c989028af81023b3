package dataset

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/sbinet/npyio/npy"
)

// What a member of an npz file may claim. Deflate cannot shrink data more than
// maxRatio times, so that a claim beyond it is a lie; and no array of pictures
// of bombBytes or more shrinks more than bombRatio times.
const (
	maxHeaderBytes = 8 << 10
	maxRank        = 8
	maxRatio       = 1032
	bombBytes      = 64 << 20
	bombRatio      = 100
)

// maxFrame is the largest number of a frame, on every architecture.
const maxFrame = math.MaxInt32

// errNoArray says that an npz file has no array of a name.
var errNoArray = errors.New("array is missing")

// array is one member of an npz file: its header was read and checked against
// the size of the member, its elements were not yet read.
type array struct {
	name   string
	dtype  string
	shape  []int
	body   io.ReadCloser
	reader *npy.Reader
	rest   *bufio.Reader
}

// openArray finds the member of the given name and reads its header.
func openArray(archive *zip.Reader, fileSize int64, name string) (*array, error) {
	var member *zip.File
	for _, f := range archive.File {
		if f.Name != name+".npy" {
			continue
		}
		if member != nil {
			return nil, fmt.Errorf("array %s is in it twice; write the file again", name)
		}
		member = f
	}
	if member == nil {
		return nil, fmt.Errorf("%w: it has no array %s; write it with numpy.savez(file, X=.., y=..)", errNoArray, name)
	}
	packed, size := member.CompressedSize64, member.UncompressedSize64
	switch {
	case packed > uint64(fileSize), size/maxRatio > packed:
		return nil, fmt.Errorf("array %s claims a size of %d bytes, which the file cannot hold; copy or download it again", name, size)
	case size > bombBytes && size/bombRatio > packed:
		return nil, fmt.Errorf("array %s would unpack to %d times its size, as no pictures do; refused, write it with numpy.savez if it is what it should be", name, size/max(packed, 1))
	}
	body, err := member.Open()
	if err != nil {
		return nil, fmt.Errorf("open array %s: %w; write the file again with numpy.savez", name, err)
	}
	a := &array{name: name, body: body, rest: bufio.NewReaderSize(body, 2*maxHeaderBytes)}
	if err := a.readHeader(size); err != nil {
		a.close()
		return nil, fmt.Errorf("array %s %w", name, err)
	}
	return a, nil
}

// close ends reading. What was wrong with the data was told where it was read.
func (a *array) close() { _ = a.body.Close() }

// readHeader reads the npy header and compares what it claims with the size of
// the member in bytes.
func (a *array) readHeader(size uint64) error {
	headerBytes, err := peekHeader(a.rest)
	if err != nil {
		return err
	}
	if a.reader, err = parseHeader(fullReader{a.rest}); err != nil {
		return err
	}
	a.dtype, a.shape = a.reader.Header.Descr.Type, a.reader.Header.Descr.Shape
	if a.reader.Header.Descr.Fortran {
		return errors.New("is in Fortran order, want C order; convert it with numpy.ascontiguousarray")
	}
	width, ok := widths[a.dtype]
	if !ok {
		return fmt.Errorf("is %.20q, want uint8 (|u1), float32 (<f4) or little-endian integers; convert it with astype", a.dtype)
	}
	if len(a.shape) > maxRank {
		return fmt.Errorf("has %d axes, want at most %d; reshape it", len(a.shape), maxRank)
	}
	claimed := uint64(width)
	for _, n := range a.shape {
		if n < 0 {
			return fmt.Errorf("has a negative length in its shape %v; write the file again", a.shape)
		}
		if n > 0 && claimed > math.MaxInt64/uint64(n) {
			return fmt.Errorf("claims the shape %v, which the file cannot hold; write the file again", a.shape)
		}
		claimed *= uint64(n)
	}
	if claimed != size-uint64(headerBytes) {
		return fmt.Errorf("claims the shape %v (%d bytes) but has %d bytes of elements; write the file again", a.shape, claimed, size-uint64(headerBytes))
	}
	return nil
}

var errHeader = errors.New("has no valid npy header; write the file again with numpy.savez")

// peekHeader checks the fixed part of an npy header (numpy.lib.format, versions
// 1.0 and 2.0) and returns the header's length, without consuming it.
func peekHeader(r *bufio.Reader) (int, error) {
	fixed, err := r.Peek(12)
	if err != nil || !bytes.HasPrefix(fixed, npy.Magic[:]) {
		return 0, errHeader
	}
	var length uint32
	switch fixed[6] {
	case 1:
		length = 10 + uint32(binary.LittleEndian.Uint16(fixed[8:]))
	case 2:
		text := binary.LittleEndian.Uint32(fixed[8:])
		length = 12 + min(text, maxHeaderBytes)
	}
	if length == 0 || length > maxHeaderBytes {
		return 0, errHeader
	}
	if _, err := r.Peek(int(length)); err != nil {
		return 0, errHeader
	}
	return int(length), nil
}

// parseHeader runs the library's parser, which panics on some malformed
// headers.
func parseHeader(r io.Reader) (reader *npy.Reader, err error) {
	defer func() {
		if recover() != nil {
			reader, err = nil, errHeader
		}
	}()
	if reader, err = npy.NewReader(r); err != nil {
		return nil, errHeader
	}
	return reader, nil
}

// fullReader fills every buffer: the library takes one Read for a whole element
// and end of file for zeros.
type fullReader struct{ r io.Reader }

func (f fullReader) Read(p []byte) (int, error) {
	n, err := io.ReadFull(f.r, p)
	if err == io.EOF && len(p) > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// finish checks that the elements were the last of the member, which also makes
// the zip reader compare the checksum.
func (a *array) finish() error {
	switch _, err := a.rest.ReadByte(); err {
	case io.EOF:
		return nil
	case nil:
		return fmt.Errorf("array %s has bytes after its last element; write the file again", a.name)
	default:
		return a.damaged(err)
	}
}

func (a *array) damaged(err error) error {
	return fmt.Errorf("array %s is damaged or cut short (%w); copy or download the file again", a.name, err)
}

// count is the number of elements.
func (a *array) count() int {
	n := 1
	for _, length := range a.shape {
		n *= length
	}
	return n
}
