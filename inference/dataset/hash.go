package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// hashVersion starts the canonical encoding, so that no other encoding of ours
// can ever have the same hash.
const hashVersion = "ganglion data set 1\n"

// contentHash is SHA-256 over the canonical encoding that doc.go defines.
func (s *Set) contentHash() [sha256.Size]byte {
	h := sha256.New()
	h.Write([]byte(hashVersion))
	hashInts(h, []int{s.Len(), len(s.Views), s.Channels, s.Rows, s.Cols, len(s.Classes)})
	h.Write(s.Pixels)
	hashInts(h, s.ViewLabels)
	hashInts(h, s.Labels)
	hashInts(h, s.Frames)
	return [sha256.Size]byte(h.Sum(nil))
}

// hashInts writes values as 32-bit little-endian two's complement; check has
// bounded them to that range.
func hashInts(h hash.Hash, values []int) {
	const chunk = 1024
	buf := make([]byte, 0, 4*chunk)
	for len(values) > 0 {
		n := min(chunk, len(values))
		buf = buf[:0]
		for _, v := range values[:n] {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(int32(v)))
		}
		h.Write(buf)
		values = values[n:]
	}
}
