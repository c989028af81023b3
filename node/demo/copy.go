package demo

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"ganglion/inference/dataset"
)

// writeSet writes a data set as a NumPy zip in the layout that package dataset reads. What
// is read back has the same samples and the same hash.
func writeSet(path string, s *dataset.Set) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write data set: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z := zip.NewWriter(f)
	samples, views := s.Len(), len(s.Views)
	for _, a := range []struct {
		name, kind string
		shape      string
		data       []byte
	}{
		{"X", "|u1", fmt.Sprintf("(%d, %d, %d, %d, %d)", samples, views, s.Channels, s.Rows, s.Cols), s.Pixels},
		{"y", "<i4", fmt.Sprintf("(%d, %d)", samples, views), codes(s.ViewLabels, len(s.Classes))},
		{"label", "<i4", fmt.Sprintf("(%d,)", samples), codes(s.Labels, len(s.Classes))},
		{"frame", "<i4", fmt.Sprintf("(%d,)", samples), codes(s.Frames, 0)},
	} {
		// Stored as it is: it is read once by every node, and removed.
		w, err := z.CreateHeader(&zip.FileHeader{Name: a.name + ".npy", Method: zip.Store})
		if err != nil {
			return fmt.Errorf("write data set: %w", err)
		}
		if err := writeArray(w, a.kind, a.shape, a.data); err != nil {
			return fmt.Errorf("write data set: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write data set: %w", err)
	}
	return nil
}

// codes are numbers as 32-bit integers, absent where they are negative.
func codes(numbers []int, absent int) []byte {
	out := make([]byte, 0, 4*len(numbers))
	for _, n := range numbers {
		if n < 0 {
			n = absent
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	return out
}

// writeArray writes an array in version 1.0 of NumPy's format: a text header, padded to 64
// bytes, and the elements in C order.
func writeArray(w io.Writer, kind, shape string, data []byte) error {
	const align, before = 64, 10 // bytes; before: magic, version and length
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", kind, shape)
	for (before+len(header)+1)%align != 0 {
		header += " "
	}
	header += "\n"
	var out bytes.Buffer
	out.WriteString("\x93NUMPY\x01\x00")
	out.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(header))))
	out.WriteString(header)
	if _, err := w.Write(out.Bytes()); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}
