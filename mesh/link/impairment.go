package link

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Bounds of an [Impairment].
const (
	// DelayMax is the longest [Impairment.Delay].
	DelayMax = 10 * time.Second
	// LossMax is the largest [Impairment.Loss].
	LossMax = 0.9
)

// Impairment is what is done to a host's traffic on purpose. The zero value does nothing.
type Impairment struct {
	// Cut has nothing sent and nothing received, to and from every peer: as with a pulled
	// cable there is silence, and no connection is reset.
	Cut bool
	// Delay is added to each round trip: half of it on the way out, half on the way in. At
	// most [DelayMax].
	Delay time.Duration
	// Loss is the share of segments, from 0 to [LossMax], that are lost in each direction.
	// TCP would send them again after a retransmission timeout, so that is how long the
	// stream stands still; what is behind waits.
	Loss float64
}

// Validate returns every fault of the impairment, joined, or nil.
func (i Impairment) Validate() error {
	var faults []error
	if i.Delay < 0 || i.Delay > DelayMax {
		faults = append(faults, fmt.Errorf("delay is %v: give 0 to %v", i.Delay, DelayMax))
	}
	if !(i.Loss >= 0 && i.Loss <= LossMax) { // not a number is neither
		faults = append(faults, fmt.Errorf("loss is %v: give 0 to %v, a share", i.Loss, LossMax))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("impair traffic: %w", err)
	}
	return nil
}

// String says what is done, for people.
func (i Impairment) String() string {
	var parts []string
	if i.Cut {
		parts = append(parts, "cut")
	}
	if i.Delay > 0 {
		parts = append(parts, "delay "+i.Delay.String())
	}
	if i.Loss > 0 {
		const percent = 100
		parts = append(parts, fmt.Sprintf("loss %.3g %%", percent*i.Loss))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// Impair replaces what is done to this host's traffic, at once and for all connections,
// those to come included; the zero value heals it. The errors are those of
// [Impairment.Validate], [ErrNotImpairable] and [ErrClosed].
func (h *Host) Impair(i Impairment) error {
	if h.meter.wire == nil {
		return fmt.Errorf("impair traffic of %s: %w", h.peer.Short(), ErrNotImpairable)
	}
	if err := i.Validate(); err != nil {
		return err
	}
	before, err := h.meter.wire.impair(i)
	if err != nil {
		return fmt.Errorf("impair traffic of %s: %w", h.peer.Short(), err)
	}
	if before != i {
		h.log.Warn("traffic of this node is impaired on purpose", "impairment", i.String(), "before", before.String())
	}
	return nil
}

// Impairment returns what is done to this host's traffic now.
func (h *Host) Impairment() Impairment {
	now, _ := h.ImpairmentNow()
	return now
}

// ImpairmentNow returns what is done to this host's traffic now, and a channel that is
// closed as soon as something else is. It is nil where nothing ever will be.
func (h *Host) ImpairmentNow() (now Impairment, replaced <-chan struct{}) {
	if h.meter.wire == nil {
		return Impairment{}, nil
	}
	s := h.meter.wire.get()
	return s.Impairment, s.replaced
}
