package link

import "strconv"

// Kind tells what the payload of a frame is. The numbers from 1 up to KindMax are the
// application's to give; 0 is the links' own.
type Kind uint32

// KindMax is the greatest kind.
const KindMax Kind = 1<<16 - 1

// ReasonBytesMax is the longest reason that is sent with a refusal; longer ones are
// cut.
const ReasonBytesMax = 256

// Status is the outcome of a request.
type Status uint32

// The outcomes. StatusOK is never part of a [RefusedError].
const (
	StatusOK       Status = 0
	StatusUnknown  Status = 1 // nobody there handles this kind
	StatusTooLarge Status = 2 // the payload is larger than the peer allows for its kind
	StatusRefused  Status = 3 // the handler refused, for the reason given
	StatusFailed   Status = 4 // the handler's answer is larger than a reply may be
)

// String returns the status in words.
func (s Status) String() string {
	switch s {
	case StatusOK:
		return "ok"
	case StatusUnknown:
		return "unknown kind"
	case StatusTooLarge:
		return "payload too large"
	case StatusRefused:
		return "refused by the handler"
	case StatusFailed:
		return "handler failed"
	}
	return "status " + strconv.FormatUint(uint64(s), 10)
}
