package chaos

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"ganglion/proto/controlpb"
)

// FrameBytesMax is the longest frame of a fault, and of an answer.
const FrameBytesMax = 256

// ErrNotAllowed says that a node takes no faults.
var ErrNotAllowed = errors.New("this node takes no faults: start it with --allow-chaos (allow_chaos: true in its file)")

// Message is the fault for the control API.
func (f Fault) Message() *controlpb.Fault {
	return &controlpb.Fault{Do: string(f.Do), ForNs: int64(f.For), DelayNs: int64(f.Delay), Loss: f.Loss}
}

// FromMessage is the fault of a message, checked.
func FromMessage(m *controlpb.Fault) (Fault, error) {
	f := Fault{Do: Do(m.GetDo()), For: time.Duration(m.GetForNs()), Delay: time.Duration(m.GetDelayNs()), Loss: m.GetLoss()}
	if err := f.Validate(); err != nil {
		return Fault{}, err
	}
	return f, nil
}

// EncodeFault is the payload of a frame that asks for a fault.
func EncodeFault(f Fault) ([]byte, error) {
	b, err := proto.Marshal(f.Message())
	if err != nil {
		return nil, fmt.Errorf("encode fault: %w", err)
	}
	return b, nil
}

// DecodeFault reads it. What is no valid fault is an error.
func DecodeFault(b []byte) (Fault, error) {
	if len(b) > FrameBytesMax {
		return Fault{}, fmt.Errorf("decode fault: %d bytes, more than %d", len(b), FrameBytesMax)
	}
	var m controlpb.Fault
	if err := proto.Unmarshal(b, &m); err != nil {
		return Fault{}, fmt.Errorf("decode fault: %w", err)
	}
	f, err := FromMessage(&m)
	if err != nil {
		return Fault{}, fmt.Errorf("decode fault: %w", err)
	}
	return f, nil
}

// EncodeTaken is the answer to a frame that asks for a fault: after what time it begins.
func EncodeTaken(begins time.Duration) ([]byte, error) {
	b, err := proto.Marshal(&controlpb.InjectResponse{BeginsInNs: int64(begins)})
	if err != nil {
		return nil, fmt.Errorf("encode answer to a fault: %w", err)
	}
	return b, nil
}

// DecodeTaken reads it.
func DecodeTaken(b []byte) (begins time.Duration, err error) {
	if len(b) > FrameBytesMax {
		return 0, fmt.Errorf("decode answer to a fault: %d bytes, more than %d", len(b), FrameBytesMax)
	}
	var m controlpb.InjectResponse
	if err := proto.Unmarshal(b, &m); err != nil {
		return 0, fmt.Errorf("decode answer to a fault: %w", err)
	}
	if d := time.Duration(m.GetBeginsInNs()); d >= 0 && d <= time.Second {
		return d, nil
	}
	return 0, fmt.Errorf("decode answer to a fault: it begins in %v", time.Duration(m.GetBeginsInNs()))
}
