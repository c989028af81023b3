package membership

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// TestPeerThatStarts: a node listens a moment before it serves, and a moment longer. Whoever
// opens a stream then must not be told, for minutes, that the versions differ; of a peer
// that goes on so, and of one that names its version, they must be.
func TestPeerThatStarts(t *testing.T) {
	refusal := fmt.Errorf("open: %w", ErrOtherVersion)
	tests := []struct {
		name string
		do   func(*faults)
		want uint64
	}{
		{"it starts", func(f *faults) {
			f.count("peer", faultVersion, refusal)
			time.Sleep(startWithin - 1) //nolint:forbidigo // virtual time
			f.count("peer", faultRecord, refusal)
		}, 0},
		{"it goes on", func(f *faults) {
			f.count("peer", faultVersion, refusal)
			time.Sleep(startWithin) //nolint:forbidigo // virtual time
			f.count("peer", faultVersion, refusal)
		}, 1},
		{"it starts twice", func(f *faults) {
			f.count("peer", faultVersion, refusal)
			f.answers("peer")
			time.Sleep(time.Minute) //nolint:forbidigo // virtual time
			f.count("peer", faultVersion, refusal)
		}, 0},
		{"it names its version", func(f *faults) { f.count("peer", faultMeta, &VersionError{Theirs: 7, Ours: Version}) }, 1},
		{"more peers than are kept", func(f *faults) {
			for i := range 3 * faultsMax {
				f.count(MemberID(fmt.Sprint(i)), faultVersion, refusal)
			}
			if len(f.mute) > faultsMax {
				f.count("too many", faultStream, errors.New("they are kept"))
			}
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFaults(slog.New(slog.DiscardHandler))
				tt.do(f)
				refused, kept := f.snapshot()
				if refused.Versions != tt.want || refused.Streams != 0 || uint64(len(kept)) != tt.want {
					t.Errorf("refused %+v, kept %v, want %d", refused, kept, tt.want)
				}
			})
		})
	}
}
