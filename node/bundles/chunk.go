package bundles

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"ganglion/inference"
	"ganglion/proto/wirepb"
)

// The sizes of the exchange, in bytes.
const (
	// ChunkBytes is how much of a file a reply has, unless the file ends before.
	ChunkBytes = 60 << 10
	// RequestBytesMax is the largest request that is read.
	RequestBytesMax = 128
	// ReplyBytesMax is the largest reply that is sent or read.
	ReplyBytesMax = ChunkBytes + 64
)

// Errors of the exchange, for errors.Is.
var (
	ErrMalformed = errors.New("malformed message")          // the peer does not speak this protocol
	ErrUnknown   = errors.New("no such bundle here")        // ask another peer
	ErrBeyond    = errors.New("no such part of the bundle") // the bundle is not as long
)

// encodeRequest asks for the chunk of a bundle from an offset on.
func encodeRequest(id inference.BundleID, offset int) ([]byte, error) {
	return proto.Marshal(&wirepb.ChunkRequest{Bundle: id[:], Offset: uint64(offset)})
}

// decodeRequest reads what a peer asks for.
func decodeRequest(request []byte) (id inference.BundleID, offset int, err error) {
	if len(request) > RequestBytesMax {
		return id, 0, fmt.Errorf("read request for a chunk: %w: %d bytes", ErrMalformed, len(request))
	}
	var m wirepb.ChunkRequest
	if err := proto.Unmarshal(request, &m); err != nil {
		return id, 0, fmt.Errorf("read request for a chunk: %w: %w", ErrMalformed, err)
	}
	if len(m.GetBundle()) != len(id) {
		return id, 0, fmt.Errorf("read request for a chunk: %w: an ID of %d bytes", ErrMalformed, len(m.GetBundle()))
	}
	if m.GetOffset() >= inference.MaxBundleBytes {
		return id, 0, fmt.Errorf("read request for a chunk: %w: offset %d", ErrBeyond, m.GetOffset())
	}
	return inference.BundleID(m.GetBundle()), int(m.GetOffset()), nil
}

// encodeChunk is the reply with the part of a file from an offset on.
func encodeChunk(file []byte, offset int) ([]byte, error) {
	if offset >= len(file) {
		return nil, fmt.Errorf("%w: it has %d bytes, asked for those from %d on", ErrBeyond, len(file), offset)
	}
	data := file[offset:min(len(file), offset+ChunkBytes)]
	return proto.Marshal(&wirepb.Chunk{Total: uint64(len(file)), Data: data})
}

// decodeChunk reads a peer's reply to a request for the part from an offset on: the
// size of the file as the peer has it, and a part that is as long as it must be. data
// may alias reply.
func decodeChunk(reply []byte, offset int) (total int, data []byte, err error) {
	if len(reply) > ReplyBytesMax {
		return 0, nil, fmt.Errorf("%w: a reply of %d bytes", ErrMalformed, len(reply))
	}
	var m wirepb.Chunk
	if err := proto.Unmarshal(reply, &m); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if m.GetTotal() > inference.MaxBundleBytes {
		return 0, nil, fmt.Errorf("%w: it claims %d bytes, more than a bundle ever has", ErrMalformed, m.GetTotal())
	}
	total = int(m.GetTotal())
	if offset >= total {
		return 0, nil, fmt.Errorf("%w: it claims %d bytes but answers for those from %d on", ErrMalformed, total, offset)
	}
	if got, want := len(m.GetData()), min(ChunkBytes, total-offset); got != want {
		return 0, nil, fmt.Errorf("%w: a chunk of %d bytes, want %d", ErrMalformed, got, want)
	}
	return total, m.GetData(), nil
}
